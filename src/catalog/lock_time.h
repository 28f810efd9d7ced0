/* The time for the locks on all tables, in ms. */
#ifndef PGCASK_CATALOG_LOCK_TIME_H
#define PGCASK_CATALOG_LOCK_TIME_H

#include "catalog/catalog.h"

#include <stdint.h>

int64_t lock_time_for_all(const struct catalog_options *options);

/* What earlier reads left of it. */
int64_t lock_time_left(const struct catalog_options *options);

#endif
