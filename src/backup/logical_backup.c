/*
 * The logical job: steps from record to record. A failure anywhere is kept: from then on the source
 * gives nothing but that failure, so that no truncated stream can look finished.
 */
#include "backup/logical_internal.h"

#include "base/error_names.h"
#include "backup/sessions_internal.h"
#include "catalog/globals.h"
#include "manifest/logical_layout.h"

#include <stdio.h>
#include <stdlib.h>

static struct logical_backup *from_source(struct record_source *source)
{
    return (struct logical_backup *)source;
}

static struct logical_backup *from_reader(struct reader *reader)
{
    return (struct logical_backup *)((char *)reader - offsetof(struct logical_backup, reader));
}

static bool enter(struct logical_backup *job, enum backup_phase phase, struct error *err)
{
    return backup_enter_phase(&job->request, &job->report, phase, err);
}

static void fail(struct logical_backup *job, struct error *err)
{
    if (!failure_check(&job->failure, err))
        return;
    logical_explain(err, wire_settings_get(job->request.settings, "user"));
    failure_keep(&job->failure, err);
}

/* ---- The server's side ---- */

bool logical_check_version(int version, bool allow_newer, struct error *err)
{
    if (version < 130000) {
        error_set(err, ERROR_UNSUPPORTED, "the server is PostgreSQL %d.%d", version / 10000,
                  version % 10000);
        error_reason(err, "server_too_old");
        return error_hint(err, "13 is the oldest version that pgcask backs up.");
    }
    if (version < 190000 || allow_newer)
        return true;
    error_set(err, ERROR_UNSUPPORTED,
              "the server is PostgreSQL %d, which this version of pgcask "
              "does not know",
              version / 10000);
    error_reason(err, "server_too_new");
    return error_hint(err,
                      "A newer pgcask may know it. " OPTION_ALLOW_NEWER_SERVER
                      " backs it up all the same; what is new in its catalogs is then not seen.");
}

static bool check_version(struct logical_backup *job, struct error *err)
{
    job->report.server_version_num = wire_server_version(job->conn);
    return logical_check_version(job->report.server_version_num, job->request.allow_newer_server,
                                 err);
}

static bool connect_server(struct logical_backup *job, struct error *err)
{
    struct wire_connect_options options = {
        .kind = WIRE_SESSION_SQL,
        .application_name = "pgcask backup",
        .client_encoding = sessions_encoding(job->request.settings),
        .cancel = job->request.cancel,
        .log = job->request.log,
        .wait_limit_ms = job->request.stall_timeout_ms,
    };

    if (!wire_connect(&job->conn, job->request.settings, &options, err))
        return false;
    job->pinned = wire_settings_pin(job->request.settings, job->conn, err);
    return job->pinned != NULL && logical_check_peer(job->conn, err) && check_version(job, err);
}

/* ---- Records ---- */

static void describe(struct logical_backup *job, struct record *record)
{
    *record = (struct record){
        .type = RECORD_FILE,
        .path = job->path,
        .mode = 0600,
        .size = RECORD_SIZE_UNKNOWN,
        .modified = {.tv_sec = job->started_at},
        .reader = &job->reader,
    };
}

static bool begin_record(struct logical_backup *job, struct reader *inner, struct error *err)
{
    if (inner == NULL)
        return false;
    job->inner = inner;
    job->ended = false;
    record_proof_begin(job->proof, LAYOUT_SUMMARY);
    (void)err;
    return true;
}

static bool begin_manifest(struct logical_backup *job, struct error *err)
{
    snprintf(job->path, sizeof(job->path), MANIFEST_PATH);
    return enter(job, BACKUP_MANIFEST, err) &&
           begin_record(job, logical_manifest_new(job, err), err);
}

static bool begin_globals(struct logical_backup *job, struct error *err)
{
    snprintf(job->path, sizeof(job->path), "%s", logical_layout_globals_path(job->request.layout));
    return begin_record(job, globals_stream_new(job->conn, job->request.log, err), err);
}

static bool begin_dump(struct logical_backup *job, struct error *err)
{
    if (!logical_layout_archive_path(job->request.layout, 1, job->database, job->path))
        return error_set(err, ERROR_UNSUPPORTED, "the database's name is too long");
    if (!logical_dump_open(job, err))
        return false;
    job->is_dump = true;
    return enter(job, BACKUP_COPYING, err);
}

static bool begin_summary(struct logical_backup *job, struct error *err)
{
    struct slice content;

    if (!enter(job, BACKUP_FINISHING, err))
        return false;
    wire_close(job->conn);
    job->conn = NULL;
    snprintf(job->path, sizeof(job->path), SUMMARY_PATH);
    return logical_summary_content(job, &content, err) &&
           begin_record(job, reader_from_memory(content, err), err);
}

/* The record before must have been read to its end: nothing may be missing. */
static bool end_record(struct logical_backup *job, struct error *err)
{
    struct record record = {.type = RECORD_FILE, .path = job->path};
    uint8_t bytes[DIGEST_MAX];
    bool done;

    if (job->inner == NULL)
        return true;
    if (!job->ended) {
        error_set(err, ERROR_CANCELLED, "%s was not read to its end", job->path);
        return error_hint(err, "A logical backup is all its records, each of them whole: leave "
                               "none out.");
    }
    if (job->step == LOGICAL_GLOBALS)
        job->report.manifest_unavailable = manifest_stream_unavailable(job->inner);
    reader_close(job->inner);
    job->inner = NULL;
    record_proof_end(job->proof, bytes);
    job->report.files++;
    job->is_dump = false;
    done = job->step == LOGICAL_DONE ||
           summary_writer_add(job->summary, &record, record_proof_bytes(job->proof), bytes, err);
    return done;
}

