/*
 * An archive as it streams by: header, table of contents, and in a custom archive blocks of data.
 * It is fed, never asks and never goes back, so that list and verify read what comes through a
 * pipe.
 */
#include "archive/decoder_internal.h"

#include "base/failure.h"

#include <stdlib.h>

enum step { STEP_HEADER, STEP_ENTRY, STEP_BLOCK, STEP_BLOB, STEP_CHUNK, STEP_DATA };

struct archive_decoder {
    struct archive_handler handler;
    enum step step;
    struct failure failure;
    struct contents_decoder contents;
    uint32_t entries;
    struct expected_set expected;

    uint8_t held[UNIT_MAX]; /* of a number that is not all there */
    size_t held_len;
    uint64_t position; /* of the input that was taken */
    uint64_t contents_size;
    uint64_t rows;

    /* The block being read. */
    struct expected *block;
    bool blobs;
    uint64_t chunk_left;
    struct data_checker checker;
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

static enum decode_status done_if(bool done)
{
    return done ? DECODE_DONE : DECODE_FAILED;
}

/* ---- Table of contents ---- */

static enum decode_status take_header(struct archive_decoder *decoder, struct slice *in,
                                      struct error *err)
{
    enum decode_status status = decode_header(&decoder->contents, in, err);
    const struct archive_header *header = &decoder->contents.header;

    if (status != DECODE_DONE)
        return status;
    decoder->step = STEP_ENTRY;
    return done_if(data_checker_init(&decoder->checker, header->compression, err) &&
                   (decoder->handler.header == NULL ||
                    decoder->handler.header(decoder->handler.context, header, err)));
}

static enum decode_status take_entry(struct archive_decoder *decoder, struct slice *in,
                                     struct error *err)
{
    const struct archive_entry *entry = &decoder->contents.entry;
    enum decode_status status = decode_entry(&decoder->contents, in, err);
    uint32_t number = decoder->entries;

    if (status != DECODE_DONE)
        return status;
    decoder->entries++;
    return done_if((!entry->has_data || expected_add(&decoder->expected, entry, err)) &&
                   (decoder->handler.entry == NULL ||
                    decoder->handler.entry(decoder->handler.context, number, entry, err)));
}

/* ---- Blocks ---- */

static bool begin_block(struct archive_decoder *decoder, uint8_t type, int64_t dump_id,
                        struct error *err)
{
    struct expected *block = expected_find(&decoder->expected, dump_id);

    if (type != BLOCK_DATA && type != BLOCK_BLOBS)
        return archive_corrupt(err, "a block is of no known kind", dump_id);
    if (block == NULL)
        return archive_corrupt(err, "a block belongs to no entry", dump_id);
    if (block->seen)
        return archive_corrupt(err, "the data of an entry comes twice", dump_id);
    if (block->blobs != (type == BLOCK_BLOBS))
        return archive_corrupt(err, "a block is not of its entry's kind", dump_id);
    block->seen = true;
    decoder->block = block;
    decoder->blobs = block->blobs;
    decoder->step = block->blobs ? STEP_BLOB : STEP_CHUNK;
    return block->blobs || data_checker_begin(&decoder->checker, block->copy, err);
}

static enum decode_status take_block(struct archive_decoder *decoder, struct slice *in,
                                     struct error *err)
{
    struct slice at = *in;
    enum decode_status status;
    int64_t dump_id = 0;
    uint8_t type;

    if (at.len == 0)
        return DECODE_MORE;
    if (decoder->contents.format != FORMAT_CUSTOM)
        return decode_corrupt(err, "something follows the table of contents");
    type = slice_take(&at, 1).data[0];
    status = decode_int(&at, &decoder->contents.widths, &dump_id, err);
    if (status != DECODE_DONE)
        return status;
    *in = at;
    return done_if(begin_block(decoder, type, dump_id, err));
}

static bool end_block(struct archive_decoder *decoder, uint64_t rows, struct error *err)
{
    decoder->step = STEP_BLOCK;
    decoder->rows += rows;
    return decoder->handler.data_end == NULL ||
           decoder->handler.data_end(decoder->handler.context, decoder->block->dump_id, rows, err);
}

/* The number of the next large object of a block, or 0 behind the last. */
static enum decode_status take_blob(struct archive_decoder *decoder, struct slice *in,
                                    struct error *err)
{
    int64_t oid = 0;
    enum decode_status status = decode_int(in, &decoder->contents.widths, &oid, err);

