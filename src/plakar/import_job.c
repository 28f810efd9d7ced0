/*
 * The two sides of a backup that Plakar pulls. The job's own thread takes records from the source
 * and lets each be announced, opened, read and acknowledged; the I/O thread tells it what Plakar
 * wants, and moves what is ready into the calls.
 */
#include "plakar/import_queue.h"

#include "base/text.h"
#include "manifest/summary.h"

#include <stdlib.h>
#include <time.h>

/* ---- The job's own thread ---- */

/* True if the record is to be read; false: Plakar is done with it, or the job failed. */
static bool wait_for_open(struct import_entry *entry)
{
    struct import_job *job = entry->job;
    bool opened;

    pthread_mutex_lock(&job->lock);
    while (!job->failure.failed && !entry->opened && !entry->acked)
        pthread_cond_wait(&job->changed, &job->lock);
    opened = entry->opened && !job->failure.failed;
    pthread_mutex_unlock(&job->lock);
    return opened;
}

static void put_down(struct import_entry *entry)
{
    struct import_job *job = entry->job;

    reader_close(entry->reader);
    entry->reader = NULL;
    pthread_mutex_lock(&job->lock);
    entry->idle = true;
    pthread_mutex_unlock(&job->lock);
}

/* One record of a sequential source. */
static bool pass_record(struct import_entry *entry, bool *ends, struct error *err)
{
    struct import_job *job = entry->job;
    bool failed;

    if (wait_for_open(entry)) {
        import_read_content(entry);
        return true;
    }
    pthread_mutex_lock(&job->lock);
    failed = job->failure.failed;
    if (!failed)
        import_note_unopened_locked(job, entry->path);
    pthread_mutex_unlock(&job->lock);
    put_down(entry); /* from here on the I/O thread may free it */
    return failed || import_judge_unopened(job, ends, err);
}

/* summary.json says that the backup is complete: it waits for everything else. */
static size_t records_before(const struct import_job *job, const struct record *record)
{
    if (strcmp(record->path, SUMMARY_PATH) == 0)
        return 0;
    return (job->sequential ? RECORDS_IN_FLIGHT : 2 * job->options.concurrency + 2) - 1;
}

static bool announce_root(struct import_job *job, const struct record_source *source,
                          struct error *err)
{
    const struct record root = {
        .type = RECORD_DIRECTORY,
        .path = "/",
        .mode = 0755, /* of the folder restored into; what is in it protects itself */
        .modified = {.tv_sec = time(NULL)},
    };

    return import_announce(job, &root, source, err) != NULL;
}

/* Takes over the record's reader. False: failed, with *err set unless the job had failed before;
 * *ends: that is all. */
static bool pass_next(struct import_job *job, const struct record_source *source,
                      struct record *record, bool *ends, struct error *err)
{
    bool regular = record->type == RECORD_FILE;
    struct import_entry *entry;
    bool going_on;

    if (!regular)
        record->reader = NULL;
    /* Where the job has failed, job->failure says why. */
    going_on = import_wait_for_acknowledged(job, records_before(job, record)) &&
               (job->sequential || import_judge_unopened(job, ends, err));
    if (!going_on || *ends) {
        reader_close(record->reader);
        return going_on;
    }
    entry = import_announce(job, record, source, err);
    if (entry == NULL)
        return false;
    /* The entry of a folder may be gone by now. */
    return !regular || !job->sequential || pass_record(entry, ends, err);
}

static bool pass_records(struct import_job *job, struct record_source *source, bool *ends,
                         struct error *err)
{
    *ends = false;
    if (!announce_root(job, source, err))
        return false;
    while (!*ends) {
        struct record record;
        enum source_status status = source_next(source, &record, err);

        if (status != SOURCE_RECORD)
            return status == SOURCE_END;
        if (!pass_next(job, source, &record, ends, err))
            return false;
    }
    return true;
}

static void say_end(struct import_job *job, const struct record_source *source, bool dry_run)
{
    const struct connector *connector = job->options.connector;

    if (dry_run)
        return;
    if (job->left_out > 0)
        log_message(job->options.log, LOG_WARNING,
                    "%llu file%s left out as Plakar was told to: what is in the snapshot "
                    "cannot be verified as a whole, and may not start",
                    (unsigned long long)job->left_out, TEXT_S(job->left_out));
    connector->completed(connector->context, source);
}

static bool start(struct import_job *job, struct record_source **source, struct error *err)
{
    const struct connector *connector = job->options.connector;

    if (!connector->start(connector->context, job->options.cancel, source, err))
        return false;
    pthread_mutex_lock(&job->lock);
    job->sequential = (*source)->sequential;
    pthread_mutex_unlock(&job->lock);
    return true;
}

/* A source may be closed only after its readers. */
static void wait_for_readers(struct import_job *job)
{
    pthread_mutex_lock(&job->lock);
    while (job->readers > 0)
        pthread_cond_wait(&job->changed, &job->lock);
    for (struct import_entry *entry = job->entries; entry != NULL; entry = entry->next) {
        reader_close(entry->reader);
        entry->reader = NULL;
        entry->idle = true;
    }
    pthread_mutex_unlock(&job->lock);
}

