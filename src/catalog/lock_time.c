/*
 * How long may be waited for the locks on all tables: that is a time for all tries to read the
 * catalogs together, so that each further one has what the earlier ones left.
 */
#include "catalog/lock_time.h"

#define LOCK_TIMEOUT_TOTAL_MS 600000

int64_t lock_time_for_all(const struct catalog_options *options)
{
    if (options->lock_timeout_total_ms > 0)
        return options->lock_timeout_total_ms;
    return options->lock_timeout_ms > LOCK_TIMEOUT_TOTAL_MS ? options->lock_timeout_ms
                                                            : LOCK_TIMEOUT_TOTAL_MS;
}

int64_t lock_time_left(const struct catalog_options *options)
{
    return lock_time_for_all(options) -
           (options->lock_spent_ms == NULL ? 0 : *options->lock_spent_ms);
}
