/*
 * What a new backup or cluster would lie in: inside a backup it would be a file that the backup
 * does not know, and inside a data directory one that the server takes for its own.
 */
#ifndef PGCASK_RESTORE_SURROUNDINGS_H
#define PGCASK_RESTORE_SURROUNDINGS_H

#include "base/error.h"

#include <stdbool.h>

/* Refuses a target in a backup, finished or under way, or in a data directory. Links and ".." are
 * followed as far as there is something; the target itself need not be there. */
bool surroundings_check(const char *target, struct error *err);

/* A whole backup, on whose data no server has run. */
bool surroundings_is_backup(const char *folder);

#endif
