/*
 * What the planner knows of tables, materialized views and indexes, as calls that put it back: for
 * servers from 18 on, and only where it is wanted.
 *
 * There may be more of it than of all other definitions. So it is asked for when an entry is, in
 * the same snapshot: for some relations in the order of the archive at once, and kept no longer.
 */
#include "catalog/catalog_internal.h"
#include "catalog/columns.h"
#include "catalog/relation.h"

#include <stdio.h>

#define COLUMNS_AT_ONCE 200 /* of the relations that are asked for together */

static void write_statistics(struct catalog *catalog, const struct catalog_object *object,
                             struct archive_entry *entry, struct sql *sql);

static const struct catalog_kind kind_statistics_data = {
    .desc = "STATISTICS DATA",
    .section = SECTION_DATA,
    .priority = PRIORITY_STATISTICS_DATA,
    .no_owner = true,
    .no_drop = true,
    .write = write_statistics,
};

/* Of what has no rows before all else is there. */
static const struct catalog_kind kind_statistics_data_late = {
    .desc = "STATISTICS DATA",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_STATISTICS_DATA_LATE,
    .no_owner = true,
    .no_drop = true,
    .write = write_statistics,
};

/* ---- The query ---- */

enum {
    OID,
    SCHEMA,
    RELATION,
    VERSION,
    PAGES,
    TUPLES,
    ALL_VISIBLE,
    ALL_FROZEN,
    ATTRIBUTE, /* NULL: there is nothing about columns */
    NUMBER,    /* of an index's column, whose name is not its own */
    INHERITED,
    FIRST_VALUE,
    LAST_VALUE = FIRST_VALUE + 12,
    COLUMNS
};

/* By how pg_restore_attribute_stats() calls them: columns of pg_stats, and their types. */
static const struct value {
    const char *name, *type;
} values[] = {
    {"null_frac", "real"},
    {"avg_width", "integer"},
    {"n_distinct", "real"},
    {"most_common_vals", "text"},
    {"most_common_freqs", "real[]"},
    {"histogram_bounds", "text"},
    {"correlation", "real"},
    {"most_common_elems", "text"},
    {"most_common_elem_freqs", "real[]"},
    {"elem_count_histogram", "real[]"},
    {"range_length_histogram", "text"},
    {"range_empty_frac", "real"},
    {"range_bounds_histogram", "text"},
};

_Static_assert(sizeof(values) / sizeof(values[0]) == LAST_VALUE - FIRST_VALUE + 1,
               "each value has its column");

static const char *const columns[] = {
    [OID] = "c.oid",
    [SCHEMA] = "n.nspname",
    [RELATION] = "c.relname",
    [VERSION] = "pg_catalog.current_setting('server_version_num')",
    [PAGES] = "c.relpages",
    [TUPLES] = "c.reltuples",
    [ALL_VISIBLE] = "c.relallvisible",
    [ALL_FROZEN] = "c.relallfrozen",
    [ATTRIBUTE] = "s.attname",
    [NUMBER] = "CASE WHEN c.relkind IN ('i', 'I') THEN a.attnum END",
    [INHERITED] = "s.inherited",
    [FIRST_VALUE] = "s.null_frac",
    "s.avg_width",
    "s.n_distinct",
    "s.most_common_vals",
    "s.most_common_freqs",
    "s.histogram_bounds",
    "s.correlation",
    "s.most_common_elems",
    "s.most_common_elem_freqs",
    "s.elem_count_histogram",
    "s.range_length_histogram",
    "s.range_empty_frac",
    [LAST_VALUE] = "s.range_bounds_histogram",
};

/* pg_stats shows what a role may see. It cannot be looked into from outside, but for names that are
 * compared with constants: without these the server would go through all of it. */
static const char from_begin[] = "FROM pg_catalog.unnest('{";
static const char from_oids_end[] =
    "}'::pg_catalog.oid[])\n"
    "     WITH ORDINALITY w (oid, number)\n"
    "JOIN pg_catalog.pg_class c ON c.oid = w.oid\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "LEFT JOIN pg_catalog.pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname\n"
    " AND s.tablename = ANY (ARRAY[";
