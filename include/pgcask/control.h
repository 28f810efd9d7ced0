/*
 * How a host program follows and stops a job: a request to stop, progress, notes for people.
 */
#ifndef PGCASK_CONTROL_H
#define PGCASK_CONTROL_H

#include "error.h"

PGCASK_C_BEGIN

/* ---- Stopping ---- */

/* A request to stop. Every wait of every job that was given it ends at once, the job fails with
 * PGCASK_ERROR_CANCELLED, and nothing of it stays behind on the server or on disk. It cannot be
 * taken back. Any number of jobs may share one; a job that fails by itself does not request it. */
struct pgcask_cancel;

/* NULL: out of memory or descriptors. It holds one file descriptor. */
struct pgcask_cancel *pgcask_cancel_new(struct pgcask_error *error);

/* After the jobs that were given it. NULL is allowed. */
void pgcask_cancel_free(struct pgcask_cancel *cancel);

/* Safe in any thread and in a signal handler, any number of times. */
void pgcask_cancel_request(struct pgcask_cancel *cancel);
bool pgcask_cancel_requested(const struct pgcask_cancel *cancel);

/* ---- Following ---- */

enum pgcask_log_level { PGCASK_LOG_DEBUG, PGCASK_LOG_INFO, PGCASK_LOG_WARNING };

struct pgcask_progress {
    /* Of a backup: "connecting", "manifest", "checkpoint" (of a physical one: the server's, which
     * may take minutes) or "catalog" (of a logical one), "copying", "finishing", "done"; else
     * "reading" or "restoring". A literal: it may be kept. */
    const char *phase;
    uint64_t bytes;       /* content that has passed so far */
    uint64_t files;       /* files begun */
    uint64_t total_bytes; /* what it will be, about; 0: not known (yet) */
};

struct pgcask_control {
    size_t struct_size; /* see PGCASK_INIT */
    struct pgcask_cancel *cancel;

    void *context; /* of the two functions */

    /* Hears what is worth saying at log_level and above (0: everything): a line without a newline,
     * lent for the call. From any thread of the job, but never from two at once. */
    void (*log)(void *context, enum pgcask_log_level level, const char *message);
    enum pgcask_log_level log_level;

    /* Called when a phase begins, about ten times a second while bytes flow, and at the end; from
     * the thread that called the library, but for what restores into a server
     * (pgcask_logical_restore, pgcask_verify_by_restore): from a thread of its own then, never from
     * two at once. */
    void (*progress)(void *context, const struct pgcask_progress *progress);
};

/* Both functions may not call the library on the job that calls them, but for
 * pgcask_cancel_request. Where a function of the library takes a struct pgcask_control, NULL is
 * allowed; it is copied, and what it points to is borrowed until the job ends. */

PGCASK_C_END

#endif
