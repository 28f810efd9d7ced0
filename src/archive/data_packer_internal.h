/* The data of one entry, or of one large object, as an archive holds it: the rows with their end
 * mark, or the object's bytes, compressed. */
#ifndef PGCASK_ARCHIVE_DATA_PACKER_INTERNAL_H
#define PGCASK_ARCHIVE_DATA_PACKER_INTERNAL_H

#include "archive/archive_bytes_internal.h"

struct data_packer {
    const struct archive_content *content;
    struct compressor *compressor;
    uint32_t number;
    bool rows; /* they get an end mark */
    bool marked, ended;
    struct slice input; /* what waits for the compressor */
};

/* zlib_framing: see compressor_new. Content is borrowed until the reset. */
bool data_packer_init(struct data_packer *packer, const struct archive_content *content,
                      enum compression compression, bool zlib_framing, int level,
                      struct error *err);
void data_packer_reset(struct data_packer *packer);

/* Any number of entries, one after the other. rows: or else the bytes of a large object. */
bool data_packer_begin(struct data_packer *packer, uint32_t number, bool rows, struct error *err);

/* Lends the next bytes, which may be none; packer->ended once these were the last. Borrowed until
 * the next call. */
bool data_packer_next(struct data_packer *packer, struct slice *packed, struct error *err);

#endif
