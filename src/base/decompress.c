/*
 * One interface over zlib, LZ4 and Zstandard, for bytes that somebody else made: windows have a
 * bound, and each library's end of stream is told from bytes that are missing. Several streams
 * behind each other are one where the caller says so.
 */
#include "base/decompress.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define OUT_SIZE (256 * 1024)
#define ZSTD_WINDOW_LOG_MAX 27 /* 128 MiB */
#define ZSTD_MAGIC_SIZE 4
#define ZSTD_HEAD_SIZE 18          /* the longest frame header, RFC 8878 */
#define ZLIB_WINDOW_BITS (15 + 32) /* the largest window; zlib or gzip header, whichever comes */

struct decompressor {
    enum compression compression;
    bool ended;     /* the stream's end was read */
    bool started;   /* at least one byte came in */
    bool join;      /* what follows the end is another stream */
    bool skippable; /* the Zstandard frame at hand is one */
    bool follows;   /* one has ended before this one */
    z_stream zlib;
    bool zlib_ready;
    LZ4F_dctx *lz4;
    ZSTD_DCtx *zstd;
    uint8_t zstd_head[ZSTD_HEAD_SIZE]; /* the stream's first bytes */
    size_t zstd_head_len;
    uint64_t zstd_produced;
    uint8_t out[];
};

const char *compression_name(enum compression compression)
{
    static const char *const names[] = {"none", "gzip", "lz4", "zstd"};

    return names[compression];
}

bool compression_from_name(const char *name, size_t len, enum compression *compression)
{
    for (int i = COMPRESSION_NONE; i <= COMPRESSION_ZSTD; i++) {
        const char *known = compression_name((enum compression)i);

        if (strlen(known) == len && memcmp(known, name, len) == 0) {
            *compression = (enum compression)i;
            return true;
        }
    }
    return false;
}

static bool open_library(struct decompressor *decompressor)
{
    switch (decompressor->compression) {
    case COMPRESSION_NONE:
        return true;
    case COMPRESSION_GZIP:
        decompressor->zlib_ready = inflateInit2(&decompressor->zlib, ZLIB_WINDOW_BITS) == Z_OK;
        return decompressor->zlib_ready;
    case COMPRESSION_LZ4:
        return !LZ4F_isError(LZ4F_createDecompressionContext(&decompressor->lz4, LZ4F_VERSION));
    case COMPRESSION_ZSTD:
        decompressor->zstd = ZSTD_createDCtx();
        return decompressor->zstd != NULL &&
               !ZSTD_isError(ZSTD_DCtx_setParameter(decompressor->zstd, ZSTD_d_windowLogMax,
                                                    ZSTD_WINDOW_LOG_MAX));
    }
    return false;
}

struct decompressor *decompressor_new(enum compression compression, struct error *err)
{
    size_t out_size = compression == COMPRESSION_NONE ? 0 : OUT_SIZE;
    struct decompressor *decompressor = calloc(1, sizeof(*decompressor) + out_size);

    if (decompressor == NULL) {
        error_set_memory(err);
        return NULL;
    }
    decompressor->compression = compression;
    if (!open_library(decompressor)) {
        error_set_memory(err);
        decompressor_free(decompressor);
        return NULL;
    }
    return decompressor;
}

void decompressor_free(struct decompressor *decompressor)
{
    if (decompressor == NULL)
        return;
    if (decompressor->zlib_ready)
        inflateEnd(&decompressor->zlib);
    LZ4F_freeDecompressionContext(decompressor->lz4);
    ZSTD_freeDCtx(decompressor->zstd);
    free(decompressor);
}

static bool begin_stream(struct decompressor *decompressor, struct error *err)
{
    decompressor->ended = false;
    decompressor->zstd_head_len = 0;
    decompressor->zstd_produced = 0;
    if (decompressor->zlib_ready && inflateReset(&decompressor->zlib) != Z_OK)
        return error_set(err, ERROR_MEMORY, "cannot restart decompression");
    if (decompressor->lz4 != NULL)
        LZ4F_resetDecompressionContext(decompressor->lz4);
    if (decompressor->zstd != NULL)
        ZSTD_DCtx_reset(decompressor->zstd, ZSTD_reset_session_only);
    return true;
}

void decompressor_join(struct decompressor *decompressor, bool join)
{
    decompressor->join = join;
}

bool decompressor_begin(struct decompressor *decompressor, struct error *err)
{
    decompressor->started = false;
    decompressor->follows = false;
    return begin_stream(decompressor, err);
}

static bool next_gzip(struct decompressor *decompressor, struct slice *in, size_t *produced,
                      struct error *err)
{
    z_stream *zlib = &decompressor->zlib;
    uInt offered = in->len > INT32_MAX ? INT32_MAX : (uInt)in->len;
    int rc;

    zlib->next_in = (Bytef *)(uintptr_t)in->data;
    zlib->avail_in = offered;
    zlib->next_out = decompressor->out;
    zlib->avail_out = OUT_SIZE;
    rc = inflate(zlib, Z_NO_FLUSH);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return error_set(err, ERROR_CORRUPT, "the gzip stream is damaged: %s",
                         zlib->msg != NULL ? zlib->msg : "invalid data");
    slice_take(in, offered - zlib->avail_in);
    *produced = OUT_SIZE - zlib->avail_out;
    decompressor->ended = rc == Z_STREAM_END;
    return true;
}

static bool next_lz4(struct decompressor *decompressor, struct slice *in, size_t *produced,
                     struct error *err)
{
    size_t taken = in->len;
    size_t rc;

