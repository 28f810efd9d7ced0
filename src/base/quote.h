/*
 * Names in texts that people paste: into SQL, and into a shell. Each function fills `out` and
 * returns it. Of a name for SQL what does not fit is cut off (the text stays a quoted one). A word
 * of a shell would name another file then: QUOTE_TOO_LONG, which no shell runs, stands in its
 * place.
 */
#ifndef PGCASK_BASE_QUOTE_H
#define PGCASK_BASE_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

#define QUOTE_TOO_LONG "<the path is too long>"

/* For paths: two of them fit into a hint with its words. */
#define QUOTE_PATH_SIZE 900

/* Room for a name of PostgreSQL (63 bytes) with every byte written as \000A. */
#define QUOTE_NAME_SIZE 324

/* A newline, a tab or another character that would not come through: lines are indented, and a
 * terminal acts on what it is shown. */
bool quote_has_control(const char *text);

/* "name", always in quotes: which words are reserved depends on the server's version. With control
 * characters in it, U&"n\000Ame". */
const char *quote_identifier(const char *name, char *out, size_t size);

/* One word of a shell: as it is if nothing in it is special, else in single quotes, and with
 * control characters in it as $'n\nm', which all shells that people type into know. */
const char *quote_shell(const char *word, char *out, size_t size);

#endif
