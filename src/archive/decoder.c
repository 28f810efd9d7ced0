/*
 * An archive as it streams by, for those who hold nothing of it: header, table of contents, and in
 * a custom archive blocks of data. It is fed, never asks and never goes back, so that list and
 * verify read what comes through a pipe.
 */
#include "archive/decoder_internal.h"

#include "base/failure.h"

#include <stdlib.h>

enum step { STEP_HEADER, STEP_ENTRY, STEP_BLOCKS };

struct archive_decoder {
    struct archive_handler handler;
    enum step step;
    struct failure failure;
    struct contents_decoder contents;
    uint32_t entries;
    struct expected_set expected;

    struct held_unit held;
    uint64_t position; /* in the table of contents */
    uint64_t contents_size;
    uint64_t rows;

    struct block_decoder blocks;
    struct data_checker checker;
    struct expected *block; /* being read */
};

static struct archive_decoder *decoder_new(const struct archive_handler *handler,
                                           enum archive_format format, struct error *err)
{
    struct archive_decoder *decoder = calloc(1, sizeof(*decoder));

    if (decoder == NULL) {
        error_set_memory(err);
        return NULL;
    }
    decoder->handler = *handler;
    contents_decoder_init(&decoder->contents, format);
    return decoder;
}

struct archive_decoder *archive_decoder_new(const struct archive_handler *handler,
                                            struct error *err)
{
    return decoder_new(handler, FORMAT_CUSTOM, err);
}

struct archive_decoder *archive_toc_decoder_new(const struct archive_handler *handler,
                                                struct error *err)
{
    return decoder_new(handler, FORMAT_TAR, err);
}

void archive_decoder_free(struct archive_decoder *decoder)
{
    if (decoder == NULL)
        return;
    contents_decoder_reset(&decoder->contents);
    block_decoder_reset(&decoder->blocks);
    data_checker_reset(&decoder->checker);
    expected_reset(&decoder->expected);
    free(decoder);
}

uint64_t archive_decoder_contents_size(const struct archive_decoder *decoder)
{
    return decoder->contents_size;
}

uint64_t archive_decoder_rows(const struct archive_decoder *decoder)
{
    return decoder->rows;
}

const struct archive_header *archive_decoder_header(const struct archive_decoder *decoder)
{
    return &decoder->contents.header;
}

struct expected_set *archive_decoder_expected(struct archive_decoder *decoder)
{
    return &decoder->expected;
}

/* ---- Blocks ---- */

static bool begin_block(void *context, int64_t dump_id, bool objects, bool *copy, struct error *err)
{
    struct archive_decoder *decoder = context;
    struct expected *block = expected_find(&decoder->expected, dump_id);

    if (block == NULL)
        return archive_corrupt(err, "a block belongs to no entry", dump_id);
    if (block->seen)
        return archive_corrupt(err, "the data of an entry comes twice", dump_id);
    if (block->blobs != objects)
        return archive_corrupt(err, "a block is not of its entry's kind", dump_id);
    block->seen = true;
    decoder->block = block;
    *copy = block->copy;
    return true;
}

static bool end_block(void *context, uint64_t rows, struct error *err)
{
    struct archive_decoder *decoder = context;
    int32_t dump_id = decoder->block->dump_id;

    decoder->block = NULL;
    decoder->rows += rows;
    return decoder->handler.data_end == NULL ||
           decoder->handler.data_end(decoder->handler.context, dump_id, rows, err);
}

static bool give_unpacked(void *context, struct slice bytes, struct error *err)
{
    const struct archive_decoder *decoder = context;

    return decoder->handler.data == NULL ||
           decoder->handler.data(decoder->handler.context, decoder->block->dump_id, bytes, err);
}

static bool feed_blocks(struct archive_decoder *decoder, struct slice in, struct error *err)
{
    if (in.len > 0 && decoder->contents.format != FORMAT_CUSTOM)
        return decode_corrupt(err, "something follows the table of contents") == DECODE_DONE;
    if (block_decoder_feed(&decoder->blocks, in, err))
        return true;
    return decoder->block == NULL ? false
                                  : error_prefix(err, "entry %ld", (long)decoder->block->dump_id);
}

/* ---- Table of contents ---- */

static bool end_header(struct archive_decoder *decoder, struct error *err)
{
    const struct block_client client = {.context = decoder,
                                        .begin = begin_block,
                                        .end = end_block,
                                        .taker = {.context = decoder, .unpacked = give_unpacked}};
    const struct archive_header *header = &decoder->contents.header;

    decoder->step = STEP_ENTRY;
    block_decoder_init(&decoder->blocks, &client, &decoder->contents.widths, &decoder->contents.sum,
                       0);
    decoder->blocks.checker = &decoder->checker;
    return data_checker_init(&decoder->checker, header->compression, err) &&
           (decoder->handler.header == NULL ||
            decoder->handler.header(decoder->handler.context, header, err));
}

static bool end_entry(struct archive_decoder *decoder, struct error *err)
{
    const struct archive_entry *entry = &decoder->contents.entry;
    uint32_t number = decoder->entries++;

    return (!entry->has_data || expected_add(&decoder->expected, entry, err)) &&
           (decoder->handler.entry == NULL ||
            decoder->handler.entry(decoder->handler.context, number, entry, err));
}

static enum decode_status take_unit(struct archive_decoder *decoder, struct slice *in,
                                    struct error *err)
{
    bool header = decoder->step == STEP_HEADER;
    enum decode_status status = header ? decode_header(&decoder->contents, in, err)
                                       : decode_entry(&decoder->contents, in, err);

    if (status != DECODE_DONE)
        return status;
    return (header ? end_header(decoder, err) : end_entry(decoder, err)) ? DECODE_DONE
                                                                         : DECODE_FAILED;
}

/* DECODE_DONE behind the last entry. */
static enum decode_status take_units(void *context, struct slice *in, struct error *err)
{
    struct archive_decoder *decoder = context;

    for (;;) {
        size_t before = in->len;
        enum decode_status status;

        if (decoder->step == STEP_ENTRY &&
            decoder->entries == decoder->contents.header.entry_count) {
            decoder->step = STEP_BLOCKS;
            decoder->contents_size = decoder->position;
            return expected_seal(&decoder->expected, err) ? DECODE_DONE : DECODE_FAILED;
        }
        status = take_unit(decoder, in, err);
        decoder->position += before - in->len;
        if (status != DECODE_DONE)
            return status;
    }
}

/* ---- Feeding ---- */

static bool feed(struct archive_decoder *decoder, struct slice in, struct error *err)
{
    if (decoder->step != STEP_BLOCKS) {
        enum decode_status status = units_feed(&decoder->held, &in, take_units, decoder, err);

        if (status != DECODE_DONE)
            return status == DECODE_MORE;
    }
    return feed_blocks(decoder, in, err);
}

bool archive_decoder_feed(struct archive_decoder *decoder, struct slice bytes, struct error *err)
{
    if (!failure_check(&decoder->failure, err))
        return false;
    return feed(decoder, bytes, err) || failure_keep(&decoder->failure, err);
}

bool archive_decoder_finish(struct archive_decoder *decoder, struct error *err)
{
    if (!failure_check(&decoder->failure, err))
        return false;
    if (decoder->step != STEP_BLOCKS || !block_decoder_is_between(&decoder->blocks))
        return error_set(err, ERROR_CORRUPT, "the archive ends too early");
    return decoder->contents.format != FORMAT_CUSTOM || expected_finish(&decoder->expected, err);
}
