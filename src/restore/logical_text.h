/*
 * What can be restored into databases of a server, written as one SQL script for psql instead: an
 * archive as pg_restore -f does, a backup with its roles before it. No server is asked.
 */
#ifndef PGCASK_RESTORE_LOGICAL_TEXT_H
#define PGCASK_RESTORE_LOGICAL_TEXT_H

#include "restore/archive_text.h"
#include "restore/logical_restore.h"

struct logical_text_report {
    char format[16];    /* "custom", "directory", "tar"; of a backup "" */
    char layout[16];    /* of a backup */
    char database[256]; /* the last that was written */
    size_t databases;
    uint64_t bytes; /* of the script */
};

/* Whether all that is asked for can be done by a script: what a server or a session of ours must do
 * is refused by name. */
bool logical_text_check(const struct restore_request *request, struct error *err);

/* A backup is proved whole before the first line of it is written. What comes through a pipe, or is
 * compressed as a whole, is put into an unlinked file first (request->spool_directory): data are
 * needed in another order than they come in. */
bool logical_text_write(const struct restore_request *request, const struct restore_input *input,
                        const struct archive_text_out *out, struct logical_text_report *report,
                        struct error *err);

#endif
