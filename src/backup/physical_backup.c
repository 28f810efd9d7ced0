/*
 * The physical job: steps from record to record. A failure anywhere is kept: from then on the
 * source gives nothing but that failure, so that no truncated stream can look finished.
 */
#include "backup/physical_internal.h"

#include "base/clock.h"
#include "base/quote.h"

#include <stdio.h>
#include <stdlib.h>

static struct physical_backup *from_source(struct record_source *source)
{
    return (struct physical_backup *)source;
}

static struct physical_backup *from_reader(struct reader *reader)
{
    return (struct physical_backup *)((char *)reader - offsetof(struct physical_backup, reader));
}

/* Errors of the server about its limit for idle sessions, or a file in its data directory that is
 * none of PostgreSQL's, or is not PostgreSQL's to read. The words are the server's in English; in
 * another language its own stand.
 */
static void explain(const struct wire_settings *settings, struct error *err)
{
    const char *user = wire_settings_get(settings, "user");
    char role[QUOTE_NAME_SIZE];

    if (err->code != ERROR_SERVER)
        return;
    if (strcmp(err->sqlstate, "57P05") == 0)
        error_hint(err, "Raise it:  ALTER ROLE %s SET idle_session_timeout = '1min';",
                   quote_identifier(user == NULL ? "" : user, role, sizeof(role)));
    else if (strstr(err->message, "too long for tar format") != NULL ||
             strstr(err->message, "invalid segment number") != NULL)
        error_hint(err,
                   "PostgreSQL has no such names itself: rename the file or link, or move it out "
                   "of the data directory.");
    else if (strcmp(err->sqlstate, "42501") == 0 && strncmp(err->message, "could not ", 10) == 0)
        error_hint(err,
                   "On the server, give the file to the user that PostgreSQL runs as (as root, "
                   "in the data directory:  chown postgres: FILE), or move it out of the data "
                   "directory.");
}

/* Keeps the failure. Where the slot's keeper stopped the job, its reason is the failure. */
static void fail(struct physical_backup *job, struct error *err)
{
    struct error reason;

    if (!failure_check(&job->failure, err))
        return;
    if (job->keeper != NULL && slot_keeper_failed(job->keeper, &reason)) {
        if (err->code != ERROR_CANCELLED && reason.detail[0] == '\0')
            error_detail(&reason, "The backup's own session ended with: %s", err->message);
        *err = reason;
    }
    explain(job->request.settings, err);
    failure_keep(&job->failure, err);
}

/* Every segment from the start position to the stop position must have come. */
static bool check_wal(const struct physical_backup *job, struct error *err)
{
    uint64_t first = base_backup_start_lsn(job->backup) / job->wal_segment_size;
    uint64_t last = (base_backup_stop_lsn(job->backup) - 1) / job->wal_segment_size;

    if (job->wal_count > 0 && job->wal_first <= first && job->wal_last >= last &&
        job->wal_count == job->wal_last - job->wal_first + 1)
        return true;
    return error_set(err, ERROR_PROTOCOL,
                     "the server did not send all WAL from %s to %s: the backup could not be used",
                     job->report.physical.start_lsn, job->report.physical.stop_lsn);
}

static bool finish(struct physical_backup *job, struct error *err)
{
    struct backup_report *report = &job->report;
    size_t links = 0;

    if (!physical_enter(job, BACKUP_FINISHING, err))
        return false;
    lsn_format(base_backup_stop_lsn(job->backup), report->physical.stop_lsn);
    report->physical.stop_timeline = base_backup_stop_timeline(job->backup);
    if (!job->backup_manifest_begun)
        return error_set(err, ERROR_PROTOCOL, "the server sent no backup_manifest");
    for (size_t i = 0; i < report->physical.tablespaces; i++)
        links += !base_backup_tablespace(job->backup, i)->in_place;
    if (links != job->links_made)
        return error_set(err, ERROR_PROTOCOL, "the server sent %zu of %zu tablespace links",
                         job->links_made, links);
    if (!physical_check_lost(job, err) || !physical_check_complete(job, err) ||
        !check_wal(job, err))
        return false;
    physical_count_checksum_failures(job);
    if (slot_keeper_failed(job->keeper, err) || !physical_configuration_settle(job, err))
        return false;
    slot_keeper_stop(job->keeper);
    job->keeper = NULL;
    job->cancel = job->request.cancel; /* all has come: the slot may be lost now */
    wire_close(job->conn);
    job->conn = NULL;
    job->step = PHYSICAL_CONFIGURATION;
    return true;
}

/* ---- Records ---- */

