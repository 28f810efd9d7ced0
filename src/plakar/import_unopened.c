/*
 * Records that Plakar is done with and never opened. There are four reasons, and it tells none: a
 * pattern leaves the record out; the run is a dry one; the store has the record's path, and hides
 * it; or something that Plakar does not do today.
 */
#include "plakar/import_queue.h"

#include <stdio.h>

void import_note_unopened_locked(struct import_job *job, const char *path)
{
    const struct connector *connector = job->options.connector;
    bool told = excludes_may_match(job->options.excludes, path);

    job->left_out += told;
    if (!told && job->unopened[0] == '\0')
        snprintf(job->unopened, sizeof(job->unopened), "%s", path);
    if (told && job->needed[0] == '\0' && connector->needs(connector->context, path))
        snprintf(job->needed, sizeof(job->needed), "%s", path);
}

/* Closes what Plakar acknowledged without opening it, of an independent source. */
static void put_down_unopened(struct import_job *job)
{
    for (struct import_entry *entry = job->entries; entry != NULL; entry = entry->next) {
        if (!entry->acked || entry->opened || entry->idle)
            continue;
        reader_close(entry->reader);
        entry->reader = NULL;
        entry->idle = true;
        import_note_unopened_locked(job, entry->path);
    }
}

bool import_wait_for_acknowledged(struct import_job *job, size_t most)
{
    bool done;

    pthread_mutex_lock(&job->lock);
    while (!job->failure.failed && job->unacknowledged > most)
        pthread_cond_wait(&job->changed, &job->lock);
    if (!job->sequential)
        put_down_unopened(job);
    done = !job->failure.failed;
    pthread_mutex_unlock(&job->lock);
    return done;
}

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

bool import_judge_unopened(struct import_job *job, bool *ends, struct error *err)
{
    bool opened, needed, unopened, told;

    pthread_mutex_lock(&job->lock);
    opened = job->opened > 0;
    needed = job->needed[0] != '\0';
    unopened = job->unopened[0] != '\0';
    told = job->left_out > 0;
    pthread_mutex_unlock(&job->lock);
    if (needed)
        return fail_left_out(job->needed, err);
    if (!unopened)
        return true;
    /* A dry run begins with the first record, and what is still on its way is not opened either. */
    if (opened || told)
        return fail_unopened(job->unopened, told && !opened, err);
    *ends = true;
    if (!import_wait_for_acknowledged(job, 0))
        return false;
    pthread_mutex_lock(&job->lock);
    opened = job->opened > 0;
    pthread_mutex_unlock(&job->lock);
    return !opened || fail_unopened(job->unopened, false, err);
}
