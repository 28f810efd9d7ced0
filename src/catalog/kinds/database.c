/* What an archive begins with: how its strings are to be read, and the database itself. */
#include "catalog/kind.h"

#include "catalog/columns.h"

static const struct catalog_kind kind_encoding = {
    .desc = "ENCODING",
    .content = CONTENT_ALWAYS,
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_ENCODING,
    .no_owner = true,
    .no_drop = true,
};

static const struct catalog_kind kind_std_strings = {
    .desc = "STDSTRINGS",
    .content = CONTENT_ALWAYS,
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_STD_STRINGS,
    .no_owner = true,
    .no_drop = true,
};

static const struct catalog_kind kind_search_path = {
    .desc = "SEARCHPATH",
    .content = CONTENT_ALWAYS,
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_SEARCH_PATH,
    .no_owner = true,
    .no_drop = true,
};

static const struct catalog_kind kind_database = {
    .desc = "DATABASE",
    .content = CONTENT_ALWAYS,
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_DATABASE,
};

static const struct catalog_kind kind_database_properties = {
    .desc = "DATABASE PROPERTIES",
    .content = CONTENT_ALWAYS,
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_DATABASE_PROPERTIES,
};

static bool add_fixed(struct catalog *catalog, const struct catalog_kind *kind, const char *name,
                      const char *definition, struct error *err)
{
    struct catalog_object *object = catalog_add(catalog, kind, 0, 0, NULL, name, NULL, err);

    return object != NULL && catalog_put_text(catalog, definition, &object->definition, err);
}

static bool add_encoding(struct catalog *catalog, struct error *err)
{
    struct sql sql = {.err = err};
    bool done;

    sql_add(&sql, "SET client_encoding = ");
    sql_literal(&sql, catalog_encoding(catalog));
    sql_add(&sql, ";\n");
    done = !sql.failed && add_fixed(catalog, &kind_encoding, "ENCODING", sql_text(&sql), err);
    return sql_end(&sql) && done;
}

static bool add_all_fixed(struct catalog *catalog, struct error *err)
{
    return add_encoding(catalog, err) &&
           add_fixed(catalog, &kind_std_strings, "STDSTRINGS",
                     "SET standard_conforming_strings = 'on';\n", err) &&
           add_fixed(catalog, &kind_search_path, "SEARCHPATH",
                     "SELECT pg_catalog.set_config('search_path', '', false);\n", err);
}

/* ---- The database itself ---- */

enum { OID, NAME, OWNER, OPTIONS, LIMIT, IS_TEMPLATE, COMMENT, ACL, ACL_USUAL, COLUMNS };

static const struct version_difference differences[] = {
    {"datlocprovider", 0, "NULL"},
    {"datlocprovider", 15,
     "CASE d.datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END"},
    {"datlocale", 0, "NULL"},
    {"datlocale", 15, "' ICU_LOCALE = ' || pg_catalog.quote_literal(d.daticulocale)"},
    {"datlocale", 17,
     "CASE d.datlocprovider WHEN 'b' THEN ' BUILTIN_LOCALE = ' ELSE ' ICU_LOCALE = ' END || "
     "pg_catalog.quote_literal(d.datlocale)"},
    {"daticurules", 0, "NULL"},
    {"daticurules", 16, "' ICU_RULES = ' || pg_catalog.quote_literal(d.daticurules)"},
    {0},
};

static const char options[] =
    "pg_catalog.concat(\n"
    "         ' ENCODING = ',\n"
    "         pg_catalog.quote_literal(pg_catalog.pg_encoding_to_char(d.encoding)),\n"
    "         ' LOCALE_PROVIDER = ' || {datlocprovider},\n"
    "         CASE WHEN d.datcollate = d.datctype\n"
    "              THEN ' LOCALE = ' || pg_catalog.quote_literal(d.datcollate)\n"
    "              ELSE ' LC_COLLATE = ' || pg_catalog.quote_literal(d.datcollate) ||\n"
    "                   ' LC_CTYPE = ' || pg_catalog.quote_literal(d.datctype) END,\n"
    "         {datlocale}, {daticurules},\n"
    "         ' TABLESPACE = ' || CASE WHEN s.spcname <> 'pg_default'\n"
    "                             THEN pg_catalog.quote_ident(s.spcname) END)";

static const char *const columns[] = {
    [OID] = "d.oid",
    [NAME] = "d.datname",
    [OWNER] = COLUMN_ROLE("d.datdba"),
    [OPTIONS] = options,
    [LIMIT] = "NULLIF(d.datconnlimit, -1)",
    [IS_TEMPLATE] = "d.datistemplate",
    [COMMENT] = "pg_catalog.shobj_description(d.oid, 'pg_database')",
    [ACL] = "d.datacl",
    [ACL_USUAL] = COLUMN_ACL_USUAL("d", "d.datdba"),
};

static const char from[] = "FROM pg_catalog.pg_database d\n"
                           "JOIN pg_catalog.pg_tablespace s ON s.oid = d.dattablespace\n"
                           "WHERE d.datname = pg_catalog.current_database()";

/* CREATE DATABASE can only stand alone: what else is set has an entry of its own. */
struct properties {
    const struct catalog_object *database;
    struct sql sql;
    bool is_template;
};

