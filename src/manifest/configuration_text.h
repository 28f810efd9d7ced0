/*
 * Reading PostgreSQL's configuration files a line at a time, without I/O: settings of
 * postgresql.conf and the like, and the other files that those and pg_hba.conf name.
 *
 * Source: PostgreSQL documentation, "Setting Parameters" and "The pg_hba.conf File".
 */
#ifndef PGCASK_MANIFEST_CONFIGURATION_TEXT_H
#define PGCASK_MANIFEST_CONFIGURATION_TEXT_H

#include "base/slice.h"

#define CONFIGURATION_NAME_MAX 64
#define CONFIGURATION_VALUE_MAX 1024 /* PostgreSQL's MAXPGPATH: longer is no path */

struct configuration_line {
    struct slice text;                   /* the whole line without its end */
    char name[CONFIGURATION_NAME_MAX];   /* in lower case; "" for comments and what is no setting */
    char value[CONFIGURATION_VALUE_MAX]; /* without quotes; "" if it is too long */
};

/* Takes the next line off the front of the text; false at the end. */
bool configuration_next_line(struct slice *text, struct configuration_line *line);

enum configuration_reference {
    INCLUDE_NOTHING,
    INCLUDE_FILE,          /* include 'FILE' */
    INCLUDE_FILE_IF_THERE, /* include_if_exists 'FILE' */
    INCLUDE_FOLDER         /* include_dir 'FOLDER': its *.conf files, in order of their names */
};

/* What a setting of that name refers to. */
enum configuration_reference configuration_reference_of(const char *name);

/* The same for pg_hba.conf and pg_ident.conf: takes text off the front up to and including the next
 * reference. "@FILE" in a list of databases or users counts as an include. *written: the name as it
 * stands in the text, with its quotes and without the "@". False if there are no more. */
bool configuration_next_hba_reference(struct slice *text, enum configuration_reference *type,
                                      char value[CONFIGURATION_VALUE_MAX], struct slice *written);

/* Whether a file has a private key in it, as PEM has it: whichever setting names the file. */
bool configuration_has_key(struct slice content);

/* The absolute path that `path`, as written in the file `in` (absolute itself), means: relative to
 * the folder of that file. "." and ".." are resolved in the text. False if it does not fit or leads
 * above the root. */
bool configuration_resolve(const char *in, const char *path, char out[CONFIGURATION_VALUE_MAX]);

#endif
