/*
 * Sessions of one database that see one snapshot: the one that took it, which holds it and the
 * locks, and more of them that import it, each opened when it is first needed and there is no free
 * one. Whoever reads takes one, alone, and gives it back.
 *
 * A server that has no room for one more is no failure: fewer do it.
 */
#include "backup/logical_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_MS 100 /* so often a wait looks whether it was cancelled */

struct logical_sessions {
    struct logical_database *database;
    pthread_mutex_t lock, opening; /* the latter: connects, one at a time */
    pthread_cond_t changed;
    size_t count, most; /* that are open or being opened, the first one included */
    bool first_taken;
    struct wire_conn **free; /* of the others */
    size_t free_count;
    size_t readers; /* that were handed out and not yet closed */
};

struct logical_sessions *logical_sessions_new(struct logical_database *database, size_t most,
                                              struct error *err)
{
    struct logical_sessions *sessions = calloc(1, sizeof(*sessions));
    pthread_condattr_t attributes;

    if (sessions != NULL)
        sessions->free = calloc(most, sizeof(struct wire_conn *));
    if (sessions == NULL || sessions->free == NULL) {
        free(sessions);
        error_set_memory(err);
        return NULL;
    }
    sessions->database = database;
    sessions->count = 1;
    sessions->most = database->snapshot[0] == '\0' ? 1 : most;
    pthread_mutex_init(&sessions->lock, NULL);
    pthread_mutex_init(&sessions->opening, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&sessions->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return sessions;
}

void logical_sessions_free(struct logical_sessions *sessions)
{
    if (sessions == NULL)
        return;
    for (size_t i = 0; i < sessions->free_count; i++)
        wire_close(sessions->free[i]);
    pthread_cond_destroy(&sessions->changed);
    pthread_mutex_destroy(&sessions->opening);
    pthread_mutex_destroy(&sessions->lock);
    free(sessions->free);
    free(sessions);
}

/* ---- Waiting ---- */

/* False: it was cancelled. */
static bool wait_locked(struct logical_sessions *sessions, struct error *err)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&sessions->changed, &sessions->lock, &until);
    return cancel_check(sessions->database->job->request.cancel, err);
}

void logical_sessions_enter(struct logical_sessions *sessions)
{
    pthread_mutex_lock(&sessions->lock);
    sessions->readers++;
    pthread_mutex_unlock(&sessions->lock);
}

void logical_sessions_leave(struct logical_sessions *sessions)
{
    pthread_mutex_lock(&sessions->lock);
    sessions->readers--;
    pthread_cond_broadcast(&sessions->changed);
    pthread_mutex_unlock(&sessions->lock);
}

bool logical_sessions_wait(struct logical_sessions *sessions, struct error *err)
{
    bool done = true;

    pthread_mutex_lock(&sessions->lock);
    while (done && sessions->readers > 0)
        done = wait_locked(sessions, err);
    pthread_mutex_unlock(&sessions->lock);
    return done;
}

/* ---- Sessions ---- */

static bool import_snapshot(struct logical_sessions *sessions, struct wire_conn *conn,
                            struct error *err)
{
    const struct logical_database *database = sessions->database;
    const struct snapshot_options options = {
        .imported = database->snapshot,
        .own_encoding = true,
        .foreign_tables = catalog_filter_count(database->job->filter, FILTER_FOREIGN_DATA) > 0,
    };

    return snapshot_begin(conn, &options, err);
}

/* What connects asks for passwords and writes to the log. */
static bool open_session(struct logical_sessions *sessions, struct wire_conn **conn,
                         struct error *err)
{
    bool done;

    pthread_mutex_lock(&sessions->opening);
    done = logical_connect(sessions->database, conn, err);
    pthread_mutex_unlock(&sessions->opening);
    if (done && !import_snapshot(sessions, *conn, err)) {
        wire_close(*conn);
        done = false;
    }
    if (!done)
        *conn = NULL;
    return done;
}

static bool open_one_more(struct logical_sessions *sessions, struct wire_conn **conn,
                          struct error *err)
{
    bool opened = open_session(sessions, conn, err), go_on;

    if (opened)
        return true;
    go_on = err->code == ERROR_SERVER || err->code == ERROR_CONNECT;
    pthread_mutex_lock(&sessions->lock);
    sessions->count--;
    if (go_on && sessions->most > sessions->count) {
        sessions->most = sessions->count;
        log_message(sessions->database->job->request.log, LOG_INFO,
                    "tables are read over %zu session%s, and not over one more: %s",
                    sessions->count, sessions->count == 1 ? "" : "s", err->message);
    }
    pthread_cond_broadcast(&sessions->changed);
    pthread_mutex_unlock(&sessions->lock);
    if (go_on)
        error_clear(err);
    return go_on;
}

/* One that is free, or NULL; *open: one more may be opened. */
static struct wire_conn *find_locked(struct logical_sessions *sessions, bool first, bool *open)
{
    *open = false;
    if (!first && sessions->free_count > 0)
        return sessions->free[--sessions->free_count];
    if (!sessions->first_taken) {
        sessions->first_taken = true;
        return sessions->database->conn;
    }
    *open = !first && sessions->count < sessions->most;
    sessions->count += *open;
    return NULL;
}

struct wire_conn *logical_sessions_take(struct logical_sessions *sessions, bool first,
                                        struct error *err)
{
    struct wire_conn *conn = NULL;
    bool done = true, open;

    while (done && conn == NULL) {
        pthread_mutex_lock(&sessions->lock);
        conn = find_locked(sessions, first, &open);
        if (conn == NULL && !open)
            done = wait_locked(sessions, err);
        pthread_mutex_unlock(&sessions->lock);
        if (open)
            done = open_one_more(sessions, &conn, err);
    }
    return conn;
}

bool logical_sessions_is_first(const struct logical_sessions *sessions,
                               const struct wire_conn *conn)
{
    return conn == sessions->database->conn;
}

void logical_sessions_give_back(struct logical_sessions *sessions, struct wire_conn *conn,
                                bool usable)
{
    bool first = logical_sessions_is_first(sessions, conn);

    if (!first && !usable)
        wire_close(conn);
    pthread_mutex_lock(&sessions->lock);
    if (first)
        sessions->first_taken = false;
    else if (usable)
        sessions->free[sessions->free_count++] = conn;
    else
        sessions->count--;
    pthread_cond_broadcast(&sessions->changed);
    pthread_mutex_unlock(&sessions->lock);
}

bool logical_sessions_begin_again(struct logical_sessions *sessions, struct wire_conn *conn,
                                  struct error *err)
{
    return wire_query(conn, "ROLLBACK", NULL, err) && import_snapshot(sessions, conn, err);
}
