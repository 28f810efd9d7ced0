/* What an archive begins with: how its strings are to be read, and the database itself. */
#include "catalog/catalog_internal.h"

static const struct catalog_kind kind_encoding = {
    .desc = "ENCODING",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_ENCODING,
    .no_owner = true,
    .no_drop = true,
};

static const struct catalog_kind kind_std_strings = {
    .desc = "STDSTRINGS",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_STD_STRINGS,
    .no_owner = true,
    .no_drop = true,
};

static const struct catalog_kind kind_search_path = {
    .desc = "SEARCHPATH",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_SEARCH_PATH,
    .no_owner = true,
    .no_drop = true,
};

static const struct catalog_kind kind_database = {
    .desc = "DATABASE",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_DATABASE,
};

static const struct catalog_kind kind_database_properties = {
    .desc = "DATABASE PROPERTIES",
    .section = SECTION_PRE_DATA,
    .priority = PRIORITY_DATABASE_PROPERTIES,
};

#define CLASS_DATABASE 1262

static bool add_fixed(struct catalog *catalog, const struct catalog_kind *kind, const char *name,
                      const char *definition, struct error *err)
{
    struct catalog_object *object = catalog_add(catalog, kind, 0, 0, NULL, name, NULL, err);

    return object != NULL && catalog_put_text(catalog, definition, &object->definition, err);
}

static bool read_fixed(struct catalog *catalog, struct error *err)
{
    struct buffer encoding = {0};
    bool done = buffer_append_string(&encoding, "SET client_encoding = ", err) &&
                literal_append(&encoding, catalog->encoding, err) &&
                buffer_append_string(&encoding, ";\n", err) &&
                add_fixed(catalog, &kind_encoding, "ENCODING", buffer_text(&encoding), err) &&
                add_fixed(catalog, &kind_std_strings, "STDSTRINGS",
                          "SET standard_conforming_strings = 'on';\n", err) &&
                add_fixed(catalog, &kind_search_path, "SEARCHPATH",
                          "SELECT pg_catalog.set_config('search_path', '', false);\n", err);

    buffer_free(&encoding);
    return done;
}

/* ---- The database itself ---- */

/* CREATE DATABASE can only stand alone: what else is set has an entry of its own. */
struct properties {
    const struct catalog_object *database;
    struct buffer sql;
    bool is_template;
};

static bool append_limits(struct properties *properties, const char *limit, struct error *err)
{
    const char *identity = properties->database->identity;

    if (limit != NULL &&
        !buffer_printf(&properties->sql, err, "ALTER DATABASE %s CONNECTION LIMIT = %s;\n",
                       identity, limit))
        return false;
    return !properties->is_template ||
           buffer_printf(&properties->sql, err, "ALTER DATABASE %s IS_TEMPLATE = true;\n",
                         identity);
}

static bool add_comment(struct catalog *catalog, struct catalog_object *database,
                        const char *comment, struct error *err)
{
    struct buffer sql = {0}, tag = {0};
    bool done = buffer_printf(&tag, err, "DATABASE %s", database->identity) &&
                buffer_printf(&sql, err, "COMMENT ON DATABASE %s IS ", database->identity) &&
                literal_append(&sql, comment, err) && buffer_append_string(&sql, ";\n", err) &&
                catalog_add_extra(catalog, database, "COMMENT", buffer_text(&tag),
                                  buffer_text(&sql), err) != NULL;

    buffer_free(&sql);
    buffer_free(&tag);
    return done;
}

static bool take_database(struct catalog *catalog, void *context, const struct catalog_row *row,
                          struct error *err)
{
    enum { OID, NAME, OWNER, OPTIONS, LIMIT, IS_TEMPLATE, COMMENT, ACL, ACL_USUAL };
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
    struct buffer sql = {0};
    bool done;

    if (database == NULL)
        return false;
    properties->database = database;
    properties->is_template = row_flag(row, IS_TEMPLATE);
    done = buffer_printf(&sql, err, "CREATE DATABASE %s WITH TEMPLATE = template0",
                         database->identity) &&
           buffer_append_string(&sql, row_text(row, OPTIONS), err) &&
           buffer_append_string(&sql, ";\n", err) &&
           catalog_put_text(catalog, buffer_text(&sql), &database->definition, err) &&
           (row_text_or_null(row, COMMENT) == NULL ||
            add_comment(catalog, database, row_text_or_null(row, COMMENT), err)) &&
           privileges_add(catalog, database, &privileges, err) &&
           append_limits(properties, row_text_or_null(row, LIMIT), err);
    buffer_free(&sql);
    return done;
}