static bool give_manifest(struct physical_backup *job, struct record *record, struct error *err)
{
    const struct backup_request *request = &job->request;
    const struct manifest_option shown[] = {
        {.name = "digest", .text = digest_name(request->digest)},
        {.name = "manifest_checksums",
         .text = digest_name(record_proof_listed_beside(request->digest))},
    };
    char position[LSN_TEXT_SIZE];
    struct manifest_request manifest = {
        .connector = "postgresql+bin",
        .dump_format = "basebackup",
        .options = shown,
        .option_count = sizeof(shown) / sizeof(shown[0]),
        .settings = request->settings,
        .replication = job->conn,
        .system_identifier = job->identity.system_identifier,
        .wal_position = position,
        .timeline = job->identity.timeline,
        .cancel = request->cancel,
        .log = request->log,
    };

    if (!physical_enter(job, BACKUP_MANIFEST, err))
        return false;
    lsn_format(job->identity.position, position);
    job->inner = manifest_stream_new(&manifest, err);
    if (job->inner == NULL)
        return false;
    physical_give_file(job, record, READING_INNER, MANIFEST_PATH, RECORD_SIZE_UNKNOWN);
    job->step = PHYSICAL_START;
    return true;
}

static bool give_summary(struct physical_backup *job, struct record *record, struct error *err)
{
    struct slice content;

    if (!physical_summary_content(job, &content, err))
        return false;
    job->inner = reader_from_memory(content, err);
    if (job->inner == NULL)
        return false;
    physical_give_file(job, record, READING_INNER, SUMMARY_PATH, (int64_t)content.len);
    job->step = PHYSICAL_DONE;
    return true;
}

static enum reader_status read_inner(struct physical_backup *job, struct slice *data,
                                     struct error *err)
{
    enum reader_status status = reader_next(job->inner, data, err);

    if (status == READER_DATA)
        record_proof_feed(job->proof, *data);
    if (status != READER_END)
        return status;
    job->report.files++;
    if (job->step == PHYSICAL_DONE)
        return physical_enter(job, BACKUP_DONE, err) ? READER_END : READER_FAILED;
    if (job->step == PHYSICAL_START)
        job->report.manifest_unavailable = manifest_stream_unavailable(job->inner);
    return physical_list_file(job, err) ? READER_END : READER_FAILED;
}

static enum reader_status job_read(struct reader *reader, struct slice *data, struct error *err)
{
    struct physical_backup *job = from_reader(reader);

    if (!failure_check(&job->failure, err))
        return READER_FAILED;
    if (job->reader_state != READER_DATA)
        return job->reader_state;
    if (!cancel_check(job->cancel, err))
        job->reader_state = READER_FAILED;
    else if (job->reading == READING_INNER)
        job->reader_state = read_inner(job, data, err);
    else
        job->reader_state = physical_stream_read(job, data, err);
    if (job->reader_state == READER_FAILED)
        fail(job, err);
    else if (job->reader_state == READER_DATA)
        job->report.bytes += data->len;
    return job->reader_state;
}

/* The server sends slices of 32 KiB; a receive brings several of them. */
static enum reader_status job_read_many(struct reader *reader, struct slice *slices, size_t max,
                                        size_t *count, struct error *err)
{
    struct physical_backup *job = from_reader(reader);
    enum reader_status status;

    *count = 0;
    do {
        job->looking_ahead = *count > 0;
        status = job_read(reader, &slices[*count], err);
        if (status == READER_DATA)
            (*count)++;
    } while (status == READER_DATA && *count < max && physical_stream_has_more_ahead(job));
    job->looking_ahead = false;
    /* What came before an end or a failure is given first; the next call tells of it again. */
    return *count > 0 ? READER_DATA : status;
}

/* The reader is the job's own: what was left unread is read past by the next record. */
static void job_reader_close(struct reader *reader)
{
    (void)reader;
}

/* Reads past what is left of the record that was given last. */
static bool leave_record(struct physical_backup *job, struct error *err)
{
    struct slice data;

    while (job->reading != READING_NOTHING && job->reader_state == READER_DATA) {
        if (job_read(&job->reader, &data, err) == READER_FAILED)
            return false;
    }
    job->reading = READING_NOTHING;
    reader_close(job->inner);
    job->inner = NULL;
    return true;
}

/* Does the current step. SOURCE_END: there is another step to do. */
static enum source_status take_step(struct physical_backup *job, struct record *record,
                                    struct error *err)
{
    enum source_status status = SOURCE_END;
    bool ok = true;

    switch (job->step) {
    case PHYSICAL_MANIFEST:
        return give_manifest(job, record, err) ? SOURCE_RECORD : SOURCE_FAILED;
    case PHYSICAL_START:
        ok = physical_start(job, err);
        break;
    case PHYSICAL_FOLDERS:
        status = physical_folders_next(job, record, err);
        if (status == SOURCE_END)
            job->step = PHYSICAL_STREAM;
        break;
    case PHYSICAL_STREAM:
        status = physical_stream_next(job, record, err);
        break;
    case PHYSICAL_FINISH:
        ok = finish(job, err);
        break;
    case PHYSICAL_CONFIGURATION:
        status = physical_configuration_next(job, record, err);
        if (status == SOURCE_END)
            job->step = PHYSICAL_SUMMARY;
        break;
    case PHYSICAL_SUMMARY:
        return give_summary(job, record, err) ? SOURCE_RECORD : SOURCE_FAILED;
    case PHYSICAL_DONE:
        break;
    }
    return ok ? status : SOURCE_FAILED;
}

