/*
 * Everything that would make a logical backup fail, asked before any work and reported at once. The
 * rights of the role are asked for over whole sets, and each remedy covers all that it is for.
 */
#include "backup/logical_internal.h"
#include "backup/sessions_internal.h"
#include "base/buffer.h"
#include "base/error_names.h"
#include "base/quote.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMAS_MAX 200 /* bytes of a list of schemas that a remedy repeats */
#define GRANT_MAX 45    /* bytes of a GRANT beside the names */

struct preflight {
    struct sessions sessions;
    const struct backup_request *request;
    enum compression compression;
    struct preflight_report *report;
    int version;
};

/* The only row of a query, or NULL: what cannot be asked is left to the backup itself. */
static struct wire_result *ask_row(struct preflight *preflight, const char *sql)
{
    struct wire_result *result = NULL;
    struct error ignored;

    if (wire_query(preflight->sessions.sql, sql, &result, &ignored) && result != NULL &&
        wire_result_rows(result) == 1)
        return result;
    wire_result_free(result);
    return NULL;
}

static const char *text_of(const struct wire_result *result, size_t column)
{
    const char *text =
        column < wire_result_columns(result) ? wire_result_value(result, 0, column) : NULL;

    return text == NULL ? "" : text;
}

static uint64_t number_of(const struct wire_result *result, size_t column)
{
    return strtoull(text_of(result, column), NULL, 10);
}

/* ---- Rights ---- */

/*
 * What is read: the tables that are locked (which takes a right to the table as a whole) and read,
 * and the positions of sequences; of extensions only the tables that they say hold users' data.
 */
#define READ_RELATIONS                                                                             \
    "WITH wanted AS ("                                                                             \
    "  SELECT c.oid, c.relkind, c.relrowsecurity, n.oid AS schema, n.nspname"                      \
    "    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"      \
    "   WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't'"                            \
    "     AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"                           \
    "     AND (NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'"               \
    "                         AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"          \
    "                         AND d.objid = c.oid)"                                                \
    "          OR EXISTS (SELECT FROM pg_catalog.pg_extension x WHERE c.oid = ANY (x.extconfig)))" \
    "), judged AS ("                                                                               \
    "  SELECT oid, relkind, schema, nspname, oid::pg_catalog.regclass::pg_catalog.text AS name,"   \
    "         CASE relkind WHEN 'S' THEN pg_catalog.has_sequence_privilege(oid, 'SELECT')"         \
    "                      ELSE pg_catalog.has_table_privilege(oid, 'SELECT') END AS readable,"    \
    "         pg_catalog.has_schema_privilege(schema, 'USAGE') AS reachable,"                      \
    "         CASE WHEN relkind = 'r' AND relrowsecurity"                                          \
    "              THEN pg_catalog.row_security_active(oid) ELSE false END AS filtered"            \
    "    FROM wanted) "

/* "a, b, c" of the first few. */
#define FIRST_OF(what, condition)                                                                  \
    "(SELECT pg_catalog.string_agg(x.name, ', ') FROM (SELECT DISTINCT " what " AS name"           \
    "   FROM judged WHERE " condition " ORDER BY 1 LIMIT 5) x)"
#define COUNT_OF(what, condition)                                                                  \
    "(SELECT pg_catalog.count(DISTINCT " what ") FROM judged WHERE " condition ")"
#define NO_TABLE "relkind <> 'S' AND NOT readable"
#define NO_SEQUENCE "relkind = 'S' AND NOT readable"
#define NO_SCHEMA "NOT reachable"

enum {
    TABLES,
    TABLE_NAMES,
    SEQUENCES,
    SEQUENCE_NAMES,
    SCHEMAS,
    SCHEMA_NAMES,
    FILTERED,
    FILTERED_NAMES,
    ALL_SCHEMAS,
    ROLE,
    ROLE_NAME,
    ROLE_OID,
    INHERITS,
    IS_MEMBER /* and has it not by that: else everything could be read */
};

/* clang-format off */
static const char rights_query[] =
    READ_RELATIONS "SELECT "
    COUNT_OF("oid", NO_TABLE) ", " FIRST_OF("name", NO_TABLE) ", "
    COUNT_OF("oid", NO_SEQUENCE) ", " FIRST_OF("name", NO_SEQUENCE) ", "
    COUNT_OF("schema", NO_SCHEMA) ", "
    FIRST_OF("pg_catalog.quote_ident(nspname)", NO_SCHEMA) ", "
    COUNT_OF("oid", "filtered") ", " FIRST_OF("name", "filtered") ", "
    "(SELECT pg_catalog.string_agg(DISTINCT pg_catalog.quote_ident(nspname), ', ')"
    "   FROM judged WHERE NOT readable OR NOT reachable), "
    "pg_catalog.quote_ident(r.rolname), r.rolname, r.oid, r.rolinherit, "
    "EXISTS (SELECT FROM pg_catalog.pg_auth_members m "
    "          JOIN pg_catalog.pg_roles g ON g.oid = m.roleid"
    "         WHERE g.rolname = 'pg_read_all_data' AND m.member = r.oid)"
    "  FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER";
