/* A custom archive as it streams by: header, table of contents, then blocks of data. */
#include "archive/decoder_internal.h"

#include <stdlib.h>

#define PENDING_MAX ((size_t)300 << 20) /* an entry with a definition of 256 MiB fits */
#define END_MARK_SIZE (sizeof(ARCHIVE_COPY_END) - 1)

enum step { STEP_HEADER, STEP_ENTRY, STEP_BLOCK, STEP_BLOB, STEP_CHUNK, STEP_DATA };

/* An entry that has data. */
struct expected {
    int32_t dump_id;
    bool copy; /* COPY text, which has an end mark */
    bool seen;
};

struct archive_decoder {
    struct archive_handler handler;
    enum step step;
    struct archive_widths widths;
    struct archive_header header;
    struct buffer header_strings;
    struct decoded_entry entry;
    uint32_t entries;
    struct expected *expected;
    size_t expected_count, expected_capacity, next_expected;

    struct buffer pending; /* of a unit that is not all there */
    uint64_t position;     /* of the input that was taken */
    uint64_t contents_size;
    uint64_t rows;

    /* The block being read. */
    struct expected *block;
    bool blobs;
    uint64_t chunk_left;
    uint64_t lines;
    uint8_t tail[END_MARK_SIZE]; /* the last bytes of its data */
    size_t tail_len;
    struct decompressor *decompressor;
};

struct archive_decoder *archive_decoder_new(const struct archive_handler *handler,
                                            struct error *err)
{
    struct archive_decoder *decoder = calloc(1, sizeof(*decoder));

    if (decoder == NULL)
        error_set_memory(err);
    else
        decoder->handler = *handler;
    return decoder;
}

