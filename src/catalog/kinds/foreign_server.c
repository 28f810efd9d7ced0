/* Foreign servers: what a foreign-data wrapper connects to. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_server = {
    .desc = "SERVER",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_FOREIGN,
};

enum { OID, NAME, OWNER, TYPE, VERSION, WRAPPER, OPTIONS, ACL, ACL_USUAL, COLUMNS };

static const char *const columns[] = {
    [OID] = "s.oid",
    [NAME] = "s.srvname",
    [OWNER] = COLUMN_ROLE("s.srvowner"),
    [TYPE] = "s.srvtype",
    [VERSION] = "s.srvversion",
    [WRAPPER] = "w.fdwname",
    [OPTIONS] = COLUMN_FOREIGN_OPTIONS("s.srvoptions"),
    [ACL] = "s.srvacl",
    [ACL_USUAL] = COLUMN_ACL_USUAL("S", "s.srvowner"),
};

static const char from[] = "FROM pg_catalog.pg_foreign_server s\n"
                           "LEFT JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw\n"
                           "ORDER BY s.srvname";

static bool add_privileges(struct catalog *catalog, struct catalog_object *object,
                           const struct catalog_row *row, struct error *err)
{
    struct privileges privileges = {
        .acl = row_text_or_null(row, ACL),
        .usual = row_text_or_null(row, ACL_USUAL),
        .on = "FOREIGN SERVER",
        .type = 'S',
    };

    return privileges_add(catalog, object, &privileges, err);
}

static void add_literal(struct sql *sql, const char *word, const char *value)
{
    if (value == NULL)
        return;
    sql_printf(sql, " %s ", word);
    sql_literal(sql, value);
}

static bool take_server(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_FOREIGN_SERVER, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_server, CLASS_FOREIGN_SERVER, row_oid(row, OID), NULL,
                         row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE SERVER %s", object->identity);
    add_literal(&sql, "TYPE", row_text_or_null(row, TYPE));
    add_literal(&sql, "VERSION", row_text_or_null(row, VERSION));
    sql_add(&sql, " FOREIGN DATA WRAPPER ");
    sql_name(&sql, row_text(row, WRAPPER));
    sql_clause(&sql, " OPTIONS (\n    ", row_text_or_null(row, OPTIONS), "\n)");
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->definition) && add_privileges(catalog, object, row, err);
}

static const struct catalog_query servers = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_server};

static const struct catalog_reference references[] = {
    {"srvfdw", "pg_foreign_data_wrapper", "foreign-data wrapper"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_foreign_server",
    .word = "SERVER",
    .name = "srvname",
    .owner = "srvowner",
    .references = references,
};

const struct catalog_step catalog_step_foreign_server = {
    .what = "foreign servers",
    .whole_only = true,
    .order = READ_BEFORE_RELATIONS,
    .query = &servers,
    .home = &home,
};
