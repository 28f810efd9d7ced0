/*
 * Streaming compression without I/O, the mirror image of base/decompress.h. What comes out depends
 * on the bytes alone, not on how they were cut when they came in.
 */
#ifndef PGCASK_BASE_COMPRESS_H
#define PGCASK_BASE_COMPRESS_H

#include "base/decompress.h"

#define COMPRESSION_LEVEL_DEFAULT INT32_MIN

/* The levels that a method has: gzip 1 to 9, lz4 1 to 12, zstd -131072 to 22. */
bool compression_level_check(enum compression compression, int level, struct error *err);

/* "zstd:3", "zstd", "none": a method's name and perhaps a level, which is checked. Without one it
 * is COMPRESSION_LEVEL_DEFAULT. */
bool compression_parse(const char *text, enum compression *compression, int *level,
                       struct error *err);

struct compressor;

/* zlib_framing: gzip's algorithm in a zlib stream instead of a gzip file. The level has been
 * checked. NULL: out of memory. */
struct compressor *compressor_new(enum compression compression, bool zlib_framing, int level,
                                  struct error *err);
void compressor_free(struct compressor *compressor);

/* Begins a stream; any number of them, one after the other. */
bool compressor_begin(struct compressor *compressor, struct error *err);

/* Takes off the front of *in what it can and lends what came out, which may be nothing (valid until
 * the next call). last: *in holds the end of the stream. Call until *in is empty or, with last,
 * until *ended. */
bool compressor_next(struct compressor *compressor, struct slice *in, bool last, struct slice *out,
                     bool *ended, struct error *err);

#endif