    *produced = OUT_SIZE;
    rc = LZ4F_decompress(decompressor->lz4, decompressor->out, produced, in->data, &taken, NULL);
    if (LZ4F_isError(rc))
        return error_set(err, ERROR_CORRUPT, "the lz4 stream is damaged: %s",
                         LZ4F_getErrorName(rc));
    slice_take(in, taken);
    decompressor->ended = rc == 0;
    return true;
}

/* The magic of a frame; where streams are joined, of one to be skipped as well, whose first byte
 * has any last four bits: pzstd and others keep sizes and indexes there. */
static bool is_zstd_byte(const struct decompressor *decompressor, size_t i, uint8_t byte)
{
    unsigned shift = 8 * (unsigned)i;

    if (byte == (uint8_t)(ZSTD_MAGICNUMBER >> shift))
        return i == 0 || !decompressor->skippable;
    if (!decompressor->join || (i > 0 && !decompressor->skippable))
        return false;
    return (i == 0 ? byte & 0xf0 : byte) == (uint8_t)(ZSTD_MAGIC_SKIPPABLE_START >> shift);
}

/* The library may know streams from before version 0.8 too, and judges them by how they were cut.
 * Nobody writes those. */
static bool is_zstd(struct decompressor *decompressor, struct slice in)
{
    for (size_t i = 0; i < in.len && decompressor->zstd_head_len + i < ZSTD_MAGIC_SIZE; i++) {
        size_t at = decompressor->zstd_head_len + i;

        if (at == 0)
            decompressor->skippable = in.data[i] != (uint8_t)ZSTD_MAGICNUMBER;
        if (!is_zstd_byte(decompressor, at, in.data[i]))
            return false;
    }
    return true;
}

static void keep_zstd_head(struct decompressor *decompressor, struct slice taken)
{
    size_t room = ZSTD_HEAD_SIZE - decompressor->zstd_head_len;
    struct slice part = slice_take(&taken, taken.len < room ? taken.len : room);

    if (part.len > 0)
        memcpy(decompressor->zstd_head + decompressor->zstd_head_len, part.data, part.len);
    decompressor->zstd_head_len += part.len;
}

/* The library compares the length that the header declares in some cases only: not where the last
 * block is empty and came by itself. */
static bool has_declared_size(const struct decompressor *decompressor)
{
    unsigned long long declared =
        ZSTD_getFrameContentSize(decompressor->zstd_head, decompressor->zstd_head_len);

    return declared == ZSTD_CONTENTSIZE_UNKNOWN || declared == decompressor->zstd_produced;
}

/* The library takes a frame that lies before it whole by another path, which accepts other things
 * than the one for pieces. Given the head byte by byte, it never sees one. */
static size_t zstd_piece(const struct decompressor *decompressor, struct slice in)
{
    return in.len > 0 && decompressor->zstd_head_len < ZSTD_HEAD_SIZE ? 1 : in.len;
}

static bool next_zstd(struct decompressor *decompressor, struct slice *in, size_t *produced,
                      struct error *err)
{
    ZSTD_inBuffer input = {in->data, zstd_piece(decompressor, *in), 0};
    ZSTD_outBuffer output = {decompressor->out, OUT_SIZE, 0};
    size_t rc;

    if (!is_zstd(decompressor, *in))
        return error_set(err, ERROR_CORRUPT,
                         "the zstd stream is damaged: it does not begin as one");
    rc = ZSTD_decompressStream(decompressor->zstd, &output, &input);
    if (ZSTD_isError(rc))
        return error_set(err, ERROR_CORRUPT, "the zstd stream is damaged: %s",
                         ZSTD_getErrorName(rc));
    keep_zstd_head(decompressor, slice_take(in, input.pos));
    *produced = output.pos;
    decompressor->zstd_produced += output.pos;
    decompressor->ended = rc == 0;
    return !decompressor->ended || has_declared_size(decompressor) ||
           error_set(err, ERROR_CORRUPT,
                     "the zstd stream is damaged: its length is not the one it declares");
}

static bool fail_behind(const struct decompressor *decompressor, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "there are bytes behind the end of the %s stream",
                     compression_name(decompressor->compression));
}

bool decompressor_next(struct decompressor *decompressor, struct slice *in, struct slice *out,
                       struct error *err)
{
    size_t produced = 0;
    bool ok = true;

    *out = slice_make(decompressor->out, 0);
    if (decompressor->compression == COMPRESSION_NONE) {
        *out = slice_take(in, in->len);
        return true;
    }
    if (decompressor->ended && in->len == 0)
        return true;
    if (decompressor->ended && !decompressor->join)
        return fail_behind(decompressor, err);
    if (decompressor->ended) {
        decompressor->follows = true;
        if (!begin_stream(decompressor, err))
            return false;
    }
    decompressor->started = decompressor->started || in->len > 0;
    if (!decompressor->started)
        return true;
    switch (decompressor->compression) {
    case COMPRESSION_GZIP:
        ok = next_gzip(decompressor, in, &produced, err);
        break;
    case COMPRESSION_LZ4:
        ok = next_lz4(decompressor, in, &produced, err);
        break;
    case COMPRESSION_ZSTD:
        ok = next_zstd(decompressor, in, &produced, err);
        break;
    case COMPRESSION_NONE:
        break;
    }
    out->len = produced;
    if (!ok && decompressor->follows)
        error_prefix(err, "behind the end of a %s stream",
                     compression_name(decompressor->compression));
    return ok;
}

bool decompressor_finish(struct decompressor *decompressor, struct error *err)
{
    if (decompressor->compression == COMPRESSION_NONE || decompressor->ended)
        return true;
    return error_set(err, ERROR_CORRUPT, "the %s stream ends too early",
                     compression_name(decompressor->compression));
}
