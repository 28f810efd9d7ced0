/*
 * A thread with a session of its own, because the session of a base backup is busy until its end,
 * and a server removes WAL by whatever slots and settings say meanwhile. It shares little with its
 * caller, under one lock: whether it failed and how much is held back.
 */
#include "replication/slot_keeper.h"

#include "base/clock.h"
#include "base/error_names.h"
#include "base/failure.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define BEAT_DEFAULT_MS 10000
#define WAIT_LIMIT_MS 60000 /* the longest silence of the server in a beat */

struct slot_keeper {
    struct slot_keeper_options options;
    struct wire_conn *conn;
    char slot_name[64];
    uint64_t reserved; /* at or after the slot's restart position */
    int64_t beat_ms;
    pthread_t thread;
    bool thread_running;
    struct cancel stop;   /* ends the thread's waits */
    pthread_mutex_t lock; /* guards what follows */
    struct failure failure;
    uint64_t retained;
};

static void report_failure(struct slot_keeper *keeper, const struct error *err)
{
    pthread_mutex_lock(&keeper->lock);
    failure_keep(&keeper->failure, err);
    pthread_mutex_unlock(&keeper->lock);
    cancel_request(keeper->options.job_cancel);
}

static bool explain_lost_slot(struct slot_keeper *keeper, struct error *err)
{
    error_prefix(err, "the server no longer keeps the WAL this backup needs (slot %s)",
                 keeper->slot_name);
    if (err->hint[0] == '\0')
        error_hint(err, "Raise max_slot_wal_keep_size (ALTER SYSTEM SET max_slot_wal_keep_size = "
                        "'-1'; SELECT pg_reload_conf();) or make the backup faster, then run it "
                        "again.");
    return false;
}

static bool check_retained(struct slot_keeper *keeper, uint64_t position, struct error *err)
{
    uint64_t retained = position > keeper->reserved ? position - keeper->reserved : 0;
    uint64_t limit = keeper->options.max_retained_wal;

    pthread_mutex_lock(&keeper->lock);
    keeper->retained = retained;
    pthread_mutex_unlock(&keeper->lock);
    if (limit == 0 || retained <= limit)
        return true;
    error_set(err, ERROR_REFUSED,
              "the backup holds back %" PRIu64 " MiB of WAL on the server, more than "
              "max_retained_wal (%" PRIu64 " MiB)",
              retained >> 20, limit >> 20);
    error_reason(err, "retained_wal_limit");
    return error_hint(err,
                      "Raise " OPTION_MAX_RETAINED_WAL
                      " if the server has room for more WAL, or back up when less is written.");
}

/* One beat: IDENTIFY_SYSTEM says where the WAL is, START_REPLICATION proves that the slot lives. */
static bool beat(struct slot_keeper *keeper, struct error *err)
{
    struct system_identity identity;

    if (!replication_identify_system(keeper->conn, &identity, err))
        return error_prefix(err, "lost the session that keeps the WAL");
    if (!check_retained(keeper, identity.position, err))
        return false;
    if (!replication_touch_slot(keeper->conn, keeper->slot_name, keeper->reserved, err))
        return explain_lost_slot(keeper, err);
    return true;
}

static void *keep_slot(void *argument)
{
    struct slot_keeper *keeper = argument;
    struct error err;

    for (;;) {
        struct pollfd stop = {.fd = keeper->stop.event_fd, .events = POLLIN};

        poll(&stop, 1, (int)keeper->beat_ms);
        if (cancel_requested(&keeper->stop))
            return NULL;
        if (!beat(keeper, &err)) {
            if (!cancel_requested(&keeper->stop))
                report_failure(keeper, &err);
            return NULL;
        }
    }
}

/* A time-out setting of the server in milliseconds; 0 if it has none or will not tell. */
static bool server_timeout_ms(struct wire_conn *conn, const char *name, int64_t *ms,
                              struct error *err)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}};
    char text[64];
    char *unit;
    int64_t number;

    *ms = 0;
    if (!replication_show(conn, name, text, sizeof(text), err)) {
        if (err->code != ERROR_SERVER)
            return false;
        return !wire_is_broken(conn) ||
               error_set(err, ERROR_CONNECTION_LOST, "the server broke off the session");
    }
    number = strtoll(text, &unit, 10);
    if (number < 0 || number > INT32_MAX) /* what a setting of the server can be */
        return true;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].unit) == 0)
            *ms = number * units[i].ms;
    }
    return true;
}

