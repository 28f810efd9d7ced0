/*
 * The data of an archive's entries, pushed to whoever restores them. What comes is unpacked and
 * proved: rows have their end mark, compressed streams their end.
 */
#ifndef PGCASK_ARCHIVE_ARCHIVE_DATA_H
#define PGCASK_ARCHIVE_ARCHIVE_DATA_H

#include "archive/archive_contents.h"

/* Entries are called by their numbers in the table of contents. Each function may be NULL, and
 * returns false with *err set to stop. Bytes are lent during the call; where the archive is not
 * compressed they lie in the buffer that was read. */
struct archive_data_handler {
    void *context;
    /* The data of an entry begin. *wanted is true; made false, the data are proved and passed over,
     * and nothing more is told of the entry, neither its end. */
    bool (*begin)(void *context, uint32_t number, bool *wanted, struct error *err);
    /* A large object begins, whose bytes follow. */
    bool (*object)(void *context, uint32_t number, uint32_t oid, struct error *err);
    /* COPY text without its end mark, cut anywhere; SQL text; bytes of a large object. */
    bool (*bytes)(void *context, uint32_t number, struct slice bytes, struct error *err);
    bool (*object_end)(void *context, uint32_t number, struct error *err);
    /* All of it was there. rows: lines of COPY text, else 0. */
    bool (*end)(void *context, uint32_t number, uint64_t rows, struct error *err);
};

/* The blocks of data behind the table of contents of a custom archive, fed as they come. The
 * contents are borrowed. An error names the entry. Once it failed, it fails with the same error. */
struct archive_blocks;

struct archive_blocks *archive_blocks_new(struct archive_contents *contents,
                                          const struct archive_data_handler *handler,
                                          struct error *err);
void archive_blocks_free(struct archive_blocks *blocks);
bool archive_blocks_feed(struct archive_blocks *blocks, struct slice bytes, struct error *err);

/* Fails unless every entry that has data has had its block, and the last is at its end. */
bool archive_blocks_finish(struct archive_blocks *blocks, struct error *err);

#endif
