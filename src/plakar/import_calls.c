/*
 * The I/O thread's side of a job: what Plakar opens, acknowledges and gives up; and what the job's
 * threads have ready, which is moved into the calls. Nothing here waits.
 */
#include "plakar/import_queue.h"

#include <stdlib.h>

/* ---- What Plakar wants ---- */

static struct import_entry *find_path(const struct import_job *job, const char *path)
{
    /* Plakar goes by the order of announcements, so it stands near the front. */
    for (struct import_entry *entry = job->first; entry != NULL; entry = entry->next) {
        if (strcmp(entry->path, path) == 0)
            return entry;
    }
    return NULL;
}

/* Reads one record by itself. */
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

/* Moves what the entry has ready into its call. */
static void pump_content(struct import_entry *entry)
{
    struct import_job *job = entry->job;
    struct grpc_chunk *chunks = NULL;
    bool ends;

    pthread_mutex_lock(&job->lock);
    if (entry->call != NULL)
        chunks = import_take_ready_locked(entry);
    ends = entry->call != NULL && entry->content_ready && !job->failure.failed;
    pthread_mutex_unlock(&job->lock);
    while (chunks != NULL) {
        struct grpc_chunk *chunk = chunks;

        chunks = chunk->next;
        grpc_call_send_chunk(entry->call, chunk);
    }
    if (ends)
        grpc_call_end(entry->call, GRPC_OK, "");
    pthread_mutex_lock(&job->lock);
    import_settle_locked(entry);
    pthread_mutex_unlock(&job->lock);
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
        if (entry->by_itself)
            start_reader_locked(entry);
        if (!entry->idle) /* its reader may wait for that */
            pthread_cond_broadcast(&job->changed);
    }
    pthread_mutex_unlock(&job->lock);
    if (entry != NULL)
        pump_content(entry);
    else
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
    for (entry = job->first; entry != NULL && entry->call != call;)
        entry = entry->next;
    if (entry != NULL) {
        entry->call = NULL;
        entry->delivered = complete && entry->content_ready;
        entry->cut = !entry->delivered;
        if (entry->cut)
            fail_unread(job, entry);
        import_settle_locked(entry);
    }
    pthread_mutex_unlock(&job->lock);
}

void import_job_acknowledge(struct import_job *job, const char *path)
{
    struct grpc_chunk *unwanted = NULL;
    struct import_entry *entry;

    pthread_mutex_lock(&job->lock);
    entry = find_path(job, path);
    if (entry != NULL && !entry->acked) {
        entry->acked = true;
        job->unacknowledged--;
        if (entry->opened && !entry->delivered) {
            fail_unread(job, entry);
        } else if (entry->regular && !entry->opened) {
            job->unread += entry->by_itself;
            import_note_unopened_locked(entry);
            unwanted = import_take_ready_locked(entry);
        }
        /* Its reader may wait for room; what was not opened is judged. */
        if (!entry->idle || !entry->opened || job->unacknowledged <= job->awaited_records)
            pthread_cond_broadcast(&job->changed);
        import_settle_locked(entry);
    }
    pthread_mutex_unlock(&job->lock);
    import_drop_chunks(unwanted);
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

/* ---- What the job has ready ---- */

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
    for (struct import_entry *entry = job->first; entry != NULL; entry = entry->next) {
        if (entry->call != NULL)
            grpc_call_abort(entry->call, GRPC_UNKNOWN, buffer_text(&text));
    }
    buffer_free(&text);
}

static struct import_entry *take_due(struct import_job *job)
{
    struct import_entry *entry;

    pthread_mutex_lock(&job->lock);
    entry = job->due;
    if (entry != NULL) {
        job->due = entry->next_due;
        if (job->due == NULL)
            job->due_last = &job->due;
        entry->due = false;
    }
    pthread_mutex_unlock(&job->lock);
    return entry;
}

void import_job_pump(struct import_job *job, struct grpc_call *import)
{
    struct import_entry *entry;

    atomic_store(&job->woken, false);
    pump_messages(job, import);
    while ((entry = take_due(job)) != NULL)
        pump_content(entry);
    pump_end(job, import);
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
