/* What this version cannot dump: to leave it out in silence would be to lose it. */
#include "catalog/catalog_internal.h"

#include <stdio.h>

struct found {
    size_t count;
    char first[400];
    char last_kind[40];
    char kinds[900]; /* one of each */
};

static bool take_object(struct catalog *catalog, void *context, const struct catalog_row *row,
                        struct error *err)
{
    struct found *found = context;
    size_t used = strlen(found->kinds);

    (void)err;
    if (row_oid(row, 1) != 0 && row_oid(row, 2) != 0 &&
        catalog_find(catalog, row_oid(row, 1), row_oid(row, 2)) != NULL)
        return true; /* an extension's */
    if (found->count++ == 0)
        snprintf(found->first, sizeof(found->first), "%s %s", row_text(row, 0), row_text(row, 3));
    if (strcmp(found->last_kind, row_text(row, 0)) == 0)
        return true;
    snprintf(found->last_kind, sizeof(found->last_kind), "%s", row_text(row, 0));
    snprintf(found->kinds + used, sizeof(found->kinds) - used, "%s%s %s", used == 0 ? "" : ", ",
             row_text(row, 0), row_text(row, 3));
    return true;
}

/*
 * Whose they are is not always said by the oid. What genbki numbers is below 12000, and initdb
 * makes nothing of the kinds without a schema above that; where there is a schema, it tells. A
 * server in single-user mode gives users oids below 16384, too, and those of large objects are the
 * users' own choice. What hangs on another object as a part of it (deptype 'i') is made with that.
 */
struct part {
    const char *kind, *catalog, *name, *schema; /* schema: the column; NULL: the kind has none */
};

static const struct part parts[] = {
    {"language", "pg_language", "o.lanname", NULL},
    {"cast", "pg_cast",
     "pg_catalog.format_type(o.castsource, NULL) || ' AS ' || "
     "pg_catalog.format_type(o.casttarget, NULL)",
     NULL},
    {"transform", "pg_transform",
     "pg_catalog.concat('for ', pg_catalog.format_type(o.trftype, NULL), ' language ', "
     "(SELECT l.lanname FROM pg_catalog.pg_language l WHERE l.oid = o.trflang))",
     NULL},
    {"operator", "pg_operator", "o.oid::pg_catalog.regoperator", "oprnamespace"},
    {"access method", "pg_am", "o.amname", NULL},
    {"operator class", "pg_opclass", "o.opcname", "opcnamespace"},
    {"operator family", "pg_opfamily", "o.opfname", "opfnamespace"},
    {"collation", "pg_collation", "o.collname", "collnamespace"},
    {"conversion", "pg_conversion", "o.conname", "connamespace"},
    {"text search parser", "pg_ts_parser", "o.prsname", "prsnamespace"},
    {"text search template", "pg_ts_template", "o.tmplname", "tmplnamespace"},
    {"text search dictionary", "pg_ts_dict", "o.dictname", "dictnamespace"},
    {"text search configuration", "pg_ts_config", "o.cfgname", "cfgnamespace"},
    {"foreign data wrapper", "pg_foreign_data_wrapper", "o.fdwname", NULL},
    {"foreign server", "pg_foreign_server", "o.srvname", NULL},
    {"event trigger", "pg_event_trigger", "o.evtname", NULL},
    {"publication", "pg_publication", "o.pubname", NULL},
};

