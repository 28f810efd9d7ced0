/*
 * The logical job: its records and their bytes pass through here, to be counted and digested. A
 * failure anywhere is kept: from then on the source gives nothing but that failure, so that no
 * truncated stream can look finished.
 */
#include "backup/logical_internal.h"

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

static bool has_failed(struct logical_backup *job)
{
    bool failed;

    pthread_mutex_lock(&job->lock);
    failed = job->failure.failed;
    pthread_mutex_unlock(&job->lock);
    return failed;
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
        .reader = job->rows != NULL ? job->rows : &job->reader,
        .by_itself = job->rows != NULL,
    };
    job->rows = NULL;
}

/* The record before must have been read to its end: nothing may be missing. */
static bool end_record(struct logical_backup *job, struct error *err)
{
    struct record record = {.type = RECORD_FILE, .path = job->path};
    uint8_t bytes[DIGEST_MAX];

    if (job->inner == NULL)
        return true;
    if (!job->ended) {
        error_set(err, ERROR_CANCELLED, "%s was not read to its end", job->path);
        return error_hint(err, "A logical backup is all its records, each of them whole: leave "
                               "none out.");
    }
    if (job->role == LOGICAL_IS_MANIFEST)
        job->report.manifest_unavailable = manifest_stream_unavailable(job->inner);
    reader_close(job->inner);
    job->inner = NULL;
    record_proof_end(job->proof, bytes);
    job->report.files++;
    return job->step == LOGICAL_DONE ||
           summary_writer_add(job->summary, &record, record_proof_bytes(job->proof), bytes, err);
}

static enum source_status logical_next(struct record_source *source, struct record *record,
                                       struct error *err)
{
    struct logical_backup *job = from_source(source);
    bool begun;

    if (!has_failed(job) && end_record(job, err) && logical_rows_list(job, err) &&
        (job->step != LOGICAL_MANIFEST || logical_databases_open(job, err)) &&
        logical_records_next(job, &begun, err)) {
        if (begun) {
            describe(job, record);
            return SOURCE_RECORD;
        }
        if (enter(job, BACKUP_DONE, err))
            return SOURCE_END;
    }
    logical_fail(job, err);
    return SOURCE_FAILED;
}

/* ---- The reader ---- */

/* Known only once what follows it, or the archive's end, was asked for. */
static void learn_contents_size(struct logical_backup *job)
{
    if (job->role == LOGICAL_IS_DUMP)
        record_proof_contents_end(job->proof, custom_stream_contents_size(job->inner));
}

static void take_in(struct logical_backup *job, struct slice data)
{
    learn_contents_size(job);
    record_proof_feed(job->proof, data);
    job->report.bytes += data.len; /* nothing is read beside it */
}

/* Some of what a record holds was looked at after the catalogs were found to be of one moment. */
static bool check_ended(struct logical_backup *job, struct error *err)
{
    return job->role != LOGICAL_IS_GLOBALS || catalog_check_roles(job->databases[0].catalog, err);
}

static enum reader_status logical_read(struct reader *reader, struct slice *data, struct error *err)
{
    struct logical_backup *job = from_reader(reader);
    enum reader_status status = READER_FAILED;

    if (!has_failed(job)) {
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
        logical_fail(job, err);
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
    logical_fail(job, err);
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
    reader_close(job->rows);
    logical_databases_free(job);
    logical_rows_drop(job);
    pthread_mutex_destroy(&job->lock);
    json_decref(job->left_out);
    wire_settings_free(job->pinned);
    summary_writer_free(job->summary);
    catalog_filter_free(job->filter);
    record_proof_free(job->proof);
    free(job);
}

bool logical_open(const struct backup_request *request, struct record_source **source,
                  struct error *err)
{
    static const struct record_source_ops source_ops = {logical_next, logical_close};
    static const struct reader_ops reader_ops = {
        .next = logical_read, .amend = logical_amend, .close = logical_reader_close};
    struct logical_backup *job = calloc(1, sizeof(*job));

    *source = NULL;
    if (job == NULL)
        return error_set_memory(err);
    job->source = (struct backup_source){
        .base = {.ops = &source_ops, .sequential = true},
        .report = &job->report,
    };
    job->reader.ops = &reader_ops;
    job->results_last = &job->results;
    pthread_mutex_init(&job->lock, NULL);
    job->request = *request;
    job->request.pinned = NULL;
    job->request.filter_text = NULL;
    job->started_at = time(NULL);
    job->filter = logical_filter_new(request, err);
    if (job->filter == NULL) {
        logical_close(&job->source.base);
        return false;
    }
    job->report.logical.partial = logical_is_partial(request, job->filter);
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
