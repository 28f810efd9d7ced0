/*
 * Names in texts that people paste: into SQL, and into a shell. Each function fills `out`, cuts off
 * what does not fit (the text stays a quoted one), and returns it.
 */
#ifndef PGCASK_BASE_QUOTE_H
#define PGCASK_BASE_QUOTE_H

#include <stddef.h>

/* For paths: a longer one is cut off, as a hint would be. */
#define QUOTE_PATH_SIZE 1024

/* Room for a name of PostgreSQL (63 bytes) with every byte doubled. */
#define QUOTE_NAME_SIZE 132

/* "name", always in quotes: which words are reserved depends on the server's version. */
const char *quote_identifier(const char *name, char *out, size_t size);

/* One word of a shell: as it is if nothing in it is special, else in single quotes. */
const char *quote_shell(const char *word, char *out, size_t size);

#endif
