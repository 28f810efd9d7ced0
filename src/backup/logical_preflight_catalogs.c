/*
 * Catalogs of the server's own that the role may not read, although everybody may unless somebody
 * took the right away; and what nobody but a superuser may read, which the backup then is without.
 */
#include "backup/logical_preflight_internal.h"

#include <inttypes.h>

/* ---- Catalogs ---- */

/*
 * Everybody's by initdb, and no longer this role's. All tables of pg_catalog are read but those
 * named here; of the views, those named.
 */
#define CLOSED_CATALOGS                                                                            \
    "WITH closed AS ("                                                                             \
    "  SELECT c.relname::pg_catalog.text AS name"                                                  \
    "    FROM pg_catalog.pg_class c"                                                               \
    "    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'pg_catalog'"    \
    "   WHERE CASE c.relkind WHEN 'r' THEN c.relname NOT IN ('pg_subscription_rel',"               \
    "                                                        'pg_replication_origin')"             \
    "                        WHEN 'v' THEN c.relname IN ('pg_roles', 'pg_locks', 'pg_settings',"   \
    "                                                    'pg_user_mappings')"                      \
    "                        ELSE false END"                                                       \
    "     AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')"                                 \
    "     AND EXISTS (SELECT FROM pg_catalog.pg_init_privs i,"                                     \
    "                             pg_catalog.aclexplode(i.initprivs) x"                            \
    "                  WHERE i.classoid = c.tableoid AND i.objoid = c.oid AND i.objsubid = 0"      \
    "                    AND x.grantee = 0 AND x.privilege_type = 'SELECT')"                       \
    ") "

static const char catalogs_query[] =
    CLOSED_CATALOGS "SELECT pg_catalog.count(*),"
                    "         (SELECT pg_catalog.string_agg(f.name, ', ')"
                    "            FROM (SELECT name FROM closed ORDER BY name LIMIT 5) f),"
                    "         pg_catalog.string_agg('pg_catalog.' || name, ', ' ORDER BY name)"
                    "    FROM closed";
static const char all_catalogs_query[] =
    CLOSED_CATALOGS "SELECT 'catalog pg_catalog.' || name FROM closed ORDER BY name";

enum { CLOSED, CLOSED_NAMES, CLOSED_ALL };

#define CLOSED_MAX 30 /* that a remedy names one by one */

static bool append_catalog_grants(struct buffer *out, const struct logical_preflight *preflight,
                                  const struct wire_result *closed, struct error *err)
{
    if (preflight_number(closed, CLOSED) <= CLOSED_MAX)
        return buffer_printf(out, err, "GRANT SELECT ON %s TO %s;",
                             preflight_text(closed, CLOSED_ALL), preflight->role);
    return buffer_printf(
        out, err,
        "DO $$ DECLARE c regclass; BEGIN FOR c IN SELECT i.objoid FROM pg_init_privs i, "
        "aclexplode(i.initprivs) x WHERE i.classoid = 'pg_class'::regclass AND i.objsubid = 0 AND "
        "x.grantee = 0 AND x.privilege_type = 'SELECT' LOOP EXECUTE format('GRANT SELECT ON %%s TO "
        "%%I', c, (SELECT rolname FROM pg_roles WHERE oid = %s)); END LOOP; END $$;",
        preflight->role_oid);
}

void logical_preflight_catalogs(struct logical_preflight *preflight)
{
    struct wire_result *closed = logical_preflight_ask(preflight, catalogs_query);
    struct buffer missing = {0}, remedy = {0};
    struct error ignored;

    if (closed != NULL && preflight_append_counted(&missing, closed, CLOSED, "catalog", &ignored) &&
        missing.len > 0 && append_catalog_grants(&remedy, preflight, closed, &ignored)) {
        preflight_add(preflight->report, true, buffer_text(&remedy), "the role %s may not read %s",
                      preflight->role, buffer_text(&missing));
        logical_preflight_name_all(preflight, all_catalogs_query);
    }
    buffer_free(&missing);
    buffer_free(&remedy);
    wire_result_free(closed);
}

/* ---- What is left out ---- */

/* The backup says so itself, once it gets there. */
void logical_preflight_passwords(struct logical_preflight *preflight)
{
    static const char query[] =
        "SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')";
    struct wire_result *readable;
    char remedy[QUOTE_NAME_SIZE + 256];

    if (!preflight->request->only_preflight)
        return;
    readable = logical_preflight_ask_more(preflight, query);
    if (readable != NULL && !preflight_flag(readable, 0)) {
        snprintf(remedy, sizeof(remedy),
                 "GRANT SELECT ON pg_catalog.pg_authid TO %s;  where a superuser can be had; else "
                 "set them after a restore: ALTER ROLE … PASSWORD '…';",
                 preflight->role);
        preflight_add(preflight->report, false, remedy,
                      "the roles will be without their passwords: the role %s may not read "
                      "pg_authid",
                      preflight->role);
    }
    wire_result_free(readable);
}

