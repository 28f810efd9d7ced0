/*
 * The bytes of a tar, from a file or a pipe. What gzip, lz4 or zstd compressed is unpacked on the
 * way: the first bytes tell, not the name. Several streams behind each other count as one. A
 * compressed stream that is cut short is an error, and so is whatever else follows one.
 */
#ifndef PGCASK_RECORD_TAR_INPUT_INTERNAL_H
#define PGCASK_RECORD_TAR_INPUT_INTERNAL_H

#include "base/cancel.h"
#include "base/decompress.h"

struct tar_input {
    int fd;
    bool owns_fd;
    bool seekable;    /* a plain tar in a file */
    bool begun;       /* it is known whether it is compressed */
    bool ended;       /* the file or pipe is */
    const char *name; /* for messages; the caller's */
    const struct cancel *cancel;
    uint8_t *buffer;
    struct slice raw;                  /* of buffer, not yet given out */
    struct decompressor *decompressor; /* NULL: a plain tar */
    enum compression compression;      /* once it has begun */
    uint64_t file_size;                /* 0: not known */
    uint64_t raw_bytes, bytes;         /* read so far; given out so far */
};

/* Takes fd over if owns_fd, also on failure. */
bool tar_input_init(struct tar_input *input, int fd, bool owns_fd, const char *name,
                    struct error *err);
void tar_input_reset(struct tar_input *input);

/* Lends the next piece, until the next call; it is empty at the end. */
bool tar_input_next(struct tar_input *input, struct slice *piece, struct error *err);

/* How many bytes there will be in all, as far as can be told by now; 0: not known. */
uint64_t tar_input_expected(const struct tar_input *input);

#endif
