/* Temporary files that nobody else can open, and that are gone once they are closed, however the
 * program ends. */
#ifndef PGCASK_BASE_NAMELESS_FILE_H
#define PGCASK_BASE_NAMELESS_FILE_H

#include "base/error.h"

/* Where they lie: the directory, or, if that is NULL, that of TMPDIR, else /tmp. */
const char *nameless_file_directory(const char *directory);

/* Opens one there for reading and writing. -1 with an error that names the directory. */
int nameless_file_open(const char *directory, struct error *err);

#endif
