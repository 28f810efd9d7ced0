/*
 * The blocks of data of a custom archive as they stream by: each says whose it is, and is a
 * sequence of pieces with their lengths, or of large objects that are such. What is in the table
 * of contents is known here, so that an error can say which table it is about.
 */
#include "archive/archive_contents_internal.h"
#include "archive/archive_data.h"

#include "base/failure.h"

#include <stdlib.h>

enum step { STEP_BLOCK, STEP_OBJECT, STEP_PIECE, STEP_DATA };

struct archive_blocks {
    struct archive_contents *contents;
    struct archive_data_handler handler;
    const struct archive_widths *widths;
    struct failure failure;
    uint8_t *seen; /* a bit an entry */
    uint32_t left; /* entries whose data have not come */

    enum step step;
    uint8_t held[UNIT_MAX]; /* of a number that is not all there */
    size_t held_len;

    /* The block being read. */
    bool in_block;
    uint32_t number;
    struct contents_node node;
    bool wanted;
    uint64_t piece_left;
    struct data_checker checker;
};

struct archive_blocks *archive_blocks_new(struct archive_contents *contents,
                                          const struct archive_data_handler *handler,
                                          struct error *err)
{
    uint32_t count = archive_contents_count(contents);
    struct archive_blocks *blocks = calloc(1, sizeof(*blocks));

    if (blocks == NULL) {
        error_set_memory(err);
        return NULL;
    }
    blocks->contents = contents;
    blocks->handler = *handler;
    blocks->widths = archive_contents_widths(contents);
    blocks->seen = calloc(count / 8 + 1, 1);
    for (uint32_t i = 0; i < count; i++)
        blocks->left += archive_contents_node(contents, i).has_data;
    if (blocks->seen == NULL)
        error_set_memory(err);
    else if (data_checker_init(&blocks->checker, archive_contents_header(contents)->compression,
                               err))
        return blocks;
    archive_blocks_free(blocks);
    return NULL;
}

void archive_blocks_free(struct archive_blocks *blocks)
{
    if (blocks == NULL)
        return;
    data_checker_reset(&blocks->checker);
    free(blocks->seen);
    free(blocks);
}

static enum decode_status done_if(bool done)
{
    return done ? DECODE_DONE : DECODE_FAILED;
}

/* ---- Blocks ---- */

static bool is_seen(const struct archive_blocks *blocks, uint32_t number)
{
    return (blocks->seen[number / 8] >> (number % 8) & 1) != 0;
}

static bool begin_block(struct archive_blocks *blocks, uint8_t type, int64_t dump_id,
                        struct error *err)
{
    const struct archive_data_handler *handler = &blocks->handler;

    if (type != BLOCK_DATA && type != BLOCK_BLOBS)
        return archive_corrupt(err, "a block is of no known kind", dump_id);
    if (!archive_contents_find(blocks->contents, dump_id, &blocks->number))
        return archive_corrupt(err, "a block belongs to no entry", dump_id);
    blocks->node = archive_contents_node(blocks->contents, blocks->number);
    if (!blocks->node.has_data)
        return archive_corrupt(err, "a block is of an entry that has no data", dump_id);
    blocks->in_block = true;
    if (is_seen(blocks, blocks->number))
        return error_set(err, ERROR_CORRUPT, "its data come twice");
    if ((blocks->node.kind == ENTRY_BLOBS) != (type == BLOCK_BLOBS))
        return error_set(err, ERROR_CORRUPT, "its block is not of the entry's kind");
    blocks->seen[blocks->number / 8] |= (uint8_t)(1u << (blocks->number % 8));
    blocks->left--;
    blocks->wanted = true;
    blocks->step = type == BLOCK_BLOBS ? STEP_OBJECT : STEP_PIECE;
    if (handler->begin != NULL &&
        !handler->begin(handler->context, blocks->number, &blocks->wanted, err))
        return false;
    return type == BLOCK_BLOBS || data_checker_begin(&blocks->checker, blocks->node.has_copy, err);
}

static enum decode_status take_block(struct archive_blocks *blocks, struct slice *in,
                                     struct error *err)
{
    struct slice at = *in;
    enum decode_status status;
    int64_t dump_id = 0;
    uint8_t type;

    if (at.len == 0)
        return DECODE_MORE;
    type = slice_take(&at, 1).data[0];
    status = decode_int(&at, blocks->widths, &dump_id, err);
    if (status != DECODE_DONE)
        return status;
    *in = at;
    return done_if(begin_block(blocks, type, dump_id, err));
}

static bool end_block(struct archive_blocks *blocks, uint64_t rows, struct error *err)
{
    const struct archive_data_handler *handler = &blocks->handler;

    blocks->step = STEP_BLOCK;
    blocks->in_block = false;
    return !blocks->wanted || handler->end == NULL ||
           handler->end(handler->context, blocks->number, rows, err);
}

/* The number of the next large object of a block, or 0 behind the last: an OID whose upper half
 * comes as a negative number. */
static enum decode_status take_object(struct archive_blocks *blocks, struct slice *in,
                                      struct error *err)
{
    const struct archive_data_handler *handler = &blocks->handler;
    int64_t oid = 0;
    enum decode_status status = decode_int(in, blocks->widths, &oid, err);

