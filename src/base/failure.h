/*
 * The first failure of something that is asked again and again: a job, a source, a reader. It is
 * kept and given each time from then on, so that what has failed once cannot look finished; what
 * goes wrong later is a consequence, and is not kept. All zero: nothing has failed.
 *
 * For one thread; where several may fail, whoever has the failure has a lock for it.
 */
#ifndef PGCASK_BASE_FAILURE_H
#define PGCASK_BASE_FAILURE_H

#include "base/error.h"

struct failure {
    bool failed;
    struct error error; /* why, once failed */
};

/* Keeps a copy of *err, unless a failure is kept already. False, for `return failure_keep(…);`. */
bool failure_keep(struct failure *failure, const struct error *err);

/* True while nothing has failed; else false, with why in *err. */
bool failure_check(const struct failure *failure, struct error *err);

#endif
