/*
 * Streaming decompression without I/O: gzip members, zlib streams, LZ4 frames, Zstandard frames.
 * Memory is bounded: a Zstandard frame may declare a window of at most 128 MiB.
 */
#ifndef PGCASK_BASE_DECOMPRESS_H
#define PGCASK_BASE_DECOMPRESS_H

#include "base/error.h"
#include "base/slice.h"

enum compression { COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_LZ4, COMPRESSION_ZSTD };

/* "none", "gzip", "lz4", "zstd". */
const char *compression_name(enum compression compression);
bool compression_from_name(const char *name, size_t len, enum compression *compression);

struct decompressor;

/* Reusable for any number of streams by decompressor_begin. COMPRESSION_NONE lends its input. NULL:
 * out of memory. Damaged input is ERROR_CORRUPT. */
struct decompressor *decompressor_new(enum compression compression, struct error *err);
void decompressor_free(struct decompressor *decompressor);
bool decompressor_begin(struct decompressor *decompressor, struct error *err);

/* Takes what it needs off the front of *in and lends what came out (valid until the next call).
 * Call until *in and *out are both empty. Bytes behind the end of the stream are an error. */
bool decompressor_next(struct decompressor *decompressor, struct slice *in, struct slice *out,
                       struct error *err);

/* Whether a stream may go on behind its end as another one of the same kind, and those count as
 * one: as the stock tools read files that were joined, or compressed in parts. Until it is said
 * otherwise, it may not. Holds for all streams to come. */
void decompressor_join(struct decompressor *decompressor, bool join);

/* Fails if the stream has not reached its end. */
bool decompressor_finish(struct decompressor *decompressor, struct error *err);

#endif
