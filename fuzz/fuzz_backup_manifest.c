/*
 * The decoder of backup_manifest. The first byte chooses the pieces, the rest is the manifest.
 *
 * Holds: the pieces do not matter; sizes fit an int64, digests have a known algorithm, WAL ranges
 * do not run backwards.
 *
 * A line of at most 64 KiB is held and parsed at a time.
 * Limits: -malloc_limit_mb=1 -max_len=16384
 */
#include "manifest/backup_manifest.h"
#include "support/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take_file(void *context, const struct backup_manifest_file *file, struct error *err)
{
    (void)err;
    must(file->size <= INT64_MAX);
    must(file->algorithm <= DIGEST_XXH3_128);
    trace_text(context, file->path);
    trace_number(context, file->size);
    trace_number(context, file->algorithm);
    trace_data(context, slice_make(file->digest, digest_size(file->algorithm)));
    return true;
}

static bool take_range(void *context, uint32_t timeline, uint64_t start, uint64_t end,
                       struct error *err)
{
    (void)err;
    must(timeline > 0 && start <= end);
    trace_number(context, timeline);
    trace_number(context, start);
    trace_number(context, end);
    return true;
}

static struct trace run(struct slice input, size_t piece_size)
{
    struct feed feed = {.rest = input, .piece = piece_size};
    struct trace trace = {0};
    const struct backup_manifest_handler handler = {&trace, take_file, take_range};
    struct backup_manifest_decoder *decoder;
    struct slice piece;
    struct error err;
    bool ok = true;

    decoder = backup_manifest_decoder_new(&handler, &err);
    must(decoder != NULL);
    while (ok && feed_next(&feed, &piece))
        ok = backup_manifest_decoder_feed(decoder, piece, &err);
    ok = ok && backup_manifest_decoder_finish(decoder, &err);
    trace_end(&trace, ok, &err);
    trace_text(&trace, backup_manifest_system_identifier(decoder));
    backup_manifest_decoder_free(decoder);
    feed_end(&feed);
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    size_t piece = (size_t)feed_choice(&input) + 1;
    struct trace whole = run(input, 0), pieces = run(input, piece);

    must(trace_equals(&whole, &pieces));
    return 0;
}
