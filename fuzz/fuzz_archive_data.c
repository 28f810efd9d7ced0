/*
 * A custom archive as a restore reads it: its table of contents held, its data pushed. The first
 * byte chooses the pieces; the rest is the archive.
 *
 * Holds: the pieces do not matter; what is held is what was read; where all data can be read in
 * their order, each entry's can be by themselves, at the place that offsets or going over the
 * blocks give, and are the same; what was taken for rows has none behind its end mark.
 *
 * A Zstandard frame may declare a window of 128 MiB: see fuzz_decompress. Texts are held as they
 * come, in a buffer that doubles.
 * Limits: -malloc_limit_mb=160 -max_len=16384
 */
#include "archive/archive_data.h"
#include "support/feed.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_ENOUGH (16 * 1024 * 1024) /* a bomb is stopped by its reader */

/* What came, of each entry. */
struct run {
    const struct archive_contents *contents;
    struct trace *traces;
    uint64_t bytes;
    bool in_entry, in_object;
    uint32_t number;
    uint32_t begun;
    bool enough;
};

static bool begin(void *context, uint32_t number, bool *wanted, struct error *err)
{
    struct run *run = context;

    (void)err;
    must(!run->in_entry && *wanted && number < archive_contents_count(run->contents));
    must(archive_contents_node(run->contents, number).has_data);
    run->in_entry = true;
    run->number = number;
    run->begun++;
    return true;
}

static bool object(void *context, uint32_t number, uint32_t oid, struct error *err)
{
    struct run *run = context;

    (void)err;
    must(run->in_entry && !run->in_object && number == run->number && oid != 0);
    must(archive_contents_node(run->contents, number).kind == ENTRY_BLOBS);
    run->in_object = true;
    trace_number(&run->traces[number], oid);
    return true;
}

static bool take(void *context, uint32_t number, struct slice bytes, struct error *err)
{
    struct run *run = context;

    must(run->in_entry && number == run->number && bytes.len > 0);
    trace_data(&run->traces[number], bytes);
    run->bytes += bytes.len;
    run->enough = run->bytes >= OUTPUT_ENOUGH;
    return !run->enough || error_set(err, ERROR_USAGE, "enough");
}

static bool object_end(void *context, uint32_t number, struct error *err)
{
    struct run *run = context;

    (void)err;
    must(run->in_object && number == run->number);
    run->in_object = false;
    return true;
}

static bool end(void *context, uint32_t number, uint64_t rows, struct error *err)
{
    struct run *run = context;

    (void)err;
    must(run->in_entry && !run->in_object && number == run->number);
    must(rows == 0 || archive_contents_node(run->contents, number).has_copy);
    run->in_entry = false;
    trace_number(&run->traces[number], rows);
    return true;
}

static struct archive_contents *load(struct slice *input, size_t piece)
{
    struct error err;
    struct archive_contents *contents = archive_contents_new(ARCHIVE_FORM_CUSTOM, &err);
    struct feed feed = {.rest = *input, .piece = piece};
    struct slice bytes;
    bool complete = false, ok = true;

    must(contents != NULL);
    while (ok && !complete && feed_next(&feed, &bytes)) {
        ok = archive_contents_feed(contents, &bytes, &complete, &err);
        must(complete || !ok || bytes.len == 0);
    }
    feed_end(&feed);
    if (!ok)
        must_be_told(&err);
    if (ok && complete) {
        must(archive_contents_size(contents) <= input->len);
        slice_take(input, (size_t)archive_contents_size(contents));
        return contents;
    }
    archive_contents_free(contents);
    return NULL;
}

/* Every entry can be asked for, and is found by its number. */
static void ask(struct archive_contents *contents, struct trace *trace)
{
    for (uint32_t i = 0; i < archive_contents_count(contents); i++) {
        const struct contents_node node = archive_contents_node(contents, i);
        struct archive_entry entry;
        struct error err;
        uint32_t number;

        must(archive_contents_find(contents, node.dump_id, &number) && number == i);
        must(archive_contents_entry(contents, i, &entry, &err));
        must(entry.dump_id == node.dump_id && entry.has_data == node.has_data);
        must(entry_kind_of(entry.desc) == node.kind);
        must(node.has_copy == (entry.copy != NULL && entry.copy[0] != '\0'));
        trace_text(trace, entry.tag);
        trace_text(trace, entry.desc);
        trace_text(trace, entry.definition);
        trace_text(trace, entry.owner);
        for (size_t k = 0; k < node.dependency_count; k++)
            trace_number(trace, (uint64_t)node.dependencies[k]);
    }
}

static bool read_all(struct archive_contents *contents, struct slice input, size_t piece,
                     struct run *run)
{
    const struct archive_data_handler handler = {run, begin, object, take, object_end, end};
    struct feed feed = {.rest = input, .piece = piece};
    struct error err;
    struct archive_blocks *blocks = archive_blocks_new(contents, &handler, &err);
    struct slice bytes;
    bool ok = blocks != NULL;

