/*
 * Two sessions, each tried by itself: which of them a server or a role refuses is what a preflight
 * has to tell, so that one without the other is no failure.
 */
#include "backup/sessions_internal.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define WAIT_MS (60 * 1000)
#define FIRST_PAUSE_MS 50              /* doubled each time */
#define ANSWER_MAX ((size_t)256 << 10) /* one value each */

/* Where SQL is tried if the settings' database will not do and any other is as good. */
static const char *const fallback_databases[] = {"postgres", "template1"};

const char *sessions_encoding(const struct wire_settings *settings)
{
    const char *given = wire_settings_get(settings, "client_encoding");

    return given == NULL || given[0] == '\0' || strcmp(given, "auto") == 0 ? "SQL_ASCII" : given;
}

static void open_sql(struct sessions *sessions, const struct wire_settings *settings,
                     bool any_database, struct cancel *cancel, const struct log *log)
{
    struct wire_connect_options options = {
        .kind = WIRE_SESSION_SQL,
        .application_name = "pgcask check",
        .client_encoding = sessions_encoding(settings),
        .cancel = cancel,
        .log = log,
        .wait_limit_ms = WAIT_MS,
    };
    struct error later;

    if (wire_connect(&sessions->sql, settings, &options, &sessions->sql_error)) {
        wire_set_answer_limit(sessions->sql, ANSWER_MAX);
        return;
    }
    /* 3D000: the database does not exist; 42501: no CONNECT; 55000: it takes no connections.
     * Anything else would not get better. */
    if (!any_database || (strcmp(sessions->sql_error.sqlstate, "3D000") != 0 &&
                          strcmp(sessions->sql_error.sqlstate, "42501") != 0 &&
                          strcmp(sessions->sql_error.sqlstate, "55000") != 0))
        return;
    for (size_t i = 0; i < sizeof(fallback_databases) / sizeof(fallback_databases[0]); i++) {
        options.database = fallback_databases[i];
        if (wire_connect(&sessions->sql, settings, &options, &later)) {
            wire_set_answer_limit(sessions->sql, ANSWER_MAX);
            return;
        }
    }
}

/* What comes later goes to the same server. */
static bool pin(struct sessions *sessions, const struct wire_settings *settings,
                const struct wire_conn *conn, struct error *err)
{
    if (sessions->pinned == NULL)
        sessions->pinned = wire_settings_pin(settings, conn, err);
    if (sessions->pinned != NULL)
        return true;
    sessions_close(sessions);
    return false;
}

bool sessions_open(struct sessions *sessions, const struct wire_settings *settings,
                   bool want_replication, bool any_database, struct cancel *cancel,
                   const struct log *log, struct error *err)
{
    *sessions = (struct sessions){0};
    if (want_replication)
        replication_connect(&sessions->replication, settings, "pgcask check", WAIT_MS, cancel, log,
                            &sessions->replication_error);
    if (!cancel_check(cancel, err)) {
        sessions_close(sessions);
        return false;
    }
    /* Where no server answers (no SQLSTATE), or the password is wrong, a second try would only cost
     * time. */
    if (sessions->replication == NULL && want_replication &&
        (sessions->replication_error.sqlstate[0] == '\0' ||
         strcmp(sessions->replication_error.sqlstate, "28P01") == 0)) {
        *err = sessions->replication_error;
        return false;
    }
    if (sessions->replication != NULL && !pin(sessions, settings, sessions->replication, err))
        return false;
    open_sql(sessions, sessions->pinned != NULL ? sessions->pinned : settings, any_database, cancel,
             log);
    if (sessions->sql != NULL && !pin(sessions, settings, sessions->sql, err))
        return false;
    if (sessions->sql != NULL || sessions->replication != NULL)
        return true;
    *err = want_replication ? sessions->replication_error : sessions->sql_error;
    return false;
}

void sessions_close(struct sessions *sessions)
{
    wire_close(sessions->replication);
    wire_close(sessions->sql);
    wire_settings_free(sessions->pinned);
    sessions->replication = NULL;
    sessions->sql = NULL;
    sessions->pinned = NULL;
}

struct wire_conn *sessions_any(const struct sessions *sessions)
{
    return sessions->sql != NULL ? sessions->sql : sessions->replication;
}

bool sessions_show(struct sessions *sessions, const char *name, char *out, size_t out_size)
{
    struct error ignored;

    if (sessions->sql != NULL && replication_show(sessions->sql, name, out, out_size, &ignored))
        return true;
    return sessions->replication != NULL &&
           replication_show(sessions->replication, name, out, out_size, &ignored);
}

bool sessions_ask(struct sessions *sessions, const char *sql, char *out, size_t out_size)
{
    struct wire_result *result;
    struct error ignored;
    const char *value = NULL;
    bool found;

    if (sessions->sql == NULL || !wire_query(sessions->sql, sql, &result, &ignored))
        return false;
    if (result != NULL && wire_result_rows(result) > 0 && wire_result_columns(result) > 0)
        value = wire_result_value(result, 0, 0);
    found = value != NULL;
    if (found)
        snprintf(out, out_size, "%s", value);
    wire_result_free(result);
    return found;
}

bool sessions_connect_any(struct wire_conn **conn, const struct wire_settings *settings,
                          const char *application_name, const char *encoding, struct cancel *cancel,
                          const struct log *log, struct error *err)
{
    static const char *const databases[] = {"postgres", "template1", NULL /* the settings' own */};
    struct wire_connect_options options = {
        .kind = WIRE_SESSION_SQL,
        .application_name = application_name,
        .client_encoding = encoding,
        .cancel = cancel,
        .log = log,
        .wait_limit_ms = WAIT_MS,
    };
    struct error later;

    options.database = databases[0];
    if (wire_connect(conn, settings, &options, err))
        return true;
    for (size_t i = 1; i < sizeof(databases) / sizeof(databases[0]); i++) {
        /* No such database, no right to enter it, no line in pg_hba.conf, or it takes no
         * connections: another may do better. */
        if (strcmp(err->sqlstate, "3D000") != 0 && strcmp(err->sqlstate, "42501") != 0 &&
            strcmp(err->sqlstate, "28000") != 0 && strcmp(err->sqlstate, "55000") != 0)
            return false;
        options.database = databases[i];
        if (wire_connect(conn, settings, &options, &later))
            return true;
    }
    return false;
}

bool sessions_pause(struct cancel *cancel, int milliseconds, struct error *err)
{
    struct pollfd requested = {.fd = cancel == NULL ? -1 : cancel->event_fd, .events = POLLIN};

    poll(&requested, 1, milliseconds);
    return cancel == NULL || cancel_check(cancel, err);
}

bool sessions_try_again(struct cancel *cancel, int tries, int most, struct error *err)
{
    return strcmp(err->sqlstate, "53300") == 0 && tries < most &&
           sessions_pause(cancel, FIRST_PAUSE_MS << tries, err);
}
