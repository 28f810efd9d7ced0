/*
 * The exchange at the end of a restore with --replace: the old cluster's files move aside, the new
 * ones, complete and on disk in their staging folders, take their places.
 *
 * The old global/pg_control is renamed first and the new one written last, so that whatever an
 * interruption leaves in between does not start. Everything between is renames within one file
 * system, noted in a journal that is played backwards when one of them fails.
 */
#ifndef PGCASK_RESTORE_CLUSTER_SWAP_H
#define PGCASK_RESTORE_CLUSTER_SWAP_H

#include "base/log.h"
#include "base/slice.h"
#include "restore/tablespace_links.h"

/* Finds out beforehand what would make the exchange fail: mount points directly inside the data
 * directory, left-overs of an interrupted exchange. */
bool cluster_swap_check(const char *data_directory, const struct log *log, struct error *err);

/* On failure everything is where it was (*undone), or the error says where the files are. */
bool cluster_swap_run(const char *data_directory, const struct tablespace_set *tablespaces,
                      struct slice control, const struct log *log, bool no_sync, bool *undone,
                      struct error *err);

/* Removes the old cluster's files after a successful exchange. What cannot be removed is only
 * worth a warning. */
void cluster_swap_remove_old(const char *data_directory, const struct tablespace_set *tablespaces,
                             const struct log *log);

#endif