static void *run(void *argument)
{
    struct import_job *job = argument;
    struct record_source *source = NULL;
    struct error err;
    bool dry_run = false;

    error_clear(&err);
    if (!start(job, &source, &err) || !pass_records(job, source, &dry_run, &err) ||
        (!dry_run && import_wait_for_acknowledged(job, 0) &&
         !import_judge_unopened(job, &dry_run, &err)))
        import_fail(job, &err);
    else if (import_wait_for_acknowledged(job, 0))
        say_end(job, source, dry_run);
    wait_for_readers(job);
    source_close(source);
    pthread_mutex_lock(&job->lock);
    job->over = true;
    pthread_mutex_unlock(&job->lock);
    import_wake(job);
    return NULL;
}

/* ---- The I/O thread's side ---- */

static void free_entry(struct import_entry *entry)
{
    while (entry->ready != NULL) {
        struct grpc_chunk *chunk = entry->ready;

        entry->ready = chunk->next;
        chunk->release(chunk);
    }
    reader_close(entry->reader);
    free(entry->path);
    free(entry);
}

static struct import_entry *find_path(const struct import_job *job, const char *path)
{
    for (struct import_entry *entry = job->entries; entry != NULL; entry = entry->next) {
        if (strcmp(entry->path, path) == 0)
            return entry;
    }
    return NULL;
}

/* Reads one record of an independent source. */
static void *read_independently(void *argument)
{
    struct import_entry *entry = argument;
    struct import_job *job = entry->job;

    import_read_content(entry);
    pthread_mutex_lock(&job->lock);
    job->readers--;
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
    return NULL;
}

static void start_reader_locked(struct import_entry *entry)
{
    struct import_job *job = entry->job;
    struct error err;
    pthread_t thread;
    int code;

    job->readers++;
    code = pthread_create(&thread, NULL, read_independently, entry);
    if (code == 0) {
        pthread_detach(thread); /* job->readers tells when it is done */
        return;
    }
    job->readers--;
    error_clear(&err);
    error_set_errno(&err, code, "cannot start a thread");
    import_fail_locked(job, &err);
}

void import_job_open(struct import_job *job, struct grpc_call *call, const char *path)
{
    struct import_entry *entry;

    pthread_mutex_lock(&job->lock);
    entry = find_path(job, path);
    if (entry != NULL && (!entry->regular || entry->opened || entry->acked || job->failure.failed))
        entry = NULL;
    if (entry != NULL) {
        entry->opened = true;
        entry->call = call;
        job->opened++;
        if (!job->sequential)
            start_reader_locked(entry);
        pthread_cond_broadcast(&job->changed);
    }
    pthread_mutex_unlock(&job->lock);
    if (entry == NULL)
        grpc_call_end(call, GRPC_NOT_FOUND, "there is no such record to be read now");
}

static void fail_unread(struct import_job *job, const struct import_entry *entry)
{
    struct error err;

    error_clear(&err);
    error_set(&err, ERROR_CANCELLED, "Plakar gave up reading %.600s", entry->path);
    error_hint(&err, "Plakar's own messages say why; its store may be full.");
    import_fail_locked(job, &err);
}

void import_job_open_ended(struct import_job *job, const struct grpc_call *call, bool complete)
{
    struct import_entry *entry;

    pthread_mutex_lock(&job->lock);
    for (entry = job->entries; entry != NULL && entry->call != call;)
        entry = entry->next;
    if (entry != NULL) {
        entry->call = NULL;
        entry->delivered = complete && entry->content_ready;
        entry->cut = !entry->delivered;
        if (entry->cut)
            fail_unread(job, entry);
    }
    pthread_mutex_unlock(&job->lock);
}

void import_job_acknowledge(struct import_job *job, const char *path)
{
    struct import_entry *entry;

    pthread_mutex_lock(&job->lock);
    entry = find_path(job, path);
    if (entry != NULL && !entry->acked) {
        entry->acked = true;
        job->unacknowledged--;
        if (entry->opened && !entry->delivered)
            fail_unread(job, entry);
        pthread_cond_broadcast(&job->changed);
    }
    pthread_mutex_unlock(&job->lock);
}

void import_job_stop(struct import_job *job, const char *why)
{
    struct error err;

    error_clear(&err);
    error_set(&err, ERROR_CANCELLED, "%s", why);
    pthread_mutex_lock(&job->lock);
    if (!job->over)
        import_fail_locked(job, &err);
    pthread_mutex_unlock(&job->lock);
}

