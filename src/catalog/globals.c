/* What belongs to the cluster and not to a database, as globals.sql: roles, tablespaces, and what
 * is granted or set on them. Read and written query by query. */
#include "catalog/globals.h"

#include "base/failure.h"
#include "catalog/kind.h"
#include "catalog/versions.h"
#include "wire/stored_options.h"

#include <stdlib.h>

#define ROLES(table, password)                                                                     \
    "SELECT 'CREATE ROLE ' || pg_catalog.quote_ident(r.rolname) || E';\\nALTER ROLE ' ||\n"        \
    "       pg_catalog.quote_ident(r.rolname) || ' WITH' ||\n"                                     \
    "       CASE WHEN r.rolsuper THEN ' SUPERUSER' ELSE ' NOSUPERUSER' END ||\n"                   \
    "       CASE WHEN r.rolinherit THEN ' INHERIT' ELSE ' NOINHERIT' END ||\n"                     \
    "       CASE WHEN r.rolcreaterole THEN ' CREATEROLE' ELSE ' NOCREATEROLE' END ||\n"            \
    "       CASE WHEN r.rolcreatedb THEN ' CREATEDB' ELSE ' NOCREATEDB' END ||\n"                  \
    "       CASE WHEN r.rolcanlogin THEN ' LOGIN' ELSE ' NOLOGIN' END ||\n"                        \
    "       CASE WHEN r.rolreplication THEN ' REPLICATION' ELSE ' NOREPLICATION' END ||\n"         \
    "       CASE WHEN r.rolbypassrls THEN ' BYPASSRLS' ELSE ' NOBYPASSRLS' END ||\n"               \
    "       CASE WHEN r.rolconnlimit <> -1 THEN ' CONNECTION LIMIT ' || r.rolconnlimit\n"          \
    "            ELSE '' END ||\n"                                                                 \
    "       coalesce(' PASSWORD ' || pg_catalog.quote_literal(" password "), '') ||\n"             \
    "       coalesce(' VALID UNTIL ' || pg_catalog.quote_literal(r.rolvaliduntil), '') || ';',\n"  \
    "       NULL\n"                                                                                \
    "  FROM " table " r WHERE r.rolname !~ '^pg_' ORDER BY r.rolname"

/* How many grants must come before one: the bootstrap superuser may grant anything, others need a
 * grant WITH ADMIN OPTION of the same role before. A grant that nothing leads to has no depth. */
#define MEMBERSHIP_DEPTHS                                                                          \
    "(WITH RECURSIVE reached (id, depth) AS (\n"                                                   \
    "   SELECT f.oid, 0 FROM pg_catalog.pg_auth_members f WHERE f.grantor = 10\n"                  \
    "   UNION\n"                                                                                   \
    "   SELECT n.oid, r.depth + 1\n"                                                               \
    "     FROM reached r\n"                                                                        \
    "     JOIN pg_catalog.pg_auth_members f ON f.oid = r.id AND f.admin_option\n"                  \
    "     JOIN pg_catalog.pg_auth_members n ON n.roleid = f.roleid AND n.grantor = f.member\n"     \
    "    WHERE r.depth < 1000)\n"                                                                  \
    " SELECT id, pg_catalog.min(depth) AS depth FROM reached GROUP BY id)"