static const char from_end[] =
    "]::pg_catalog.name[])\n"
    "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname\n"
    "ORDER BY w.number, s.attname, s.inherited";

/* ---- Statements ---- */

static void add_names(struct sql *sql, const struct catalog_row *row)
{
    sql_printf(sql, "\t'version', '%s'::integer,\n\t'schemaname', ", row_text(row, VERSION));
    sql_literal(sql, row_text(row, SCHEMA));
    sql_add(sql, ",\n\t'relname', ");
    sql_literal(sql, row_text(row, RELATION));
}

static void add_value(struct sql *sql, const char *name, const char *value, const char *type)
{
    if (value == NULL)
        return;
    sql_printf(sql, ",\n\t'%s', ", name);
    sql_literal(sql, value);
    sql_printf(sql, "::%s", type);
}

static void add_relation(struct sql *sql, const struct catalog_row *row)
{
    sql_add(sql, "SELECT * FROM pg_catalog.pg_restore_relation_stats(\n");
    add_names(sql, row);
    add_value(sql, "relpages", row_text(row, PAGES), "integer");
    add_value(sql, "reltuples", row_text(row, TUPLES), "real");
    add_value(sql, "relallvisible", row_text(row, ALL_VISIBLE), "integer");
    add_value(sql, "relallfrozen", row_text(row, ALL_FROZEN), "integer");
    sql_add(sql, "\n);\n");
}

static void add_attribute(struct sql *sql, const struct catalog_row *row)
{
    sql_add(sql, "SELECT * FROM pg_catalog.pg_restore_attribute_stats(\n");
    add_names(sql, row);
    if (row_text_or_null(row, NUMBER) != NULL) {
        add_value(sql, "attnum", row_text_or_null(row, NUMBER), "smallint");
    } else {
        sql_add(sql, ",\n\t'attname', ");
        sql_literal(sql, row_text(row, ATTRIBUTE));
    }
    add_value(sql, "inherited", row_text(row, INHERITED), "boolean");
    for (size_t i = FIRST_VALUE; i <= LAST_VALUE; i++)
        add_value(sql, values[i - FIRST_VALUE].name, row_text_or_null(row, i),
                  values[i - FIRST_VALUE].type);
    sql_add(sql, "\n);\n");
}

static bool take_statistics(struct catalog *catalog, void *context, const struct catalog_row *row,
                            struct error *err)
{
    struct catalog_batch *batch = context;
    uint32_t oid = row_oid(row, OID);

    (void)catalog;
    (void)err;
    if (batch->filled == 0 || batch->items[batch->filled - 1].oid != oid) {
        if (batch->filled == BATCH_MAX)
            return error_set(err, ERROR_PROTOCOL, "the server gave statistics of too much");
        batch->items[batch->filled].oid = oid;
        batch->items[batch->filled++].begin = batch->texts.text.len;
        add_relation(&batch->texts, row);
    }
    if (row_text_or_null(row, ATTRIBUTE) != NULL)
        add_attribute(&batch->texts, row);
    batch->items[batch->filled - 1].end = batch->texts.text.len;
    return !batch->texts.failed;
}

/* ---- Some at once ---- */

static bool is_statistics(const struct catalog_slot *slot)
{
    return slot->extra == NULL && slot->object->kind->write == write_statistics;
}

static size_t slot_of(const struct catalog *catalog, const struct catalog_object *object,
                      size_t near)
{
    size_t slot = near < catalog->slot_count ? near : 0;

    while (catalog->slots[slot].object != object || catalog->slots[slot].extra != NULL)
        slot = slot + 1 == catalog->slot_count ? 0 : slot + 1;
    return slot;
}