/* Takes the entries off that nobody needs any more. */
static void reap(struct import_job *job)
{
    struct import_entry *done = NULL;
    struct import_entry **link = &job->entries;

    pthread_mutex_lock(&job->lock);
    while (*link != NULL) {
        struct import_entry *entry = *link;

        if (!entry->acked || !entry->idle || entry->call != NULL || entry->chunks > 0) {
            link = &entry->next;
            continue;
        }
        *link = entry->next;
        entry->next = done;
        done = entry;
    }
    job->entries_last = link;
    pthread_mutex_unlock(&job->lock);
    while (done != NULL) {
        struct import_entry *entry = done;

        done = entry->next;
        free_entry(entry);
    }
}

static void pump_messages(struct import_job *job, struct grpc_call *import)
{
    struct import_message *messages;
    struct error err;

    pthread_mutex_lock(&job->lock);
    messages = job->messages;
    job->messages = NULL;
    job->messages_last = &job->messages;
    pthread_mutex_unlock(&job->lock);
    while (messages != NULL) {
        struct import_message *message = messages;

        messages = message->next;
        error_clear(&err);
        if (import != NULL && !grpc_call_send(import, buffer_slice(&message->bytes), &err))
            import_fail(job, &err);
        buffer_free(&message->bytes);
        free(message);
    }
}

static void pump_content(struct import_entry *entry, struct import_entry **next)
{
    struct import_job *job = entry->job;
    struct grpc_chunk *chunks;
    bool ends;

    pthread_mutex_lock(&job->lock);
    *next = entry->next;
    chunks = entry->call == NULL ? NULL : entry->ready;
    if (entry->call != NULL) {
        entry->ready = NULL;
        entry->ready_last = &entry->ready;
    }
    ends = entry->call != NULL && entry->content_ready && !job->failure.failed;
    pthread_mutex_unlock(&job->lock);
    while (chunks != NULL) {
        struct grpc_chunk *chunk = chunks;

        chunks = chunk->next;
        grpc_call_send_chunk(entry->call, chunk);
    }
    if (ends)
        grpc_call_end(entry->call, GRPC_OK, "");
}

/* Import's status first: once a record has failed, Plakar might not wait for it. */
static void pump_end(struct import_job *job, struct grpc_call *import)
{
    static const uint8_t finished[] = {0x10, 0x01}; /* ImportResponse.finished */
    const struct error *failure;
    struct buffer text = {0};
    struct error err;

    if (!import_job_over(job, &failure) || job->finished_sent)
        return;
    job->finished_sent = true;
    if (failure == NULL) {
        if (import != NULL)
            grpc_call_send(import, slice_make(finished, sizeof(finished)), &err);
        return;
    }
    if (!grpc_error_text(&text, failure, &err))
        buffer_clear(&text);
    if (import != NULL)
        grpc_call_end(import, GRPC_UNKNOWN, buffer_text(&text));
    for (struct import_entry *entry = job->entries; entry != NULL; entry = entry->next) {
        if (entry->call != NULL)
            grpc_call_abort(entry->call, GRPC_UNKNOWN, buffer_text(&text));
    }
    buffer_free(&text);
}

void import_job_pump(struct import_job *job, struct grpc_call *import)
{
    struct import_entry *entry, *next;

    pump_messages(job, import);
    pthread_mutex_lock(&job->lock);
    entry = job->entries;
    pthread_mutex_unlock(&job->lock);
    for (; entry != NULL; entry = next)
        pump_content(entry, &next);
    pump_end(job, import);
    reap(job);
}

bool import_job_over(const struct import_job *job, const struct error **failure)
{
    struct import_job *locked = (struct import_job *)(uintptr_t)job;
    bool over;

    pthread_mutex_lock(&locked->lock);
    over = job->over;
    pthread_mutex_unlock(&locked->lock);
    *failure = over && job->failure.failed ? &job->failure.error : NULL;
    return over;
}

/* ---- Making and ending it ---- */

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void destroy(struct import_job *job)
{
    pump_messages(job, NULL);
    while (job->entries != NULL) {
        struct import_entry *entry = job->entries;

        job->entries = entry->next;
        free_entry(entry);
    }
    while (job->spare != NULL) {
        struct content_chunk *chunk = (struct content_chunk *)job->spare;

        job->spare = chunk->base.next;
        free(chunk);
    }
    pthread_cond_destroy(&job->changed);
    pthread_mutex_destroy(&job->lock);
    free(job);
}

struct import_job *import_job_start(const struct import_job_options *options, struct error *err)
{
    struct import_job *job = calloc(1, sizeof(*job));
    int code;

    if (job == NULL) {
        error_set_memory(err);
        return NULL;
    }
    job->options = *options;
    job->backup = now_ns();
    job->entries_last = &job->entries;
    job->messages_last = &job->messages;
    pthread_mutex_init(&job->lock, NULL);
    pthread_cond_init(&job->changed, NULL);
    code = pthread_create(&job->thread, NULL, run, job);
    if (code == 0)
        return job;
    error_set_errno(err, code, "cannot start a thread");
    destroy(job);
    return NULL;
}

void import_job_free(struct import_job *job)
{
    if (job == NULL)
        return;
    import_job_stop(job, "the backup was ended");
    pthread_join(job->thread, NULL);
    destroy(job);
}