static const struct version_difference differences[] = {
    {"parameter_acls", 0,
     "(SELECT NULL::pg_catalog.text AS parname, NULL::pg_catalog.aclitem[] AS paracl WHERE false)"},
    {"parameter_acls", 15, "pg_catalog.pg_parameter_acl"},
    {"parameter_default", 0, "NULL"},
    {"parameter_default", 15, "pg_catalog.acldefault('p', 10)"},
    {"membership_options", 0, "CASE WHEN m.admin_option THEN ' WITH ADMIN OPTION' ELSE '' END"},
    {"membership_options", 16,
     "' WITH ' || CASE WHEN m.admin_option THEN 'ADMIN OPTION, ' ELSE '' END ||\n"
     "'INHERIT ' || CASE WHEN m.inherit_option THEN 'TRUE' ELSE 'FALSE' END ||\n"
     "CASE WHEN m.set_option THEN '' ELSE ', SET FALSE' END"},
    /* Up to 15 who granted it is a note in which any role may be, which from 16 on would be
     * refused; and only superusers may make it. The bootstrap superuser is whoever restores, as a
     * rule. */
    {"membership_statement", 0,
     "CASE WHEN m.grantor = 10 OR b.oid IS NULL THEN s.words || ';'\n"
     "     ELSE 'DO ' || pg_catalog.quote_literal(\n"
     "          'BEGIN IF pg_catalog.current_setting(''server_version_num'')::int < 160000'\n"
     "          ' AND pg_catalog.current_setting(''is_superuser'') = ''on'' THEN '\n"
     "          || s.words || ' GRANTED BY ' || pg_catalog.quote_ident(b.rolname)\n"
     "          || '; ELSE ' || s.words || '; END IF; END') || ';' END"},
    {"membership_statement", 16,
     "s.words || CASE WHEN d.depth IS NULL THEN ''\n"
     "     ELSE coalesce(' GRANTED BY ' || pg_catalog.quote_ident(b.rolname), '') END || ';'"},
    {"membership_depths", 0, "(SELECT 0::pg_catalog.oid AS id, 0 AS depth WHERE false)"},
    {"membership_depths", 16, MEMBERSHIP_DEPTHS},
    {"membership_id", 0, "0::pg_catalog.oid"},
    {"membership_id", 16, "m.oid"},
    {"membership_lacks_grantor", 0, "false"},
    {"membership_lacks_grantor", 16, "d.depth IS NULL"},
    {0},
};

/* pg_roles is for everybody, but has no password verifiers. */
static const char roles_with_verifiers[] = ROLES("pg_catalog.pg_authid", "r.rolpassword");
static const char roles_alone[] = ROLES("pg_catalog.pg_roles", "NULL::pg_catalog.text");

/* Privileges without those of or by roles that are gone. */
#define OF_ROLES(acl)                                                                              \
    "(SELECT coalesce(pg_catalog.array_agg(i), '{}') FROM pg_catalog.unnest(" acl ") i\n"          \
    "  WHERE NOT EXISTS (SELECT FROM pg_catalog.aclexplode(ARRAY[i]) x\n"                          \
    "                     WHERE (x.grantee <> 0 AND NOT EXISTS\n"                                  \
    "                            (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = x.grantee))\n"   \
    "                        OR NOT EXISTS\n"                                                      \
    "                            (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = x.grantor)))"

#define ACL_OF_TABLESPACE OF_ROLES("t.spcacl")
#define ACL_OF_PARAMETER OF_ROLES("p.paracl")

static const char tablespace_privileges[] =
    "SELECT pg_catalog.quote_ident(t.spcname), pg_catalog.pg_get_userbyid(t.spcowner),\n"
    "       " ACL_OF_TABLESPACE ", pg_catalog.acldefault('t', t.spcowner)\n"
    "  FROM pg_catalog.pg_tablespace t\n"
    " WHERE t.spcname !~ '^pg_' AND t.spcacl IS NOT NULL ORDER BY t.spcname";

/* They belong to the bootstrap superuser. */
static const char parameter_privileges[] =
    "SELECT pg_catalog.quote_ident(p.parname), pg_catalog.pg_get_userbyid(10),\n"
    "       " ACL_OF_PARAMETER ", {parameter_default}\n"
    "  FROM {parameter_acls} p ORDER BY p.parname";

/* Rows of a query are one of these. */
enum rows {
    STATEMENTS, /* a statement, or its beginning and the setting that it sets */
    PRIVILEGES  /* of what (as GRANT names it), the owner, the privileges, the usual ones */
};