/* All that is known of the database is read, locked and found to be of one moment before the first
 * byte is given: until then it can be read again. */
static bool read_catalogs(struct logical_backup *job, struct error *err)
{
    return enter(job, BACKUP_CATALOG, err) && logical_catalog_read(job, err);
}

static bool begin_next(struct logical_backup *job, struct error *err)
{
    switch (job->step++) {
    case LOGICAL_MANIFEST:
        return connect_server(job, err) && read_catalogs(job, err) && begin_manifest(job, err);
    case LOGICAL_GLOBALS:
        return begin_globals(job, err);
    case LOGICAL_DUMP:
        return begin_dump(job, err);
    case LOGICAL_SUMMARY:
    case LOGICAL_DONE:
        break;
    }
    return begin_summary(job, err);
}

static enum source_status logical_next(struct record_source *source, struct record *record,
                                       struct error *err)
{
    struct logical_backup *job = from_source(source);

    if (!job->failure.failed && end_record(job, err)) {
        if (job->step == LOGICAL_DONE) {
            if (enter(job, BACKUP_DONE, err))
                return SOURCE_END;
        } else if (begin_next(job, err)) {
            describe(job, record);
            return SOURCE_RECORD;
        }
    }
    fail(job, err);
    return SOURCE_FAILED;
}

/* ---- The reader ---- */

/* Known only once what follows it, or the archive's end, was asked for. */
static void learn_contents_size(struct logical_backup *job)
{
    if (job->is_dump)
        record_proof_contents_end(job->proof, custom_stream_contents_size(job->inner));
}

static void take_in(struct logical_backup *job, struct slice data)
{
    learn_contents_size(job);
    record_proof_feed(job->proof, data);
    job->report.bytes += data.len;
}

/* Some of what a record holds was looked at after the catalogs were found to be of one moment. */
static bool check_ended(struct logical_backup *job, struct error *err)
{
    if (job->is_dump)
        return catalog_check_copied(job->catalog, err);
    return job->step != LOGICAL_DUMP || catalog_check_roles(job->catalog, err);
}

static enum reader_status logical_read(struct reader *reader, struct slice *data, struct error *err)
{
    struct logical_backup *job = from_reader(reader);
    enum reader_status status = READER_FAILED;

    if (!job->failure.failed) {
        if (job->ended)
            return READER_END;
        status = reader_next(job->inner, data, err);
    }
    if (status == READER_END && !check_ended(job, err))
        status = READER_FAILED;
    if (status == READER_DATA) {
        take_in(job, *data);
    } else if (status == READER_END) {
        learn_contents_size(job); /* where nothing follows it */
        job->ended = true;
    } else {
        fail(job, err);
    }
    return status;
}

static bool logical_amend(struct reader *reader, const struct reader_amender *amender,
                          struct error *err)
{
    struct logical_backup *job = from_reader(reader);

    if (job->inner == NULL || job->inner->ops->amend == NULL)
        return true;
    if (job->inner->ops->amend(job->inner, amender, err) &&
        record_proof_amended(job->proof, amender, err))
        return true;
    fail(job, err);
    return false;
}

static void logical_reader_close(struct reader *reader)
{
    (void)reader; /* part of the job */
}

/* ---- The job ---- */

static void logical_close(struct record_source *source)
{
    struct logical_backup *job = from_source(source);

    reader_close(job->inner);
    objects_out_free(job->objects);
    catalog_free(job->catalog);
    wire_close(job->conn);
    wire_settings_free(job->pinned);
    summary_writer_free(job->summary);
    catalog_filter_free(job->filter);
    record_proof_free(job->proof);
    free(job->server_version);
    free(job->database);
    free(job);
}

bool logical_compression(const struct backup_request *request, enum compression *compression,
                         int *level, struct error *err)
{
    return compression_parse(request->compression == NULL ? "none" : request->compression,
                             compression, level, err);
}

static bool check_layout(const struct backup_request *request, struct error *err)
{
    return (request->layout == LOGICAL_CLASSIC && request->databases.count == 0 &&
            request->exclude_databases.count == 0) ||
           error_set(err, ERROR_UNSUPPORTED,
                     "a backup of all databases, or in another layout than classic, cannot be made "
                     "yet");
}

bool logical_open(const struct backup_request *request, struct record_source **source,
                  struct error *err)
{
    static const struct record_source_ops source_ops = {logical_next, logical_close};
    static const struct reader_ops reader_ops = {
        .next = logical_read, .amend = logical_amend, .close = logical_reader_close};
    struct logical_backup *job = calloc(1, sizeof(*job));

    *source = NULL;
    if (!check_layout(request, err)) {
        free(job);
        return false;
    }
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
    job->filter = logical_filter_new(request, err);
    if (job->filter == NULL) {
        logical_close(&job->source.base);
        return false;
    }
    job->proof = record_proof_new(err);
    if (job->proof != NULL && record_proof_choose(job->proof, DIGEST_CRC32C, request->digest, err))
        job->summary = summary_writer_new(request->digest, err);
    if (job->summary == NULL ||
        !logical_compression(request, &job->compression, &job->compression_level, err) ||
        !enter(job, BACKUP_CONNECTING, err)) {
        logical_close(&job->source.base);
        return false;
    }
    *source = &job->source.base;
    return true;
}
