/*
 * Names in texts that people paste: into SQL, and into a shell. Each function fills `out`, cuts off
 * what does not fit (the text stays a quoted one), and returns it.
 */
#ifndef PGCASK_BASE_QUOTE_H
#define PGCASK_BASE_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

/* For paths: a longer one is cut off, as a hint would be. */
#define QUOTE_PATH_SIZE 1024

/* Room for a name of PostgreSQL (63 bytes) with every byte written as \000A. */
#define QUOTE_NAME_SIZE 324

/* A newline, a tab or another character that would not come through: lines are indented, and a
 * terminal acts on what it is shown. */
bool quote_has_control(const char *text);

/* "name", always in quotes: which words are reserved depends on the server's version. With control
 * characters in it, U&"n\000Ame". */
const char *quote_identifier(const char *name, char *out, size_t size);

/* One word of a shell: as it is if nothing in it is special, else in single quotes, and with control
 * characters in it as $'n\nm', which all shells that people type into know. */
const char *quote_shell(const char *word, char *out, size_t size);

#endif
