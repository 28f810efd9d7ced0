/* Extended statistics. The server gives the statement whole, but for the target. */
#include "catalog/relation.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_statistics = {
    .desc = "STATISTICS",
    .section = SECTION_POST_DATA,
    .priority = PRIORITY_STATISTICS,
};

enum { OID, SCHEMA, NAME, OWNER, DEFINITION, TARGET, RELATION, COLUMNS };

static const char *const columns[] = {
    [OID] = "s.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "s.stxname",
    [OWNER] = COLUMN_ROLE("s.stxowner"),
    [DEFINITION] = "pg_catalog.pg_get_statisticsobjdef(s.oid)",
    [TARGET] = "NULLIF(s.stxstattarget, -1)",
    [RELATION] = "s.stxrelid",
};

static const char from[] = "FROM pg_catalog.pg_statistic_ext s\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace\n"
                           "WHERE " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, s.stxname";

static bool take_statistics(struct catalog *catalog, void *context, const struct catalog_row *row,
                            struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_STATISTICS, row_oid(row, OID)) != NULL ||
        relation_find(catalog, row_oid(row, RELATION)) == NULL)
        return true; /* an extension's, or of a table that is not dumped */
    object = catalog_add(catalog, &kind_statistics, CLASS_STATISTICS, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    sql_add(&sql, row_text(row, DEFINITION));
    sql_add(&sql, ";\n");
    if (row_text_or_null(row, TARGET) != NULL)
        sql_printf(&sql, "ALTER STATISTICS %s SET STATISTICS %s;\n", object->identity,
                   row_text_or_null(row, TARGET));
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query statistics = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_statistics};

static const struct catalog_home home = {
    .catalog = "pg_statistic_ext",
    .word = "STATISTICS",
    .name = "stxname",
    .schema = "stxnamespace",
    .owner = "stxowner",
};

const struct catalog_step catalog_step_statistics = {
    .what = "statistics",
    .order = READ_OF_TABLES + 9,
    .query = &statistics,
    .home = &home,
};
