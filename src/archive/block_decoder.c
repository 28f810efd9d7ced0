/*
 * The blocks of data of a custom archive: each says whose it is, and is a sequence of pieces with
 * their lengths, or of large objects that are such. Whose they can be, the client knows.
 *
 * Behind the last one the table of contents may come once more: pg_dump wants to write it over the
 * first, now that it knows where the data are, but from release 16 on has its standard output in
 * the mode in which whatever is written is appended ("pg_dump -Fc app >app.dump"). Its first byte
 * is a number's sign, 0, which is no kind of block.
 */
#include "archive/decoder_internal.h"

void block_decoder_init(struct block_decoder *blocks, const struct block_client *client,
                        const struct archive_widths *widths, const struct contents_sum *contents,
                        uint64_t position)
{
    *blocks = (struct block_decoder){
        .client = *client, .widths = widths, .contents = contents, .position = position};
}

void block_decoder_reset(struct block_decoder *blocks)
{
    contents_decoder_reset(&blocks->again);
}

bool block_decoder_is_between(const struct block_decoder *blocks)
{
    return (blocks->step == BLOCK_STEP_HEAD || blocks->step == BLOCK_STEP_END) &&
           blocks->held.len == 0;
}

static enum decode_status done_if(bool done)
{
    return done ? DECODE_DONE : DECODE_FAILED;
}

static enum decode_status take_int(struct block_decoder *blocks, struct slice *in, int64_t *value,
                                   struct error *err)
{
    size_t before = in->len;
    enum decode_status status = decode_int(in, blocks->widths, value, err);

    blocks->position += before - in->len;
    return status;
}

static bool begin_stream(struct block_decoder *blocks, bool copy, struct error *err)
{
    blocks->step = BLOCK_STEP_LENGTH;
    return blocks->skim || data_checker_begin(blocks->checker, copy, err);
}

static enum decode_status take_head(struct block_decoder *blocks, struct slice *in,
                                    struct error *err)
{
    struct slice at = *in;
    enum decode_status status;
    int64_t dump_id = 0;
    bool copy = false;
    uint8_t type;

    if (at.len == 0)
        return DECODE_MORE;
    blocks->head_position = blocks->position;
    type = slice_take(&at, 1).data[0];
    if (type == 0 && !blocks->only_one) {
        contents_decoder_init_entries(&blocks->again, blocks->widths);
        blocks->step = BLOCK_STEP_AGAIN;
        return DECODE_DONE;
    }
    status = decode_int(&at, blocks->widths, &dump_id, err);
    if (status != DECODE_DONE)
        return status;
    blocks->position += in->len - at.len;
    *in = at;
    if (type != BLOCK_DATA && type != BLOCK_BLOBS)
        return done_if(archive_corrupt(err, "a block is of no known kind", dump_id));
    blocks->objects = type == BLOCK_BLOBS;
    if (!blocks->client.begin(blocks->client.context, dump_id, blocks->objects, &copy, err))
        return DECODE_FAILED;
    blocks->step = BLOCK_STEP_OBJECT;
    return done_if(blocks->objects || begin_stream(blocks, copy, err));
}

static bool end_block(struct block_decoder *blocks, uint64_t rows, struct error *err)
{
    blocks->step = blocks->only_one ? BLOCK_STEP_OVER : BLOCK_STEP_HEAD;
    return blocks->client.end(blocks->client.context, rows, err);
}

/* The number of the next large object of a block, or 0 behind the last. The upper half of all OIDs
 * comes as negative numbers. */
static enum decode_status take_object(struct block_decoder *blocks, struct slice *in,
                                      struct error *err)
{
    const struct block_client *client = &blocks->client;
    int64_t oid = 0;
    enum decode_status status = take_int(blocks, in, &oid, err);

    if (status != DECODE_DONE)
        return status;
    if (oid == 0)
        return done_if(end_block(blocks, 0, err));
    if (oid < INT32_MIN || oid > UINT32_MAX)
        return decode_corrupt(err, "the number of a large object is impossible");
    return done_if(
        (client->object == NULL || client->object(client->context, (uint32_t)oid, err)) &&
        begin_stream(blocks, false, err));
}

static bool end_stream(struct block_decoder *blocks, struct error *err)
{
    const struct block_client *client = &blocks->client;
    uint64_t rows = 0;

    if (!blocks->skim && !data_checker_finish(blocks->checker, &rows, err))
        return false;
    if (!blocks->objects)
        return end_block(blocks, rows, err);
    blocks->step = BLOCK_STEP_OBJECT;
    return client->object_end == NULL || client->object_end(client->context, err);
}

