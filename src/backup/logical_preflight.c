/*
 * Everything that would make a logical backup fail, asked before any work and reported at once. A
 * session asks it in one transaction, as the backup itself reads: what is set for it is gone with
 * it, even where a pooler lends the server's session to somebody else afterwards.
 */
#include "backup/logical_preflight_internal.h"
#include "backup/sessions_internal.h"
#include "base/error_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS 60000
#define ANSWER_MAX ((size_t)4 << 20) /* a row each, or some thousand names */
#define STATEMENT_TIMEOUT_MS 60000
#define LOCK_TIMEOUT_MS 5000

/* ---- Version, size ---- */

static void check_version(struct logical_preflight *preflight)
{
    struct error err;

    if (!logical_check_version(preflight->version, preflight->request->allow_newer_server, &err))
        preflight_add(preflight->report, true, err.hint, ERROR_OURS("%s"), err.message);
}

static void check_compression(struct logical_preflight *preflight)
{
    struct error err;

    if (!archive_compression_check(archive_minor_of_server(preflight->version),
                                   preflight->compression, &err))
        preflight_add(preflight->report, true, err.hint, ERROR_OURS("%s"), err.message);
}

/* Sizes as the last VACUUM or ANALYZE counted, without a lock: indexes are not dumped. A dump of
 * numbers is a fraction of their table's size, hardly less than an eighth. What a part of it takes
 * is not known. */
static void estimate_size(struct logical_preflight *preflight)
{
    static const char query[] = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database()),"
                                "       (SELECT coalesce(pg_catalog.sum(relpages::bigint), 0) *"
                                "               pg_catalog.current_setting('block_size')::bigint"
                                "          FROM pg_catalog.pg_class"
                                "         WHERE relkind = 'r' AND oid >= 16384 AND reltuples > 0)";
    struct wire_result *sizes = logical_preflight_ask_more(preflight, query);
    bool known = preflight->compression == COMPRESSION_NONE &&
                 !logical_is_partial(preflight->request, preflight->filter);

    if (sizes == NULL)
        return;
    preflight->report->estimated_bytes += preflight_number(sizes, 0);
    preflight->report->least_bytes += known ? preflight_number(sizes, 1) / 8 : 0;
    wire_result_free(sizes);
}

/* ---- All of it ---- */

static const char *user_of(const struct logical_preflight *preflight)
{
    return wire_settings_get(preflight->request->settings, "user");
}

/* Whose rights they are: what a role is set to be from its login on counts. */
static void ask_name(struct logical_preflight *preflight)
{
    static const char query[] = "SELECT pg_catalog.quote_ident(CURRENT_USER), CURRENT_USER";
    enum { QUOTED, NAME };
    struct wire_result *row = logical_preflight_ask(preflight, query);

    if (row == NULL)
        quote_identifier(user_of(preflight), preflight->role, sizeof(preflight->role));
    else if (quote_has_control(preflight_text(row, NAME)))
        quote_identifier(preflight_text(row, NAME), preflight->role, sizeof(preflight->role));
    else
        snprintf(preflight->role, sizeof(preflight->role), "%s", preflight_text(row, QUOTED));
    wire_result_free(row);
}

static void ask_role(struct logical_preflight *preflight)
{
    static const char query[] =
        "SELECT r.oid, r.rolinherit, "
        "       EXISTS (SELECT FROM pg_catalog.pg_auth_members m "
        "                 JOIN pg_catalog.pg_roles g ON g.oid = m.roleid"
        "                WHERE g.rolname = 'pg_read_all_data' AND m.member = r.oid)"
        "  FROM pg_catalog.pg_roles r WHERE r.rolname = CURRENT_USER";
    enum { OID, INHERITS, IS_MEMBER };
    struct wire_result *row = logical_preflight_ask_more(preflight, query);

    if (row == NULL)
        return;
    snprintf(preflight->role_oid, sizeof(preflight->role_oid), "%s", preflight_text(row, OID));
    preflight->inherits = preflight_flag(row, INHERITS);
    preflight->is_member = preflight_flag(row, IS_MEMBER);
    wire_result_free(row);
}

/* Something that nobody thought of: it is said in the server's words, unless there is a finding
 * that has the remedy. */
static void check_denied(struct logical_preflight *preflight)
{
    for (size_t i = preflight->findings_before; i < preflight->report->count; i++) {
        if (preflight->report->findings[i].fatal)
            return;
    }
    if (preflight->denied.code == ERROR_NONE)
        return;
    logical_explain(&preflight->denied, user_of(preflight));
    preflight_add(preflight->report, true, preflight->denied.hint, ERROR_OURS("%s"),
                  preflight->denied.message);
}

/* Once, over the first session. */
static void check_server(struct logical_preflight *preflight)
{
    static void (*const checks[])(struct logical_preflight *) = {
        ask_name,
        check_version,
        check_compression,
        logical_preflight_passwords,
        logical_preflight_standby,
        logical_preflight_pooler,
    };

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        checks[i](preflight);
}

static void check_database(struct logical_preflight *preflight)
{
    static void (*const checks[])(struct logical_preflight *) = {
        ask_name,
        ask_role,
        logical_preflight_catalogs,
        logical_preflight_rights,
        logical_preflight_left_out,
        logical_preflight_locks,
        logical_preflight_count_locks,
        estimate_size,
        check_denied,
    };

    preflight->findings_before = preflight->report->count;
    error_clear(&preflight->denied);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        checks[i](preflight);
}

