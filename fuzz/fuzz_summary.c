/*
 * The decoder of summary.json. The first byte chooses the pieces, the rest is the file.
 *
 * Holds: the pieces do not matter; paths are checked, sizes fit an int64, only links have targets.
 *
 * The head is held whole, 4 MiB at most, in a buffer that doubles; then a line of 64 KiB at most.
 * Limits: -malloc_limit_mb=10 -max_len=16384
 */
#include "manifest/summary.h"
#include "support/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take_head(void *context, const json_t *head, struct error *err)
{
    (void)context;
    (void)err;
    must(json_is_object(head));
    return true;
}

static bool take_entry(void *context, const struct summary_entry *entry, struct error *err)
{
    uint8_t digest[DIGEST_MAX];
    size_t size = summary_ledger_digest(entry->type, entry->digest, digest_size(entry->algorithm),
                                        entry->link_target, digest);

    must(record_path_check(entry->path, err));
    must(entry->bytes <= INT64_MAX && size <= DIGEST_MAX);
    must(entry->type != RECORD_LINK || entry->link_target != NULL);
    must(entry->type == RECORD_FILE || entry->algorithm == DIGEST_NONE);
    trace_number(context, entry->type);
    trace_text(context, entry->path);
    trace_text(context, entry->link_target);
    trace_number(context, entry->bytes);
    trace_data(context, slice_make(digest, size));
    return true;
}

static struct trace run(struct slice input, size_t piece_size)
{
    struct feed feed = {.rest = input, .piece = piece_size};
    struct trace trace = {0};
    const struct summary_handler handler = {&trace, take_head, take_entry};
    struct summary_decoder *decoder;
    struct slice piece;
    struct error err;
    bool ok = true;

    decoder = summary_decoder_new(&handler, &err);
    must(decoder != NULL);
    while (ok && feed_next(&feed, &piece))
        ok = summary_decoder_feed(decoder, piece, &err);
    ok = ok && summary_decoder_finish(decoder, &err);
    trace_end(&trace, ok, &err);
    summary_decoder_free(decoder);
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
