/*
 * One "stop now" for a whole job: set by a signal handler, the user of the library or the first
 * thread that fails; seen by every wait, because its event descriptor is polled beside the
 * socket.
 */
#ifndef PGCASK_BASE_CANCEL_H
#define PGCASK_BASE_CANCEL_H

#include "base/error.h"

#include <stdatomic.h>

struct cancel {
    atomic_bool requested;
    int event_fd;                /* readable once requested; -1 before cancel_init */
    const struct cancel *parent; /* NULL, or what requests this one too */
    int own_fd;                  /* with a parent: event_fd watches this one and the parent's */
};

bool cancel_init(struct cancel *cancel, struct error *err);

/* One that is requested as soon as `parent` (NULL: none) is, but not the other way round: for one
 * job of several that may be stopped together. The parent must outlive it. */
bool cancel_init_child(struct cancel *cancel, const struct cancel *parent, struct error *err);
void cancel_reset(struct cancel *cancel); /* closes the descriptor */

/* Safe in a signal handler and from any thread; any number of times. */
void cancel_request(struct cancel *cancel);

/* NULL is a job that nobody cancels. */
bool cancel_requested(const struct cancel *cancel);

/* Fails with ERROR_CANCELLED if requested. */
bool cancel_check(const struct cancel *cancel, struct error *err);

#endif
