/*
 * An archive written as SQL text for psql, as `pg_restore -f` does. Names in what is added to the
 * archive's own SQL are always quoted; there is no \restrict (see archive/plain_stream.c).
 */
#ifndef PGCASK_RESTORE_ARCHIVE_TEXT_H
#define PGCASK_RESTORE_ARCHIVE_TEXT_H

#include "restore/archive_input.h"
#include "restore/restore_request.h"

struct archive_text_out {
    void *context;
    bool (*write)(void *context, struct slice bytes, struct error *err);
};

/* Of the request counts what is wanted (its lists, sections, no_…), and create_db, which makes the
 * script create its database and connect to it. list: the text of request->list_file. Data are
 * asked for in the archive's order: an archive that streams by is refused, and so is what would
 * drop something. */
bool archive_text_write(struct archive_input *input, const struct restore_request *request,
                        struct slice list, const struct archive_text_out *out, struct error *err);

#endif