static void add_from(const struct catalog *catalog, size_t first, size_t end, struct sql *sql)
{
    const char *between = "";

    sql_add(sql, from_begin);
    for (size_t i = first; i < end; i++) {
        if (is_statistics(&catalog->slots[i])) {
            sql_printf(sql, "%s%u", between, catalog->slots[i].object->oid);
            between = ",";
        }
    }
    sql_add(sql, from_oids_end);
    between = "";
    for (size_t i = first; i < end; i++) {
        if (is_statistics(&catalog->slots[i])) {
            sql_add(sql, between);
            sql_literal(sql, catalog->slots[i].object->name);
            between = ", ";
        }
    }
    sql_add(sql, from_end);
}

/* How far it may go at once: the end of the slots. */
static size_t end_of_batch(const struct catalog *catalog, size_t first)
{
    size_t end = first, relations = 0, width = 0;

    while (end < catalog->slot_count && relations < BATCH_MAX && width < COLUMNS_AT_ONCE) {
        const struct catalog_slot *slot = &catalog->slots[end++];

        if (!is_statistics(slot))
            continue;
        relations++;
        width += *(const size_t *)slot->object->detail;
    }
    return end;
}

static bool fetch(struct catalog *catalog, const struct catalog_object *object, struct error *err)
{
    struct catalog_batch *batch = &catalog->batch;
    struct sql text = {.err = err};
    bool done;

    batch->slot = slot_of(catalog, object, batch->slot);
    batch->filled = 0;
    sql_begin_again(&batch->texts, ARCHIVE_TEXT_KEPT, err);
    for (size_t i = 0; i < COLUMNS; i++)
        sql_printf(&text, "%s%s", i == 0 ? "SELECT " : ",\n       ", columns[i]);
    sql_add(&text, "\n");
    add_from(catalog, batch->slot, end_of_batch(catalog, batch->slot), &text);
    done = !text.failed &&
           catalog_ask_text(catalog, sql_text(&text), COLUMNS, take_statistics, batch, err);
    return sql_end(&text) && done;
}

static bool add_from_batch(const struct catalog_batch *batch, uint32_t oid, struct sql *sql)
{
    for (size_t i = 0; i < batch->filled; i++) {
        if (batch->items[i].oid == oid) {
            sql_add_bytes(sql, sql_text(&batch->texts) + batch->items[i].begin,
                          batch->items[i].end - batch->items[i].begin);
            return true;
        }
    }
    return false;
}

static void write_statistics(struct catalog *catalog, const struct catalog_object *object,
                             struct archive_entry *entry, struct sql *sql)
{
    entry->object_oid = 0;
    if (add_from_batch(&catalog->batch, object->oid, sql))
        return;
    if (!fetch(catalog, object, sql->err)) {
        error_prefix(sql->err, "cannot read statistics");
        sql_fail(sql);
    } else if (!add_from_batch(&catalog->batch, object->oid, sql)) {
        error_set(sql->err, ERROR_PROTOCOL, "the server gave no statistics of it");
        sql_fail(sql);
    }
}

/* ---- Objects ---- */

/* width: about how many columns there are statistics of. */
static bool add(struct catalog *catalog, const struct catalog_kind *kind,
                const struct catalog_object *of, const char *name, uint32_t oid, size_t width,
                struct error *err)
{
    size_t *kept = arena_take(catalog_arena(catalog), sizeof(*kept), err);
    struct catalog_object *object =
        kept == NULL ? NULL : catalog_add(catalog, kind, 0, 0, of->schema, name, NULL, err);

    if (object == NULL)
        return false;
    *kept = width + 1;
    object->detail = kept;
    object->oid = oid; /* of no catalog: it stands for nothing in pg_depend */
    return catalog_depend(catalog, object, of, err);
}

/* A materialized view that is filled has statistics once it is refreshed; they would be gone else.
 */
static bool depend_on_rows(struct catalog *catalog, const struct relation *relation,
                           struct error *err)
{
    const struct catalog_object *object =
        catalog_object_at(catalog, catalog_object_count(catalog) - 1);

    return relation->relkind != 'm' || relation->data == NULL ||
           catalog_depend(catalog, object, relation->data, err);
}

static bool add_of_object(struct catalog *catalog, const struct catalog_object *object,
                          struct error *err)
{
    const struct relation *relation = relation_of(object);
    const struct table_index *index = table_index_of(object);

