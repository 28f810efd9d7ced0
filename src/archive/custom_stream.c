/* A custom archive as a reader: header and table of contents, then the data, a block an entry. */
#include "archive/data_packer_internal.h"

#include "base/failure.h"

#include <stdlib.h>

#define CHUNK_SIZE ((size_t)64 * 1024)
#define CONTENTS_SIZE ((size_t)64 * 1024) /* of the table of contents that is lent at once */

enum step { STEP_HEADER, STEP_CONTENTS, STEP_BLOCK, STEP_DATA, STEP_END };

/* An entry that has data. */
struct item {
    uint32_t number;
    int32_t dump_id;
    uint64_t offset_at; /* where in the archive its Offset lies */
    uint64_t block_at;  /* where its block begins */
};

struct custom_stream {
    struct reader reader;
    const struct archive_header *header;
    const struct archive_content *content;
    struct data_packer packer;
    enum step step;
    struct failure failure;

    uint32_t next_entry;
    struct item *items;
    size_t item_count, item_capacity, next_item;

    uint64_t lent;          /* bytes so far */
    uint64_t contents_size; /* of header and table of contents, once they were lent */
    struct buffer out;
    struct slice packed; /* what the packer gave and no chunk has taken yet */
    size_t chunk_len;    /* bytes in the chunk that is being filled */
    uint8_t chunk[ARCHIVE_INT_SIZE + CHUNK_SIZE + 2 * ARCHIVE_INT_SIZE];
};

/* ---- Table of contents ---- */

static bool note_item(struct custom_stream *stream, const struct archive_entry *entry,
                      struct error *err)
{
    if (stream->item_count == stream->item_capacity) {
        size_t capacity = stream->item_capacity == 0 ? 64 : stream->item_capacity * 2;
        struct item *items = realloc(stream->items, capacity * sizeof(*items));

        if (items == NULL)
            return error_set_memory(err);
        stream->items = items;
        stream->item_capacity = capacity;
    }
    stream->items[stream->item_count++] = (struct item){
        .number = stream->next_entry,
        .dump_id = entry->dump_id,
        .offset_at = stream->lent + stream->out.len,
    };
    return true;
}

static bool append_next_entry(struct custom_stream *stream, struct error *err)
{
    struct archive_entry entry;

    if (!stream->content->entry(stream->content->context, stream->next_entry, &entry, err) ||
        !archive_append_entry(&stream->out, &entry, stream->header->minor, err) ||
        (entry.has_data && !note_item(stream, &entry, err)) ||
        !archive_append_offset(&stream->out, entry.has_data ? OFFSET_UNSET : OFFSET_NO_DATA, err))
        return false;
    stream->next_entry++;
    return true;
}

static bool fill_contents(struct custom_stream *stream, struct error *err)
{
    buffer_clear_keeping(&stream->out, ARCHIVE_TEXT_KEPT);
    if (stream->step == STEP_HEADER) {
        if (!archive_append_header(&stream->out, stream->header, FORMAT_CUSTOM, err))
            return false;
        stream->step = STEP_CONTENTS;
    }
    while (stream->next_entry < stream->header->entry_count && stream->out.len < CONTENTS_SIZE) {
        if (!append_next_entry(stream, err))
            return false;
    }
    if (stream->next_entry == stream->header->entry_count)
        stream->step = STEP_BLOCK;
    return true;
}

/* ---- Data ---- */

/* Moves bytes into the chunk; *full once it holds as many as a chunk does. */
static void add_to_chunk(struct custom_stream *stream, struct slice *bytes, bool *full)
{
    size_t room = CHUNK_SIZE - stream->chunk_len;
    struct slice part = slice_take(bytes, bytes->len < room ? bytes->len : room);

    if (part.len > 0)
        memcpy(stream->chunk + ARCHIVE_INT_SIZE + stream->chunk_len, part.data, part.len);
    stream->chunk_len += part.len;
    *full = stream->chunk_len == CHUNK_SIZE;
}

/* The chunk with its length in front and, if the block ends with it, the 0 that says so. */
static struct slice finish_chunk(struct custom_stream *stream, bool last)
{
    size_t len = 0;

