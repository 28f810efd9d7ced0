/* Text search dictionaries. The server keeps their options as the list that CREATE takes, with
 * quotes where they are needed. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_dictionary = {
    .desc = "TEXT SEARCH DICTIONARY",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_TEXT_SEARCH_DICTIONARY,
};

enum { OID, SCHEMA, NAME, OWNER, TEMPLATE_SCHEMA, TEMPLATE, OPTIONS, COLUMNS };

static const char *const columns[] = {
    [OID] = "d.oid",
    [SCHEMA] = "n.nspname",
    [NAME] = "d.dictname",
    [OWNER] = COLUMN_ROLE("d.dictowner"),
    [TEMPLATE_SCHEMA] = "tn.nspname",
    [TEMPLATE] = "t.tmplname",
    [OPTIONS] = "NULLIF(d.dictinitoption, '')",
};

static const char from[] = "FROM pg_catalog.pg_ts_dict d\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace\n"
                           "LEFT JOIN pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate\n"
                           "LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.tmplnamespace\n"
                           "WHERE " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, d.dictname";

static bool take_dictionary(struct catalog *catalog, void *context, const struct catalog_row *row,
                            struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};
    const char *schema;

    (void)context;
    if (catalog_find(catalog, CLASS_TEXT_SEARCH_DICTIONARY, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_dictionary, CLASS_TEXT_SEARCH_DICTIONARY, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE TEXT SEARCH DICTIONARY %s (\n    TEMPLATE = ", object->identity);
    schema = row_text(row, TEMPLATE_SCHEMA);
    sql_qualified(&sql, schema, row_text(row, TEMPLATE));
    sql_clause(&sql, ",\n    ", row_text_or_null(row, OPTIONS), "");
    sql_add(&sql, " );\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query dictionaries = {
    .columns = columns, .count = COLUMNS, .from = from, .take = take_dictionary};

static const struct catalog_reference references[] = {
    {"dicttemplate", "pg_ts_template", "template"},
    {0},
};

static const struct catalog_home home = {
    .catalog = "pg_ts_dict",
    .word = "TEXT SEARCH DICTIONARY",
    .name = "dictname",
    .schema = "dictnamespace",
    .owner = "dictowner",
    .references = references,
};

const struct catalog_step catalog_step_text_search_dictionary = {
    .what = "text search dictionaries",
    .order = READ_BEFORE_RELATIONS,
    .query = &dictionaries,
    .home = &home,
};