static const struct {
    const char *text; /* NULL: roles */
    enum rows rows;
    const char *privileges_on;
    char type; /* acldefault's letter */
} queries[] = {
    {.text = "SELECT s, NULL FROM (VALUES\n"
             "  ('SET default_transaction_read_only = off;'),\n"
             "  ('SET client_encoding = ' ||\n"
             "   pg_catalog.quote_literal(pg_catalog.current_setting('client_encoding')) || ';'),\n"
             "  ('SET standard_conforming_strings = on;')) v (s)"},
    {.text = NULL},
    {.text = "SELECT 'ALTER ROLE ' || coalesce(pg_catalog.quote_ident(r.rolname), 'ALL'), s\n"
             "  FROM pg_catalog.pg_db_role_setting g\n"
             "  LEFT JOIN pg_catalog.pg_roles r ON r.oid = g.setrole,\n"
             "       pg_catalog.unnest(g.setconfig) WITH ORDINALITY u (s, number)\n"
             " WHERE g.setdatabase = 0 AND (r.rolname !~ '^pg_' OR g.setrole = 0)\n"
             " ORDER BY r.rolname NULLS FIRST, u.number"},
    {.text = "SELECT 'COMMENT ON ROLE ' || pg_catalog.quote_ident(r.rolname) || ' IS ' ||\n"
             "       pg_catalog.quote_literal(d.description) || ';', NULL\n"
             "  FROM pg_catalog.pg_roles r\n"
             "  JOIN pg_catalog.pg_shdescription d ON d.objoid = r.oid\n"
             "   AND d.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass\n"
             " WHERE r.rolname !~ '^pg_' ORDER BY r.rolname"},
    {.text = "SELECT 'SECURITY LABEL FOR ' || pg_catalog.quote_ident(s.provider) ||\n"
             "       ' ON ROLE ' || pg_catalog.quote_ident(r.rolname) || ' IS ' ||\n"
             "       pg_catalog.quote_literal(s.label) || ';', NULL\n"
             "  FROM pg_catalog.pg_roles r\n"
             "  JOIN pg_catalog.pg_shseclabel s ON s.objoid = r.oid\n"
             "   AND s.classoid = 'pg_catalog.pg_authid'::pg_catalog.regclass\n"
             " WHERE r.rolname !~ '^pg_' ORDER BY r.rolname, s.provider"},
    /* In an order that can be executed: others than the bootstrap superuser grant what they were
     * given WITH ADMIN OPTION. */
    {.text =
         "SELECT {membership_statement}, NULL\n"
         "  FROM pg_catalog.pg_auth_members m\n"
         "  JOIN pg_catalog.pg_roles g ON g.oid = m.roleid\n"
         "  JOIN pg_catalog.pg_roles u ON u.oid = m.member\n"
         "  LEFT JOIN pg_catalog.pg_roles b ON b.oid = m.grantor\n"
         "  LEFT JOIN {membership_depths} d ON d.id = {membership_id}\n"
         " CROSS JOIN LATERAL (SELECT 'GRANT ' || pg_catalog.quote_ident(g.rolname) ||\n"
         "       ' TO ' || pg_catalog.quote_ident(u.rolname) || {membership_options}) s (words)\n"
         " WHERE NOT (g.rolname ~ '^pg_' AND u.rolname ~ '^pg_')\n"
         " ORDER BY coalesce(d.depth, 0), m.admin_option DESC, g.rolname, u.rolname,\n"
         "          b.rolname"},
    {.text =
         "SELECT 'CREATE TABLESPACE ' || pg_catalog.quote_ident(t.spcname) || ' OWNER ' ||\n"
         "       pg_catalog.quote_ident(r.rolname) || ' LOCATION ' ||\n"
         "       pg_catalog.quote_literal(CASE WHEN l LIKE 'pg_tblspc/%' THEN '' ELSE l END)\n"
         "       || ';' ||\n"
         "       coalesce(E'\\nALTER TABLESPACE ' || pg_catalog.quote_ident(t.spcname) ||\n"
         "                ' SET (' || (SELECT pg_catalog.string_agg(o, ', ')\n"
         "                   FROM pg_catalog.unnest(t.spcoptions) o\n"
         "                  WHERE " SQL_USER_TABLESPACE_OPTION ") || ');', '') ||\n"
         "       coalesce(E'\\nCOMMENT ON TABLESPACE ' || pg_catalog.quote_ident(t.spcname) ||\n"
         "                ' IS ' || pg_catalog.quote_literal(\n"
         "                    pg_catalog.shobj_description(t.oid, 'pg_tablespace')) || ';', ''),\n"
         "       NULL\n"
         "  FROM pg_catalog.pg_tablespace t JOIN pg_catalog.pg_roles r ON r.oid = t.spcowner,\n"
         "       pg_catalog.pg_tablespace_location(t.oid) l\n"
         " WHERE t.spcname !~ '^pg_' ORDER BY t.spcname"},
    {.text = "SELECT 'SECURITY LABEL FOR ' || pg_catalog.quote_ident(s.provider) ||\n"
             "       ' ON TABLESPACE ' || pg_catalog.quote_ident(t.spcname) || ' IS ' ||\n"
             "       pg_catalog.quote_literal(s.label) || ';', NULL\n"
             "  FROM pg_catalog.pg_tablespace t\n"
             "  JOIN pg_catalog.pg_shseclabel s ON s.objoid = t.oid\n"
             "   AND s.classoid = 'pg_catalog.pg_tablespace'::pg_catalog.regclass\n"
             " WHERE t.spcname !~ '^pg_' ORDER BY t.spcname, s.provider"},
    {.text = tablespace_privileges, .rows = PRIVILEGES, .privileges_on = "TABLESPACE", .type = 't'},
    {.text = parameter_privileges, .rows = PRIVILEGES, .privileges_on = "PARAMETER", .type = 'p'},
    /* By which a script is known to be whole; left out where more of a script follows. */
    {.text = "SELECT E'--\\n-- PostgreSQL database cluster dump complete\\n--\\n', NULL"},
};

