/*
 * What the archive of a part of a database needs and does not hold: a table's schema or type, the
 * table that a view reads. pg_dump says nothing of it, and restoring such an archive fails unless
 * it is there; so it is named.
 */
#include "catalog/needs.h"

#include "base/array.h"
#include "catalog/catalog_internal.h"
#include "catalog/columns.h"

#include <inttypes.h>
#include <stdlib.h>

#define NAMED_MAX 20 /* in the warning */
#define ASKED_MAX 20000

static bool is_limited(const struct selection *selection)
{
    return selection->some || selection->schemas_limited || selection->relations_limited ||
           selection->not_extensions.count > 0;
}

static bool is_kept(const struct catalog *catalog, const struct catalog_object *object)
{
    const struct catalog_object *host = object->host != NULL ? object->host : object;

    return object->class_oid != CLASS_EXTENSION && catalog_is_wanted(catalog, object) &&
           catalog_is_wanted(catalog, host);
}

bool needs_note(struct catalog *catalog, const struct catalog_object *object,
                const struct catalog_object *needed, uint32_t class_oid, uint32_t oid,
                struct error *err)
{
    struct catalog_need *last =
        catalog->need_count == 0 ? NULL : &catalog->needs[catalog->need_count - 1];

    if (needed != NULL && needed->left_out) {
        class_oid = needed->class_oid;
        oid = needed->oid;
    } else if (needed != NULL) {
        return true;
    }
    if (oid < FIRST_OF_USERS_OID || catalog->options.data_only ||
        !is_limited(&catalog->selection) || !is_kept(catalog, object) ||
        (last != NULL && last->class_oid == class_oid && last->oid == oid))
        return true;
    if (catalog->needs == NULL || catalog->need_count == catalog->need_capacity) {
        struct catalog_need *grown =
            array_grow(catalog->needs, &catalog->need_capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        catalog->needs = grown;
    }
    catalog->needs[catalog->need_count++] = (struct catalog_need){class_oid, oid};
    return true;
}

/* ---- Their names ---- */

/* An index and a constraint come with their table, a row's type too, an array's with its elements'.
 */
static const char names_begin[] = "WITH n (class, oid) AS (VALUES ";
static const char names_end[] =
    "), part (class, oid, whole) AS (\n"
    "  SELECT 2606::pg_catalog.oid, k.oid, k.conrelid\n"
    "    FROM pg_catalog.pg_constraint k WHERE k.conrelid <> 0\n"
    "  UNION ALL\n"
    "  SELECT 1259, i.indexrelid, i.indrelid FROM pg_catalog.pg_index i\n"
    "  UNION ALL\n"
    "  SELECT 1247, t.oid, c.oid FROM pg_catalog.pg_class c\n"
    "    JOIN pg_catalog.pg_type r ON r.oid = c.reltype\n"
    "    JOIN pg_catalog.pg_type t ON t.oid IN (r.oid, r.typarray)\n"
    "   WHERE c.relkind <> 'c'),\n"
    "element (oid, of) AS (\n"
    "  SELECT e.typarray, e.oid FROM pg_catalog.pg_type e WHERE e.typarray <> 0)\n"
    "SELECT DISTINCT pg_catalog.pg_describe_object(\n"
    "         CASE WHEN p.whole IS NULL THEN n.class ELSE 1259 END,\n"
    "         coalesce(p.whole, e.of, n.oid), 0)\n"
    "  FROM n\n"
    "  LEFT JOIN part p ON p.class = n.class AND p.oid = n.oid\n"
    "  LEFT JOIN element e ON n.class = 1247 AND e.oid = n.oid\n"
    " ORDER BY 1";

struct naming {
    struct sql list;
    size_t count;
};

static bool take_name(struct catalog *catalog, void *context, const struct catalog_row *row,
                      struct error *err)
{
    struct naming *naming = context;
    const char *name = row_text_or_null(row, 0);

    (void)catalog;
    (void)err;
    if (name == NULL) /* gone by now */
        return true;
    if (naming->count++ < NAMED_MAX) {
        sql_add(&naming->list, naming->count == 1 ? "" : ", ");
        sql_add(&naming->list, name);
    }
    return !naming->list.failed;
}

static int compare_needs(const void *a, const void *b)
{
    const struct catalog_need *first = a, *second = b;

    if (first->class_oid != second->class_oid)
        return first->class_oid < second->class_oid ? -1 : 1;
    return (first->oid > second->oid) - (first->oid < second->oid);
}

static void add_values(const struct catalog *catalog, struct sql *sql)
{
    const struct catalog_need *last = NULL;

    for (size_t i = 0, asked = 0; i < catalog->need_count && asked < ASKED_MAX; i++) {
        const struct catalog_need *need = &catalog->needs[i];

        if (last != NULL && compare_needs(last, need) == 0)
            continue;
        sql_printf(sql, "%s(%" PRIu32 "::pg_catalog.oid, %" PRIu32 "::pg_catalog.oid)",
                   last == NULL ? "" : ", ", need->class_oid, need->oid);
        last = need;
        asked++;
    }
}

static bool tell(struct catalog *catalog, const struct naming *naming, struct error *err)
{
    if (naming->count == 0)
        return true;
    if (naming->count > NAMED_MAX)
        return catalog_leave_out(catalog, err,
                                 "what is backed up needs what is not: %s, and %zu more; the "
                                 "archive restores where they are",
                                 sql_text(&naming->list), naming->count - NAMED_MAX);
    return catalog_leave_out(catalog, err,
                             "what is backed up needs what is not: %s; the archive restores where "
                             "%s",
                             sql_text(&naming->list), naming->count == 1 ? "it is" : "they are");
}

bool needs_tell(struct catalog *catalog, struct error *err)
{
    struct sql sql = {.err = err};
    struct naming naming = {.list = {.err = err}};
    bool done;

    if (catalog->need_count == 0)
        return true;
    qsort(catalog->needs, catalog->need_count, sizeof(*catalog->needs), compare_needs);
    sql_add(&sql, names_begin);
    add_values(catalog, &sql);
    sql_add(&sql, names_end);
    done = !sql.failed && catalog_ask_text(catalog, sql_text(&sql), 1, take_name, &naming, err) &&
           tell(catalog, &naming, err);
    sql_end(&sql);
    return sql_end(&naming.list) && done;
}
