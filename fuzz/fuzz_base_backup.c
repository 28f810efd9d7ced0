/*
 * A base backup as a server streams it, both forms of the stream and both ends of it: the answer to
 * BASE_BACKUP as events, and the records that the physical job makes of them. The first byte
 * chooses the server's version, what it compresses with, and what the stream is read by; the second
 * the pieces. The rest is what the server says.
 *
 * Holds: the pieces do not matter (of data that the server compressed: for a whole stream); events
 * come in their order; what is announced as lying ahead comes next and leaves valid what was lent.
 * Of records: every path is absolute, clean and below /data or /tablespaces, a link leads to a
 * tablespace's own folder, a file has as many bytes as it said.
 *
 * Beside the session's buffers (see fuzz_session.c) only fixed ones, 10,000 tablespaces, and what a
 * Zstandard frame may ask for.
 * Limits: -malloc_limit_mb=160 -max_len=16384
 */
#include "backup/physical_internal.h"
#include "support/fake_server.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct choices {
    int version;
    enum compression compression;
    bool as_records;
};

static struct choices choose(uint8_t byte)
{
    static const int versions[] = {130000, 140000, 150000, 180000};

    return (struct choices){
        .version = versions[byte & 3],
        .compression = (enum compression)((byte >> 2) & 3),
        .as_records = (byte & 16) != 0,
    };
}

/* ---- As events ---- */

static void check_order(enum base_backup_event_type before, enum base_backup_event_type now)
{
    switch (now) {
    case BASE_BACKUP_ARCHIVE:
    case BASE_BACKUP_MANIFEST:
        must(before == BASE_BACKUP_ARCHIVE_END);
        break;
    case BASE_BACKUP_ARCHIVE_DATA:
    case BASE_BACKUP_ARCHIVE_END:
        must(before == BASE_BACKUP_ARCHIVE || before == BASE_BACKUP_ARCHIVE_DATA);
        break;
    case BASE_BACKUP_MANIFEST_DATA:
    case BASE_BACKUP_END:
        must(before == BASE_BACKUP_MANIFEST || before == BASE_BACKUP_MANIFEST_DATA);
        break;
    }
}

static void trace_event(struct trace *trace, const struct base_backup_event *event)
{
    bool data = event->type == BASE_BACKUP_ARCHIVE_DATA || event->type == BASE_BACKUP_MANIFEST_DATA;

    must(data == (event->data.len > 0));
    trace_data(trace, event->data);
    if (data)
        return;
    trace_number(trace, event->type);
    if (event->tablespace != NULL)
        trace_number(trace, event->tablespace->oid);
}

static uint64_t sum_of(struct slice data)
{
    struct trace trace = {0};

    trace_data(&trace, data);
    return trace.hash;
}

static bool take_events(struct base_backup *backup, struct trace *trace, struct error *err)
{
    struct base_backup_event event = {.type = BASE_BACKUP_ARCHIVE_END};

    do {
        enum base_backup_event_type before = event.type;
        bool ahead = base_backup_has_data_ahead(backup);
        struct slice lent = event.data;
        uint64_t sum = ahead ? sum_of(lent) : 0;

        if (!base_backup_next(backup, &event, err))
            return false;
        check_order(before, event.type);
        must(!ahead || (event.type == BASE_BACKUP_ARCHIVE_DATA && sum_of(lent) == sum));
        trace_event(trace, &event);
    } while (event.type != BASE_BACKUP_END);
    trace_number(trace, base_backup_stop_lsn(backup));
    trace_number(trace, base_backup_stop_timeline(backup));
    return true;
}

static void trace_start(struct trace *trace, const struct base_backup *backup)
{
    trace_number(trace, base_backup_start_lsn(backup));
    trace_number(trace, base_backup_start_timeline(backup));
    for (size_t i = 0; i < base_backup_tablespace_count(backup); i++) {
        const struct base_backup_tablespace *tablespace = base_backup_tablespace(backup, i);

        /* The base directory has no name; up to 14 any link has one that need not be an OID. */
        must((tablespace->name == NULL) == (i + 1 == base_backup_tablespace_count(backup)));
        must((tablespace->name == NULL) == (tablespace->location == NULL));
        must(tablespace->name != NULL || tablespace->oid == 0);
        trace_number(trace, tablespace->oid);
        trace_text(trace, tablespace->name);
        trace_text(trace, tablespace->location);
        trace_number(trace, tablespace->bytes);
    }
}

/* ---- As records ---- */

static bool take_line(void *context, const struct backup_manifest_file *file, struct error *err)
{
    struct physical_backup *job = context;

    if (file_ledger_check(job->ledger, file->path, file->size, file->digest,
                          digest_size(file->algorithm), NULL) == LEDGER_MATCH)
        return true;
    return error_set(err, ERROR_PROTOCOL, "%.300s is not as listed", file->path);
}

/* The parts of the job that the stream needs; no second session, no manifest.json. */
static struct physical_backup *job_new(struct wire_conn *conn, struct base_backup *backup)
{
    struct physical_backup *job = calloc(1, sizeof(*job));
    const struct backup_manifest_handler handler = {.context = job, .file = take_line};
    struct error err;