/* A setting of the database, for all roles or for one. */
static bool take_setting(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    enum { ROLE, SETTING };
    struct properties *properties = context;
    struct buffer *sql = &properties->sql;

    (void)catalog;
    if (row_text_or_null(row, ROLE) != NULL &&
        (!buffer_append_string(sql, "ALTER ROLE ", err) ||
         !name_append(sql, row_text_or_null(row, ROLE), err) ||
         !buffer_append_string(sql, " IN ", err)))
        return false;
    return buffer_printf(sql, err, "%sDATABASE %s SET ",
                         row_text_or_null(row, ROLE) == NULL ? "ALTER " : "",
                         properties->database->identity) &&
           setting_append(sql, row_text(row, SETTING), err) &&
           buffer_append_string(sql, ";\n", err);
}

static bool add_properties(struct catalog *catalog, const struct properties *properties,
                           struct error *err)
{
    const struct catalog_object *database = properties->database;
    struct catalog_object *object;
    struct buffer drop = {0};
    bool done;

    if (properties->sql.len == 0)
        return true;
    object = catalog_add(catalog, &kind_database_properties, 0, 0, NULL, database->name,
                         database->owner, err);
    if (object == NULL ||
        !catalog_put_text(catalog, buffer_text(&properties->sql), &object->definition, err))
        return false;
    object->empty_drop = !properties->is_template;
    if (object->empty_drop)
        return true;
    /* A template cannot be dropped. */
    done = buffer_append_string(&drop,
                                "UPDATE pg_catalog.pg_database SET datistemplate = false "
                                "WHERE datname = ",
                                err) &&
           literal_append(&drop, database->name, err) && buffer_append_string(&drop, ";\n", err) &&
           catalog_put_text(catalog, buffer_text(&drop), &object->drop, err);
    buffer_free(&drop);
    return done;
}

static bool read_properties(struct catalog *catalog, struct properties *properties,
                            struct error *err)
{
    static const char database[] =
        "SELECT d.oid, d.datname, pg_catalog.pg_get_userbyid(d.datdba), "
        "       pg_catalog.concat("
        "         ' ENCODING = ', "
        "         pg_catalog.quote_literal(pg_catalog.pg_encoding_to_char(d.encoding)), "
        "         ' LOCALE_PROVIDER = ' || {datlocprovider}, "
        "         CASE WHEN d.datcollate = d.datctype "
        "              THEN ' LOCALE = ' || pg_catalog.quote_literal(d.datcollate) "
        "              ELSE ' LC_COLLATE = ' || pg_catalog.quote_literal(d.datcollate) || "
        "                   ' LC_CTYPE = ' || pg_catalog.quote_literal(d.datctype) END, "
        "         {datlocale}, {daticurules}, "
        "         ' TABLESPACE = ' || CASE WHEN s.spcname <> 'pg_default' "
        "                             THEN pg_catalog.quote_ident(s.spcname) END), "
        "       NULLIF(d.datconnlimit, -1), d.datistemplate, "
        "       pg_catalog.shobj_description(d.oid, 'pg_database'), "
        "       d.datacl, pg_catalog.acldefault('d', d.datdba) "
        "  FROM pg_catalog.pg_database d "
        "  JOIN pg_catalog.pg_tablespace s ON s.oid = d.dattablespace "
        " WHERE d.datname = pg_catalog.current_database()";
    static const char settings[] =
        "SELECT r.rolname, u.setting "
        "  FROM pg_catalog.pg_db_role_setting g "
        "  JOIN pg_catalog.pg_database d ON d.oid = g.setdatabase "
        "   AND d.datname = pg_catalog.current_database() "
        "  LEFT JOIN pg_catalog.pg_roles r ON r.oid = g.setrole, "
        "       pg_catalog.unnest(g.setconfig) WITH ORDINALITY u (setting, number) "
        " WHERE g.setrole = 0 OR r.rolname IS NOT NULL "
        " ORDER BY r.rolname NULLS FIRST, u.number";

    return catalog_query(catalog, database, 9, take_database, properties, err) &&
           catalog_query(catalog, settings, 2, take_setting, properties, err) &&
           add_properties(catalog, properties, err);
}

static bool read_database(struct catalog *catalog, struct error *err)
{
    struct properties properties = {0};
    bool done = read_fixed(catalog, err) && read_properties(catalog, &properties, err);

    buffer_free(&properties.sql);
    return done;
}

const struct catalog_step catalog_step_database = {
    .what = "database",
    .order = READ_DATABASE,
    .read = read_database,
};
