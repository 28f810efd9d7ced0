/*
 * Records that Plakar is done with and never opened. There are four reasons, and it tells none: a
 * pattern leaves the record out; the run is a dry one; the store has the record's path, and hides
 * it; or something that Plakar does not do today.
 */
#include "plakar/import_queue.h"

#include <stdio.h>

static bool fail_unopened(const char *path, bool told, struct error *err)
{
    error_set(err, ERROR_REFUSED, "Plakar did not read %s, without which the backup is nothing",
              path);
    return error_hint(err,
                      "A Plakar store hides records that have its own path, or one below it: keep "
                      "it elsewhere.%s",
                      told ? " A dry run needs -ignore without a pattern for what comes first."
                           : "");
}

static bool fail_left_out(const char *path, struct error *err)
{
    error_set(err, ERROR_REFUSED,
              "Plakar left %s out, as it was told to; a backup of this kind needs it", path);
    return error_hint(err,
                      "A pattern of -ignore or -ignore-file matches it: take the pattern away, or "
                      "put \"!%s\" behind it.",
                      path);
}

void import_note_unopened_locked(const struct import_entry *entry)
{
    struct import_job *job = entry->job;
    const char *path = entry->path;
    const struct connector *connector = job->options.connector;
    bool told = excludes_may_match(job->options.excludes, path);
    struct error err;

    error_clear(&err);
    job->left_out += told;
    job->reused += !told && entry->reusable;
    if (!told && !entry->reusable && job->unopened[0] == '\0')
        snprintf(job->unopened, sizeof(job->unopened), "%s", path);
    if (told && connector->needs(connector->context, path))
        fail_left_out(path, &err);
    else if (job->unopened[0] != '\0' && (job->opened > 0 || job->left_out > 0))
        fail_unopened(job->unopened, job->opened == 0, &err);
    else
        return; /* fine, or perhaps a dry run, which begins with the first record */
    import_fail_locked(job, &err);
}

/* Closes what Plakar acknowledged without opening it, of what is read by itself. */
static void put_down_unopened(struct import_job *job)
{
    for (struct import_entry *entry = job->first, *next; job->unread > 0 && entry != NULL;
         entry = next) {
        next = entry->next;
        if (!entry->by_itself || !entry->acked || entry->opened || entry->idle)
            continue;
        reader_close(entry->reader);
        entry->reader = NULL;
        entry->idle = true;
        job->unread--;
        import_settle_locked(entry);
    }
}

/* Waits until at most that many records are on their way, or until there is something to judge. */
static bool wait_for_records(struct import_job *job, size_t most, bool judged)
{
    bool done;

    pthread_mutex_lock(&job->lock);
    if (job->unacknowledged > most) {
        job->awaited_records = GO_ON_AT(most);
        while (!job->failure.failed && job->unacknowledged > job->awaited_records &&
               (judged || job->unopened[0] == '\0'))
            pthread_cond_wait(&job->changed, &job->lock);
        job->awaited_records = SIZE_MAX;
    }
    put_down_unopened(job);
    done = !job->failure.failed;
    pthread_mutex_unlock(&job->lock);
    return done;
}

bool import_wait_for_acknowledged(struct import_job *job, size_t most)
{
    return wait_for_records(job, most, false);
}

bool import_judge_unopened(struct import_job *job, bool *ends, struct error *err)
{
    bool opened, unopened;

    pthread_mutex_lock(&job->lock);
    unopened = job->unopened[0] != '\0' && !job->failure.failed;
    pthread_mutex_unlock(&job->lock);
    if (!unopened)
        return true;
    /* What is still on its way is not opened either, in a dry run. */
    *ends = true;
    if (!wait_for_records(job, 0, true))
        return false;
    pthread_mutex_lock(&job->lock);
    opened = job->opened > 0;
    pthread_mutex_unlock(&job->lock);
    return !opened || fail_unopened(job->unopened, false, err);
}
