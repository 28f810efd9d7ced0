/* Text search parsers: five functions under a name. Only superusers make them, and nobody owns
 * them. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_parser = {
    .desc = "TEXT SEARCH PARSER",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_TEXT_SEARCH_PARSER,
    .no_owner = true,
};

enum { OID, SCHEMA, NAME, START, GET_TOKEN, END, HEADLINE, LEXEME_TYPES, COLUMNS };

static const char *const columns[] = {
    [OID] = "p.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "p.prsname",
    [START] = COLUMN_FUNCTION("p.prsstart"),
    [GET_TOKEN] = COLUMN_FUNCTION("p.prstoken"),
    [END] = COLUMN_FUNCTION("p.prsend"),
    [HEADLINE] = COLUMN_FUNCTION("p.prsheadline"),
    [LEXEME_TYPES] = COLUMN_FUNCTION("p.prslextype"),
};

static const char from[] = "FROM pg_catalog.pg_ts_parser p\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace\n"
                           "WHERE " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, p.prsname";

static bool take_parser(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_TEXT_SEARCH_PARSER, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_parser, CLASS_TEXT_SEARCH_PARSER, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), NULL, err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE TEXT SEARCH PARSER %s (\n", object->identity);
    sql_clause(&sql, "    START = ", row_text(row, START), ",\n");
    sql_clause(&sql, "    GETTOKEN = ", row_text(row, GET_TOKEN), ",\n");
    sql_clause(&sql, "    END = ", row_text(row, END), ",\n");
    sql_clause(&sql, "    HEADLINE = ", row_text_or_null(row, HEADLINE), ",\n");
    sql_clause(&sql, "    LEXTYPES = ", row_text(row, LEXEME_TYPES), " );\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query parsers = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_parser};

static const struct catalog_reference references[] = {
    {"prsstart", "pg_proc", "start function"},
    {"prstoken", "pg_proc", "function for tokens"},
    {"prsend", "pg_proc", "end function"},
    {"prsheadline", "pg_proc", "function for headlines"},
    {"prslextype", "pg_proc", "function for types of lexemes"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_ts_parser",
    .word = "TEXT SEARCH PARSER",
    .name = "prsname",
    .schema = "prsnamespace",
    .references = references,
};

const struct catalog_step catalog_step_text_search_parser = {
    .what = "text search parsers",
    .order = READ_BEFORE_RELATIONS,
    .query = &parsers,
    .home = &home,
};