void archive_decoder_free(struct archive_decoder *decoder)
{
    if (decoder == NULL)
        return;
    buffer_free(&decoder->header_strings);
    buffer_free(&decoder->pending);
    decoded_entry_reset(&decoder->entry);
    decompressor_free(decoder->decompressor);
    free(decoder->expected);
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

/* ---- Table of contents
 * ---------------------------------------------------------------------------- */

static bool expect(struct archive_decoder *decoder, const struct archive_entry *entry,
                   struct error *err)
{
    if (decoder->expected_count == decoder->expected_capacity) {
        size_t capacity = decoder->expected_capacity == 0 ? 64 : 2 * decoder->expected_capacity;
        struct expected *grown = realloc(decoder->expected, capacity * sizeof(*grown));

        if (grown == NULL)
            return error_set_memory(err);
        decoder->expected = grown;
        decoder->expected_capacity = capacity;
    }
    decoder->expected[decoder->expected_count++] =
        (struct expected){.dump_id = entry->dump_id, .copy = entry->copy != NULL};
    return true;
}

static enum decode_status take_header(struct archive_decoder *decoder, struct slice *in,
                                      struct error *err)
{
    enum decode_status status =
        decode_header(in, &decoder->header, &decoder->widths, &decoder->header_strings, err);

    if (status != DECODE_DONE)
        return status;
    decoder->decompressor = decompressor_new(decoder->header.compression, err);
    if (decoder->decompressor == NULL ||
        (decoder->handler.header != NULL &&
         !decoder->handler.header(decoder->handler.context, &decoder->header, err)))
        return DECODE_FAILED;
    decoder->step = STEP_ENTRY;
    return DECODE_DONE;
}

static enum decode_status take_entry(struct archive_decoder *decoder, struct slice *in,
                                     struct error *err)
{
    const struct archive_entry *entry = &decoder->entry.entry;
    enum decode_status status = decode_entry(in, &decoder->widths, &decoder->entry, err);

    if (status != DECODE_DONE)
        return status;
    if ((entry->has_data && !expect(decoder, entry, err)) ||
        (decoder->handler.entry != NULL &&
         !decoder->handler.entry(decoder->handler.context, decoder->entries, entry, err)))
        return DECODE_FAILED;
    decoder->entries++;
    return DECODE_DONE;
}

/* ---- Blocks
 * --------------------------------------------------------------------------------------- */

static enum decode_status corrupt(struct error *err, const char *what, int64_t dump_id)
{
    error_set(err, ERROR_CORRUPT, "the archive is damaged: %s (entry %lld)", what,
              (long long)dump_id);
    return DECODE_FAILED;
}

/* Blocks usually come in the order of the entries. */
static struct expected *find_expected(struct archive_decoder *decoder, int64_t dump_id)
{
    for (size_t i = 0; i < decoder->expected_count; i++) {
        size_t at = (decoder->next_expected + i) % decoder->expected_count;

        if (decoder->expected[at].dump_id == dump_id) {
            decoder->next_expected = at + 1;
            return &decoder->expected[at];
        }
    }
    return NULL;
}

static enum decode_status take_block(struct archive_decoder *decoder, struct slice *in,
                                     struct error *err)
{
    struct slice at = *in;
    enum decode_status status;
    int64_t dump_id;
    uint8_t type;

    if (at.len == 0)
        return DECODE_MORE;
    type = slice_take(&at, 1).data[0];
    status = decode_int(&at, &decoder->widths, &dump_id, err);
    if (status != DECODE_DONE)
        return status;
    if (type != BLOCK_DATA && type != BLOCK_BLOBS)
        return corrupt(err, "a block is of no known kind", dump_id);
    decoder->block = find_expected(decoder, dump_id);
    if (decoder->block == NULL)
        return corrupt(err, "a block belongs to no entry", dump_id);
    if (decoder->block->seen)
        return corrupt(err, "the data of an entry comes twice", dump_id);
    *in = at;
    decoder->block->seen = true;
    decoder->blobs = type == BLOCK_BLOBS;
    decoder->lines = 0;
    decoder->tail_len = 0;
    decoder->step = decoder->blobs ? STEP_BLOB : STEP_CHUNK;
    return decoder->blobs || decompressor_begin(decoder->decompressor, err) ? DECODE_DONE
                                                                            : DECODE_FAILED;
}

static bool end_block(struct archive_decoder *decoder, struct error *err)
{
    bool copy = decoder->block->copy && !decoder->blobs;

    decoder->step = STEP_BLOCK;
    if (copy) {
        if (decoder->tail_len != END_MARK_SIZE ||
            memcmp(decoder->tail, ARCHIVE_COPY_END, END_MARK_SIZE) != 0)
            return corrupt(err, "rows end without their end mark", decoder->block->dump_id) ==
                   DECODE_DONE;
        decoder->lines -= 3; /* of the end mark */
        decoder->rows += decoder->lines;
    }
    return decoder->handler.data_end == NULL ||
           decoder->handler.data_end(decoder->handler.context, decoder->block->dump_id,
                                     copy ? decoder->lines : 0, err);
}

/* The number of the next large object of a block, or 0 behind the last. */
static enum decode_status take_blob(struct archive_decoder *decoder, struct slice *in,
                                    struct error *err)
{
    int64_t oid;
    enum decode_status status = decode_int(in, &decoder->widths, &oid, err);

    if (status != DECODE_DONE)
        return status;
    if (oid == 0)
        return end_block(decoder, err) ? DECODE_DONE : DECODE_FAILED;
    decoder->step = STEP_CHUNK;
    return decompressor_begin(decoder->decompressor, err) ? DECODE_DONE : DECODE_FAILED;
}

static bool end_stream(struct archive_decoder *decoder, struct error *err)
{
    if (!decompressor_finish(decoder->decompressor, err))
        return error_prefix(err, "entry %ld", (long)decoder->block->dump_id);
    if (!decoder->blobs)
        return end_block(decoder, err);
    decoder->step = STEP_BLOB;
    return true;
}

static enum decode_status take_chunk(struct archive_decoder *decoder, struct slice *in,
                                     struct error *err)
{
    int64_t len;
    enum decode_status status = decode_int(in, &decoder->widths, &len, err);

    if (status != DECODE_DONE)
        return status;
    if (len < 0)
        return corrupt(err, "a piece of data has a negative length", decoder->block->dump_id);
    if (len == 0)
        return end_stream(decoder, err) ? DECODE_DONE : DECODE_FAILED;
    decoder->chunk_left = (uint64_t)len;
    decoder->step = STEP_DATA;
    return DECODE_DONE;
}

static void note_tail(struct archive_decoder *decoder, struct slice bytes)
{
    if (bytes.len >= END_MARK_SIZE) {
        memcpy(decoder->tail, bytes.data + bytes.len - END_MARK_SIZE, END_MARK_SIZE);
        decoder->tail_len = END_MARK_SIZE;
        return;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        if (decoder->tail_len == END_MARK_SIZE) {
            memmove(decoder->tail, decoder->tail + 1, END_MARK_SIZE - 1);
            decoder->tail_len--;
        }
        decoder->tail[decoder->tail_len++] = bytes.data[i];
    }
}

static bool take_unpacked(struct archive_decoder *decoder, struct slice bytes, struct error *err)
{
    const uint8_t *at = bytes.data, *end = bytes.data + bytes.len;

    if (bytes.len == 0)
        return true;
    while (decoder->block->copy && at < end &&
           (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        decoder->lines++;
        at++;
    }
    note_tail(decoder, bytes);
    return decoder->handler.data == NULL ||
           decoder->handler.data(decoder->handler.context, decoder->block->dump_id, bytes, err);
}

static enum decode_status take_data(struct archive_decoder *decoder, struct slice *in,
                                    struct error *err)
{
    size_t len = in->len < decoder->chunk_left ? in->len : (size_t)decoder->chunk_left;
    struct slice packed = slice_take(in, len), bytes;

    if (len == 0)
        return DECODE_MORE;
    decoder->chunk_left -= len;
    do {
        if (!decompressor_next(decoder->decompressor, &packed, &bytes, err)) {
            error_prefix(err, "entry %ld", (long)decoder->block->dump_id);
            return DECODE_FAILED;
        }
        if (!take_unpacked(decoder, bytes, err))
            return DECODE_FAILED;
    } while (packed.len > 0 || bytes.len > 0);
    if (decoder->chunk_left == 0)
        decoder->step = STEP_CHUNK;
    return DECODE_DONE;
}

/* ---- Feeding
 * -------------------------------------------------------------------------------------- */

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

/* Takes whole units off the input. */
static bool take_units(struct archive_decoder *decoder, struct slice *in, struct error *err)
{
    for (;;) {
        struct slice at;
        enum decode_status status;

        if (decoder->step == STEP_ENTRY && decoder->entries == decoder->header.entry_count) {
            decoder->contents_size = decoder->position;
            decoder->step = STEP_BLOCK;
        }
        at = *in;
        status = take_unit(decoder, &at, err);
        if (status == DECODE_FAILED)
            return false;
        if (status == DECODE_MORE)
            return true;
        decoder->position += in->len - at.len;
        *in = at;
    }
}

bool archive_decoder_feed(struct archive_decoder *decoder, struct slice bytes, struct error *err)
{
    struct slice in = bytes;

    if (decoder->pending.len > 0) {
        if (!buffer_append(&decoder->pending, bytes.data, bytes.len, err))
            return false;
        in = buffer_slice(&decoder->pending);
    }
    if (!take_units(decoder, &in, err))
        return false;
    if (in.len > PENDING_MAX)
        return error_set(err, ERROR_CORRUPT, "the archive is damaged: an entry is too long");
    if (decoder->pending.len > 0) {
        buffer_consume(&decoder->pending, decoder->pending.len - in.len);
        return true;
    }
    return buffer_append(&decoder->pending, in.data, in.len, err);
}

bool archive_decoder_finish(struct archive_decoder *decoder, struct error *err)
{
    if (decoder->step != STEP_BLOCK || decoder->pending.len > 0)
        return error_set(err, ERROR_CORRUPT, "the archive ends too early");
    for (size_t i = 0; i < decoder->expected_count; i++) {
        if (!decoder->expected[i].seen)
            return corrupt(err, "the data of an entry is missing", decoder->expected[i].dump_id) ==
                   DECODE_DONE;
    }
    return true;
}
