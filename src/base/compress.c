/*
 * One interface over zlib, LZ4 and Zstandard. What goes into LZ4 is gathered into pieces of one
 * size first: it compresses what one call gives it as it sees fit, and the same data would come out
 * differently as the network cuts it.
 */
#include "base/compress.h"

#include <errno.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#define PIECE_SIZE ((size_t)64 * 1024) /* of input at a time */
#define GZIP_WINDOW_BITS (15 + 16)
#define ZLIB_WINDOW_BITS 15
#define MEMORY_LEVEL 8

enum step { STEP_BEGIN, STEP_BODY, STEP_DONE };

struct compressor {
    enum compression compression;
    int level;
    enum step step;
    z_stream zlib;
    bool zlib_ready;
    LZ4F_cctx *lz4;
    ZSTD_CCtx *zstd;
    uint8_t *piece; /* lz4: input that is gathered */
    size_t piece_len;
    uint8_t *out;
    size_t out_size;
};

static const struct {
    int lowest, highest, usual;
} levels[] = {
    [COMPRESSION_NONE] = {0, 0, 0},
    [COMPRESSION_GZIP] = {1, 9, Z_DEFAULT_COMPRESSION},
    [COMPRESSION_LZ4] = {1, 12, 0},
    [COMPRESSION_ZSTD] = {-131072, 22, ZSTD_CLEVEL_DEFAULT},
};

bool compression_level_check(enum compression compression, int level, struct error *err)
{
    if (level == COMPRESSION_LEVEL_DEFAULT ||
        (level >= levels[compression].lowest && level <= levels[compression].highest))
        return true;
    if (compression == COMPRESSION_NONE)
        return error_set(err, ERROR_USAGE, "compression \"none\" has no level");
    return error_set(err, ERROR_USAGE, "compression \"%s\" has levels %d to %d, not %d",
                     compression_name(compression), levels[compression].lowest,
                     levels[compression].highest, level);
}

static bool parse_level(const char *text, int *level)
{
    char *end;
    long number;

    errno = 0;
    number = strtol(text, &end, 10);
    *level = (int)number;
    return errno == 0 && end != text && *end == '\0' && number > INT32_MIN && number <= INT32_MAX;
}

bool compression_parse(const char *text, enum compression *compression, int *level,
                       struct error *err)
{
    size_t len = strcspn(text, ":");

    *level = COMPRESSION_LEVEL_DEFAULT;
    if (!compression_from_name(text, len, compression)) {
        error_set(err, ERROR_USAGE, "unknown compression \"%s\"", text);
        return error_hint(err, "Known are none, gzip, lz4 and zstd, with :LEVEL where wanted.");
    }
    if (text[len] == ':' && !parse_level(text + len + 1, level))
        return error_set(err, ERROR_USAGE, "compression \"%s\" has no number as its level", text);
    return compression_level_check(*compression, *level, err);
}

static LZ4F_preferences_t lz4_preferences(const struct compressor *compressor)
{
    return (LZ4F_preferences_t){.compressionLevel = compressor->level};
}

