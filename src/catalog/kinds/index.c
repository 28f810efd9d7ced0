/* Indexes. One that stands behind a constraint has no entry: the constraint makes it. */
#include "catalog/relation.h"

#include "wire/stored_options.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct catalog_kind kind_index = {
    .desc = "INDEX",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_INDEX,
};

enum {
    OID,
    TABLE,
    NAME,
    DEFINITION,
    CLUSTERED,
    REPLICA_IDENTITY,
    TABLESPACE,
    OPTIONS,
    PARENT,
    STATISTICS, /* "2=100,3=10": column and target */
    COLUMNS
};

struct table_index *table_index_find(const struct catalog *catalog, uint32_t oid)
{
    const struct catalog_object *object = catalog_find(catalog, CLASS_RELATION, oid);

    if (object == NULL || (object->kind != &kind_index && object->class_oid != CLASS_CONSTRAINT))
        return NULL;
    return object->detail;
}

struct table_index *table_index_of(const struct catalog_object *object)
{
    return object->kind == &kind_index ? object->detail : NULL;
}

/* ---- What follows the making of an index ---- */

static bool append_statistics(const struct catalog_object *index, const char *targets,
                              struct buffer *sql, struct error *err)
{
    while (targets != NULL && *targets != '\0') {
        char *end;
        long column = strtol(targets, &end, 10);
        long target = strtol(end + 1, &end, 10);

        if (!buffer_printf(sql, err, "ALTER INDEX %s ALTER COLUMN %ld SET STATISTICS %ld;\n",
                           index->identity, column, target))
            return false;
        targets = *end == ',' ? end + 1 : end;
    }
    return true;
}

static bool put_after(struct catalog *catalog, struct table_index *index,
                      const struct catalog_row *row, struct error *err)
{
    const char *table = index->table->object->identity;
    struct buffer sql = {0};
    bool done = append_statistics(index->object, row_text_or_null(row, STATISTICS), &sql, err);

    if (done && row_flag(row, CLUSTERED))
        done = buffer_printf(&sql, err, "ALTER TABLE %s CLUSTER ON ", table) &&
               name_append(&sql, index->name, err) && buffer_append_string(&sql, ";\n", err);
    if (done && row_flag(row, REPLICA_IDENTITY))
        done =
            buffer_printf(&sql, err, "ALTER TABLE ONLY %s REPLICA IDENTITY USING INDEX ", table) &&
            name_append(&sql, index->name, err) && buffer_append_string(&sql, ";\n", err);
    done = done && catalog_put_text(catalog, buffer_text(&sql), &index->after, err);
    buffer_free(&sql);
    return done;
}

/* pg_restore -j makes indexes of a table side by side. Two that want more of the table once they
 * are made (CLUSTER ON, REPLICA IDENTITY) would wait for each other. */
static bool alone_with_table(struct catalog *catalog, struct table_index *index,
                             const struct catalog_row *row, struct error *err)
{
    struct relation *table = index->table;
    const struct catalog_object *other = table->locking_index;

    if (!row_flag(row, CLUSTERED) && !row_flag(row, REPLICA_IDENTITY))
        return true;
    table->locking_index = index->object;
    return other == NULL || catalog_depend(catalog, index->object, other, err);
}

static bool put_definition(struct catalog *catalog, struct catalog_object *object,
                           const struct table_index *index, const char *making, struct error *err)
{
    struct buffer sql = {0};
    const char *after;
    bool done = buffer_append_string(&sql, making, err) &&
                catalog_get_text(catalog, index->after, &after, err) &&
                buffer_append_string(&sql, after, err) &&
                catalog_put_text(catalog, buffer_text(&sql), &object->definition, err);

    buffer_free(&sql);
    return done;
}

bool table_index_become(struct catalog *catalog, struct table_index *index,
                        struct catalog_object *constraint, struct buffer *sql, struct error *err)
{
    index->object->hidden = true;
    index->object = constraint;
    constraint->detail = index;
    constraint->tablespace = index->tablespace;
    constraint->empty_drop = index->parent_oid != 0;
    return catalog_alias(catalog, CLASS_RELATION, index->oid, constraint, err) &&
           put_definition(catalog, constraint, index, buffer_text(sql), err);
}

/* ---- Reading ---- */

static struct table_index *add_index(struct catalog *catalog, struct relation *table,
                                     const struct catalog_row *row, struct error *err)
{
    const struct catalog_object *owner = table->object;
    struct catalog_object *object =
        catalog_add(catalog, &kind_index, CLASS_RELATION, row_oid(row, OID), owner->schema,
                    row_text(row, NAME), owner->owner, err);
    struct table_index *index = arena_take(catalog_arena(catalog), sizeof(*index), err);

    if (object == NULL || index == NULL)
        return NULL;
    error_clear(err);
    *index = (struct table_index){
        .object = object,
        .table = table,
        .oid = object->oid,
        .name = object->name,
        .parent_oid = table->detaching ? 0 : row_oid(row, PARENT),
        .options = arena_copy(catalog_arena(catalog), row_text_or_null(row, OPTIONS), err),
        .tablespace = arena_copy(catalog_arena(catalog), row_text(row, TABLESPACE), err),
    };
    object->detail = index;
    object->tablespace = index->tablespace;
    object->empty_drop = index->parent_oid != 0; /* it goes with the whole */
    return err->code == ERROR_NONE ? index : NULL;
}

static bool take_index(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    struct relation *table = relation_find(catalog, row_oid(row, TABLE));
    struct table_index *index;
    struct buffer sql = {0};
    bool done;

    (void)context;
    if (table == NULL)
        return true;
    index = add_index(catalog, table, row, err);
    if (index == NULL || !put_after(catalog, index, row, err) ||
        !alone_with_table(catalog, index, row, err))
        return false;
    done = buffer_printf(&sql, err, "%s;\n", row_text(row, DEFINITION)) &&
           put_definition(catalog, index->object, index, buffer_text(&sql), err);
    buffer_free(&sql);
    return done;
}

static bool read_indexes(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "SELECT i.indexrelid, i.indrelid, c.relname, "
        "       pg_catalog.pg_get_indexdef(i.indexrelid), "
        "       i.indisclustered, i.indisreplident, coalesce(s.spcname, ''), "
        "       (SELECT pg_catalog.string_agg("
        "                 pg_catalog.quote_ident(pg_catalog.split_part(o, '=', 1)) || '=' || "
        "                 pg_catalog.quote_literal("
        "                   pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)), ', ') "
        "          FROM pg_catalog.unnest(c.reloptions) o WHERE " SQL_USER_STORAGE_OPTION "), "
        "       h.inhparent, "
        "       (SELECT pg_catalog.string_agg(a.attnum || '=' || {attstattarget}, ',' "
        "                                     ORDER BY a.attnum) "
        "          FROM pg_catalog.pg_attribute a "
        "         WHERE a.attrelid = i.indexrelid AND {attstattarget} >= 0) "
        "  FROM pg_catalog.pg_index i "
        "  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid "
        "  JOIN pg_catalog.pg_class t ON t.oid = i.indrelid "
        "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "  LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace "
        "  LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = i.indexrelid "
        " WHERE (i.indisvalid OR t.relkind = 'p') AND i.indisready "
        "   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "
        " ORDER BY i.indrelid, c.relname";

    return catalog_query(catalog, query, COLUMNS, take_index, NULL, err);
}

const struct catalog_step catalog_step_index = {
    .what = "indexes",
    .order = READ_OF_TABLES + 3,
    .read = read_indexes,
};
