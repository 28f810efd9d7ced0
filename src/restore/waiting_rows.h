/*
 * Rows of an archive that streams by, whose order is not the one in which they can be put in: those
 * that have to come behind others which are not in yet are kept in an unlinked file, and given once
 * all else is in and the archive has proved whole. What can go in goes by. Rows that come behind
 * each other in a circle are given in the order in which they came.
 */
#ifndef PGCASK_RESTORE_WAITING_ROWS_H
#define PGCASK_RESTORE_WAITING_ROWS_H

#include "archive/archive_data.h"
#include "base/cancel.h"
#include "base/log.h"
#include "restore/restore_steps.h"

struct waiting_rows;

struct waiting_options {
    const struct archive_data_handler *handler; /* whom all is given to */
    struct archive_contents *contents;
    const struct entry_orders *orders; /* of entries whose data are wanted */
    const char *directory;             /* for the file; NULL: TMPDIR, else /tmp */
    const struct cancel *cancel;
    const struct log *log; /* what waits, is said there once; may be NULL */
};

/* All that the options name is borrowed. */
struct waiting_rows *waiting_rows_new(const struct waiting_options *options, struct error *err);
void waiting_rows_free(struct waiting_rows *waiting);

/* To be given to archive_input_read_all in the place of the other. */
struct archive_data_handler waiting_rows_handler(struct waiting_rows *waiting);

/* Behind the last byte of the archive: gives what has waited. */
bool waiting_rows_give(struct waiting_rows *waiting, struct error *err);

#endif
