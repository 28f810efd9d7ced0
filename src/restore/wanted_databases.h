/* Which databases of a backup are wanted: by the request's patterns of names. A name as it is
 * matches itself, whatever the pattern makes of its capitals. */
#ifndef PGCASK_RESTORE_WANTED_DATABASES_H
#define PGCASK_RESTORE_WANTED_DATABASES_H

#include "restore/restore_request.h"

struct wanted_databases;

struct wanted_databases *wanted_databases_new(const struct restore_request *request,
                                              struct error *err);
void wanted_databases_free(struct wanted_databases *wanted); /* NULL is allowed */

/* Whether the one of that name is; which patterns say so is noted. */
bool wanted_databases_has(struct wanted_databases *wanted, const char *name);

/* An error names a pattern that no name has matched so far. */
bool wanted_databases_check(const struct wanted_databases *wanted, struct error *err);

#endif