/* Half of either idle time-out, so that the slot and its session never reach it. */
static bool choose_beat(struct slot_keeper *keeper, struct error *err)
{
    static const struct {
        const char *name;
        int since;
    } timeouts[] = {{"idle_session_timeout", 140000}, {"idle_replication_slot_timeout", 180000}};
    int64_t beat_ms = keeper->options.beat_ms > 0 ? keeper->options.beat_ms : BEAT_DEFAULT_MS;

    for (size_t i = 0; i < sizeof(timeouts) / sizeof(timeouts[0]); i++) {
        int64_t limit = 0;

        if (wire_server_version(keeper->conn) >= timeouts[i].since &&
            !server_timeout_ms(keeper->conn, timeouts[i].name, &limit, err))
            return false;
        if (limit > 0 && limit / 2 < beat_ms)
            beat_ms = limit / 2;
    }
    keeper->beat_ms =
        beat_ms < SLOT_KEEPER_BEAT_SHORTEST_MS ? SLOT_KEEPER_BEAT_SHORTEST_MS : beat_ms;
    return true;
}

static bool make_slot(struct slot_keeper *keeper, struct error *err)
{
    const struct slot_keeper_options *options = &keeper->options;
    struct system_identity identity;

    if (!replication_connect(&keeper->conn, options->settings, "pgcask slot", WAIT_LIMIT_MS,
                             options->job_cancel, options->log, err))
        return error_prefix(err, "cannot open the session that keeps the WAL");
    /* The server's own process number: ours is always 1 in a container. */
    snprintf(keeper->slot_name, sizeof(keeper->slot_name), "pgcask_%" PRId32,
             wire_backend_pid(keeper->conn));
    if (!choose_beat(keeper, err))
        return error_prefix(err, "cannot make a temporary replication slot");
    if (!replication_create_temporary_slot(keeper->conn, keeper->slot_name, err)) {
        error_prefix(err, "cannot make a temporary replication slot");
        if (strcmp(err->sqlstate, "53400") == 0)
            error_hint(err, "All slots are taken: raise max_replication_slots and restart the "
                            "server, or drop a slot that nobody uses (SELECT slot_name, active "
                            "FROM pg_replication_slots).");
        return false;
    }
    /* A slot reserves WAL from the last checkpoint's redo position on; what the server reports now
     * is at or after that, and is what the beat asks for. */
    if (!replication_identify_system(keeper->conn, &identity, err))
        return false;
    if (options->system_identifier != NULL &&
        strcmp(identity.system_identifier, options->system_identifier) != 0)
        return error_set(err, ERROR_REFUSED,
                         "the session that keeps the WAL reached another server: its system "
                         "identifier is %s, the backup's is %s",
                         identity.system_identifier, options->system_identifier);
    keeper->reserved = identity.position;
    return beat(keeper, err);
}

/* The thread takes no signals: their handlers are the host program's. */
static bool start_thread(struct slot_keeper *keeper, struct error *err)
{
    sigset_t all, before;
    int failure;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failure = pthread_create(&keeper->thread, NULL, keep_slot, keeper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    keeper->thread_running = failure == 0;
    return failure == 0 ? true : error_set_errno(err, failure, "cannot start a thread");
}

bool slot_keeper_start(struct slot_keeper **result, const struct slot_keeper_options *options,
                       struct error *err)
{
    struct slot_keeper *keeper = calloc(1, sizeof(*keeper));

    *result = NULL;
    if (keeper == NULL)
        return error_set_memory(err);
    keeper->options = *options;
    keeper->stop.event_fd = -1;
    pthread_mutex_init(&keeper->lock, NULL);
    if (!cancel_init(&keeper->stop, err) || !make_slot(keeper, err)) {
        slot_keeper_stop(keeper);
        return false;
    }
    wire_set_cancel(keeper->conn, &keeper->stop);
    if (!start_thread(keeper, err)) {
        slot_keeper_stop(keeper);
        return false;
    }
    *result = keeper;
    return true;
}

bool slot_keeper_failed(struct slot_keeper *keeper, struct error *err)
{
    bool failed;

    pthread_mutex_lock(&keeper->lock);
    failed = !failure_check(&keeper->failure, err);
    pthread_mutex_unlock(&keeper->lock);
    return failed;
}

uint64_t slot_keeper_retained(struct slot_keeper *keeper)
{
    uint64_t retained;

    pthread_mutex_lock(&keeper->lock);
    retained = keeper->retained;
    pthread_mutex_unlock(&keeper->lock);
    return retained;
}

const char *slot_keeper_slot_name(const struct slot_keeper *keeper)
{
    return keeper->slot_name;
}

void slot_keeper_stop(struct slot_keeper *keeper)
{
    if (keeper == NULL)
        return;
    if (keeper->stop.event_fd >= 0)
        cancel_request(&keeper->stop);
    if (keeper->thread_running)
        pthread_join(keeper->thread, NULL);
    wire_close(keeper->conn);
    cancel_reset(&keeper->stop);
    pthread_mutex_destroy(&keeper->lock);
    free(keeper);
}
