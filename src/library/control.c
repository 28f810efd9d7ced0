/*
 * A host stops a job by a cancel that may be shared, and follows it by two functions: the log,
 * which two threads of a job may write at once, and the progress, which is told when a phase
 * begins and a few times a second between.
 */
#include "library/library_internal.h"

#include "base/clock.h"

#include <stdlib.h>

#define PROGRESS_INTERVAL_MS 100

/* ---- Stopping ---- */

struct pgcask_cancel *pgcask_cancel_new(struct pgcask_error *error)
{
    struct pgcask_cancel *cancel = calloc(1, sizeof(*cancel));
    struct error err;

    if (cancel == NULL) {
        error_set_memory(&err);
    } else if (cancel_init(&cancel->cancel, &err)) {
        return cancel;
    }
    free(cancel);
    library_fail(error, &err);
    return NULL;
}

void pgcask_cancel_free(struct pgcask_cancel *cancel)
{
    if (cancel == NULL)
        return;
    cancel_reset(&cancel->cancel);
    free(cancel);
}

void pgcask_cancel_request(struct pgcask_cancel *cancel)
{
    cancel_request(&cancel->cancel);
}

bool pgcask_cancel_requested(const struct pgcask_cancel *cancel)
{
    return cancel_requested(&cancel->cancel);
}

/* ---- Following ---- */

static void write_log(void *context, enum log_level level, const char *message)
{
    struct library_job *job = context;
    char spelled[2048];

    error_spell_copy(spelled, sizeof(spelled), message, &library_speller);
    pthread_mutex_lock(&job->log_lock);
    job->control.log(job->control.context, (enum pgcask_log_level)level, spelled);
    pthread_mutex_unlock(&job->log_lock);
}

static void record_begun(void *context, const struct record *record)
{
    struct library_job *job = context;

    job->progress.files += record->type == RECORD_FILE;
}

static void bytes_moved(void *context, size_t bytes)
{
    library_job_move(context, bytes);
}

bool library_job_init(struct library_job *job, const struct pgcask_control *control,
                      struct error *err)
{
    const struct cancel *parent;

    *job = (struct library_job){.cancel.event_fd = -1};
    if (!library_take(&job->control, sizeof(job->control), control, "pgcask_control", err))
        return false;
    parent = job->control.cancel == NULL ? NULL : &job->control.cancel->cancel;
    if (!cancel_init_child(&job->cancel, parent, err))
        return false;
    pthread_mutex_init(&job->log_lock, NULL);
    job->log.context = job;
    job->log.write = job->control.log == NULL ? NULL : write_log;
    job->log.threshold = (enum log_level)job->control.log_level;
    job->observer = (struct record_observer){
        .context = job, .record_begun = record_begun, .bytes_moved = bytes_moved};
    job->progress.phase = "connecting";
    return true;
}

void library_job_reset(struct library_job *job)
{
    if (job->cancel.event_fd < 0)
        return;
    for (size_t i = 0; i < LIBRARY_MEMBERS; i++)
        free(job->lists[i]);
    cancel_reset(&job->cancel);
    pthread_mutex_destroy(&job->log_lock);
}

void library_job_tell(struct library_job *job)
{
    if (job->control.progress == NULL)
        return;
    job->next_call = clock_now_ms() + PROGRESS_INTERVAL_MS;
    job->control.progress(job->control.context, &job->progress);
}

void library_job_set_phase(struct library_job *job, const char *phase)
{
    bool is_new = strcmp(job->progress.phase, phase) != 0;

    job->progress.phase = phase;
    if (is_new)
        library_job_tell(job);
}

void library_job_move(struct library_job *job, size_t bytes)
{
    job->progress.bytes += bytes;
    if (job->control.progress != NULL && clock_now_ms() >= job->next_call)
        library_job_tell(job);
}
