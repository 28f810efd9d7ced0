/*
 * The custom format, one file: header and table of contents, then the data, a block an entry.
 *
 * A block is made of chunks, whose length stands in front of each. All but the last are of the same
 * size whatever sizes the data came in, so that an archive's bytes depend on its content alone;
 * that costs a copy of the data, from where it lies into the chunk. A block of large objects has
 * such chunks for each of them. There may be a million, of a few bytes each: many are lent at once.
 */
#include "archive/archive_stream_internal.h"
#include "archive/data_packer_internal.h"
#include "base/array.h"

#include <stdlib.h>

#define CHUNK_SIZE ((size_t)64 * 1024)

enum step { STEP_CONTENTS, STEP_BLOCK, STEP_DATA, STEP_OBJECTS };

/* An entry that has data. */
struct item {
    uint32_t number;
    int32_t dump_id;
    bool objects;       /* large ones */
    uint64_t offset_at; /* where in the archive its Offset lies */
    uint64_t block_at;  /* where its block begins */
};

struct custom_stream {
    struct archive_stream base;
    struct data_packer packer;
    enum step step;

    struct item *items;
    size_t item_count, item_capacity, next_item;

    uint64_t contents_size; /* bytes of header and table of contents, once they were lent */
    struct slice packed;    /* what the packer gave and no chunk has taken yet */
    size_t chunk_len;       /* bytes in the chunk that is being filled */
    bool in_object;         /* its bytes are being read, into the chunk at chunk_at of base.out */
    uint32_t next_object;   /* of the entry */
    size_t chunk_at;
    uint8_t chunk[ARCHIVE_INT_SIZE + CHUNK_SIZE + 2 * ARCHIVE_INT_SIZE];
};

/* ---- Table of contents ---- */

static bool note_item(struct custom_stream *stream, const struct archive_entry *entry,
                      struct error *err)
{
    if (stream->item_count == stream->item_capacity) {
        struct item *items = array_grow(stream->items, &stream->item_capacity, sizeof(*items), err);

        if (items == NULL)
            return false;
        stream->items = items;
    }
    stream->items[stream->item_count++] = (struct item){
        .number = stream->base.next_entry,
        .dump_id = entry->dump_id,
        .objects = archive_entry_has_objects(entry),
        .offset_at = stream->base.lent + stream->base.out.len,
    };
    return true;
}

static bool append_offset(struct archive_stream *base, const struct archive_entry *entry,
                          struct error *err)
{
    return (!entry->has_data || note_item((struct custom_stream *)base, entry, err)) &&
           archive_append_offset(&base->out, entry->has_data ? OFFSET_UNSET : OFFSET_NO_DATA, err);
}