/* Of these every one is the user's. */
static const char others[] =
    "SELECT 'default privilege', 0, 0, 'of ' || pg_catalog.pg_get_userbyid(o.defaclrole) "
    "  FROM pg_catalog.pg_default_acl o "
    "UNION ALL "
    "SELECT 'large object', 0, 0, o.oid::pg_catalog.text "
    "  FROM pg_catalog.pg_largeobject_metadata o "
    "UNION ALL "
    "SELECT 'subscription', 0, 0, s.subname "
    "  FROM pg_catalog.pg_subscription s "
    "  JOIN pg_catalog.pg_database d ON d.oid = s.subdbid "
    " WHERE d.datname = pg_catalog.current_database() "
    "UNION ALL "
    "SELECT 'user mapping', 'pg_catalog.pg_user_mapping'::pg_catalog.regclass::pg_catalog.oid, "
    "       u.umid, "
    "       pg_catalog.concat('for ', coalesce(r.rolname, 'PUBLIC'), ' server ', u.srvname) "
    "  FROM pg_catalog.pg_user_mappings u "
    "  LEFT JOIN pg_catalog.pg_roles r ON r.oid = u.umuser "
    "UNION ALL "
    "SELECT 'foreign table', c.tableoid, c.oid, c.oid::pg_catalog.regclass::pg_catalog.text "
    "  FROM pg_catalog.pg_class c WHERE c.relkind = 'f' AND c.relpersistence <> 't' "
    "UNION ALL "
    "SELECT 'security label', 0, 0, l.objtype || ' ' || l.objname "
    "  FROM pg_catalog.pg_seclabels l";

static bool append_part(struct buffer *sql, const struct part *part, struct error *err)
{
    return buffer_printf(sql, err,
                         "SELECT '%s', o.tableoid, o.oid, (%s)::pg_catalog.text "
                         "  FROM pg_catalog.%s o ",
                         part->kind, part->name, part->catalog) &&
           (part->schema == NULL
                ? buffer_append_string(sql, " WHERE o.oid >= 12000 ", err)
                : buffer_printf(sql, err,
                                "  LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.%s "
                                " WHERE coalesce(n.nspname, '') !~ '^pg_temp_' "
                                "   AND coalesce(n.nspname, '') NOT IN "
                                "       ('pg_catalog', 'information_schema') ",
                                part->schema)) &&
           buffer_append_string(sql,
                                " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d "
                                "                  WHERE d.classid = o.tableoid "
                                "                    AND d.objid = o.oid AND d.deptype = 'i') "
                                "UNION ALL ",
                                err);
}

static bool append_all(struct buffer *sql, struct error *err)
{
    bool done = true;

    for (size_t i = 0; done && i < sizeof(parts) / sizeof(parts[0]); i++)
        done = append_part(sql, &parts[i], err);
    return done && buffer_append_string(sql, others, err);
}

/* Without the catalogs, an extension's objects are those that the server says belong to one. */
bool catalog_unsupported_query(struct buffer *sql, struct error *err)
{
    return buffer_append_string(sql, "WITH found (kind, class, object, name) AS (", err) &&
           append_all(sql, err) &&
           buffer_append_string(
               sql,
               "), left_out AS (SELECT f.kind, f.name FROM found f WHERE NOT EXISTS "
               "  (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = f.class "
               "      AND d.objid = f.object AND d.deptype = 'e')) "
               "SELECT pg_catalog.count(*), "
               "       (SELECT pg_catalog.string_agg(x.one, ', ') "
               "          FROM (SELECT l.kind || ' ' || pg_catalog.min(l.name) AS one "
               "                  FROM left_out l GROUP BY l.kind ORDER BY l.kind) x) "
               "  FROM left_out",
               err);
}

static bool find_unsupported(struct catalog *catalog, struct found *found, struct error *err)
{
    struct buffer sql = {0};
    bool done = append_all(&sql, err) &&
                catalog_query_as_is(catalog, buffer_text(&sql), 4, take_object, found, err);
    buffer_free(&sql);
    return done;
}

/* ---- In the schemas of the system ---- */

static bool warn(struct catalog *catalog, void *context, const struct catalog_row *row,
                 struct error *err)
{
    (void)context;
    (void)err;
    if (catalog_find(catalog, row_oid(row, 1), row_oid(row, 2)) == NULL)
        log_message(catalog_options(catalog)->log, LOG_WARNING,
                    "%s %s is left out, because schema %s is the system's; move it: ALTER %s … "
                    "SET SCHEMA …",
                    row_text(row, 0), row_text(row, 3), row_text(row, 4), row_text(row, 5));
    return true;
}

