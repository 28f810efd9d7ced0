/*
 * Everything that would make a physical backup fail, or hurt the server, asked before any work and
 * reported at once. Each check is a small function that may add findings.
 */
#include "backup/job_internal.h"
#include "backup/configuration.h"
#include "backup/sessions_internal.h"
#include "base/bytes.h"
#include "base/quote.h"
#include "replication/slot_keeper.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SESSIONS_NEEDED 2 /* the backup's and the slot's */

struct preflight {
    struct sessions sessions;
    const struct backup_request *request;
    struct preflight_report *report;
    int version;
};

#define add(preflight, ...) preflight_add((preflight)->report, __VA_ARGS__)

/* Counts and sizes only; anything else is as good as no answer. */
static bool take_number(const char *text, int64_t *number)
{
    uint64_t value;

    if (!bytes_parse_u64(slice_string(text), &value) || value > INT64_MAX)
        return false;
    *number = (int64_t)value;
    return true;
}

static bool ask_number(struct preflight *preflight, const char *sql, int64_t *number)
{
    char text[64];

    if (!sessions_ask(&preflight->sessions, sql, text, sizeof(text)))
        return false;
    return take_number(text, number);
}

static bool show_number(struct preflight *preflight, const char *name, int64_t *number)
{
    char text[64];

    if (!sessions_show(&preflight->sessions, name, text, sizeof(text)))
        return false;
    return take_number(text, number);
}

static void check_version(struct preflight *preflight)
{
    struct error err;
    bool newer;

    if (!replication_check_version(preflight->version, &newer, &err))
        add(preflight, true, err.hint, ERROR_OURS("%s"), err.message);
    else if (newer)
        add(preflight, false, "Look for a newer pgcask.",
            "the server is PostgreSQL %d; this version of pgcask was tested with %d to %d",
            preflight->version / 10000, REPLICATION_OLDEST_MAJOR, REPLICATION_NEWEST_MAJOR);
}

static void check_wal_level(struct preflight *preflight)
{
    char level[32];

    if (sessions_show(&preflight->sessions, "wal_level", level, sizeof(level)) &&
        strcmp(level, "minimal") == 0)
        add(preflight, true, "ALTER SYSTEM SET wal_level = 'replica';  and restart the server",
            "wal_level is minimal: a backup of the running cluster needs replica or logical");
}

/* The role's right, asked by SQL so that it is known even where pg_hba.conf refuses the session. */
static void check_replication_right(struct preflight *preflight)
{
    const char *user = wire_settings_get(preflight->request->settings, "user");
    char role[QUOTE_NAME_SIZE], remedy[QUOTE_NAME_SIZE + 32], text[16];

    if (!sessions_ask(&preflight->sessions,
                      "SELECT rolsuper OR rolreplication FROM pg_catalog.pg_roles"
                      " WHERE rolname = SESSION_USER",
                      text, sizeof(text)) ||
        text[0] == 't')
        return;
    snprintf(remedy, sizeof(remedy), "ALTER ROLE %s REPLICATION;",
             quote_identifier(user, role, sizeof(role)));
    add(preflight, true, remedy, "the role \"%.63s\" is neither superuser nor replication role",
        user);
}

/* Why no replication session came about, unless a finding above says it already. */
static void check_replication_session(struct preflight *preflight)
{
    const struct error *why = &preflight->sessions.replication_error;

    if (preflight->sessions.replication != NULL)
        return;
    if (strcmp(why->sqlstate, "42501") == 0 && preflight->report->count > 0)
        return; /* the missing REPLICATION right */
    if (strcmp(why->sqlstate, "53300") == 0)
        return; /* too many: check_senders counts them */
    add(preflight, true, why->hint, "no replication session: " ERROR_OURS("%s"), why->message);
}

static void check_senders(struct preflight *preflight)
{
    int64_t limit, used = 0;

    if (!show_number(preflight, "max_wal_senders", &limit))
        return;
    /* Ours of this check will be gone by then. */
    ask_number(preflight,
               "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_get_wal_senders() AS s"
               " JOIN pg_catalog.pg_stat_activity AS a USING (pid)"
               " WHERE a.application_name IS DISTINCT FROM 'pgcask check'",
               &used);
    if (limit - used >= SESSIONS_NEEDED)
        return;
    add(preflight, true,
        "ALTER SYSTEM SET max_wal_senders = 10;  and restart the server (or end a replication "
        "client that is not needed)",
        "a backup takes %d walsender sessions; max_wal_senders is %" PRId64 " and %" PRId64
        " are in use",
        SESSIONS_NEEDED, limit, used);
}

