/* What a restore that was killed left in a folder, told from what another one is writing by the
 * lock file in it (record/run_lock.h). */
#ifndef PGCASK_RESTORE_LEFT_OVER_H
#define PGCASK_RESTORE_LEFT_OVER_H

#include "restore/folder.h"

#include "base/error.h"
#include "base/log.h"

/* What lies at the top of a data directory, or of a tablespace's directory. */
bool left_over_is_data_name(const char *name);
bool left_over_is_tablespace_name(const char *name);

/* Empties the folder, or removes it, if a killed run was filling it: *cleared. Fails if a run is at
 * work there, or something is in it that `known` does not know; NULL: the folder's name is ours
 * alone. Anything else is left alone. */
bool left_over_clear(const char *folder, bool also_folder, bool (*known)(const char *name),
                     const struct log *log, bool *cleared, struct error *err);

/* What a killed restore left in the place of a tablespace, or in the staging inside it. */
bool left_over_clear_place(struct folder *place, const struct log *log, struct error *err);

#endif
