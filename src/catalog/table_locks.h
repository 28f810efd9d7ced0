/* ACCESS SHARE locks on all tables that are dumped: nobody can alter or drop them meanwhile. */
#ifndef PGCASK_CATALOG_TABLE_LOCKS_H
#define PGCASK_CATALOG_TABLE_LOCKS_H

#include "catalog/kind.h"

/* Locks every table and partitioned table found so far, in batches, each within
 * options.lock_timeout_ms and all within options.lock_timeout_total_ms. The error of a lock that
 * was not got names the table and who holds it. */
bool table_locks_take(struct catalog *catalog, struct error *err);

#endif