#define QUERY_COUNT (sizeof(queries) / sizeof(queries[0]))

/* What is looked for before. */
static const struct {
    const char *text; /* a text, and a hint where that fails the backup; else it is left out */
    bool fails;
} checks[] = {
    {.text = "SELECT 'tablespace ' || pg_catalog.quote_ident(t.spcname) ||\n"
             "       ' has the owner with OID ' || t.spcowner || ', which is not there',\n"
             "       'Give it to a role: ALTER TABLESPACE ' ||\n"
             "       pg_catalog.quote_ident(t.spcname) || ' OWNER TO ...;'\n"
             "  FROM pg_catalog.pg_tablespace t\n"
             " WHERE t.spcname !~ '^pg_' AND NOT EXISTS\n"
             "       (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = t.spcowner)\n"
             " ORDER BY t.spcname",
     .fails = true},
    {.text = "SELECT pg_catalog.format('the membership of %s in %s is left out: the role with "
             "OID %s, which is not there, is part of it',\n"
             "         coalesce(u.rolname, m.member::pg_catalog.text),\n"
             "         coalesce(g.rolname, m.roleid::pg_catalog.text),\n"
             "         CASE WHEN u.oid IS NULL THEN m.member ELSE m.roleid END)\n"
             "  FROM pg_catalog.pg_auth_members m\n"
             "  LEFT JOIN pg_catalog.pg_roles g ON g.oid = m.roleid\n"
             "  LEFT JOIN pg_catalog.pg_roles u ON u.oid = m.member\n"
             " WHERE g.oid IS NULL OR u.oid IS NULL ORDER BY 1"},
    {.text = "SELECT pg_catalog.format('privileges on %s %I of or by the role with OID %s, which "
             "is not there, are left out', w.word, w.name, x.role)\n"
             "  FROM (SELECT 'tablespace' AS word, t.spcname::pg_catalog.text AS name, t.spcacl\n"
             "          FROM pg_catalog.pg_tablespace t WHERE t.spcname !~ '^pg_'\n"
             "        UNION ALL\n"
             "        SELECT 'parameter', p.parname, p.paracl FROM {parameter_acls} p) w (word,\n"
             "        name, acl)\n"
             " CROSS JOIN LATERAL (SELECT e.grantee FROM pg_catalog.aclexplode(w.acl) e\n"
             "                      WHERE e.grantee <> 0\n"
             "                     UNION\n"
             "                     SELECT e.grantor FROM pg_catalog.aclexplode(w.acl) e) x (role)\n"
             " WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid = x.role)\n"
             " ORDER BY 1"},
    {.text =
         "SELECT pg_catalog.format('the membership of %s in %s comes without who granted it: '\n"
         "         '%s had no ADMIN OPTION', u.rolname, g.rolname,\n"
         "         coalesce(b.rolname::pg_catalog.text, m.grantor::pg_catalog.text))\n"
         "  FROM pg_catalog.pg_auth_members m\n"
         "  JOIN pg_catalog.pg_roles g ON g.oid = m.roleid\n"
         "  JOIN pg_catalog.pg_roles u ON u.oid = m.member\n"
         "  LEFT JOIN pg_catalog.pg_roles b ON b.oid = m.grantor\n"
         "  LEFT JOIN {membership_depths} d ON d.id = {membership_id}\n"
         " WHERE NOT (g.rolname ~ '^pg_' AND u.rolname ~ '^pg_')\n"
         "   AND {membership_lacks_grantor}\n"
         " ORDER BY g.rolname, u.rolname, b.rolname"},
};