/* Hundreds of collations may have been imported: one line for each kind and schema. */
static bool append_misplaced(struct buffer *sql, const struct part *part, struct error *err)
{
    return part->schema == NULL ||
           buffer_printf(
               sql, err,
               " UNION ALL "
               "SELECT '%s', 0, 0, "
               "       pg_catalog.concat(pg_catalog.min((%s)::pg_catalog.text), "
               "            CASE WHEN pg_catalog.count(*) > 1 "
               "                 THEN ' (and ' || (pg_catalog.count(*) - 1) || ' more)' END), "
               "       n.nspname, pg_catalog.upper('%s') "
               "  FROM pg_catalog.%s o JOIN n ON n.oid = o.%s "
               " WHERE o.oid >= 16384 AND n.nspname IN ('pg_catalog', 'information_schema') "
               "   AND NOT EXISTS "
               "       (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = o.tableoid "
               "           AND d.objid = o.oid AND d.deptype IN ('i', 'e')) GROUP BY n.nspname",
               part->kind, part->name, part->kind, part->catalog, part->schema);
}

/* pg_dump leaves them out without a word, and so they are not here for others to depend on. */
static bool find_misplaced(struct catalog *catalog, struct error *err)
{
    static const char query[] =
        "WITH n AS (SELECT s.oid, s.nspname FROM pg_catalog.pg_namespace s "
        "            WHERE s.nspname = 'information_schema' OR (s.nspname ~ '^pg_' "
        "              AND s.nspname !~ '^pg_(toast|temp_|toast_temp_)')) "
        "SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' "
        "                      ELSE 'function' END, "
        "       p.tableoid, p.oid, p.oid::pg_catalog.regprocedure::pg_catalog.text, n.nspname, "
        "       'ROUTINE' "
        "  FROM pg_catalog.pg_proc p JOIN n ON n.oid = p.pronamespace "
        " WHERE p.oid >= 16384 AND NOT EXISTS "
        "       (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = p.tableoid "
        "           AND d.objid = p.oid AND d.deptype = 'i') "
        "UNION ALL "
        "SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' "
        "                      WHEN 'S' THEN 'sequence' ELSE 'table' END, "
        "       c.tableoid, c.oid, c.oid::pg_catalog.regclass::pg_catalog.text, n.nspname, "
        "       CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' "
        "                      WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END "
        "  FROM pg_catalog.pg_class c JOIN n ON n.oid = c.relnamespace "
        " WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'v', 'm', 'S') "
        "UNION ALL "
        "SELECT 'type', t.tableoid, t.oid, pg_catalog.format_type(t.oid, NULL), n.nspname, 'TYPE' "
        "  FROM pg_catalog.pg_type t JOIN n ON n.oid = t.typnamespace "
        "  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid "
        " WHERE t.oid >= 16384 AND coalesce(c.relkind, 'c') = 'c' AND NOT EXISTS "
        "       (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = t.tableoid "
        "           AND d.objid = t.oid AND d.deptype = 'i') ";
    struct buffer sql = {0};
    bool done = buffer_append_string(&sql, query, err);

    for (size_t i = 0; done && i < sizeof(parts) / sizeof(parts[0]); i++)
        done = append_misplaced(&sql, &parts[i], err);
    done = done && buffer_append_string(&sql, " ORDER BY 5, 4", err) &&
           catalog_query_as_is(catalog, buffer_text(&sql), 6, warn, NULL, err);
    buffer_free(&sql);
    return done;
}

static bool read_unsupported(struct catalog *catalog, struct error *err)
{
    struct found found = {0};

    if (!find_misplaced(catalog, err) || !find_unsupported(catalog, &found, err))
        return false;
    if (found.count == 0)
        return true;
    error_set(err, ERROR_UNSUPPORTED,
              "objects that cannot be backed up logically yet: %zu, the "
              "first is %s",
              found.count, found.first);
    error_reason(err, "object_unsupported");
    error_detail(err, "One of each kind: %s.", found.kinds);
    return error_hint(err, CATALOG_UNSUPPORTED_HINT);
}

const struct catalog_step catalog_step_unsupported = {
    .what = "kinds that cannot be dumped",
    .order = READ_UNSUPPORTED,
    .read = read_unsupported,
};
