/* Access methods, of indexes and of tables. They have no owner and no schema. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_access_method = {
    .desc = "ACCESS METHOD",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_ACCESS_METHOD,
    .no_owner = true,
    .may_postpone = true,
};

enum { OID, NAME, TYPE, HANDLER, COLUMNS };

static const char *const columns[] = {
    [OID] = "a.oid",
    [NAME] = "a.amname",
    [TYPE] = "CASE a.amtype WHEN 'i' THEN 'INDEX' WHEN 't' THEN 'TABLE' END",
    [HANDLER] = COLUMN_FUNCTION("a.amhandler"),
};

static const char from[] = "FROM pg_catalog.pg_am a\n"
                           "WHERE a.oid >= " FIRST_OF_USERS "\n"
                           "ORDER BY a.amname";

static bool take_access_method(struct catalog *catalog, void *context,
                               const struct catalog_row *row, struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_ACCESS_METHOD, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_access_method, CLASS_ACCESS_METHOD, row_oid(row, OID), NULL,
                         row_text(row, NAME), NULL, err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE ACCESS METHOD %s TYPE %s HANDLER ", object->identity,
               row_text(row, TYPE));
    sql_clause(&sql, "", row_text(row, HANDLER), ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query access_methods = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_access_method,
};

static const struct catalog_reference references[] = {
    {"amhandler", "pg_proc", "handler"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_am",
    .word = "ACCESS METHOD",
    .name = "amname",
    .references = references,
};

const struct catalog_step catalog_step_access_method = {
    .what = "access methods",
    .whole_only = true,
    .order = READ_BEFORE_RELATIONS,
    .query = &access_methods,
    .home = &home,
};
