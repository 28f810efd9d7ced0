/* What a restore that was killed left in a folder, told from what another one is writing by the
 * lock file in it (record/run_lock.h). */
#ifndef PGCASK_RESTORE_LEFT_OVER_H
#define PGCASK_RESTORE_LEFT_OVER_H

#include "base/error.h"

/* Empties the folder, or removes it, if a killed run was filling it: *cleared. Fails if a run is at
 * work there. Anything else is left alone. */
bool left_over_clear(const char *folder, bool also_folder, bool *cleared, struct error *err);

#endif