/* A pooler that lends the server for one statement at a time has no transactions. */
static bool begin(struct logical_preflight *preflight, struct error *err)
{
    const struct snapshot_options options = {
        .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
        .lock_timeout_ms = LOCK_TIMEOUT_MS,
        .savepoint = PREFLIGHT_SAVEPOINT,
    };

    return logical_check_peer(preflight->conn, err) &&
           (snapshot_begin(preflight->conn, &options, err) ||
            logical_explain(err, user_of(preflight)));
}

/* A right that is not there for that is told as for any other question. */
static bool select_wanted(struct logical_preflight *preflight, bool *done, struct error *err)
{
    const struct catalog_options options = {
        .filter = preflight->filter,
        .schema_only = preflight->request->schema_only,
        .log = preflight->request->log,
    };

    *done = catalog_select(&preflight->wanted, preflight->conn, &options, err);
    if (!*done && strcmp(err->sqlstate, "42501") == 0)
        logical_explain(err, user_of(preflight));
    return *done;
}

/* The session before this one may still count where a role or a server has room for few. */
static bool connect_in_turn(struct logical_preflight *preflight,
                            const struct wire_connect_options *options, struct error *err)
{
    for (int tries = 0; !wire_connect(&preflight->conn, preflight->settings, options, err);
         tries++) {
        if (!sessions_try_again(preflight->request->cancel, tries, SESSIONS_TRIES, err))
            return false;
    }
    return true;
}

/* `name` NULL: the settings' database, the only one. */
static bool look_at(struct logical_preflight *preflight, const char *name, struct error *err)
{
    const struct backup_request *request = preflight->request;
    struct wire_connect_options options = {
        .kind = WIRE_SESSION_SQL,
        .database = name,
        .application_name = "pgcask check",
        .client_encoding = sessions_encoding(request->settings),
        .cancel = request->cancel,
        .log = request->log,
        .wait_limit_ms = WAIT_MS,
    };
    bool begun;

    if (!connect_in_turn(preflight, &options, err))
        return false;
    wire_set_answer_limit(preflight->conn, ANSWER_MAX);
    preflight->version = wire_server_version(preflight->conn);
    begun = begin(preflight, err);
    if (begun && !preflight->knows_server) {
        preflight->knows_server = true;
        check_server(preflight);
    }
    if (begun && select_wanted(preflight, &begun, err)) {
        preflight->report->database = name;
        check_database(preflight);
        preflight->report->database = NULL;
    }
    catalog_free(preflight->wanted);
    wire_close(preflight->conn);
    preflight->wanted = NULL;
    preflight->conn = NULL;
    return begun;
}

/* ---- All databases ---- */

/* The backup says so itself, once it gets there. */
static void add_absent(struct logical_preflight *preflight, const struct logical_backup *job)
{
    for (size_t i = 0; i < job->absent_count && preflight->request->only_preflight; i++) {
        const struct logical_absent *absent = &job->absent[i];
        const char *remedy;
        char text[LOGICAL_REMEDY_SIZE];

        remedy = logical_absent_remedy(absent->name, absent->why, text);
        preflight->report->database = absent->name;
        preflight_add(preflight->report, false,
                      remedy != NULL ? remedy : "Name it by " OPTION_DATABASES " if you mean it.",
                      "it will be left out: %s", logical_absent_reason(absent->why));
    }
    preflight->report->database = NULL;
}

/* What keeps one database from being entered says nothing of the others, unless nobody answers. One
 * that is gone meanwhile will not be in the backup's own list. */
static bool look_at_one(struct logical_preflight *preflight, const char *name, struct error *err)
{
    if (look_at(preflight, name, err) || strcmp(err->sqlstate, "3D000") == 0)
        return true;
    if (err->sqlstate[0] == '\0' || err->code == ERROR_CANCELLED)
        return error_prefix(err, "database \"%s\"", name);
    preflight->report->database = name;
    preflight_add(preflight->report, true, err->hint, ERROR_OURS("%s"), err->message);
    preflight->report->database = NULL;
    return true;
}

static bool look_at_all(struct logical_preflight *preflight, struct error *err)
{
    struct logical_backup job = {.request = *preflight->request};
    bool done;

    job.request.log = NULL;
    done = logical_list_databases(&job, err);
    if (job.pinned != NULL)
        preflight->settings = job.pinned;
    if (done)
        add_absent(preflight, &job);
    for (size_t i = 0; done && i < job.database_count; i++)
        done = look_at_one(preflight, job.databases[i].name, err);
    preflight->settings = preflight->request->settings;
    logical_databases_free(&job);
    wire_settings_free(job.pinned);
    return done;
}

bool logical_preflight(const struct backup_request *request, struct preflight_report *report,
                       struct error *err)
{
    struct logical_preflight preflight = {
        .request = request, .settings = request->settings, .report = report};
    int level;
    bool done;

    *report = (struct preflight_report){0};
    preflight.filter = logical_filter_new(request, err);
    done = preflight.filter != NULL &&
           logical_compression(request, &preflight.compression, &level, err) &&
           (request->all_databases ? look_at_all(&preflight, err) : look_at(&preflight, NULL, err));
    if (done)
        logical_preflight_judge_locks(&preflight);
    catalog_filter_free(preflight.filter);
    return done && cancel_check(request->cancel, err);
}
