/* The text of a list of an archive's entries, as --list-file names it. */
#ifndef PGCASK_RESTORE_LIST_FILE_H
#define PGCASK_RESTORE_LIST_FILE_H

#include "base/buffer.h"

/* Replaces what the buffer holds; of an empty file it has no bytes, but is not NULL. */
bool list_file_read(const char *name, struct buffer *text, struct error *err);

#endif
