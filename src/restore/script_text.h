/*
 * An SQL script written as SQL text: as it stands, once all of it has been looked through. What
 * psql would run besides SQL, and a script that breaks off, is refused before anything is written.
 */
#ifndef PGCASK_RESTORE_SCRIPT_TEXT_H
#define PGCASK_RESTORE_SCRIPT_TEXT_H

#include "restore/archive_text.h"

/* Whether the request wants no more than can be known by a statement's words; what it wants else is
 * refused by name. */
bool script_text_check(const struct restore_request *request, struct error *err);

struct script_text_report {
    uint64_t bytes; /* that were written */
    size_t databases;
    char database[256]; /* the last of them; "": the script names none */
};

struct script_text;

struct script_text *script_text_new(const struct restore_request *request,
                                    const struct archive_text_out *out, struct error *err);
void script_text_free(struct script_text *text); /* NULL is allowed */

/* All of it is looked through, and then given once more to be written. */
bool script_text_look(struct script_text *text, struct slice bytes, struct error *err);
bool script_text_look_finish(struct script_text *text, struct error *err);
bool script_text_write(struct script_text *text, struct slice bytes, struct error *err);
bool script_text_finish(struct script_text *text, struct error *err);

const struct script_text_report *script_text_reported(const struct script_text *text);

#endif
