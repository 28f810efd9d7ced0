/*
 * Scripts for psql: all.sql and globals.sql. The first byte chooses the pieces.
 *
 * Holds: the pieces do not matter; rows are those that were told; the names of databases end.
 * Limits: -malloc_limit_mb=1 -max_len=16384
 */
#include "archive/archive.h"
#include "support/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct trace trace;
    uint64_t rows;
};

static bool take_connect(void *context, const char *database, struct error *err)
{
    struct run *run = context;

    (void)err;
    must(strlen(database) < 1024);
    trace_text(&run->trace, database);
    return true;
}

static bool take_rows(void *context, uint64_t rows, struct error *err)
{
    struct run *run = context;

    (void)err;
    run->rows += rows;
    trace_number(&run->trace, rows);
    return true;
}

static struct trace run_once(struct slice input, size_t piece_size)
{
    struct feed feed = {.rest = input, .piece = piece_size};
    struct run run = {0};
    const struct script_handler handler = {&run, take_connect, take_rows};
    struct error err;
    struct script_decoder *decoder = script_decoder_new(&handler, &err);
    struct slice piece;
    bool ok = true;

    must(decoder != NULL);
    while (ok && feed_next(&feed, &piece))
        ok = script_decoder_feed(decoder, piece, &err);
    ok = ok && script_decoder_finish(decoder, &err);
    must(script_decoder_rows(decoder) == run.rows);
    trace_end(&run.trace, ok, &err);
    script_decoder_free(decoder);
    feed_end(&feed);
    return run.trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    size_t piece = (size_t)feed_choice(&input) + 1;
    struct trace whole = run_once(input, 0), pieces = run_once(input, piece);

    must(trace_equals(&whole, &pieces));
    return 0;
}
