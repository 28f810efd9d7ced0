/* What a folder is that was given for a backup and is none. */
#ifndef PGCASK_CLI_NEAR_MISS_H
#define PGCASK_CLI_NEAR_MISS_H

#include "base/error.h"

/* True if the folder may be a backup, perhaps an incomplete one. Else *err says what it seems to
 * be, and what to type instead. */
bool near_miss_check(const char *folder, struct error *err);

#endif
