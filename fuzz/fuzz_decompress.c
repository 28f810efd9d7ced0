/*
 * Compressed streams of all kinds, alone and joined. The first byte chooses which, the second the
 * pieces.
 *
 * Holds: the pieces do not matter for a stream that is whole; what is lent is never more than the
 * decompressor's own buffer; bytes taken were there.
 *
 * A Zstandard frame may declare a window of 128 MiB, and the library adds blocks and tables to it.
 * Limits: -malloc_limit_mb=160 -max_len=4096
 */
#include "base/decompress.h"
#include "support/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_ENOUGH (16 * 1024 * 1024) /* a bomb is stopped by its reader */
#define LENT_MAX (1024 * 1024)

static bool unpack(struct decompressor *decompressor, struct slice piece, struct trace *trace,
                   struct error *err)
{
    struct slice out;

    do {
        size_t before = piece.len;

        out = (struct slice){0};
        if (!decompressor_next(decompressor, &piece, &out, err))
            return false;
        must(piece.len <= before && out.len <= LENT_MAX);
        trace_data(trace, out);
    } while ((piece.len > 0 || out.len > 0) && trace->data_bytes < OUTPUT_ENOUGH);
    return true;
}

static bool run(struct decompressor *decompressor, struct slice input, size_t piece_size,
                struct trace *trace)
{
    struct feed feed = {.rest = input, .piece = piece_size};
    struct slice piece;
    struct error err;
    bool ok = decompressor_begin(decompressor, &err);

    while (ok && trace->data_bytes < OUTPUT_ENOUGH && feed_next(&feed, &piece))
        ok = unpack(decompressor, piece, trace, &err);
    feed_end(&feed);
    ok = ok && decompressor_finish(decompressor, &err);
    if (!ok)
        must_be_told(&err);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    unsigned choice = feed_choice(&input);
    enum compression kind = (enum compression)(choice % 4);
    size_t piece = (size_t)feed_choice(&input) + 1;
    struct trace whole = {0}, pieces = {0};
    struct error err;
    struct decompressor *decompressor = decompressor_new(kind, &err);
    bool ok;

    must(decompressor != NULL);
    decompressor_join(decompressor, choice / 4 % 2 == 1);
    ok = run(decompressor, input, 0, &whole);
    /* A bomb is left where its reader had enough, which is not at the same byte. */
    if (whole.data_bytes < OUTPUT_ENOUGH) {
        must(run(decompressor, input, piece, &pieces) == ok);
        must(!ok || trace_equals(&whole, &pieces));
    }
    decompressor_free(decompressor);
    return 0;
}