/* clang-format on */

/* As it can be pasted. */
static const char *role_of(const struct wire_result *rights, char quoted[QUOTE_NAME_SIZE])
{
    const char *name = text_of(rights, ROLE_NAME);

    return quote_has_control(name) ? quote_identifier(name, quoted, QUOTE_NAME_SIZE)
                                   : text_of(rights, ROLE);
}

/* Before PostgreSQL 14 there is no role that may read everything: schema by schema. */
static bool append_grants(struct buffer *out, const struct wire_result *rights, struct error *err)
{
    const struct preflight_finding *room = NULL; /* for its size */
    const char *schemas = text_of(rights, ALL_SCHEMAS), *role;
    char quoted[QUOTE_NAME_SIZE];

    role = role_of(rights, quoted);
    if (strlen(schemas) > SCHEMAS_MAX || quote_has_control(schemas) ||
        3 * (strlen(schemas) + strlen(role) + GRANT_MAX) > sizeof(room->remedy))
        return buffer_printf(
            out, err,
            "DO $$ DECLARE s name; BEGIN FOR s IN SELECT nspname FROM pg_namespace WHERE nspname "
            "!~ '^pg_' AND nspname <> 'information_schema' LOOP EXECUTE format('GRANT USAGE ON "
            "SCHEMA %%1$I TO %%2$I; GRANT SELECT ON ALL TABLES IN SCHEMA %%1$I TO %%2$I; GRANT "
            "SELECT ON ALL SEQUENCES IN SCHEMA %%1$I TO %%2$I', s, (SELECT rolname FROM pg_roles "
            "WHERE oid = %s)); END LOOP; END $$;",
            text_of(rights, ROLE_OID));
    return (number_of(rights, SCHEMAS) == 0 ||
            buffer_printf(out, err, "GRANT USAGE ON SCHEMA %s TO %s;  ", schemas, role)) &&
           (number_of(rights, TABLES) == 0 ||
            buffer_printf(out, err, "GRANT SELECT ON ALL TABLES IN SCHEMA %s TO %s;  ", schemas,
                          role)) &&
           (number_of(rights, SEQUENCES) == 0 ||
            buffer_printf(out, err, "GRANT SELECT ON ALL SEQUENCES IN SCHEMA %s TO %s;", schemas,
                          role));
}

/* One right that covers all, for a role that may not take rights from others by itself, too. */
static bool append_read_all(struct buffer *out, const struct preflight *preflight,
                            const struct wire_result *rights, struct error *err)
{
    bool inherits = text_of(rights, INHERITS)[0] == 't';
    bool is_member = text_of(rights, IS_MEMBER)[0] == 't';
    char quoted[QUOTE_NAME_SIZE];
    const char *role = role_of(rights, quoted);

    if (preflight->version < 140000)
        return append_grants(out, rights, err);
    if (!inherits && preflight->version < 160000 &&
        !buffer_printf(out, err, "ALTER ROLE %s INHERIT;  ", role))
        return false;
    return buffer_printf(
        out, err, "GRANT pg_read_all_data TO %s%s;", role,
        (!inherits || is_member) && preflight->version >= 160000 ? " WITH INHERIT TRUE" : "");
}

static bool append_missing(struct buffer *out, const struct wire_result *rights, size_t column,
                           const char *what, struct error *err)
{
    uint64_t count = number_of(rights, column);

    return count == 0 || buffer_printf(out, err, "%s%llu %s%s (%s%s)", out->len == 0 ? "" : ", ",
                                       (unsigned long long)count, what, count == 1 ? "" : "s",
                                       text_of(rights, column + 1), count > 5 ? ", …" : "");
}

static void judge_rights(struct preflight *preflight, const struct wire_result *rights)
{
    struct buffer missing = {0}, remedy = {0};
    char quoted[QUOTE_NAME_SIZE];
    const char *role = role_of(rights, quoted);
    struct error ignored;

    if (append_missing(&missing, rights, TABLES, "table", &ignored) &&
        append_missing(&missing, rights, SEQUENCES, "sequence", &ignored) &&
        append_missing(&missing, rights, SCHEMAS, "schema", &ignored) && missing.len > 0 &&
        append_read_all(&remedy, preflight, rights, &ignored))
        preflight_add(preflight->report, true, buffer_text(&remedy), "the role %s may not read %s",
                      role, buffer_text(&missing));
    buffer_clear(&missing);
    buffer_clear(&remedy);
    if (append_missing(&missing, rights, FILTERED, "table", &ignored) && missing.len > 0 &&
        buffer_printf(&remedy, &ignored, "ALTER ROLE %s BYPASSRLS;", role))
        preflight_add(preflight->report, true, buffer_text(&remedy),
                      "policies would hide rows of %s from the role %s", buffer_text(&missing),
                      role);
    buffer_free(&missing);
    buffer_free(&remedy);
}