    if (stream->chunk_len > 0) {
        archive_put_int(stream->chunk, (int64_t)stream->chunk_len);
        len = ARCHIVE_INT_SIZE + stream->chunk_len;
    }
    if (last) {
        archive_put_int(stream->chunk + len, 0);
        len += ARCHIVE_INT_SIZE;
    }
    stream->chunk_len = 0;
    return slice_make(stream->chunk, len);
}

static struct slice begin_block(struct custom_stream *stream)
{
    struct item *item = &stream->items[stream->next_item];

    item->block_at = stream->lent;
    stream->chunk[0] = BLOCK_DATA;
    archive_put_int(stream->chunk + 1, item->dump_id);
    return slice_make(stream->chunk, 1 + ARCHIVE_INT_SIZE);
}

static bool fill_chunk(struct custom_stream *stream, struct slice *lend, struct error *err)
{
    for (;;) {
        bool full;

        add_to_chunk(stream, &stream->packed, &full);
        if (full) {
            *lend = finish_chunk(stream, false);
            return true;
        }
        if (stream->packer.ended) {
            *lend = finish_chunk(stream, true);
            stream->next_item++;
            stream->step = STEP_BLOCK;
            return true;
        }
        if (!data_packer_next(&stream->packer, &stream->packed, err))
            return false;
    }
}

/* ---- The reader ---- */

static bool next_bytes(struct custom_stream *stream, struct slice *lend, struct error *err)
{
    switch (stream->step) {
    case STEP_HEADER:
    case STEP_CONTENTS:
        if (!fill_contents(stream, err))
            return false;
        *lend = buffer_slice(&stream->out);
        return true;
    case STEP_BLOCK:
        if (stream->contents_size == 0)
            stream->contents_size = stream->lent;
        buffer_free(&stream->out);
        if (stream->next_item == stream->item_count) {
            stream->step = STEP_END;
            return true;
        }
        *lend = begin_block(stream);
        stream->step = STEP_DATA;
        return data_packer_begin(&stream->packer, stream->items[stream->next_item].number, err);
    case STEP_DATA:
        return fill_chunk(stream, lend, err);
    case STEP_END:
        break;
    }
    return true;
}

static enum reader_status custom_next(struct reader *reader, struct slice *data, struct error *err)
{
    struct custom_stream *stream = (struct custom_stream *)reader;

    *data = (struct slice){0};
    while (!stream->failure.failed && stream->step != STEP_END && data->len == 0) {
        if (!next_bytes(stream, data, err)) {
            failure_keep(&stream->failure, err);
            data->len = 0;
        }
    }
    if (!failure_check(&stream->failure, err))
        return READER_FAILED;
    stream->lent += data->len;
    return data->len > 0 ? READER_DATA : READER_END;
}

static bool custom_amend(struct reader *reader, const struct reader_amender *amender,
                         struct error *err)
{
    struct custom_stream *stream = (struct custom_stream *)reader;

    for (size_t i = 0; i < stream->item_count; i++) {
        uint8_t offset[ARCHIVE_OFFSET_SIZE];

        archive_put_offset(offset, OFFSET_SET, stream->items[i].block_at);
        if (!amender->write(amender->context, stream->items[i].offset_at,
                            slice_make(offset, sizeof(offset)), err))
            return false;
    }
    return true;
}

uint64_t custom_stream_contents_size(const struct reader *reader)
{
    return ((const struct custom_stream *)reader)->contents_size;
}

static void custom_close(struct reader *reader)
{
    struct custom_stream *stream = (struct custom_stream *)reader;

    data_packer_reset(&stream->packer);
    free(stream->items);
    buffer_free(&stream->out);
    free(stream);
}

struct reader *custom_stream_new(const struct archive_header *header,
                                 const struct archive_content *content, int level,
                                 struct error *err)
{
    static const struct reader_ops ops = {
        .next = custom_next, .amend = custom_amend, .close = custom_close};
    struct custom_stream *stream;

    if (!archive_compression_check(header->minor, header->compression, err))
        return NULL;
    stream = calloc(1, sizeof(*stream));
    if (stream == NULL) {
        error_set_memory(err);
        return NULL;
    }
    stream->reader.ops = &ops;
    stream->header = header;
    stream->content = content;
    if (data_packer_init(&stream->packer, content, header->compression, true, level, err))
        return &stream->reader;
    free(stream);
    return NULL;
}
