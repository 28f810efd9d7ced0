/*
 * The data of an archive and what stands behind them, restored over several sessions at once, in
 * the order that their restore_steps allow. A worker is a thread with a session of its own; the
 * first one is the caller's.
 */
#ifndef PGCASK_RESTORE_PARALLEL_RESTORE_H
#define PGCASK_RESTORE_PARALLEL_RESTORE_H

#include "restore/archive_input.h"
#include "restore/restore_data.h"
#include "restore/restore_steps.h"

/* A session, and what is set for it. */
struct restore_worker {
    struct target_session *session;
    struct entry_sql sql;
    struct restore_data data;
};

struct parallel_restore {
    struct archive_input *input; /* can be read an entry at a time */
    struct archive_contents *contents;
    unsigned jobs;
    struct restore_worker *first; /* open */
    struct cancel *cancel;        /* all sessions see it; requested if one fails */
    const struct log *log;
    /* What a step is, if it is not what restores its entry. May be NULL. */
    bool (*each)(void *context, struct restore_worker *worker, uint32_t number, struct error *err);
    /* Opens another, like the first; fills all of it. Called from the caller's thread. */
    bool (*open)(void *context, struct restore_worker *worker, struct error *err);
    /* Its work is done; also where open() failed. */
    void (*close)(void *context, struct restore_worker *worker);
    void *context;
};

/* Opens others[jobs - 1], beside the first: *count with that one. Where the server has no room for
 * as many it is fewer, and said. All but the first are to be closed, whatever comes back. */
bool parallel_restore_open(const struct parallel_restore *restore, struct restore_worker *others,
                           uint32_t *count, struct error *err);

/* Where the server has no room for as many sessions, it is done over fewer, and said. */
bool parallel_restore_run(const struct parallel_restore *restore, struct restore_steps *steps,
                          struct error *err);

#endif