static void add_subscriptions(struct logical_preflight *preflight)
{
    static const char query[] =
        "SELECT pg_catalog.count(*),"
        "       (SELECT pg_catalog.string_agg(x.name, ', ')"
        "          FROM (SELECT pg_catalog.quote_ident(f.subname) AS name"
        "                  FROM pg_catalog.pg_subscription f"
        "                  JOIN pg_catalog.pg_database d ON d.oid = f.subdbid"
        "                 WHERE d.datname = pg_catalog.current_database()"
        "                 ORDER BY f.subname LIMIT 5) x)"
        "  FROM pg_catalog.pg_subscription s"
        "  JOIN pg_catalog.pg_database d ON d.oid = s.subdbid"
        " WHERE d.datname = pg_catalog.current_database() AND EXISTS"
        "       (SELECT FROM pg_catalog.pg_attribute a"
        "         WHERE a.attrelid = 'pg_catalog.pg_subscription'::pg_catalog.regclass"
        "           AND a.attnum > 0"
        "           AND NOT pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT'))";
    struct wire_result *hidden = logical_preflight_ask(preflight, query);
    struct buffer what = {0}, remedy = {0};
    struct error ignored;

    if (hidden != NULL && preflight_append_counted(&what, hidden, 0, "subscription", &ignored) &&
        what.len > 0 &&
        buffer_printf(&remedy, &ignored, "GRANT SELECT ON pg_catalog.pg_subscription TO %s;",
                      preflight->role)) {
        preflight_add(preflight->report, false, buffer_text(&remedy),
                      "%s will be left out: the role %s may not read where they connect to",
                      buffer_text(&what), preflight->role);
        logical_preflight_name_all(preflight,
                                   "SELECT 'subscription ' || pg_catalog.quote_ident(s.subname)"
                                   "  FROM pg_catalog.pg_subscription s"
                                   "  JOIN pg_catalog.pg_database d ON d.oid = s.subdbid"
                                   " WHERE d.datname = pg_catalog.current_database()"
                                   " ORDER BY s.subname LIMIT 1000");
    }
    buffer_free(&what);
    buffer_free(&remedy);
    wire_result_free(hidden);
}

/* As the server decides who sees options. */
#define HIDDEN_MAPPINGS                                                                            \
    "WITH hidden AS ("                                                                             \
    "  SELECT pg_catalog.format('%s SERVER %I', CASE WHEN m.umuser = 0 THEN 'PUBLIC'"              \
    "                           ELSE pg_catalog.quote_ident(m.usename) END, m.srvname) AS name"    \
    "    FROM pg_catalog.pg_user_mappings m"                                                       \
    "    JOIN pg_catalog.pg_foreign_server s ON s.oid = m.srvid"                                   \
    "    JOIN pg_catalog.pg_roles r ON r.rolname = CURRENT_USER"                                   \
    "   WHERE NOT pg_catalog.has_table_privilege('pg_catalog.pg_user_mapping', 'SELECT')"          \
    "     AND m.umoptions IS NULL AND NOT r.rolsuper AND NOT"                                      \
    "         CASE WHEN m.umuser = 0 THEN pg_catalog.pg_has_role(s.srvowner, 'USAGE')"             \
    "              ELSE m.usename = r.rolname"                                                     \
    "                   AND (pg_catalog.pg_has_role(s.srvowner, 'USAGE')"                          \
    "                        OR pg_catalog.has_server_privilege(s.oid, 'USAGE')) END"              \
    ") "

static void add_user_mappings(struct logical_preflight *preflight)
{
    static const char query[] =
        HIDDEN_MAPPINGS "SELECT pg_catalog.count(*),"
                        "       (SELECT pg_catalog.string_agg(f.name, ', ')"
                        "          FROM (SELECT name FROM hidden ORDER BY name LIMIT 5) f)"
                        "  FROM hidden";
    struct wire_result *hidden = logical_preflight_ask(preflight, query);
    struct buffer what = {0}, remedy = {0};
    struct error ignored;

    if (hidden != NULL && preflight_append_counted(&what, hidden, 0, "user mapping", &ignored) &&
        what.len > 0 &&
        buffer_printf(&remedy, &ignored, "GRANT SELECT ON pg_catalog.pg_user_mapping TO %s;",
                      preflight->role)) {
        preflight_add(preflight->report, false, buffer_text(&remedy),
                      "options of %s will be left out: the role %s may not read them",
                      buffer_text(&what), preflight->role);
        logical_preflight_name_all(preflight,
                                   HIDDEN_MAPPINGS "SELECT 'user mapping ' || name FROM hidden"
                                                   " ORDER BY name LIMIT 1000");
    }
    buffer_free(&what);
    buffer_free(&remedy);
    wire_result_free(hidden);
}

/* The backup says so itself, once it gets there. */
void logical_preflight_left_out(struct logical_preflight *preflight)
{
    if (!preflight->request->only_preflight || !catalog_is_whole(preflight->wanted))
        return;
    add_subscriptions(preflight);
    add_user_mappings(preflight);
}
