/*
 * Writes a server's manifest to standard output: what the tests of src/manifest drive.
 *
 *   manifest_probe [--replication] [--physical] [--several] CONNINFO [DATABASE…]
 *
 * --replication  also opens a replication session and passes it on
 * --physical     as for a base backup: connector, format, position and timeline
 * --several      as for a logical backup of the databases, in snapshots of the moment; the last of
 *                them is one whose snapshot was not taken together with the others'
 *
 * The number of entries in "unavailable" goes to standard error.
 */
#include "base/cancel.h"
#include "manifest/manifest_stream.h"

#include <signal.h>
#include <stdio.h>

static struct cancel cancel;

static void on_signal(int number)
{
    (void)number;
    cancel_request(&cancel);
}

static void write_log(void *context, enum log_level level, const char *message)
{
    (void)context;
    (void)level;
    fprintf(stderr, "%s\n", message);
}

static int fail(const struct error *err)
{
    fprintf(stderr, "error: %s: %s\n", error_code_name(err->code), err->message);
    return 1;
}

static bool copy(struct reader *reader, struct error *err)
{
    for (;;) {
        struct slice data;
        switch (reader_next(reader, &data, err)) {
        case READER_DATA:
            if (fwrite(data.data, 1, data.len, stdout) != data.len)
                return error_set(err, ERROR_IO, "cannot write to standard output");
            break;
        case READER_END:
            return fflush(stdout) == 0 || error_set(err, ERROR_IO, "cannot write");
        case READER_FAILED:
            return false;
        }
    }
}

static bool probe(struct manifest_request *request, bool replication,
                  struct wire_settings *settings, struct error *err)
{
    struct log log = {.write = write_log, .threshold = LOG_INFO};
    struct wire_conn *conn = NULL;
    struct wire_connect_options options = {.kind = WIRE_SESSION_REPLICATION, .cancel = &cancel};
    if (replication && !wire_connect(&conn, settings, &options, err))
        return false;
    request->settings = settings;
    request->replication = conn;
    request->cancel = &cancel;
    request->log = &log;
    struct reader *reader = manifest_stream_new(request, err);
    bool done = reader != NULL && copy(reader, err);
    if (done)
        fprintf(stderr, "unavailable: %zu\n", manifest_stream_unavailable(reader));
    reader_close(reader);
    wire_close(conn);
    return done;
}

int main(int argc, char **argv)
{
    static const struct manifest_option options[] = {
        {"schema_only", NULL, false}, {"data_only", NULL, false}, {"compress", NULL, true}};
    struct manifest_request request = {
        .connector = "postgresql",
        .dump_format = "custom",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct manifest_snapshot several[16] = {0};
    bool replication = false, named = false;
    for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
        if (strcmp(argv[1], "--replication") == 0) {
            replication = true;
        } else if (strcmp(argv[1], "--several") == 0) {
            named = true;
        } else if (strcmp(argv[1], "--physical") == 0) {
            request = (struct manifest_request){.connector = "postgresql+bin",
                                                .dump_format = "basebackup",
                                                .system_identifier = "7000000000000000001",
                                                .wal_position = "0/3000028",
                                                .timeline = 1};
        } else {
            break;
        }
    }
    if (argc < 2 || argc > (named ? 18 : 3)) {
        fprintf(stderr, "usage: manifest_probe [--replication] [--physical] [--several] CONNINFO "
                        "[DATABASE...]\n");
        return 2;
    }
    request.database = argc == 3 && !named ? argv[2] : NULL;
    for (int i = 2; named && i < argc; i++)
        several[request.snapshot_count++] =
            (struct manifest_snapshot){.database = argv[i], .same = i < argc - 1};
    request.snapshots = several;

    struct error err;
    struct wire_settings *settings = NULL;
    if (!cancel_init(&cancel, &err))
        return fail(&err);
    signal(SIGTERM, on_signal);
    settings = wire_settings_new(&err);
    bool done = settings != NULL && wire_settings_parse(settings, argv[1], &err) &&
                wire_settings_complete(settings, &err) &&
                probe(&request, replication, settings, &err);
    wire_settings_free(settings);
    cancel_reset(&cancel);
    return done ? 0 : fail(&err);
}