static enum source_status job_next(struct record_source *source, struct record *record,
                                   struct error *err)
{
    struct physical_backup *job = from_source(source);
    enum source_status status = SOURCE_FAILED;

    if (!failure_check(&job->failure, err))
        return SOURCE_FAILED;
    if (leave_record(job, err) && cancel_check(job->cancel, err)) {
        status = SOURCE_END;
        while (status == SOURCE_END && job->step != PHYSICAL_DONE)
            status = take_step(job, record, err);
    }
    if (status == SOURCE_FAILED)
        fail(job, err);
    return status;
}

static void job_close(struct record_source *source)
{
    struct physical_backup *job = from_source(source);

    reader_close(job->inner);
    base_backup_free(job->backup);
    wire_close(job->conn);
    slot_keeper_stop(job->keeper);
    wire_settings_free(job->pinned);
    cancel_reset(&job->own_cancel);
    configuration_reset(&job->configuration);
    tar_decoder_reset(&job->tar);
    buffer_free(&job->label);
    record_proof_free(job->proof);
    file_ledger_free(job->ledger);
    path_set_free(job->folders);
    backup_manifest_decoder_free(job->backup_manifest_decoder);
    summary_writer_free(job->summary);
    json_decref(job->notices);
    free(job);
}

static const struct record_source_ops source_ops = {job_next, job_close};
static const struct reader_ops reader_ops = {
    .next = job_read, .next_many = job_read_many, .close = job_reader_close};

/* ---- Making the job ---- */

/* A line of the server's backup_manifest is held against what was received. */
static bool check_listed_file(void *context, const struct backup_manifest_file *file,
                              struct error *err)
{
    struct physical_backup *job = context;
    uint64_t seen_size = 0;
    size_t size = digest_size(file->algorithm);

    switch (
        file_ledger_check(job->ledger, file->path, file->size, file->digest, size, &seen_size)) {
    case LEDGER_MATCH:
        return true;
    case LEDGER_MISSING:
        return error_set(err, ERROR_PROTOCOL,
                         "the server's backup_manifest lists %.300s, which it did not send",
                         file->path);
    case LEDGER_SIZE_DIFFERS:
        return error_set(err, ERROR_PROTOCOL,
                         "%.300s arrived with %llu bytes; the server's backup_manifest says %llu",
                         file->path, (unsigned long long)seen_size, (unsigned long long)file->size);
    case LEDGER_DIGEST_DIFFERS:
        return error_set(err, ERROR_PROTOCOL,
                         "%.300s was damaged on its way: its checksum is not what the server's "
                         "backup_manifest says",
                         file->path);
    case LEDGER_REPEATED:
        break;
    }
    return error_set(err, ERROR_PROTOCOL, "the server's backup_manifest lists %.300s twice",
                     file->path);
}

static bool make_parts(struct physical_backup *job, struct error *err)
{
    const struct backup_manifest_handler handler = {.context = job, .file = check_listed_file};
    enum digest_algorithm digest = job->request.digest;

    tar_decoder_init(&job->tar);
    job->notices = json_array();
    job->proof = record_proof_new(err);
    job->ledger = file_ledger_new(err);
    job->folders = path_set_new(err);
    job->backup_manifest_decoder = backup_manifest_decoder_new(&handler, err);
    job->summary = summary_writer_new(digest, err);
    if (job->notices == NULL)
        return error_set_memory(err);
    return job->proof != NULL && job->ledger != NULL && job->folders != NULL &&
           job->backup_manifest_decoder != NULL && job->summary != NULL &&
           record_proof_choose(job->proof, record_proof_listed_beside(digest), digest, err);
}

bool physical_open(const struct backup_request *request, struct record_source **source,
                   struct error *err)
{
    struct physical_backup *job = calloc(1, sizeof(*job));

    *source = NULL;
    if (job == NULL)
        return error_set_memory(err);
    job->source = (struct backup_source){
        .base = {.ops = &source_ops, .sequential = true},
        .report = &job->report,
    };
    job->reader.ops = &reader_ops;
    job->request = *request;
    job->request.pinned = NULL;
    job->started_at = time(NULL);
    job->own_cancel.event_fd = -1;
    job->cancel = &job->own_cancel;
    if (!cancel_init_child(&job->own_cancel, request->cancel, err) || !make_parts(job, err) ||
        !physical_enter(job, BACKUP_CONNECTING, err) || !physical_connect(job, err) ||
        !physical_learn_about_server(job, err)) {
        job_close(&job->source.base);
        return false;
    }
    *source = &job->source.base;
    return true;
}
