/*
 * The data of an archive's entries, pushed to whoever restores them. What comes is unpacked and
 * proved: rows have their end mark, compressed streams their end. No I/O is done here.
 */
#ifndef PGCASK_ARCHIVE_ARCHIVE_DATA_H
#define PGCASK_ARCHIVE_ARCHIVE_DATA_H

#include "archive/archive_contents.h"
#include "archive/data_checker.h"

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

/* ---- Custom: blocks ---- */

/* The blocks of data behind the table of contents of a custom archive, fed as they come. The
 * contents are borrowed. An error about an entry names it. Once it failed, it fails with the same
 * error. */
struct archive_blocks;

struct archive_blocks *archive_blocks_new(struct archive_contents *contents,
                                          const struct archive_data_handler *handler,
                                          struct error *err);
/* The same for the block of one entry alone, fed from its place on; what follows is not looked at.
 * The checker is one of the archive's compression, lent. */
struct archive_blocks *archive_blocks_new_one(struct archive_contents *contents, uint32_t number,
                                              const struct archive_data_handler *handler,
                                              struct data_checker *checker, struct error *err);
void archive_blocks_free(struct archive_blocks *blocks);
bool archive_blocks_feed(struct archive_blocks *blocks, struct slice bytes, struct error *err);

/* Of one entry: whether its block has come. */
bool archive_blocks_over(const struct archive_blocks *blocks);

/* Fails unless every entry that has data has had its block, and the last is at its end; or, of one
 * entry, unless its block ended where the next one begins. */
bool archive_blocks_finish(struct archive_blocks *blocks, struct error *err);

/* ---- Custom: where the blocks are ---- */

/* Where the data of an entry are: from the offsets in the table of contents, if all are set (*all),
 * for an archive of that many bytes. Offsets that cannot be true are an error that names the entry.
 * From then on archive_contents_node has data_bytes. */
bool archive_contents_locate(struct archive_contents *contents, uint64_t archive_size, bool *all,
                             struct error *err);
/* False where that is not known. */
bool archive_contents_position(const struct archive_contents *contents, uint32_t number,
                               uint64_t *position);

/* Else it is found by going over the blocks without looking at the data: fed from the end of the
 * table of contents on; *skip says how many bytes behind those that were fed need not be. */
struct archive_skim;

struct archive_skim *archive_skim_new(struct archive_contents *contents, uint64_t archive_size,
                                      struct error *err);
/* The same of the entry alone whose data lie behind all others, where these are known: fed from
 * *position on. An archive that was cut off ends in it, or before. */
struct archive_skim *archive_skim_last(struct archive_contents *contents, uint64_t archive_size,
                                       uint64_t *position, struct error *err);
void archive_skim_free(struct archive_skim *skim);
bool archive_skim_feed(struct archive_skim *skim, struct slice bytes, uint64_t *skip,
                       struct error *err);
bool archive_skim_finish(struct archive_skim *skim, struct error *err);

/* ---- Files ---- */

/* How many bytes its data are, for a directory or tar. */
void archive_contents_set_bytes(struct archive_contents *contents, uint32_t number, uint64_t bytes);

/* A list of large objects, "blobs_123.toc", fed as it comes. All zeros is its beginning. */
struct object_list {
    char line[128];
    size_t len;
};

/* Takes lines off the front of `in`, up to and with that of the next large object: *found. */
bool object_list_next(struct object_list *list, struct slice *in, uint32_t *oid, bool *found,
                      struct error *err);
bool object_list_finish(const struct object_list *list, struct error *err);

#endif