    must(ok);
    while (ok && feed_next(&feed, &bytes))
        ok = archive_blocks_feed(blocks, bytes, &err);
    ok = ok && archive_blocks_finish(blocks, &err);
    if (!ok)
        must_be_told(&err);
    must(!ok || !run->in_entry);
    archive_blocks_free(blocks);
    feed_end(&feed);
    return ok;
}

static bool locate(struct archive_contents *contents, struct slice archive, size_t piece)
{
    uint64_t at = archive_contents_size(contents);
    struct archive_skim *skim;
    struct error err;
    bool all, ok = archive_contents_locate(contents, archive.len, &all, &err);

    if (!ok || all)
        return ok;
    skim = archive_skim_new(contents, archive.len, &err);
    must(skim != NULL);
    while (ok && at < archive.len) {
        uint64_t skip, left = archive.len - at;
        size_t len = piece == 0 || piece > left ? (size_t)left : piece;

        ok = archive_skim_feed(skim, slice_make(archive.data + at, len), &skip, &err);
        at += len + skip;
        must(!ok || at <= archive.len);
    }
    ok = ok && archive_skim_finish(skim, &err);
    archive_skim_free(skim);
    return ok;
}

static bool read_one(struct archive_contents *contents, struct slice archive, uint32_t number,
                     size_t piece, struct run *run)
{
    const struct archive_data_handler handler = {run, begin, object, take, object_end, end};
    struct data_checker checker;
    struct archive_blocks *blocks;
    struct error err;
    uint64_t at;
    struct feed feed = {.piece = piece};
    struct slice bytes;
    bool ok = true;

    must(archive_contents_position(contents, number, &at) && at < archive.len);
    feed.rest =
        slice_make(archive.data + at, (size_t)archive_contents_node(contents, number).data_bytes);
    must(feed.rest.len <= archive.len - at);
    must(data_checker_init(&checker, archive_contents_header(contents)->compression, &err));
    blocks = archive_blocks_new_one(contents, number, &handler, &checker, &err);
    must(blocks != NULL);
    while (ok && !archive_blocks_over(blocks) && feed_next(&feed, &bytes))
        ok = archive_blocks_feed(blocks, bytes, &err);
    ok = ok && archive_blocks_finish(blocks, &err);
    if (!ok)
        must_be_told(&err);
    archive_blocks_free(blocks);
    data_checker_reset(&checker);
    feed_end(&feed);
    run->in_entry = run->in_object = false;
    return ok;
}

static struct run run_new(const struct archive_contents *contents)
{
    struct run run = {.contents = contents};

    run.traces = calloc((size_t)archive_contents_count(contents) + 1, sizeof(*run.traces));
    must(run.traces != NULL);
    return run;
}

static void compare(const struct run *one, const struct run *other)
{
    for (uint32_t i = 0; i < archive_contents_count(one->contents); i++)
        must(trace_equals(&one->traces[i], &other->traces[i]));
}

static void read_each(struct archive_contents *contents, struct slice archive, size_t piece,
                      bool all_ok, const struct run *all)
{
    struct run each = run_new(contents);
    bool ok = locate(contents, archive, piece);

    must(ok || !all_ok);
    for (uint32_t i = 0; ok && i < archive_contents_count(contents); i++) {
        each.bytes = 0;
        if (archive_contents_node(contents, i).has_data &&
            !read_one(contents, archive, i, piece, &each))
            must(!all_ok || each.enough);
    }
    if (all_ok && !each.enough)
        compare(all, &each);
    free(each.traces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size}, rest, rest_again;
    size_t piece = (size_t)feed_choice(&input) + 1;
    struct archive_contents *contents, *again;
    struct trace texts = {0}, texts_again = {0};
    struct run whole, pieces;
    bool ok;

    rest = rest_again = input;
    contents = load(&rest, 0);
    again = load(&rest_again, piece);
    must((contents == NULL) == (again == NULL) && rest.len == rest_again.len);
    if (contents == NULL)
        return 0;
    ask(contents, &texts);
    ask(again, &texts_again);
    must(trace_equals(&texts, &texts_again));
    whole = run_new(contents);
    pieces = run_new(again);
    ok = read_all(contents, rest, 0, &whole);
    /* A bomb is left where its reader had enough, which is not at the same byte. */
    if (!whole.enough) {
        must(read_all(again, rest, piece, &pieces) == ok);
        if (ok)
            compare(&whole, &pieces);
        read_each(contents, input, piece, ok, &whole);
    }
    free(whole.traces);
    free(pieces.traces);
    archive_contents_free(contents);
    archive_contents_free(again);
    return 0;
}