struct globals_stream {
    struct reader reader;
    struct wire_conn *conn;
    const struct log *log;
    size_t next;
    bool verifiers; /* may be read */
    bool alone;     /* it is a script by itself */
    struct failure failure;
    struct sql out;
};

bool globals_have_verifiers(struct wire_conn *conn, bool *verifiers, struct error *err)
{
    struct wire_result *result;
    const char *readable;

    if (!wire_query(conn, "SELECT pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'SELECT')",
                    &result, err))
        return false;
    readable = wire_result_value(result, 0, 0);
    *verifiers = readable != NULL && strcmp(readable, "t") == 0;
    wire_result_free(result);
    return true;
}

static bool ask_for_verifiers(struct globals_stream *globals, struct error *err)
{
    if (!globals_have_verifiers(globals->conn, &globals->verifiers, err))
        return false;
    if (globals->verifiers)
        return true;
    log_message(globals->log, LOG_WARNING,
                "globals.sql has no passwords: only a superuser may read pg_authid");
    sql_add(&globals->out,
            "-- Passwords are left out: the role of the backup may not read pg_authid.\n");
    return !globals->out.failed;
}

/* So many of the first values must be there. */
static bool is_whole(const struct wire_result *result, size_t row, size_t values, struct error *err)
{
    for (size_t i = 0; i < values; i++) {
        if (wire_result_value(result, row, i) == NULL) {
            error_set(err, ERROR_SERVER, "a role or tablespace was dropped meanwhile");
            return error_hint(err, CATALOG_CHANGED_HINT);
        }
    }
    return true;
}

static bool add_row(struct globals_stream *globals, const struct wire_result *result, size_t row)
{
    const char *setting = wire_result_value(result, row, 1);
    struct sql *out = &globals->out;

    sql_add(out, wire_result_value(result, row, 0));
    if (setting != NULL) {
        sql_add(out, " SET ");
        sql_setting(out, setting);
        sql_add(out, ";");
    }
    sql_add(out, "\n");
    return !out->failed;
}

static bool add_privileges(struct globals_stream *globals, const struct wire_result *result,
                           size_t row)
{
    struct privileges privileges = {
        .acl = wire_result_value(result, row, 2),
        .usual = wire_result_value(result, row, 3),
        .on = queries[globals->next].privileges_on,
        .type = queries[globals->next].type,
    };

    return privileges_write(&globals->out, NULL, &privileges, wire_result_value(result, row, 0),
                            wire_result_value(result, row, 1),
                            wire_server_version(globals->conn) / 10000);
}

static bool take_row(struct globals_stream *globals, const struct wire_result *result, size_t row,
                     struct error *err)
{
    static const size_t values[] = {[STATEMENTS] = 1, [PRIVILEGES] = 4};
    enum rows rows = queries[globals->next].rows;

