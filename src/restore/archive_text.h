/*
 * An archive written as SQL text for psql, as `pg_restore -f` does. Names in what is added to the
 * archive's own SQL are always quoted.
 */
#ifndef PGCASK_RESTORE_ARCHIVE_TEXT_H
#define PGCASK_RESTORE_ARCHIVE_TEXT_H

#include "restore/archive_input.h"
#include "restore/restore_request.h"

struct selection_lists;

struct archive_text_out {
    void *context;
    bool (*write)(void *context, struct slice bytes, struct error *err);
};

struct archive_text_options {
    struct slice list;             /* the text of request->list_file */
    struct selection_lists *lists; /* of several archives: see restore_selection.h; may be NULL */
    enum plain_database database;
    const char *restrict_word; /* see struct plain_wishes; may be NULL */
};

/* Of the request counts what is wanted (its lists, sections, no_…), create_db, which makes entries
 * of the database wanted, and, as pg_restore -f has them, clean (with IF EXISTS),
 * single_transaction, disable_triggers, row_security and role. Data are asked for in the archive's
 * order: an archive that streams by is refused. */
bool archive_text_write(struct archive_input *input, const struct restore_request *request,
                        const struct archive_text_options *options,
                        const struct archive_text_out *out, struct error *err);

#endif
