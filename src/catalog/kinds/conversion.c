/* Conversions between encodings. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_conversion = {
    .desc = "CONVERSION",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_CONVERSION,
};

enum { OID, SCHEMA, NAME, OWNER, DEFAULT, FOR, TO, FUNCTION, COLUMNS };

static const char *const columns[] = {
    [OID] = "c.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "c.conname",
    [OWNER] = COLUMN_ROLE("c.conowner"),
    [DEFAULT] = "c.condefault",
    [FOR] = "pg_catalog.pg_encoding_to_char(c.conforencoding)",
    [TO] = "pg_catalog.pg_encoding_to_char(c.contoencoding)",
    [FUNCTION] = COLUMN_FUNCTION("c.conproc"),
};

static const char from[] = "FROM pg_catalog.pg_conversion c\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace\n"
                           "WHERE " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, c.conname";

static bool take_conversion(struct catalog *catalog, void *context, const struct catalog_row *row,
                            struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_CONVERSION, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_conversion, CLASS_CONVERSION, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE %sCONVERSION %s FOR ", row_flag(row, DEFAULT) ? "DEFAULT " : "",
               object->identity);
    sql_literal(&sql, row_text(row, FOR));
    sql_add(&sql, " TO ");
    sql_literal(&sql, row_text(row, TO));
    sql_clause(&sql, " FROM ", row_text(row, FUNCTION), ";\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query conversions = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_conversion,
};

static const struct catalog_reference references[] = {
    {"conproc", "pg_proc", "function"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_conversion",
    .word = "CONVERSION",
    .name = "conname",
    .schema = "connamespace",
    .owner = "conowner",
    .references = references,
};

const struct catalog_step catalog_step_conversion = {
    .what = "conversions",
    .order = READ_BEFORE_RELATIONS,
    .query = &conversions,
    .home = &home,
};