static bool open_library(struct compressor *compressor, bool zlib_framing)
{
    LZ4F_preferences_t preferences = lz4_preferences(compressor);

    compressor->out_size = 2 * PIECE_SIZE;
    switch (compressor->compression) {
    case COMPRESSION_NONE:
        compressor->out_size = 0;
        return true;
    case COMPRESSION_GZIP:
        compressor->zlib_ready = deflateInit2(&compressor->zlib, compressor->level, Z_DEFLATED,
                                              zlib_framing ? ZLIB_WINDOW_BITS : GZIP_WINDOW_BITS,
                                              MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
        return compressor->zlib_ready;
    case COMPRESSION_LZ4:
        compressor->out_size = LZ4F_compressBound(PIECE_SIZE, &preferences) + LZ4F_HEADER_SIZE_MAX;
        compressor->piece = malloc(PIECE_SIZE);
        return compressor->piece != NULL &&
               !LZ4F_isError(LZ4F_createCompressionContext(&compressor->lz4, LZ4F_VERSION));
    case COMPRESSION_ZSTD:
        compressor->zstd = ZSTD_createCCtx();
        return compressor->zstd != NULL &&
               !ZSTD_isError(ZSTD_CCtx_setParameter(compressor->zstd, ZSTD_c_compressionLevel,
                                                    compressor->level));
    }
    return false;
}

struct compressor *compressor_new(enum compression compression, bool zlib_framing, int level,
                                  struct error *err)
{
    struct compressor *compressor = calloc(1, sizeof(*compressor));

    if (compressor != NULL) {
        compressor->compression = compression;
        compressor->level = level == COMPRESSION_LEVEL_DEFAULT ? levels[compression].usual : level;
        if (open_library(compressor, zlib_framing)) {
            compressor->out = malloc(compressor->out_size + 1);
            if (compressor->out != NULL)
                return compressor;
        }
    }
    compressor_free(compressor);
    error_set_memory(err);
    return NULL;
}

void compressor_free(struct compressor *compressor)
{
    if (compressor == NULL)
        return;
    if (compressor->zlib_ready)
        deflateEnd(&compressor->zlib);
    LZ4F_freeCompressionContext(compressor->lz4);
    ZSTD_freeCCtx(compressor->zstd);
    free(compressor->piece);
    free(compressor->out);
    free(compressor);
}

bool compressor_begin(struct compressor *compressor, struct error *err)
{
    compressor->step = STEP_BEGIN;
    compressor->piece_len = 0;
    if (compressor->zlib_ready && deflateReset(&compressor->zlib) != Z_OK)
        return error_set(err, ERROR_MEMORY, "cannot restart compression");
    if (compressor->zstd != NULL)
        ZSTD_CCtx_reset(compressor->zstd, ZSTD_reset_session_only);
    return true;
}

static bool next_gzip(struct compressor *compressor, struct slice *in, bool last, size_t *produced)
{
    z_stream *zlib = &compressor->zlib;
    uInt offered = in->len > INT32_MAX ? INT32_MAX : (uInt)in->len;
    int rc;

    zlib->next_in = (Bytef *)(uintptr_t)in->data;
    zlib->avail_in = offered;
    zlib->next_out = compressor->out;
    zlib->avail_out = (uInt)compressor->out_size;
    rc = deflate(zlib, last && offered == in->len ? Z_FINISH : Z_NO_FLUSH);
    slice_take(in, offered - zlib->avail_in);
    *produced = compressor->out_size - zlib->avail_out;
    if (rc == Z_STREAM_END)
        compressor->step = STEP_DONE;
    return rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR;
}

static bool next_zstd(struct compressor *compressor, struct slice *in, bool last, size_t *produced)
{
    ZSTD_inBuffer input = {in->data, in->len, 0};
    ZSTD_outBuffer output = {compressor->out, compressor->out_size, 0};
    size_t rc = ZSTD_compressStream2(compressor->zstd, &output, &input,
                                     last ? ZSTD_e_end : ZSTD_e_continue);

    if (ZSTD_isError(rc))
        return false;
    slice_take(in, input.pos);
    *produced = output.pos;
    if (last && rc == 0)
        compressor->step = STEP_DONE;
    return true;
}

/* The library compresses what one call gives it as it sees fit, so calls are made for full pieces
 * only: otherwise the bytes would depend on how the input was cut. */
static bool next_lz4(struct compressor *compressor, struct slice *in, bool last, size_t *produced)
{
    LZ4F_preferences_t preferences = lz4_preferences(compressor);
    size_t room = PIECE_SIZE - compressor->piece_len;
    struct slice taken = slice_take(in, in->len < room ? in->len : room);
    size_t rc = 0;

    if (taken.len > 0)
        memcpy(compressor->piece + compressor->piece_len, taken.data, taken.len);
    compressor->piece_len += taken.len;
    if (compressor->step == STEP_BEGIN) {
        rc = LZ4F_compressBegin(compressor->lz4, compressor->out, compressor->out_size,
                                &preferences);
        compressor->step = STEP_BODY;
    } else if (compressor->piece_len == PIECE_SIZE ||
               (last && in->len == 0 && compressor->piece_len > 0)) {
        rc = LZ4F_compressUpdate(compressor->lz4, compressor->out, compressor->out_size,
                                 compressor->piece, compressor->piece_len, NULL);
        compressor->piece_len = 0;
    } else if (last && in->len == 0) {
        rc = LZ4F_compressEnd(compressor->lz4, compressor->out, compressor->out_size, NULL);
        compressor->step = STEP_DONE;
    }
    if (LZ4F_isError(rc))
        return false;
    *produced = rc;
    return true;
}

bool compressor_next(struct compressor *compressor, struct slice *in, bool last, struct slice *out,
                     bool *ended, struct error *err)
{
    size_t produced = 0;
    bool ok = true;

    if (compressor->compression == COMPRESSION_NONE) {
        *out = slice_take(in, in->len);
        *ended = last;
        return true;
    }
    if (compressor->step != STEP_DONE) {
        if (compressor->compression == COMPRESSION_GZIP)
            ok = next_gzip(compressor, in, last, &produced);
        else if (compressor->compression == COMPRESSION_LZ4)
            ok = next_lz4(compressor, in, last, &produced);
        else
            ok = next_zstd(compressor, in, last, &produced);
    }
    *out = slice_make(compressor->out, produced);
    *ended = compressor->step == STEP_DONE;
    if (!ok)
        error_set(err, ERROR_MEMORY, "cannot compress with %s",
                  compression_name(compressor->compression));
    return ok;
}
