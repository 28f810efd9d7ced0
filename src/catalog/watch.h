/*
 * What others change again and again while the catalogs are read: what it was in one try is watched
 * and locked in the next. It lives as long as the tries.
 *
 * Much of a row is taken from the snapshot as it is: privileges, owners, bodies of functions,
 * counts. A row of which only such parts were changed all the while is no reason to read again.
 * That is seen by a second session, which looks at these rows as they are now behind every query:
 * a change that is undone between two looks would not be seen, one that goes on is.
 */
#ifndef PGCASK_CATALOG_WATCH_H
#define PGCASK_CATALOG_WATCH_H

#include "catalog/catalog.h"

struct catalog_watch;

/* connect opens a session of the same database by the same role; it is asked for once something was
 * found to change. NULL: out of memory. */
struct catalog_watch *catalog_watch_new(bool (*connect)(void *context, struct wire_conn **conn,
                                                        struct error *err),
                                        void *context, const struct log *log, struct error *err);
void catalog_watch_free(struct catalog_watch *watch);

/* In a transaction that has no snapshot yet: locks the tables that the last try had, and what it
 * found changed, so that what is seen by the snapshot stays. What cannot be locked is left as it
 * is. The limits are those of the options. */
bool catalog_watch_lock(struct catalog_watch *watch, struct wire_conn *conn,
                        const struct catalog_options *options, struct error *err);

#endif
