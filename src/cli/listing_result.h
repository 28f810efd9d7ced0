/* What `list --json` says of a backup, under the names that every other command uses for the same.
 */
#ifndef PGCASK_CLI_LISTING_RESULT_H
#define PGCASK_CLI_LISTING_RESULT_H

#include "restore/listing.h"

/* Does nothing if result is NULL. */
void listing_fill_result(json_t *result, const struct listing *listing);

#endif