    if (status != DECODE_DONE)
        return status;
    if (oid == 0)
        return done_if(end_block(decoder, 0, err));
    decoder->step = STEP_CHUNK;
    return done_if(data_checker_begin(&decoder->checker, false, err));
}

static bool end_stream(struct archive_decoder *decoder, struct error *err)
{
    uint64_t rows;

    if (!data_checker_finish(&decoder->checker, &rows, err))
        return error_prefix(err, "entry %ld", (long)decoder->block->dump_id);
    if (!decoder->blobs)
        return end_block(decoder, rows, err);
    decoder->step = STEP_BLOB;
    return true;
}

static enum decode_status take_chunk(struct archive_decoder *decoder, struct slice *in,
                                     struct error *err)
{
    int64_t len = 0;
    enum decode_status status = decode_int(in, &decoder->contents.widths, &len, err);

    if (status != DECODE_DONE)
        return status;
    if (len < 0)
        return done_if(
            archive_corrupt(err, "a piece of data has a negative length", decoder->block->dump_id));
    if (len == 0)
        return done_if(end_stream(decoder, err));
    decoder->chunk_left = (uint64_t)len;
    decoder->step = STEP_DATA;
    return DECODE_DONE;
}

static bool give_unpacked(void *context, struct slice bytes, struct error *err)
{
    const struct archive_decoder *decoder = context;

    return decoder->handler.data == NULL ||
           decoder->handler.data(decoder->handler.context, decoder->block->dump_id, bytes, err);
}

static enum decode_status take_data(struct archive_decoder *decoder, struct slice *in,
                                    struct error *err)
{
    const struct data_taker taker = {.context = decoder, .unpacked = give_unpacked};
    size_t len = in->len < decoder->chunk_left ? in->len : (size_t)decoder->chunk_left;

    if (len == 0)
        return DECODE_MORE;
    decoder->chunk_left -= len;
    if (decoder->chunk_left == 0)
        decoder->step = STEP_CHUNK;
    if (data_checker_feed(&decoder->checker, slice_take(in, len), &taker, err))
        return DECODE_DONE;
    error_prefix(err, "entry %ld", (long)decoder->block->dump_id);
    return DECODE_FAILED;
}

/* ---- Feeding ---- */

static enum decode_status take_unit(struct archive_decoder *decoder, struct slice *in,
                                    struct error *err)
{
    switch (decoder->step) {
    case STEP_HEADER:
        return take_header(decoder, in, err);
    case STEP_ENTRY:
        return take_entry(decoder, in, err);
    case STEP_BLOCK:
        return take_block(decoder, in, err);
    case STEP_BLOB:
        return take_blob(decoder, in, err);
    case STEP_CHUNK:
        return take_chunk(decoder, in, err);
    case STEP_DATA:
        break;
    }
    return take_data(decoder, in, err);
}

/* After the last entry. */
static bool end_contents(struct archive_decoder *decoder, struct error *err)
{
    decoder->contents_size = decoder->position;
    decoder->step = STEP_BLOCK;
    return expected_seal(&decoder->expected, err);
}

/* Takes what it can: no more than the beginning of a number is left. */
static bool take_units(struct archive_decoder *decoder, struct slice *in, struct error *err)
{
    enum decode_status status = DECODE_DONE;

    while (status == DECODE_DONE) {
        size_t before = in->len;

        if (decoder->step == STEP_ENTRY &&
            decoder->entries == decoder->contents.header.entry_count && !end_contents(decoder, err))
            return false;
        status = take_unit(decoder, in, err);
        decoder->position += before - in->len;
    }
    return status == DECODE_MORE;
}

/* A number that was cut is put together byte by byte, so that nothing behind it is held. */
static bool take_held(struct archive_decoder *decoder, struct slice *in, struct error *err)
{
    struct slice unit;

    if (decoder->held_len == sizeof(decoder->held))
        return decode_corrupt(err, "a number is too long") == DECODE_DONE;
    decoder->held[decoder->held_len++] = slice_take(in, 1).data[0];
    unit = slice_make(decoder->held, decoder->held_len);
    if (!take_units(decoder, &unit, err))
        return false;
    if (unit.len == 0)
        decoder->held_len = 0;
    return true;
}

static bool feed(struct archive_decoder *decoder, struct slice in, struct error *err)
{
    for (;;) {
        if (decoder->held_len == 0 && !take_units(decoder, &in, err))
            return false;
        if (in.len == 0)
            return true;
        if (!take_held(decoder, &in, err))
            return false;
    }
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
    if (decoder->step != STEP_BLOCK || decoder->held_len > 0)
        return error_set(err, ERROR_CORRUPT, "the archive ends too early");
    return decoder->contents.format != FORMAT_CUSTOM || expected_finish(&decoder->expected, err);
}