static bool fill_contents(struct custom_stream *stream, struct slice *lend, struct error *err)
{
    struct archive_stream *base = &stream->base;

    if (!archive_stream_fill_contents(base, FORMAT_CUSTOM, append_offset, err))
        return false;
    if (base->next_entry == base->header->entry_count)
        stream->step = STEP_BLOCK;
    *lend = buffer_slice(&base->out);
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

/* The first byte and the entry's number; or there is no more of them. */
static bool begin_block(struct custom_stream *stream, struct slice *lend, struct error *err)
{
    struct item *item;

    if (stream->contents_size == 0)
        stream->contents_size = stream->base.lent;
    buffer_free(&stream->base.out);
    stream->base.ended = stream->next_item == stream->item_count;
    if (stream->base.ended)
        return true;
    item = &stream->items[stream->next_item];
    item->block_at = stream->base.lent;
    stream->chunk[0] = item->objects ? BLOCK_BLOBS : BLOCK_DATA;
    archive_put_int(stream->chunk + 1, item->dump_id);
    *lend = slice_make(stream->chunk, 1 + ARCHIVE_INT_SIZE);
    stream->step = item->objects ? STEP_OBJECTS : STEP_DATA;
    stream->next_object = 0;
    return item->objects || data_packer_begin(&stream->packer, item->number, true, err);
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

/* ---- Large objects ---- */

/* Room for the chunk's length, which is known once it is full. */
static bool begin_object_chunk(struct custom_stream *stream, struct error *err)
{
    stream->chunk_at = stream->base.out.len;
    stream->chunk_len = 0;
    return archive_append_int(&stream->base.out, 0, err);
}

/* Its number, or the 0 behind the last. */
static bool begin_object(struct custom_stream *stream, struct error *err)
{
    const struct item *item = &stream->items[stream->next_item];
    uint32_t oid;

    if (!archive_stream_object(&stream->base, item->number, stream->next_object, &oid, err) ||
        !archive_append_int(&stream->base.out, (int32_t)oid, err))
        return false;
    if (oid == 0) {
        stream->next_item++;
        stream->step = STEP_BLOCK;
        return true;
    }
    stream->next_object++;
    stream->in_object = true;
    return data_packer_begin(&stream->packer, item->number, false, err) &&
           begin_object_chunk(stream, err);
}

static void end_object_chunk(struct custom_stream *stream)
{
    if (stream->chunk_len > 0)
        archive_put_int(stream->base.out.data + stream->chunk_at, (int64_t)stream->chunk_len);
    else
        buffer_truncate(&stream->base.out, stream->chunk_at);
}

static bool add_object_bytes(struct custom_stream *stream, struct error *err)
{
    size_t room = CHUNK_SIZE - stream->chunk_len;
    struct slice part =
        slice_take(&stream->packed, stream->packed.len < room ? stream->packed.len : room);

    if (!buffer_append(&stream->base.out, part.data, part.len, err))
        return false;
    stream->chunk_len += part.len;
    if (stream->packed.len > 0) { /* the chunk is full */
        end_object_chunk(stream);
        return begin_object_chunk(stream, err);
    }
    if (!stream->packer.ended)
        return data_packer_next(&stream->packer, &stream->packed, err);
    end_object_chunk(stream);
    stream->in_object = false;
    return archive_append_int(&stream->base.out, 0, err);
}

/* Never between the length of a chunk and its last byte. */
static bool may_lend(const struct custom_stream *stream)
{
    return stream->step != STEP_OBJECTS ||
           (stream->base.out.len >= CHUNK_SIZE && (!stream->in_object || stream->chunk_len == 0));
}

static bool fill_objects(struct custom_stream *stream, struct slice *lend, struct error *err)
{
    struct buffer *out = &stream->base.out;
    size_t len;

    /* The length of an empty chunk goes along to the next round. */
    buffer_clear(out);
    if (stream->in_object && !begin_object_chunk(stream, err))
        return false;
    do {
        if (!(stream->in_object ? add_object_bytes(stream, err) : begin_object(stream, err)))
            return false;
    } while (!may_lend(stream));
    len = stream->in_object ? stream->chunk_at : out->len;
    *lend = slice_make(out->data, len);
    return true;
}

/* ---- The stream ---- */

static bool custom_more(struct archive_stream *base, struct slice *lend, struct error *err)
{
    struct custom_stream *stream = (struct custom_stream *)base;

    switch (stream->step) {
    case STEP_CONTENTS:
        return fill_contents(stream, lend, err);
    case STEP_BLOCK:
        return begin_block(stream, lend, err);
    case STEP_OBJECTS:
        return fill_objects(stream, lend, err);
    case STEP_DATA:
        break;
    }
    return fill_chunk(stream, lend, err);
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

static void custom_reset(struct archive_stream *base)
{
    struct custom_stream *stream = (struct custom_stream *)base;

    data_packer_reset(&stream->packer);
    free(stream->items);
}

struct reader *custom_stream_new(const struct archive_header *header,
                                 const struct archive_content *content, int level,
                                 struct error *err)
{
    static const struct archive_stream_kind kind = {
        .reader = {.next = archive_stream_next,
                   .amend = custom_amend,
                   .close = archive_stream_close},
        .more = custom_more,
        .reset = custom_reset,
    };
    struct custom_stream *stream;

    if (!archive_compression_check(header->minor, header->compression, err))
        return NULL;
    stream = archive_stream_new(&kind, sizeof(*stream), header, content, err);
    if (stream == NULL)
        return NULL;
    if (data_packer_init(&stream->packer, content, header->compression, true, level, err))
        return &stream->base.reader;
    reader_close(&stream->base.reader);
    return NULL;
}
