/*
 * One archive restored into one database of a server, over one session. What comes before data is
 * done first, then the data in the order in which the archive has them, then the rest: so that an
 * archive which streams by is read once.
 */
#ifndef PGCASK_RESTORE_ARCHIVE_RESTORE_H
#define PGCASK_RESTORE_ARCHIVE_RESTORE_H

#include "restore/archive_input.h"
#include "restore/logical_restore.h"

/* database: of the server; it is there. name: of the archive, for messages. Fails if the archive is
 * damaged or the work ended early; what failed and was gone past is in the report. */
bool archive_restore(struct archive_input *input, const char *name,
                     const struct restore_request *request, const char *database,
                     struct logical_restore_report *report, struct error *err);

#endif
