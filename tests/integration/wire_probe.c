/*
 * Runs SQL through src/wire: what its tests on real servers drive.
 *
 *   wire_probe [--pipeline N] [--cancel-after MS] [--replication] CONNINFO SQL
 *
 * Rows go to standard output with tabs between columns and \N for null, COPY data as it comes; COPY
 * IN takes standard input. --pipeline sends the statement N times at once by the extended protocol.
 * --cancel-after requests cancel; the session is then closed as by a job that is stopped.
 * Standard error gets "tls: yes" or "tls: no" first, notices, and an error with its hint.
 * Exit status: 0, or 1 after any error.
 */
#include "wire/wire.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct probe {
    struct wire_conn *conn;
    struct cancel cancel;
    long cancel_after_ms;
    long pipeline;
    bool replication;
};

static void write_log(void *context, enum log_level level, const char *message)
{
    (void)context;
    (void)level;
    char shown[4096];

    error_spell_copy(shown, sizeof(shown), message, NULL);
    fprintf(stderr, "%s\n", shown);
}

static void print_error(struct error *err)
{
    error_spell(err, NULL);
    fprintf(stderr, "error: %s: %s%s%s\n", error_code_name(err->code),
            err->sqlstate[0] != '\0' ? err->sqlstate : "", err->sqlstate[0] != '\0' ? ": " : "",
            err->message);
    if (err->detail[0] != '\0')
        fprintf(stderr, "detail: %s\n", err->detail);
    if (err->hint[0] != '\0')
        fprintf(stderr, "hint: %s\n", err->hint);
}

static void print_row(const struct wire_conn *conn)
{
    for (size_t i = 0; i < wire_row_columns(conn); i++) {
        struct slice value = wire_row_value(conn, i);

        if (i > 0)
            putchar('\t');
        if (value.data == NULL)
            fputs("\\N", stdout);
        else
            fwrite(value.data, 1, value.len, stdout);
    }
    putchar('\n');
}

static bool feed_copy(struct wire_conn *conn, struct error *err)
{
    static const size_t size = 256 * 1024;
    char *data = malloc(size);
    size_t len;
    bool ok = data != NULL;

    while (ok && !wire_copy_is_refused(conn) && (len = fread(data, 1, size, stdin)) > 0)
        ok = wire_copy_send(conn, slice_make(data, len), err);
    free(data);
    return ok && wire_copy_done(conn, err);
}

/* Reads to the end of what was sent. */
static bool print_events(struct wire_conn *conn, struct error *err)
{
    struct wire_event event;
    struct error later;
    bool ok = true;

    while (wire_next(conn, &event, ok ? err : &later)) {
        if (event.type == WIRE_READY)
            return ok;
        if (event.type == WIRE_SERVER_ERROR)
            ok = false;
        if (event.type == WIRE_ROW)
            print_row(conn);
        if (event.type == WIRE_COPY_DATA)
            fwrite(event.data.data, 1, event.data.len, stdout);
        if (event.type == WIRE_COPY_IN && !feed_copy(conn, ok ? err : &later))
            return false;
        if (event.type == WIRE_COPY_BOTH && !wire_copy_done(conn, ok ? err : &later))
            return false;
    }
    return false;
}

static bool queue_pipeline(const struct probe *probe, const char *sql, struct error *err)
{
    if (!wire_queue_parse(probe->conn, "probe", sql, err))
        return false;
    for (long i = 0; i < probe->pipeline; i++) {
        if (!wire_queue_bind(probe->conn, "", "probe", 0, NULL, err) ||
            !wire_queue_execute(probe->conn, "", 0, err))
            return false;
    }
    return wire_queue_sync(probe->conn, err) && wire_flush(probe->conn, err);
}

static void *cancel_later(void *argument)
{
    struct probe *probe = argument;
    struct timespec time = {.tv_sec = probe->cancel_after_ms / 1000,
                            .tv_nsec = probe->cancel_after_ms % 1000 * 1000000};

    nanosleep(&time, NULL);
    cancel_request(&probe->cancel);
    return NULL;
}

static bool run(struct probe *probe, const struct wire_settings *settings, const char *sql,
                struct error *err)
{
    const struct log log = {.write = write_log, .threshold = LOG_DEBUG};
    struct wire_connect_options options = {.cancel = &probe->cancel, .log = &log};
    pthread_t thread;

    options.kind = probe->replication ? WIRE_SESSION_REPLICATION : WIRE_SESSION_SQL;
    if (!wire_connect(&probe->conn, settings, &options, err))
        return false;
    fprintf(stderr, "tls: %s\n", wire_uses_tls(probe->conn) ? "yes" : "no");
    if (probe->cancel_after_ms > 0 &&
        (pthread_create(&thread, NULL, cancel_later, probe) != 0 || pthread_detach(thread) != 0))
        return error_set(err, ERROR_MEMORY, "cannot start a thread");
    if (probe->pipeline > 0 ? !queue_pipeline(probe, sql, err)
                            : !wire_send_query(probe->conn, sql, err))
        return false;
    return print_events(probe->conn, err);
}

static bool parse_arguments(struct probe *probe, int *argc, char ***argv)
{
    for (; *argc > 3; (*argc)--, (*argv)++) {
        const char *word = (*argv)[1];

        if (strcmp(word, "--replication") == 0) {
            probe->replication = true;
            continue;
        }
        if (strcmp(word, "--pipeline") == 0)
            probe->pipeline = atol((*argv)[2]);
        else if (strcmp(word, "--cancel-after") == 0)
            probe->cancel_after_ms = atol((*argv)[2]);
        else
            return false;
        (*argc)--;
        (*argv)++;
    }
    return *argc == 3;
}

int main(int argc, char **argv)
{
    struct probe probe = {.conn = NULL};
    struct wire_settings *settings;
    struct error err;
    bool ok;

    if (!parse_arguments(&probe, &argc, &argv)) {
        fputs("usage: wire_probe [--pipeline N] [--cancel-after MS] [--replication] CONNINFO SQL\n",
              stderr);
        return 2;
    }
    settings = wire_settings_new(&err);
    ok = settings != NULL && cancel_init(&probe.cancel, &err) &&
         wire_settings_parse(settings, argv[1], &err) && wire_settings_complete(settings, &err) &&
         run(&probe, settings, argv[2], &err);
    wire_close(probe.conn);
    wire_settings_free(settings);
    if (!ok) {
        error_spell(&err, NULL);
        print_error(&err);
    }
    if (fflush(stdout) != 0)
        ok = false;
    return ok ? 0 : 1;
}