static void check_slots(struct preflight *preflight)
{
    int64_t limit, used = 0;

    if (!show_number(preflight, "max_replication_slots", &limit))
        return;
    ask_number(preflight, "SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots", &used);
    if (limit - used >= 1)
        return;
    add(preflight, true,
        "ALTER SYSTEM SET max_replication_slots = 10;  and restart the server (or drop a slot "
        "that is not needed: SELECT pg_drop_replication_slot('NAME');)",
        "a backup takes a temporary replication slot; max_replication_slots is %" PRId64
        " and %" PRId64 " are in use",
        limit, used);
}

static void check_slot_limit(struct preflight *preflight)
{
    char text[64];

    if (sessions_show(&preflight->sessions, "max_slot_wal_keep_size", text, sizeof(text)) &&
        strcmp(text, "-1") != 0)
        add(preflight, false,
            "ALTER SYSTEM SET max_slot_wal_keep_size = '-1';  SELECT pg_reload_conf();",
            "max_slot_wal_keep_size is %s: the backup fails if more WAL than that is written "
            "while it runs",
            text);
}

/* The slot's keeper works twice in such a time; a shorter one leaves it no time. */
static void check_idle_timeouts(struct preflight *preflight)
{
    static const struct {
        const char *name;
        int since;
        bool of_role; /* ALTER ROLE can set it */
    } settings[] = {{"idle_session_timeout", 140000, true},
                    {"idle_replication_slot_timeout", 180000, false}};
    const char *user = wire_settings_get(preflight->request->settings, "user");
    char text[64];

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        char remedy[256], role[QUOTE_NAME_SIZE];
        int64_t limit;

        if (preflight->version < settings[i].since ||
            !sessions_show(&preflight->sessions, settings[i].name, text, sizeof(text)))
            continue;
        limit = strtoll(text, NULL, 10);
        if (strstr(text, "ms") == NULL || limit >= 1000)
            continue;
        if (settings[i].of_role)
            snprintf(remedy, sizeof(remedy), "ALTER ROLE %s SET %s = '1min';",
                     quote_identifier(user == NULL ? "" : user, role, sizeof(role)),
                     settings[i].name);
        else
            snprintf(remedy, sizeof(remedy),
                     "ALTER SYSTEM SET %s = '1min';  SELECT pg_reload_conf();", settings[i].name);
        add(preflight, limit < 2 * SLOT_KEEPER_BEAT_SHORTEST_MS, remedy,
            "%s is %s: too short for the session that keeps the WAL", settings[i].name, text);
    }
}

/* A backup without it is as good as ever, but the server does not start on it alone. */
static void check_configuration(struct preflight *preflight)
{
    char list[400], remedy[1024], role[QUOTE_NAME_SIZE], database[QUOTE_NAME_SIZE];
    const struct error *no_sql = &preflight->sessions.sql_error;

    if (preflight->sessions.sql == NULL) {
        add(preflight, false, no_sql->hint,
            "configuration outside the data directory, if there is any, will be missing, because "
            "there is no SQL session: " ERROR_OURS("%s"),
            no_sql->message);
        return;
    }
    if (!configuration_find_denied(&preflight->sessions, list, sizeof(list)))
        return;
    if (!sessions_ask(&preflight->sessions, "SELECT CURRENT_USER", role, sizeof(role)) ||
        !sessions_ask(&preflight->sessions, "SELECT pg_catalog.current_database()", database,
                      sizeof(database)))
        return;
    configuration_rights_remedy(role, database, remedy, sizeof(remedy));
    add(preflight, false, remedy,
        "configuration outside the data directory will be missing, because the role may not read "
        "it: %s",
        list);
}

static void estimate_size(struct preflight *preflight)
{
    int64_t bytes;

    if (ask_number(preflight,
                   "SELECT pg_catalog.sum(pg_catalog.pg_tablespace_size(oid))"
                   " FROM pg_catalog.pg_tablespace",
                   &bytes) &&
        bytes > 0)
        preflight->report->estimated_bytes = (uint64_t)bytes;
}

bool physical_preflight(struct backup_request *request, struct preflight_report *report,
                        struct error *err)
{
    static void (*const checks[])(struct preflight *) = {
        check_version,       check_wal_level, check_replication_right, check_replication_session,
        check_senders,       check_slots,     check_slot_limit,        check_idle_timeouts,
        check_configuration, estimate_size,
    };
    struct preflight preflight = {.request = request, .report = report};

    *report = (struct preflight_report){0};
    if (!sessions_open(&preflight.sessions, request->settings, true, true, request->cancel,
                       request->log, err))
        return false;
    preflight.version = wire_server_version(sessions_any(&preflight.sessions));
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
        checks[i](&preflight);
    wire_settings_free(request->pinned);
    request->pinned = preflight.sessions.pinned;
    request->settings = request->pinned;
    preflight.sessions.pinned = NULL;
    sessions_close(&preflight.sessions);
    return cancel_check(request->cancel, err);
}