static void check_rights(struct preflight *preflight)
{
    struct wire_result *rights = ask_row(preflight, rights_query);

    if (rights != NULL)
        judge_rights(preflight, rights);
    wire_result_free(rights);
}

/* ---- The rest ---- */

static void check_version(struct preflight *preflight)
{
    struct error err;

    if (!logical_check_version(preflight->version, preflight->request->allow_newer_server, &err))
        preflight_add(preflight->report, true, err.hint, ERROR_OURS("%s"), err.message);
}

static void check_compression(struct preflight *preflight)
{
    struct error err;

    if (!archive_compression_check(archive_minor_of_server(preflight->version),
                                   preflight->compression, &err))
        preflight_add(preflight->report, true, err.hint, ERROR_OURS("%s"), err.message);
}

static void check_kinds(struct preflight *preflight)
{
    struct buffer sql = {0};
    struct error ignored;
    struct wire_result *found = NULL;

    if (catalog_unsupported_query(&sql, &ignored))
        found = ask_row(preflight, buffer_text(&sql));
    if (found != NULL && number_of(found, 0) > 0)
        preflight_add(preflight->report, true, CATALOG_UNSUPPORTED_HINT,
                      "objects that cannot be backed up logically yet: %s; one of each kind: %s",
                      text_of(found, 0), text_of(found, 1));
    wire_result_free(found);
    buffer_free(&sql);
}

/* Locks that have been held for a while: a short one is over before the backup gets there. Of a
 * prepared transaction, of recovery and, for a role that may not see it, of others' sessions nobody
 * tells since when. */
static void check_locks(struct preflight *preflight)
{
    static const char query[] =
        "SELECT pg_catalog.count(*),"
        "       pg_catalog.min(l.relation::pg_catalog.regclass::pg_catalog.text),"
        "       pg_catalog.min(l.pid)"
        "  FROM pg_catalog.pg_locks l"
        "  JOIN pg_catalog.pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p')"
        "  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
        " WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.relation >= 16384"
        "   AND l.database = (SELECT oid FROM pg_catalog.pg_database"
        "                      WHERE datname = pg_catalog.current_database())"
        "   AND (a.xact_start IS NULL"
        "        OR a.xact_start < pg_catalog.now() - '10 s'::pg_catalog.interval)";
    struct wire_result *found = ask_row(preflight, query);

    if (found != NULL && number_of(found, 0) > 0)
        preflight_add(preflight->report, false,
                      "Wait until they are not, or end what locks them; the backup waits as long "
                      "as " OPTION_LOCK_TIMEOUT " says.",
                      "tables that are locked against reading: %s, the first is %s (%s%s)",
                      text_of(found, 0), text_of(found, 1),
                      text_of(found, 2)[0] == '\0' ? "a prepared transaction" : "process ",
                      text_of(found, 2));
    wire_result_free(found);
}

/* Sizes as the last VACUUM or ANALYZE counted, without a lock: indexes are not dumped. A dump of
 * numbers is a fraction of their table's size, hardly less than an eighth. */
static void estimate_size(struct preflight *preflight)
{
    static const char query[] = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database()),"
                                "       (SELECT coalesce(pg_catalog.sum(relpages::bigint), 0) *"
                                "               pg_catalog.current_setting('block_size')::bigint"
                                "          FROM pg_catalog.pg_class"
                                "         WHERE relkind = 'r' AND oid >= 16384 AND reltuples > 0)";
    struct wire_result *sizes = ask_row(preflight, query);

    if (sizes == NULL)
        return;
    preflight->report->estimated_bytes = number_of(sizes, 0);
    preflight->report->least_bytes =
        preflight->compression == COMPRESSION_NONE ? number_of(sizes, 1) / 8 : 0;
    wire_result_free(sizes);
}

bool logical_preflight(const struct backup_request *request, struct preflight_report *report,
                       struct error *err)
{
    static void (*const checks[])(struct preflight *) = {
        check_version, check_compression, check_rights, check_kinds, check_locks, estimate_size,
    };
    struct preflight preflight = {.request = request, .report = report};
    int level;

    *report = (struct preflight_report){0};
    if (!logical_compression(request, &preflight.compression, &level, err) ||
        !sessions_open(&preflight.sessions, request->settings, false, false, request->cancel,
                       request->log, err))
        return false;
    preflight.version = wire_server_version(preflight.sessions.sql);
    /* Names come with their schemas then. */
    wire_result_free(ask_row(&preflight, "SELECT pg_catalog.set_config('search_path', '', false)"));
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        checks[i](&preflight);
    sessions_close(&preflight.sessions);
    return cancel_check(request->cancel, err);
}
