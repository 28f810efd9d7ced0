/* A logical backup of any layout restored into databases of a server, from a source of its records.
 */
#ifndef PGCASK_RESTORE_BACKUP_RESTORE_H
#define PGCASK_RESTORE_BACKUP_RESTORE_H

#include "restore/logical_restore.h"

#define GLOBALS_PATH "/globals.sql"
#define NUMBERED_GLOBALS_PATH "/00000-globals.sql"

/* Where it lies in a directory, records have to come in the order in which they were written:
 * manifest.json, globals, archives, summary.json. */
extern const char *const backup_restore_first[];

/* The records of a source, which is taken over, in an order in which they can be restored.
 * in_order: they are already, as those of a directory. NULL: failed. */
struct record_source *backup_restore_arrange(struct record_source *source, bool in_order,
                                             const struct restore_request *request,
                                             struct error *err);

/* Takes over the source. What can be opened again is read and proved before anything is done; all
 * else is proved on the way: that it is damaged is known for certain at the end alone, and then
 * fails. name: for messages. place: where it lies; NULL: it is known as the source alone. */
bool backup_restore(struct record_source *source, const char *name,
                    const struct record_place *place, const struct restore_request *request,
                    struct logical_restore_report *report, struct error *err);

#endif
