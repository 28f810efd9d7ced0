/* Temporary files that nobody else can open, and that are gone once they are closed, however the
 * program ends. */
#ifndef PGCASK_BASE_NAMELESS_FILE_H
#define PGCASK_BASE_NAMELESS_FILE_H

#include "base/error.h"
#include "base/slice.h"

/* Where they lie: the directory, or, if that is NULL, that of TMPDIR, else /tmp. */
const char *nameless_file_directory(const char *directory);

/* Opens one there for reading and writing. -1 with an error that names the directory. */
int nameless_file_open(const char *directory, struct error *err);

/* All of the bytes to that place, or from there. The error says what could not be kept, and where:
 * `cannot keep WHAT in "DIRECTORY": No space left on device`. */
bool nameless_file_write(int fd, struct slice bytes, uint64_t offset, const char *what,
                         const char *directory, struct error *err);
bool nameless_file_read(int fd, void *bytes, size_t len, uint64_t offset, const char *what,
                        const char *directory, struct error *err);

#endif