    if (status != DECODE_DONE)
        return status;
    if (oid == 0)
        return done_if(end_block(blocks, 0, err));
    if (oid < INT32_MIN || oid > UINT32_MAX)
        return decode_corrupt(err, "the number of a large object is impossible");
    blocks->step = STEP_PIECE;
    return done_if((!blocks->wanted || handler->object == NULL ||
                    handler->object(handler->context, blocks->number, (uint32_t)oid, err)) &&
                   data_checker_begin(&blocks->checker, false, err));
}

static bool end_stream(struct archive_blocks *blocks, struct error *err)
{
    const struct archive_data_handler *handler = &blocks->handler;
    uint64_t rows;

    if (!data_checker_finish(&blocks->checker, &rows, err))
        return false;
    if (blocks->node.kind != ENTRY_BLOBS)
        return end_block(blocks, rows, err);
    blocks->step = STEP_OBJECT;
    return !blocks->wanted || handler->object_end == NULL ||
           handler->object_end(handler->context, blocks->number, err);
}

static enum decode_status take_piece(struct archive_blocks *blocks, struct slice *in,
                                     struct error *err)
{
    int64_t len = 0;
    enum decode_status status = decode_int(in, blocks->widths, &len, err);

    if (status != DECODE_DONE)
        return status;
    if (len < 0)
        return decode_corrupt(err, "a piece of data has a negative length");
    if (len == 0)
        return done_if(end_stream(blocks, err));
    blocks->piece_left = (uint64_t)len;
    blocks->step = STEP_DATA;
    return DECODE_DONE;
}

static bool give_data(void *context, struct slice bytes, struct error *err)
{
    struct archive_blocks *blocks = context;
    const struct archive_data_handler *handler = &blocks->handler;

    return handler->bytes == NULL || handler->bytes(handler->context, blocks->number, bytes, err);
}

static enum decode_status take_data(struct archive_blocks *blocks, struct slice *in,
                                    struct error *err)
{
    const struct data_taker taker = {.context = blocks, .data = blocks->wanted ? give_data : NULL};
    size_t len = in->len < blocks->piece_left ? in->len : (size_t)blocks->piece_left;

    if (len == 0)
        return DECODE_MORE;
    blocks->piece_left -= len;
    if (blocks->piece_left == 0)
        blocks->step = STEP_PIECE;
    return done_if(data_checker_feed(&blocks->checker, slice_take(in, len), &taker, err));
}

/* ---- Feeding ---- */

static enum decode_status take_unit(struct archive_blocks *blocks, struct slice *in,
                                    struct error *err)
{
    switch (blocks->step) {
    case STEP_BLOCK:
        return take_block(blocks, in, err);
    case STEP_OBJECT:
        return take_object(blocks, in, err);
    case STEP_PIECE:
        return take_piece(blocks, in, err);
    case STEP_DATA:
        break;
    }
    return take_data(blocks, in, err);
}

static bool take_units(struct archive_blocks *blocks, struct slice *in, struct error *err)
{
    enum decode_status status;

    do
        status = take_unit(blocks, in, err);
    while (status == DECODE_DONE);
    return status == DECODE_MORE;
}

/* A number that was cut is put together byte by byte, so that nothing behind it is held. */
static bool take_held(struct archive_blocks *blocks, struct slice *in, struct error *err)
{
    struct slice unit;

    if (blocks->held_len == sizeof(blocks->held))
        return decode_corrupt(err, "a number is too long") == DECODE_DONE;
    blocks->held[blocks->held_len++] = slice_take(in, 1).data[0];
    unit = slice_make(blocks->held, blocks->held_len);
    if (!take_units(blocks, &unit, err))
        return false;
    if (unit.len == 0)
        blocks->held_len = 0;
    return true;
}

static bool feed(struct archive_blocks *blocks, struct slice in, struct error *err)
{
    for (;;) {
        if (blocks->held_len == 0 && !take_units(blocks, &in, err))
            return false;
        if (in.len == 0)
            return true;
        if (!take_held(blocks, &in, err))
            return false;
    }
}

/* Whatever failed within a block is about its entry. */
static bool fail(struct archive_blocks *blocks, struct error *err)
{
    if (blocks->in_block && err->code == ERROR_CORRUPT)
        archive_contents_blame(blocks->contents, blocks->number, err);
    return failure_keep(&blocks->failure, err);
}

bool archive_blocks_feed(struct archive_blocks *blocks, struct slice bytes, struct error *err)
{
    if (!failure_check(&blocks->failure, err))
        return false;
    return feed(blocks, bytes, err) || fail(blocks, err);
}

static bool find_missing(const struct archive_blocks *blocks, uint32_t *number)
{
    uint32_t count = archive_contents_count(blocks->contents);

    for (*number = 0; blocks->left > 0 && *number < count; ++*number) {
        if (archive_contents_node(blocks->contents, *number).has_data && !is_seen(blocks, *number))
            return true;
    }
    return false;
}

bool archive_blocks_finish(struct archive_blocks *blocks, struct error *err)
{
    uint32_t number;

    if (!failure_check(&blocks->failure, err))
        return false;
    if (blocks->step != STEP_BLOCK || blocks->held_len > 0) {
        error_set(err, ERROR_CORRUPT, "the archive ends too early");
        return fail(blocks, err);
    }
    if (!find_missing(blocks, &number))
        return true;
    error_set(err, ERROR_CORRUPT, "the archive is damaged: its data are missing");
    archive_contents_blame(blocks->contents, number, err);
    return failure_keep(&blocks->failure, err);
}
