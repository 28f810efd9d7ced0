/* Several threads restore, and none of them is the caller's to be held up: how far they are is
 * looked at from one more, which the caller's functions are called from. */
#include "library/library_internal.h"

#include <errno.h>
#include <time.h>

#define INTERVAL_NS 100000000L

static void look(struct library_meter *meter)
{
    struct library_job *job = meter->job;
    uint64_t bytes = atomic_load(&meter->counts.bytes);
    bool checking = atomic_load(&meter->counts.checking);

    pthread_mutex_lock(&job->log_lock);
    job->progress.bytes = bytes;
    job->progress.total_bytes = atomic_load(&meter->counts.total_bytes);
    job->progress.phase = checking ? "reading" : "restoring";
    library_job_tell(job);
    pthread_mutex_unlock(&job->log_lock);
}

static void *run(void *context)
{
    struct library_meter *meter = context;
    struct timespec until;

    pthread_mutex_lock(&meter->lock);
    while (!meter->stopping) {
        pthread_mutex_unlock(&meter->lock);
        look(meter);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += INTERVAL_NS;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_mutex_lock(&meter->lock);
        if (!meter->stopping)
            pthread_cond_timedwait(&meter->wake, &meter->lock, &until);
    }
    pthread_mutex_unlock(&meter->lock);
    return NULL;
}

/* Signals are the host's: none comes to a thread of ours. */
static int begin(struct library_meter *meter)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&meter->thread, NULL, run, meter);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

bool library_meter_start(struct library_meter *meter, struct library_job *job,
                         struct restore_request *request, struct error *err)
{
    int failed;

    *meter = (struct library_meter){.job = job};
    request->progress = &meter->counts;
    job->progress.phase = "restoring";
    if (job->control.progress == NULL)
        return true;
    pthread_mutex_init(&meter->lock, NULL);
    pthread_cond_init(&meter->wake, NULL);
    failed = begin(meter);
    meter->running = failed == 0;
    return meter->running || error_set_errno(err, failed, "cannot start a thread");
}

void library_meter_stop(struct library_meter *meter)
{
    if (!meter->running)
        return;
    pthread_mutex_lock(&meter->lock);
    meter->stopping = true;
    pthread_cond_signal(&meter->wake);
    pthread_mutex_unlock(&meter->lock);
    pthread_join(meter->thread, NULL);
    pthread_cond_destroy(&meter->wake);
    pthread_mutex_destroy(&meter->lock);
    look(meter);
}
