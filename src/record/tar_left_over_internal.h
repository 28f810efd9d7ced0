/* Telling what a killed run left of a tar from a file of another origin. */
#ifndef PGCASK_RECORD_TAR_LEFT_OVER_INTERNAL_H
#define PGCASK_RECORD_TAR_LEFT_OVER_INTERNAL_H

#include <stdbool.h>

/* Of a .partial that this user owns: nobody else may read it, and it is empty or begins as a backup
 * does. */
bool tar_left_over_is_ours(int fd);

#endif