static void add_limits(struct properties *properties, const char *limit)
{
    const char *identity = properties->database->identity;

    if (limit != NULL)
        sql_printf(&properties->sql, "ALTER DATABASE %s CONNECTION LIMIT = %s;\n", identity, limit);
    if (properties->is_template)
        sql_printf(&properties->sql, "ALTER DATABASE %s IS_TEMPLATE = true;\n", identity);
}

static bool add_comment(struct catalog *catalog, struct catalog_object *database,
                        const char *comment, struct error *err)
{
    struct comment_subject subject = {.word = "DATABASE",
                                      .identity = database->identity,
                                      .plain_identity = database->plain_identity};

    return comment == NULL || catalog_add_comment(catalog, database, &subject, comment, err);
}

static bool take_database(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    struct properties *properties = context;
    struct privileges privileges = {
        .acl = row_text_or_null(row, ACL),
        .usual = row_text_or_null(row, ACL_USUAL),
        .on = "DATABASE",
        .type = 'd',
    };
    struct catalog_object *database =
        catalog_add(catalog, &kind_database, CLASS_DATABASE, row_oid(row, OID), NULL,
                    row_text(row, NAME), row_text(row, OWNER), err);
    struct sql sql = {.err = err};

    if (database == NULL)
        return false;
    properties->database = database;
    properties->is_template = row_flag(row, IS_TEMPLATE);
    sql_printf(&sql, "CREATE DATABASE %s WITH TEMPLATE = template0", database->identity);
    sql_add(&sql, row_text(row, OPTIONS));
    sql_add(&sql, ";\n");
    add_limits(properties, row_text_or_null(row, LIMIT));
    return sql_put(&sql, catalog, &database->definition) &&
           add_comment(catalog, database, row_text_or_null(row, COMMENT), err) &&
           privileges_add(catalog, database, &privileges, err) && !properties->sql.failed;
}

static const struct catalog_query databases = {
    .columns = columns,
    .count = COLUMNS,
    .from = from,
    .take = take_database,
    .differences = differences,
};

/* ---- Its settings, for all roles or for one ---- */

enum { ROLE, SETTING, SETTING_COLUMNS };

static const char *const setting_columns[] = {
    [ROLE] = "r.rolname",
    [SETTING] = "u.setting",
};

static const char setting_from[] =
    "FROM pg_catalog.pg_db_role_setting g\n"
    "JOIN pg_catalog.pg_database d ON d.oid = g.setdatabase\n"
    " AND d.datname = pg_catalog.current_database()\n"
    "LEFT JOIN pg_catalog.pg_roles r ON r.oid = g.setrole,\n"
    "     pg_catalog.unnest(g.setconfig) WITH ORDINALITY u (setting, number)\n"
    "WHERE g.setrole = 0 OR r.rolname IS NOT NULL\n"
    "ORDER BY r.rolname NULLS FIRST, u.number";

static bool take_setting(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    struct properties *properties = context;
    struct sql *sql = &properties->sql;
    const char *role = row_text_or_null(row, ROLE);

    (void)catalog;
    (void)err;
    sql_add(sql, "ALTER ");
    if (role != NULL) {
        sql_add(sql, "ROLE ");
        sql_name(sql, role);
        sql_add(sql, " IN ");
    }
    sql_printf(sql, "DATABASE %s SET ", properties->database->identity);
    sql_setting(sql, row_text(row, SETTING));
    sql_add(sql, ";\n");
    return !sql->failed;
}

static const struct catalog_query settings = {
    .columns = setting_columns,
    .count = SETTING_COLUMNS,
    .from = setting_from,
    .take = take_setting,
};

/* A template cannot be dropped. */
static bool put_drop_template(struct catalog *catalog, struct catalog_object *object,
                              struct error *err)
{
    struct sql sql = {.err = err};

    sql_add(&sql, "UPDATE pg_catalog.pg_database SET datistemplate = false WHERE datname = ");
    sql_literal(&sql, object->name);
    sql_add(&sql, ";\n");
    return sql_put(&sql, catalog, &object->drop);
}

static bool add_properties(struct catalog *catalog, const struct properties *properties,
                           struct error *err)
{
    const struct catalog_object *database = properties->database;
    struct catalog_object *object;

    if (properties->sql.text.len == 0)
        return true;
    object = catalog_add(catalog, &kind_database_properties, 0, 0, NULL, database->name,
                         database->owner, err);
    if (object == NULL ||
        !catalog_put_text(catalog, sql_text(&properties->sql), &object->definition, err))
        return false;
    object->empty_drop = !properties->is_template;
    return object->empty_drop || put_drop_template(catalog, object, err);
}

static bool read_database(struct catalog *catalog, struct error *err)
{
    struct properties properties = {.sql = {.err = err}};
    bool done = add_all_fixed(catalog, err) && catalog_ask(catalog, &databases, &properties, err) &&
                catalog_ask(catalog, &settings, &properties, err) &&
                add_properties(catalog, &properties, err);

    return sql_end(&properties.sql) && done;
}

const struct catalog_step catalog_step_database = {
    .what = "database",
    .order = READ_DATABASE,
    .read = read_database,
};
