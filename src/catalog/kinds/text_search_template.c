/* Text search templates: the functions that dictionaries are made of. Only superusers make them,
 * and nobody owns them. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_template = {
    .desc = "TEXT SEARCH TEMPLATE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_TEXT_SEARCH_TEMPLATE,
    .no_owner = true,
};

enum { OID, SCHEMA, NAME, INIT, LEXIZE, COLUMNS };

static const char *const columns[] = {
    [OID] = "t.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "t.tmplname",
    [INIT] = COLUMN_FUNCTION("t.tmplinit"),
    [LEXIZE] = COLUMN_FUNCTION("t.tmpllexize"),
};

static const char from[] = "FROM pg_catalog.pg_ts_template t\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace\n"
                           "WHERE " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, t.tmplname";

static bool take_template(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_TEXT_SEARCH_TEMPLATE, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_template, CLASS_TEXT_SEARCH_TEMPLATE, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), NULL, err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE TEXT SEARCH TEMPLATE %s (\n", object->identity);
    sql_clause(&sql, "    INIT = ", row_text_or_null(row, INIT), ",\n");
    sql_clause(&sql, "    LEXIZE = ", row_text(row, LEXIZE), " );\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query templates = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_template};

static const struct catalog_reference references[] = {
    {"tmplinit", "pg_proc", "init function"},
    {"tmpllexize", "pg_proc", "function for lexemes"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_ts_template",
    .word = "TEXT SEARCH TEMPLATE",
    .name = "tmplname",
    .schema = "tmplnamespace",
    .references = references,
};

const struct catalog_step catalog_step_text_search_template = {
    .what = "text search templates",
    .order = READ_BEFORE_RELATIONS,
    .query = &templates,
    .home = &home,
};
