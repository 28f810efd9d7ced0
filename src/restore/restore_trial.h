/* What whoever restores archives into databases that do not stay is asked and told (trial/trial.h).
 * All of it from the thread that runs the restore. */
#ifndef PGCASK_RESTORE_RESTORE_TRIAL_H
#define PGCASK_RESTORE_RESTORE_TRIAL_H

#include "archive/content_sums.h"

struct restore_trial {
    void *context;
    uint64_t key; /* of hashes (archive/content_sums.h) */
    /* What the database for an archive of that one is called: the same whenever it is asked. */
    void (*name)(void *context, const char *database, char out[64]);
    /* That database is about to be made; end() is called from here on, whatever happens. The
     * contents of the archive are there until then. */
    bool (*begin)(void *context, struct archive_contents *contents, const char *name,
                  struct error *err);
    /* It is made, and has nothing of the archive yet. */
    bool (*made)(void *context, const char *name, struct error *err);
    /* All was restored, and the sessions are closed: what the archive's data came to. */
    bool (*compare)(void *context, const char *name, const struct content_sums *sums,
                    struct error *err);
    /* err: why the restore or the comparison failed; {0} if they did not. What is put there then
     * makes the restore fail. */
    void (*end)(void *context, const char *name, struct error *err);
};

#endif