static enum decode_status take_length(struct block_decoder *blocks, struct slice *in,
                                      struct error *err)
{
    int64_t len = 0;
    enum decode_status status = take_int(blocks, in, &len, err);

    if (status != DECODE_DONE)
        return status;
    if (len < 0)
        return decode_corrupt(err, "a piece of data has a negative length");
    if (len == 0)
        return done_if(end_stream(blocks, err));
    blocks->piece_left = (uint64_t)len;
    blocks->step = BLOCK_STEP_DATA;
    return DECODE_DONE;
}

static enum decode_status take_data(struct block_decoder *blocks, struct slice *in,
                                    struct error *err)
{
    size_t len = in->len < blocks->piece_left ? in->len : (size_t)blocks->piece_left;
    struct slice packed;

    if (len == 0)
        return DECODE_MORE;
    packed = slice_take(in, len);
    blocks->position += len;
    blocks->piece_left -= len;
    if (blocks->piece_left == 0)
        blocks->step = BLOCK_STEP_LENGTH;
    return done_if(blocks->skim ||
                   data_checker_feed(blocks->checker, packed, &blocks->client.taker, err));
}

/* ---- Behind the last one ---- */

static enum decode_status take_entries(struct block_decoder *blocks, struct slice *in,
                                       struct error *err)
{
    enum decode_status status = DECODE_DONE;

    while (status == DECODE_DONE && blocks->again.sum.count < blocks->contents->count)
        status = decode_entry(&blocks->again, in, err);
    if (status != DECODE_DONE)
        return status;
    if (blocks->again.sum.digest != blocks->contents->digest)
        return decode_corrupt(err, "it has two tables of contents, which are not the same");
    blocks->step = BLOCK_STEP_END;
    return DECODE_DONE;
}

static enum decode_status take_again(struct block_decoder *blocks, struct slice *in,
                                     struct error *err)
{
    size_t before = in->len;
    enum decode_status status = DECODE_DONE;
    int64_t count = blocks->contents->count;

    if (!blocks->counted)
        status = decode_int(in, blocks->widths, &count, err);
    if (status == DECODE_DONE && count != blocks->contents->count)
        return decode_corrupt(err, "what is behind its data is neither data nor the table of "
                                   "contents once more");
    blocks->counted = status == DECODE_DONE;
    if (status == DECODE_DONE)
        status = take_entries(blocks, in, err);
    blocks->position += before - in->len;
    return status;
}

static enum decode_status take_end(const struct slice *in, struct error *err)
{
    return in->len == 0 ? DECODE_MORE : decode_corrupt(err, "something is behind the end of it");
}

/* ---- Feeding ---- */

static enum decode_status take_step(struct block_decoder *blocks, struct slice *in,
                                    struct error *err)
{
    switch (blocks->step) {
    case BLOCK_STEP_HEAD:
        return take_head(blocks, in, err);
    case BLOCK_STEP_OBJECT:
        return take_object(blocks, in, err);
    case BLOCK_STEP_LENGTH:
        return take_length(blocks, in, err);
    case BLOCK_STEP_AGAIN:
        return take_again(blocks, in, err);
    case BLOCK_STEP_END:
        return take_end(in, err);
    case BLOCK_STEP_DATA:
    case BLOCK_STEP_OVER:
        break;
    }
    return take_data(blocks, in, err);
}

static enum decode_status take_steps(void *context, struct slice *in, struct error *err)
{
    struct block_decoder *blocks = context;
    enum decode_status status = DECODE_DONE;

    while (status == DECODE_DONE && blocks->step != BLOCK_STEP_OVER)
        status = take_step(blocks, in, err);
    return status;
}

bool block_decoder_feed(struct block_decoder *blocks, struct slice in, struct error *err)
{
    return units_feed(&blocks->held, &in, take_steps, blocks, err) != DECODE_FAILED;
}

uint64_t block_decoder_skip(struct block_decoder *blocks, uint64_t most)
{
    uint64_t skipped = blocks->piece_left < most ? blocks->piece_left : most;

    if (blocks->step != BLOCK_STEP_DATA || !blocks->skim)
        return 0;
    blocks->piece_left -= skipped;
    blocks->position += skipped;
    if (blocks->piece_left == 0)
        blocks->step = BLOCK_STEP_LENGTH;
    return skipped;
}
