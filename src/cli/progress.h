/*
 * Progress on standard error: a live line on a terminal, drawn five times a second; elsewhere a
 * line when the phase changes and every thirty seconds. A thread of its own draws, so that a wait
 * inside a library shows too; the worker only adds to a counter.
 */
#ifndef PGCASK_CLI_PROGRESS_H
#define PGCASK_CLI_PROGRESS_H

#include "cli/console.h"
#include "cli/rate.h"
#include "record/record.h"
#include "restore/restore_request.h"

#include <pthread.h>
#include <stdatomic.h>

struct progress {
    struct record_observer observer; /* to be given to the worker */
    struct console *console;
    bool silent; /* --quiet: only count */
    bool running;
    pthread_t thread;
    pthread_mutex_t lock; /* guards stopping and wakes the thread */
    pthread_cond_t wake;
    bool stopping;
    _Atomic(const char *) phase; /* static text */
    _Atomic uint64_t bytes, records;
    _Atomic uint64_t files, synced;             /* of the files, those that reached the disk */
    _Atomic uint64_t total;                     /* 0: not known */
    _Atomic uint64_t done;                      /* of the total, where that is not of the bytes */
    uint64_t (*_Atomic measure)(void *context); /* NULL: the bytes */
    void *measured;
    const struct record_source *followed; /* a tar, which may be compressed; NULL: none */
    struct restore_progress restored;     /* for whom that is what is counted */
    _Atomic bool restores;                /* set, as `measure` is, while the thread draws already */
    int64_t started_ms;
};

#define PROGRESS_LINE 160

bool progress_start(struct progress *progress, struct console *console, bool silent,
                    const char *phase, struct error *err);
void progress_stop(struct progress *progress); /* takes the live line away */

/* Text that lives as long as the program. Cheap if it is the same. */
void progress_set_phase(struct progress *progress, const char *phase);
/* The total is what the tar source expects, from now on; it must live as long as bytes are counted.
 */
void progress_follow(struct progress *progress, const struct record_source *source);
/* The total is not one of the bytes written but of what `measure` gives. It is called by the
 * worker, whenever bytes are counted; to be set before any are. */
void progress_measure(struct progress *progress, uint64_t (*measure)(void *context), void *context);
void progress_set_total(struct progress *progress, uint64_t bytes);

uint64_t progress_bytes(const struct progress *progress);
double progress_seconds(const struct progress *progress);

/* "copying: 35%, 11s left, 1.2 GiB of 3.4 GiB, 210 MiB/s"; what is not known (0) is left out, and
 * so is an estimate that has run out. */
void progress_format(char out[PROGRESS_LINE], const char *phase, uint64_t bytes, uint64_t total,
                     uint64_t rate);

/* "copying: 35%, 11s left, 1.2 GiB read, 340 MiB written"; the rate is that of what is done. */
void progress_format_measured(char out[PROGRESS_LINE], const char *phase, uint64_t bytes,
                              uint64_t done, uint64_t total, uint64_t rate);

/* What is counted in progress->restored is said, too: before anything is counted. */
void progress_follow_restore(struct progress *progress);

/* "restoring: 35%, 11s left, 1.2 GiB of 3.4 GiB, 210 MiB/s, 123 of 1234 objects". */
void progress_format_restore(char out[PROGRESS_LINE], const char *phase, uint64_t bytes,
                             uint64_t total, uint64_t rate, uint64_t objects, uint64_t all);

/* "writing to disk: 35%, 11s left, 1234 of 3500 files". */
void progress_format_sync(char out[PROGRESS_LINE], uint64_t synced, uint64_t files, uint64_t rate);

#endif