    if (!is_whole(result, row, values[rows], err))
        return false;
    return rows == PRIVILEGES ? add_privileges(globals, result, row)
                              : add_row(globals, result, row);
}

static const char *query_of(const struct globals_stream *globals)
{
    if (queries[globals->next].text != NULL)
        return queries[globals->next].text;
    return globals->verifiers ? roles_with_verifiers : roles_alone;
}

/* Where a tablespace lies is read from its link, which is as it is now. */
static bool ask_failed(struct error *err)
{
    if (strcmp(err->sqlstate, "58P01") == 0)
        error_hint(err, "A tablespace was dropped meanwhile: run it again.");
    return error_prefix(err, "cannot read roles and tablespaces");
}

static struct wire_result *ask(struct wire_conn *conn, const char *query, struct error *err)
{
    struct wire_result *result = NULL;
    struct buffer sql = {0};

    if (versions_expand(query, differences, wire_server_version(conn) / 10000, &sql, err) &&
        !wire_query(conn, buffer_text(&sql), &result, err))
        ask_failed(err);
    buffer_free(&sql);
    return result;
}

static bool ask_next(struct globals_stream *globals, struct error *err)
{
    struct wire_result *result;
    bool done;

    sql_begin_again(&globals->out, SIZE_MAX, err);
    if (globals->next == 0 && globals->alone)
        sql_add(&globals->out, "--\n-- PostgreSQL database cluster dump\n--\n\n");
    if (globals->next == 0 && !ask_for_verifiers(globals, err))
        return false;
    result = ask(globals->conn, query_of(globals), err);
    done = result != NULL;
    for (size_t i = 0; done && i < wire_result_rows(result); i++)
        done = take_row(globals, result, i, err);
    wire_result_free(result);
    globals->next++;
    return done;
}

static enum reader_status globals_next(struct reader *reader, struct slice *data, struct error *err)
{
    struct globals_stream *globals = (struct globals_stream *)reader;
    size_t count = globals->alone ? QUERY_COUNT : QUERY_COUNT - 1;

    while (!globals->failure.failed && globals->next < count) {
        if (!ask_next(globals, err))
            failure_keep(&globals->failure, err);
        else if (globals->out.text.len > 0) {
            *data = buffer_slice(&globals->out.text);
            return READER_DATA;
        }
    }
    return failure_check(&globals->failure, err) ? READER_END : READER_FAILED;
}

static void globals_close(struct reader *reader)
{
    struct globals_stream *globals = (struct globals_stream *)reader;

    buffer_free_secret(&globals->out.text); /* password verifiers */
    free(globals);
}

struct reader *globals_stream_new(struct wire_conn *conn, bool alone, const struct log *log,
                                  struct error *err)
{
    static const struct reader_ops ops = {.next = globals_next, .close = globals_close};
    struct globals_stream *globals = calloc(1, sizeof(*globals));

    if (globals == NULL) {
        error_set_memory(err);
        return NULL;
    }
    globals->reader.ops = &ops;
    globals->conn = conn;
    globals->alone = alone;
    globals->log = log;
    return &globals->reader;
}

bool globals_look_over(struct wire_conn *conn, globals_left_out *left_out, void *context,
                       struct error *err)
{
    bool done = true;

    for (size_t i = 0; done && i < sizeof(checks) / sizeof(checks[0]); i++) {
        struct wire_result *result = ask(conn, checks[i].text, err);

        done = result != NULL;
        for (size_t row = 0; done && row < wire_result_rows(result); row++) {
            done = is_whole(result, row, checks[i].fails ? 2 : 1, err);
            if (done && checks[i].fails) {
                error_set(err, ERROR_UNSUPPORTED, "%s", wire_result_value(result, row, 0));
                done = error_hint(err, "%s", wire_result_value(result, row, 1));
            } else if (done) {
                done = left_out(context, wire_result_value(result, row, 0), err);
            }
        }
        wire_result_free(result);
    }
    return done;
}
