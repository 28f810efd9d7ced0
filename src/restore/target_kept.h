/*
 * A script fills its database under the name that it says. The one that had it before is kept as
 * pgcask_replaced_…, with a comment that says so, until the new one is complete; where it is not,
 * both swap their names again.
 */
#ifndef PGCASK_RESTORE_TARGET_KEPT_H
#define PGCASK_RESTORE_TARGET_KEPT_H

#include "restore/target_interim.h"

/* The one that is kept gets its name and comment back; the new one is called `interim` then (64
 * bytes) and, if it has no comment of its own, has one that says what it is. Both at once, by a
 * session of its own that no cancel reaches; while the server cannot be reached, again for some
 * seconds. encoding: of the name; NULL: UTF8. False: the hint of *err says what to type. */
bool target_kept_put_back(const struct restore_request *request, const char *encoding,
                          const char *name, const struct target_kept *kept, char *interim,
                          struct error *err);

#endif
