/*
 * Where things lie in a tar that is a file and not compressed: for who wants some of its records,
 * more than once, or several at the same time. Reads the headers alone. Memory: 16 bytes a member.
 * Once made, any number of threads may ask.
 */
#ifndef PGCASK_RECORD_TAR_INDEX_H
#define PGCASK_RECORD_TAR_INDEX_H

#include "base/cancel.h"
#include "record/record.h"

struct tar_index;

/* The descriptor is borrowed for as long as there is the index; its position is not used. name: of
 * the tar, for messages. */
struct tar_index *tar_index_new(int fd, const char *name, const struct cancel *cancel,
                                struct error *err);
void tar_index_free(struct tar_index *index);

/* A stretch of the tar. */
struct tar_extent {
    uint64_t position, size;
};

/* Where the content of the file with that record path ("/app.dump") lies, in its order: a record
 * that is in parts has several. *count is 0 if there is no such file. The array is the caller's. */
bool tar_index_find(const struct tar_index *index, const char *path, struct tar_extent **extents,
                    size_t *count, struct error *err);

#endif
