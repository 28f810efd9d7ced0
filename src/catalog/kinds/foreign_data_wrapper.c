/* Foreign-data wrappers. One without a handler serves nothing, but may have servers and tables. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_wrapper = {
    .desc = "FOREIGN DATA WRAPPER",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_FOREIGN,
};

enum { OID, NAME, OWNER, HANDLER, VALIDATOR, OPTIONS, ACL, ACL_USUAL, COLUMNS };

static const char *const columns[] = {
    [OID] = "w.oid",
    [NAME] = "w.fdwname",
    [OWNER] = COLUMN_ROLE("w.fdwowner"),
    [HANDLER] = COLUMN_FUNCTION("w.fdwhandler"),
    [VALIDATOR] = COLUMN_FUNCTION("w.fdwvalidator"),
    [OPTIONS] = COLUMN_FOREIGN_OPTIONS("w.fdwoptions"),
    [ACL] = "w.fdwacl",
    [ACL_USUAL] = COLUMN_ACL_USUAL("F", "w.fdwowner"),
};

static const char from[] = "FROM pg_catalog.pg_foreign_data_wrapper w\n"
                           "ORDER BY w.fdwname";

static bool add_privileges(struct catalog *catalog, struct catalog_object *object,
                           const struct catalog_row *row, struct error *err)
{
    struct privileges privileges = {
        .acl = row_text_or_null(row, ACL),
        .usual = row_text_or_null(row, ACL_USUAL),
        .on = "FOREIGN DATA WRAPPER",
        .type = 'F',
    };

    return privileges_add(catalog, object, &privileges, err);
}

static bool take_wrapper(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_FOREIGN_DATA_WRAPPER, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_wrapper, CLASS_FOREIGN_DATA_WRAPPER, row_oid(row, OID),
                         NULL, row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE FOREIGN DATA WRAPPER %s", object->identity);
    sql_clause(&sql, " HANDLER ", row_text_or_null(row, HANDLER), "");
    sql_clause(&sql, " VALIDATOR ", row_text_or_null(row, VALIDATOR), "");
    sql_clause(&sql, " OPTIONS (\n    ", row_text_or_null(row, OPTIONS), "\n)");
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->definition) && add_privileges(catalog, object, row, err);
}

static const struct catalog_query wrappers = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_wrapper};

static const struct catalog_reference references[] = {
    {"fdwhandler", "pg_proc", "handler"},
    {"fdwvalidator", "pg_proc", "validator"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_foreign_data_wrapper",
    .word = "FOREIGN DATA WRAPPER",
    .name = "fdwname",
    .owner = "fdwowner",
    .references = references,
};

const struct catalog_step catalog_step_foreign_data_wrapper = {
    .what = "foreign-data wrappers",
    .whole_only = true,
    .order = READ_BEFORE_RELATIONS,
    .query = &wrappers,
    .home = &home,
};
