/* ACCESS SHARE locks on all tables that are dumped: nobody can alter or drop them meanwhile. */
#ifndef PGCASK_CATALOG_TABLE_LOCKS_H
#define PGCASK_CATALOG_TABLE_LOCKS_H

#include "catalog/kind.h"

/* Locks those tables of the objects found so far that are wanted, in batches, each within
 * options.lock_timeout_ms and all within options.lock_timeout_total_ms less what earlier reads
 * spent (options.lock_spent_ms). The error of a lock that was not got names the table and who holds
 * it. */
bool table_locks_take(struct catalog *catalog,
                      bool (*is_wanted)(const struct catalog_object *object), struct error *err);

/* What the server's functions look at they lock, too, views and sequences as well: from now on no
 * longer than options.lock_timeout_ms is waited for one of these. */
bool table_locks_limit(struct catalog *catalog, struct error *err);

/* The error of a wait for such a lock names who holds it. The session must be back at a savepoint.
 * Returns false. */
bool table_locks_explain(struct catalog *catalog, struct error *err);

/* The error of a lock table that is full says how large it should be. The session is back at a
 * savepoint. */
void table_locks_hint_room(struct catalog *catalog, struct error *err);

#endif
