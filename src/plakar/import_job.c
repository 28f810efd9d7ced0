/*
 * The job's own thread: takes records from the source, has each announced, and reads them. Until
 * Plakar has opened a record, one at a time is announced, and nothing is read: it may be a dry run.
 * From then on a sequential source is read ahead, and several of its records are announced.
 */
#include "plakar/import_queue.h"

#include "base/text.h"
#include "manifest/summary.h"

#include <stdlib.h>
#include <time.h>

/* ---- Records ---- */

/* True if the record is to be read; false: Plakar is done with it, or the job failed. */
static bool wait_for_open(struct import_entry *entry)
{
    struct import_job *job = entry->job;
    bool wanted;

    pthread_mutex_lock(&job->lock);
    while (!job->failure.failed && job->opened == 0 && !entry->acked)
        pthread_cond_wait(&job->changed, &job->lock);
    wanted = !job->failure.failed && !entry->acked;
    pthread_mutex_unlock(&job->lock);
    return wanted;
}

static void put_down(struct import_entry *entry)
{
    struct import_job *job = entry->job;

    reader_close(entry->reader);
    entry->reader = NULL;
    pthread_mutex_lock(&job->lock);
    entry->idle = true;
    import_settle_locked(entry);
    pthread_mutex_unlock(&job->lock);
}

/* One record of a sequential source. */
static void pass_record(struct import_entry *entry)
{
    if (wait_for_open(entry))
        import_read_content(entry);
    else
        put_down(entry);
}

/* So many may be on their way when this one is announced. summary.json says that the backup is
 * complete: it waits for everything else. */
static size_t records_before(struct import_job *job, const struct record *record)
{
    bool opened;

    pthread_mutex_lock(&job->lock);
    opened = job->opened > 0;
    pthread_mutex_unlock(&job->lock);
    if (strcmp(record->path, SUMMARY_PATH) == 0 || (job->sequential && !opened))
        return 0;
    return record->by_itself || !job->sequential ? 2 * job->options.concurrency + 1
                                                 : RECORDS_AHEAD - 1;
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

    struct import_entry *entry = import_entry_new(job, &root, err);

    return entry != NULL && import_announce(entry, &root, source, NULL, err);
}

/* Takes over the record's reader. False: failed, with *err set unless the job had failed before;
 * *ends: that is all. */
static bool pass_next(struct import_job *job, const struct record_source *source,
                      struct record *record, bool *ends, struct error *err)
{
    bool regular = record->type == RECORD_FILE, by_itself = record->by_itself;
    struct import_entry *entry;
    bool going_on;

    if (!regular)
        record->reader = NULL;
    /* Where the job has failed, job->failure says why. */
    going_on = import_wait_for_acknowledged(job, records_before(job, record)) &&
               import_judge_unopened(job, ends, err);
    if (!going_on || *ends) {
        reader_close(record->reader);
        return going_on;
    }
    if (import_may_reuse(job, record))
        return import_announce_read(job, record, source, err);
    entry = import_entry_new(job, record, err);
    if (entry == NULL || !import_announce(entry, record, source, NULL, err))
        return false;
    if (!regular || !job->sequential || by_itself) /* its entry may be gone by now */
        return true;
    pass_record(entry);
    return import_judge_unopened(job, ends, err);
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
    if (job->reused > 0)
        log_message(job->options.log, LOG_INFO,
                    "%llu file%s had not changed, and Plakar took them from the last snapshot",
                    (unsigned long long)job->reused, TEXT_S(job->reused));
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
    for (struct import_entry *entry = job->first; entry != NULL; entry = entry->next) {
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

/* ---- Making and ending it ---- */

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void destroy(struct import_job *job)
{
    while (job->messages != NULL) {
        struct import_message *message = job->messages;

        job->messages = message->next;
        buffer_free(&message->bytes);
        free(message);
    }
    while (job->first != NULL) {
        struct import_entry *entry = job->first;

        job->first = entry->next;
        import_free_entry(entry);
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
    job->due_last = &job->due;
    job->awaited_records = SIZE_MAX;
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
