/* Collations. What a provider goes by has moved between columns from version to version, and
 * CREATE COLLATION takes it all; the version of its library's data is left out, so that it becomes
 * that of the server which the archive is restored into. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_collation = {
    .desc = "COLLATION",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_COLLATION,
};

enum {
    OID,
    SCHEMA,
    NAME,
    OWNER,
    PROVIDER,
    DETERMINISTIC,
    LOCALE, /* of ICU and of the server's own */
    COLLATE,
    CTYPE,
    RULES,
    COLUMNS
};

static const struct version_difference differences[] = {
    {"colllocale", 0, "CASE WHEN c.collprovider = 'i' THEN c.collcollate END"},
    {"colllocale", 15, "c.colliculocale"},
    {"colllocale", 17, "c.colllocale"},
    {"collicurules", 0, "NULL"},
    {"collicurules", 16, "c.collicurules"},
    {0},
};

static const char provider[] = "CASE c.collprovider WHEN 'b' THEN 'builtin' WHEN 'c' THEN 'libc'\n"
                               "            WHEN 'i' THEN 'icu' END";

static const char *const columns[] = {
    [OID] = "c.oid",           [SCHEMA] = "n.nspname",
    [NAME] = "c.collname",     [OWNER] = COLUMN_ROLE("c.collowner"),
    [PROVIDER] = provider,     [DETERMINISTIC] = "c.collisdeterministic",
    [LOCALE] = "{colllocale}", [COLLATE] = "c.collcollate",
    [CTYPE] = "c.collctype",   [RULES] = "{collicurules}",
};

static const char from[] = "FROM pg_catalog.pg_collation c\n"
                           "JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace\n"
                           "WHERE " IN_USERS_SCHEMA "\n"
                           "ORDER BY n.nspname, c.collname, c.oid";

static void add_option(struct sql *sql, const char *name, const char *value)
{
    sql_printf(sql, ", %s = ", name);
    sql_literal(sql, value);
}

static void add_locale(struct sql *sql, const struct catalog_row *row)
{
    if (strcmp(row_text(row, PROVIDER), "libc") != 0)
        add_option(sql, "locale", row_text(row, LOCALE));
    else if (strcmp(row_text(row, COLLATE), row_text(row, CTYPE)) == 0)
        add_option(sql, "locale", row_text(row, COLLATE));
    else {
        add_option(sql, "lc_collate", row_text(row, COLLATE));
        add_option(sql, "lc_ctype", row_text(row, CTYPE));
    }
    if (row_text_or_null(row, RULES) != NULL)
        add_option(sql, "rules", row_text_or_null(row, RULES));
}

static bool take_collation(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    struct catalog_object *object;
    struct sql sql = {.err = err};

    (void)context;
    if (catalog_find(catalog, CLASS_COLLATION, row_oid(row, OID)) != NULL)
        return true; /* an extension's */
    object = catalog_add(catalog, &kind_collation, CLASS_COLLATION, row_oid(row, OID),
                         row_text(row, SCHEMA), row_text(row, NAME), row_text(row, OWNER), err);
    if (object == NULL)
        return false;
    sql_printf(&sql, "CREATE COLLATION %s (provider = %s", object->identity,
               row_text(row, PROVIDER));
    if (!row_flag(row, DETERMINISTIC))
        sql_add(&sql, ", deterministic = false");
    add_locale(&sql, row);
    sql_add(&sql, ");\n");
    return sql_put(&sql, catalog, &object->definition);
}

static const struct catalog_query collations = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_collation,
    .differences = differences,
};

static const struct catalog_home home = {
    .catalog = "pg_collation",
    .word = "COLLATION",
    .name = "collname",
    .schema = "collnamespace",
    .owner = "collowner",
};

const struct catalog_step catalog_step_collation = {
    .what = "collations",
    .order = READ_BEFORE_RELATIONS,
    .query = &collations,
    .home = &home,
};