    if (index != NULL)
        return index->object->hidden || (add(catalog, &kind_statistics_data_late, index->object,
                                             index->name, index->oid, 1, err) &&
                                         depend_on_rows(catalog, index->table, err));
    if (relation == NULL || object->hidden || strchr("rpfm", relation->relkind) == NULL)
        return true;
    return add(catalog,
               relation->relkind == 'm' ? &kind_statistics_data_late : &kind_statistics_data,
               object, object->name, object->oid, relation->column_count, err) &&
           depend_on_rows(catalog, relation, err);
}

/* ---- What the role may not see ---- */

/* pg_stats shows nothing of columns that the role may not read, or not all rows of, and nobody but
 * a superuser learns whether there is something. An index has privileges of its own, which nobody
 * grants; its own are only the columns of expressions. */
enum { HIDDEN_OID, HIDDEN_NAME, HIDDEN_COLUMNS };

static const char *const hidden_columns[] = {
    [HIDDEN_OID] = "c.oid",
    [HIDDEN_NAME] = "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)",
};

static const char hidden_from[] =
    "FROM pg_catalog.pg_class c\n"
    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid\n"
    "JOIN pg_catalog.pg_class t ON t.oid = coalesce(i.indrelid, c.oid)\n"
    "WHERE c.relkind IN ('r', 'p', 'f', 'm', 'i', 'I') AND t.reltuples > 0\n"
    "  AND (i.indexrelid IS NULL OR i.indexprs IS NOT NULL)\n"
    "  AND ((c.relrowsecurity AND pg_catalog.row_security_active(c.oid)) OR EXISTS\n"
    "       (SELECT FROM pg_catalog.pg_attribute a\n"
    "         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped\n"
    "           AND NOT pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')))\n"
    "  AND " IN_ANY_USERS_SCHEMA " AND {relation t.oid}\n"
    "ORDER BY n.nspname, c.relname";

struct hidden {
    size_t count;
    char first[400];
};

static bool take_hidden(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    const struct catalog_object *object =
        catalog_find(catalog, CLASS_RELATION, row_oid(row, HIDDEN_OID));
    struct hidden *hidden = context;

    (void)err;
    if (object == NULL || object->hidden || object->class_oid == CLASS_EXTENSION)
        return true;
    if (hidden->count++ == 0)
        snprintf(hidden->first, sizeof(hidden->first), "%s", row_text(row, HIDDEN_NAME));
    return true;
}

static bool tell_hidden(struct catalog *catalog, struct error *err)
{
    static const struct catalog_query query = {.columns = hidden_columns,
                                               .count = HIDDEN_COLUMNS,
                                               .from = hidden_from,
                                               .take = take_hidden};
    struct hidden hidden = {0};

    return catalog_ask(catalog, &query, &hidden, err) &&
           (hidden.count == 0 ||
            catalog_leave_out(catalog, err,
                              "statistics of columns that the role may not read are left out, of "
                              "%zu relations, the first is %s: GRANT pg_read_all_data TO …; "
                              "or ALTER ROLE … BYPASSRLS; where policies hide rows",
                              hidden.count, hidden.first));
}

/* ---- All of it ---- */

static bool read_statistics(struct catalog *catalog, struct error *err)
{
    size_t count = catalog_object_count(catalog);

    if (!catalog_options(catalog)->statistics)
        return true;
    if (catalog_server_major(catalog) < 18) {
        error_set(err, ERROR_UNSUPPORTED,
                  OPTION_STATISTICS " is for servers from 18 on: before that nothing puts "
                                    "statistics back, and this one is a %d",
                  catalog_server_major(catalog));
        return error_hint(err, "ANALYZE makes them anew once the backup is restored.");
    }
    for (size_t i = 0; i < count; i++) {
        if (!add_of_object(catalog, catalog_object_at(catalog, i), err))
            return false;
    }
    return tell_hidden(catalog, err);
}

const struct catalog_step catalog_step_statistics_data = {
    .what = "statistics",
    .order = READ_DATA + 1,
    .read = read_statistics,
};
