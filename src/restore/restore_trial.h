/* What whoever restores archives into databases that do not stay is asked and told (trial/trial.h).
 * All of it from the thread that runs the restore. */
#ifndef PGCASK_RESTORE_RESTORE_TRIAL_H
#define PGCASK_RESTORE_RESTORE_TRIAL_H

#include "archive/content_sums.h"

/* What a script does not say as an archive does, of one database. */
struct restore_trial_script {
    bool commented;        /* its comments name objects */
    bool unknown_objects;  /* large ones, in another form than pg_dump's */
    size_t unknown_rows;   /* statements that put in rows whose table, or number, is not known */
    size_t foreign;        /* … into foreign tables, which were passed over */
    uint64_t changed_line; /* of the first statement that may change rows; 0: there is none */
};

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

    /* ---- Of a script, whose databases are told as they come ---- */

    /* What follows is for that database; "": the script does not name it. */
    bool (*begin_script)(void *context, const char *database, const char *name, struct error *err);
    /* All of it has come: contents are made of the script's comments and rows. */
    bool (*compare_script)(void *context, struct archive_contents *contents, const char *name,
                           const struct content_sums *sums,
                           const struct restore_trial_script *facts, struct error *err);
    /* What holds of the script as a whole: a sentence. */
    void (*note)(void *context, const char *note);
};

#endif
