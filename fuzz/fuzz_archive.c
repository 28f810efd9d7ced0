/*
 * Archives of pg_dump. The first byte chooses the pieces and what the rest is: a custom archive, or
 * the files of a directory, each as the length of its name, its name, its size in two bytes (least
 * significant first) and its bytes.
 *
 * Holds: the pieces do not matter for an archive that is whole, nor for whether it is; entries have
 * names and numbers, texts end; data belong to an entry that has some; what is taken for whole had
 * its rows counted.
 *
 * A Zstandard frame may declare a window of 128 MiB: see fuzz_decompress. Texts are held as they
 * come, in a buffer that doubles.
 * Limits: -malloc_limit_mb=160 -max_len=16384
 */
#include "archive/archive.h"
#include "support/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_ENOUGH (16 * 1024 * 1024) /* a bomb is stopped by its reader */

struct run {
    struct trace trace;
    int64_t data_of; /* the entry whose data come; -1: none */
    uint64_t rows;
};

static bool take_header(void *context, const struct archive_header *header, struct error *err)
{
    struct run *run = context;

    (void)err;
    must(header->minor >= 12 && header->minor <= 16 && header->compression <= COMPRESSION_ZSTD);
    trace_number(&run->trace, (uint64_t)header->minor);
    trace_number(&run->trace, (uint64_t)header->created);
    trace_text(&run->trace, header->database);
    trace_text(&run->trace, header->server_version);
    trace_text(&run->trace, header->dumper_version);
    trace_number(&run->trace, header->entry_count);
    return true;
}

static bool take_entry(void *context, uint32_t number, const struct archive_entry *entry,
                       struct error *err)
{
    struct run *run = context;

    (void)err;
    must(entry->dump_id > 0 && entry->tag != NULL && entry->desc != NULL);
    must(entry->section >= SECTION_NONE && entry->section <= SECTION_POST_DATA);
    trace_number(&run->trace, number);
    trace_number(&run->trace, (uint64_t)entry->dump_id);
    trace_number(&run->trace, entry->has_data);
    trace_number(&run->trace, entry->catalog_oid);
    trace_number(&run->trace, entry->object_oid);
    trace_text(&run->trace, entry->tag);
    trace_text(&run->trace, entry->desc);
    trace_text(&run->trace, entry->definition);
    trace_text(&run->trace, entry->drop);
    trace_text(&run->trace, entry->copy);
    trace_text(&run->trace, entry->schema);
    trace_text(&run->trace, entry->tablespace);
    trace_text(&run->trace, entry->access_method);
    trace_text(&run->trace, entry->owner);
    trace_text(&run->trace, entry->file);
    for (size_t i = 0; i < entry->dependency_count; i++)
        trace_number(&run->trace, (uint64_t)entry->dependencies[i]);
    return true;
}

static bool take_data(void *context, int32_t dump_id, struct slice bytes, struct error *err)
{
    struct run *run = context;

    must(bytes.len > 0 && dump_id >= 0);
    if (run->data_of != dump_id)
        trace_number(&run->trace, (uint64_t)dump_id);
    run->data_of = dump_id;
    trace_data(&run->trace, bytes);
    return run->trace.data_bytes < OUTPUT_ENOUGH || error_set(err, ERROR_USAGE, "enough");
}

static bool take_end(void *context, int32_t dump_id, uint64_t rows, struct error *err)
{
    struct run *run = context;

    (void)err;
    run->data_of = -1;
    run->rows += rows;
    trace_number(&run->trace, (uint64_t)dump_id);
    trace_number(&run->trace, rows);
    return true;
}

static bool read_custom(const struct archive_handler *handler, struct slice input, size_t piece,
                        struct run *run, struct error *err)
{
    struct feed feed = {.rest = input, .piece = piece};
    struct archive_decoder *decoder = archive_decoder_new(handler, err);
    struct slice bytes;
    bool ok = decoder != NULL;

    must(ok);
    while (ok && feed_next(&feed, &bytes))
        ok = archive_decoder_feed(decoder, bytes, err);
    ok = ok && archive_decoder_finish(decoder, err);
    must(archive_decoder_contents_size(decoder) <= input.len);
    must(!ok || archive_decoder_rows(decoder) == run->rows);
    archive_decoder_free(decoder);
    feed_end(&feed);
    return ok;
}

static struct slice take_some(struct slice *input, size_t len)
{
    return slice_take(input, len < input->len ? len : input->len);
}

static bool read_file(struct archive_folder *folder, struct slice content, size_t piece,
                      struct error *err)
{
    struct feed feed = {.rest = content, .piece = piece};
    struct slice bytes;
    bool ok = true;

    while (ok && feed_next(&feed, &bytes))
        ok = archive_folder_feed(folder, bytes, err);
    feed_end(&feed);
    return ok && archive_folder_end(folder, err);
}

static bool read_files(const struct archive_handler *handler, struct slice input, size_t piece,
                       struct run *run, struct error *err)
{
    struct archive_folder *folder = archive_folder_new(handler, err);
    bool ok = true;

    must(folder != NULL);
    while (ok && input.len > 0) {
        struct slice part = take_some(&input, feed_choice(&input));
        char name[256] = "";
        size_t size;

        for (size_t i = 0; i < part.len && part.data[i] != '\0'; i++)
            name[i] = (char)part.data[i];
        size = feed_choice(&input);
        size |= (size_t)feed_choice(&input) << 8;
        ok = archive_folder_begin(folder, name, err) &&
             read_file(folder, take_some(&input, size), piece, err);
    }
    ok = ok && archive_folder_finish(folder, err);
    must(!ok || archive_folder_rows(folder) == run->rows);
    archive_folder_free(folder);
    return ok;
}

static bool run_once(struct slice input, bool files, size_t piece, struct trace *trace)
{
    struct run run = {.data_of = -1};
    const struct archive_handler handler = {.context = &run,
                                            .header = take_header,
                                            .entry = take_entry,
                                            .data = take_data,
                                            .data_end = take_end};
    struct error err;
    bool ok = (files ? read_files : read_custom)(&handler, input, piece, &run, &err);

    trace_end(&run.trace, ok, &err);
    *trace = run.trace;
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {data, size};
    uint8_t choice = feed_choice(&input);
    bool files = choice % 2 == 1;
    struct trace whole, pieces;
    bool ok = run_once(input, files, 0, &whole);

    /* A bomb is left where its reader had enough, which is not at the same byte; how much comes out
     * of a damaged stream before the damage is seen depends on the pieces. */
    if (whole.data_bytes >= OUTPUT_ENOUGH)
        return 0;
    must(run_once(input, files, (size_t)choice / 2 + 1, &pieces) == ok);
    must(!ok || trace_equals(&whole, &pieces));
    return 0;
}