    must(job != NULL);
    job->conn = conn;
    job->backup = backup;
    job->step = PHYSICAL_FOLDERS;
    job->wal_segment_size = 16 << 20;
    tar_decoder_init(&job->tar);
    job->proof = record_proof_new(&err);
    job->ledger = file_ledger_new(&err);
    job->folders = path_set_new(&err);
    job->backup_manifest_decoder = backup_manifest_decoder_new(&handler, &err);
    job->summary = summary_writer_new(DIGEST_XXH3_128, &err);
    must(job->proof != NULL &&
         record_proof_choose(job->proof, DIGEST_CRC32C, DIGEST_XXH3_128, &err) &&
         job->ledger != NULL && job->folders != NULL && job->backup_manifest_decoder != NULL &&
         job->summary != NULL);
    return job;
}

static void job_free(struct physical_backup *job)
{
    tar_decoder_reset(&job->tar);
    buffer_free(&job->label);
    record_proof_free(job->proof);
    file_ledger_free(job->ledger);
    path_set_free(job->folders);
    backup_manifest_decoder_free(job->backup_manifest_decoder);
    summary_writer_free(job->summary);
    free(job);
}

static void check_record(const struct record *record)
{
    static const char inside[] = "../../tablespaces/";
    struct error err;

    must(record_path_check(record->path, &err));
    must(strcmp(record->path, "/data") == 0 || strncmp(record->path, "/data/", 6) == 0 ||
         strcmp(record->path, "/tablespaces") == 0 ||
         strncmp(record->path, "/tablespaces/", 13) == 0);
    must(record->mode <= 07777 && record->size >= RECORD_SIZE_UNKNOWN);
    if (record->type != RECORD_LINK)
        return;
    must(strncmp(record->path, "/data/pg_tblspc/", 16) == 0);
    must(strncmp(record->link_target, inside, sizeof(inside) - 1) == 0);
    must(strspn(record->link_target + sizeof(inside) - 1, "0123456789") ==
         strlen(record->link_target) - (sizeof(inside) - 1));
}

/* A part that is refused (of backup_manifest, of a label too long) is not lent at all, so that what
 * was read of a file counts at its end only. */
static bool read_content(struct physical_backup *job, int64_t size, struct trace *trace,
                         struct error *err)
{
    struct trace content = {0};
    uint64_t bytes = 0;

    for (;;) {
        struct slice data;
        enum reader_status status = physical_stream_read(job, &data, err);

        if (status == READER_FAILED)
            return false;
        if (status == READER_END)
            break;
        must(data.len > 0);
        bytes += data.len;
        trace_data(&content, data);
    }
    trace_number(trace, content.hash);
    must(size == RECORD_SIZE_UNKNOWN || bytes == (uint64_t)size);
    return true;
}

static enum source_status next_record(struct physical_backup *job, struct record *record,
                                      struct error *err)
{
    if (job->step == PHYSICAL_FOLDERS) {
        enum source_status status = physical_folders_next(job, record, err);

        if (status != SOURCE_END)
            return status;
        job->step = PHYSICAL_STREAM;
    }
    return physical_stream_next(job, record, err);
}

static bool take_records(struct physical_backup *job, struct trace *trace, struct error *err)
{
    for (;;) {
        struct record record = {0};
        enum source_status status = next_record(job, &record, err);

        if (status != SOURCE_RECORD)
            return status == SOURCE_END;
        check_record(&record);
        trace_number(trace, record.type);
        trace_text(trace, record.path);
        trace_number(trace, (uint64_t)record.size);
        if (record.type == RECORD_FILE && !read_content(job, record.size, trace, err))
            return false;
    }
}

/* ---- Both ---- */

static bool read_stream(struct wire_conn *conn, struct base_backup *backup, bool as_records,
                        struct trace *trace, struct error *err)
{
    struct physical_backup *job;
    bool ok;

    trace_start(trace, backup);
    if (!as_records)
        return take_events(backup, trace, err);
    job = job_new(conn, backup);
    ok = take_records(job, trace, err);
    job_free(job);
    return ok;
}

static bool run(struct slice says, const struct choices *choices, size_t piece, struct trace *trace)
{
    const struct base_backup_options options = {
        .label = "fuzz", .manifest_checksums = DIGEST_CRC32C, .compression = choices->compression};
    struct fake_server server = {.says = says, .piece = piece};
    struct base_backup *backup;
    struct wire_conn *conn;
    struct error err;
    bool ok;

    fake_server_begin(&server);
    conn = fake_server_log_in(&server, choices->version);
    ok = base_backup_start(&backup, conn, &options, &err) &&
         read_stream(conn, backup, choices->as_records, trace, &err);
    trace_end(trace, ok, &err);
    base_backup_free(backup);
    wire_close(conn);
    fake_server_end(&server);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    struct choices choices = choose(feed_choice(&input));
    size_t piece = (size_t)feed_choice(&input) + 1;
    struct trace whole = {0}, pieces = {0};
    bool ok;

    if (choices.version < 150000)
        choices.compression = COMPRESSION_NONE;
    ok = run(input, &choices, 0, &whole);
    must(run(input, &choices, piece, &pieces) == ok);
    must(trace_equals(&whole, &pieces) || (choices.compression != COMPRESSION_NONE && !ok));
    return 0;
}
