/* Indexes. One that stands behind a constraint has no entry: the constraint makes it. */
#include "catalog/relation.h"

#include "catalog/columns.h"
#include "wire/stored_options.h"

#include <inttypes.h>
#include <stdlib.h>

static const struct catalog_kind kind_index = {
    .desc = "INDEX",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_INDEX,
    .detail = DETAIL_INDEX,
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
    PARENT_SCHEMA,
    PARENT_NAME,
    PARENT_OWNER,
    STATISTICS, /* "2=100,3=10": column and target */
    COLUMNS
};

static const char *const columns[] = {
    [OID] = "i.indexrelid",
    [TABLE] = "i.indrelid",
    [NAME] = "c.relname",
    [DEFINITION] = "pg_catalog.pg_get_indexdef(i.indexrelid)",
    [CLUSTERED] = "i.indisclustered",
    [REPLICA_IDENTITY] = "i.indisreplident",
    [TABLESPACE] = "coalesce(s.spcname, '')",
    [OPTIONS] = "(SELECT pg_catalog.string_agg(" OPTION_QUOTED ", ', ')\n"
                "          FROM pg_catalog.unnest(c.reloptions) o\n"
                "         WHERE " SQL_USER_STORAGE_OPTION ")",
    [PARENT] = "h.inhparent",
    [PARENT_SCHEMA] = "hn.nspname",
    [PARENT_NAME] = "hc.relname",
    [PARENT_OWNER] = "CASE WHEN hc.oid <> 0 THEN " COLUMN_ROLE("hc.relowner") " END",
    [STATISTICS] = "(SELECT pg_catalog.string_agg(a.attnum || '=' || {attstattarget}, ','\n"
                   "                                     ORDER BY a.attnum)\n"
                   "          FROM pg_catalog.pg_attribute a\n"
                   "         WHERE a.attrelid = i.indexrelid AND {attstattarget} >= 0)",
};

static const char from[] = "FROM pg_catalog.pg_index i\n"
                           "JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid\n"
                           "JOIN pg_catalog.pg_class t ON t.oid = i.indrelid\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
                           "LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace\n"
                           "LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = i.indexrelid\n"
                           "LEFT JOIN pg_catalog.pg_class hc ON hc.oid = h.inhparent\n"
                           "LEFT JOIN pg_catalog.pg_namespace hn ON hn.oid = hc.relnamespace\n"
                           "WHERE (i.indisvalid OR t.relkind = 'p') AND i.indisready\n"
                           "  AND {relation t.oid} AND " IN_ANY_USERS_SCHEMA "\n"
                           "ORDER BY i.indrelid, c.relname";

/* ---- What follows the making of an index ---- */

static void add_statistics(const struct catalog_object *index, const char *targets, struct sql *sql)
{
    while (targets != NULL && *targets != '\0') {
        char *end;
        long column = strtol(targets, &end, 10);
        long target = strtol(end + 1, &end, 10);

        sql_printf(sql, "ALTER INDEX %s ALTER COLUMN %ld SET STATISTICS %ld;\n", index->identity,
                   column, target);
        targets = *end == ',' ? end + 1 : end;
    }
}

static bool put_after(struct catalog *catalog, struct table_index *index,
                      const struct catalog_row *row, struct error *err)
{
    const char *table = index->table->object->identity;
    struct sql sql = {.err = err};

    add_statistics(index->object, row_text_or_null(row, STATISTICS), &sql);
    if (row_flag(row, CLUSTERED)) {
        sql_printf(&sql, "ALTER TABLE %s CLUSTER ON ", table);
        sql_name(&sql, index->name);
        sql_add(&sql, ";\n");
    }
    if (row_flag(row, REPLICA_IDENTITY)) {
        sql_printf(&sql, "ALTER TABLE ONLY %s REPLICA IDENTITY USING INDEX ", table);
        sql_name(&sql, index->name);
        sql_add(&sql, ";\n");
    }
    return sql_put(&sql, catalog, &index->after);
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

/* ---- Reading ---- */

/* An index that is part of another has all three of these. */
static void take_parent(struct table_index *index, struct arena *arena,
                        const struct catalog_row *row, struct error *err)
{
    index->parent_oid = index->table->detaching ? 0 : row_oid(row, PARENT);
    if (index->parent_oid == 0)
        return;
    index->parent_schema = arena_copy(arena, row_text(row, PARENT_SCHEMA), err);
    index->parent_name = arena_copy(arena, row_text(row, PARENT_NAME), err);
    index->parent_owner = arena_copy(arena, row_text(row, PARENT_OWNER), err);
}

static struct table_index *add_index(struct catalog *catalog, struct relation *table,
                                     const struct catalog_row *row, struct error *err)
{
    const struct catalog_object *owner = table->object;
    struct arena *arena = catalog_arena(catalog);
    struct catalog_object *object =
        catalog_add(catalog, &kind_index, CLASS_RELATION, row_oid(row, OID), owner->schema,
                    row_text(row, NAME), owner->owner, err);
    struct table_index *index = arena_take(arena, sizeof(*index), err);

    if (object == NULL || index == NULL)
        return NULL;
    error_clear(err); /* a copy of NULL is NULL without being a failure */
    *index = (struct table_index){
        .object = object,
        .table = table,
        .oid = object->oid,
        .name = object->name,
        .options = arena_copy(arena, row_text_or_null(row, OPTIONS), err),
        .tablespace = arena_copy(arena, row_text(row, TABLESPACE), err),
    };
    take_parent(index, arena, row, err);
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
    struct sql sql = {.err = err};

    (void)context;
    if (table == NULL)
        return true;
    index = add_index(catalog, table, row, err);
    if (index == NULL || !put_after(catalog, index, row, err) ||
        !alone_with_table(catalog, index, row, err))
        return false;
    sql_add(&sql, row_text(row, DEFINITION));
    sql_add(&sql, ";\n");
    sql_stored(&sql, catalog, index->after);
    return sql_put(&sql, catalog, &index->object->definition);
}

static const struct catalog_query indexes = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_index};

const struct catalog_step catalog_step_index = {
    .what = "indexes",
    .order = READ_OF_TABLES + 3,
    .query = &indexes,
};
