/* A custom archive as a reader: header and table of contents, then the data, a block an entry. */
#include "archive/data_packer.h"

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

struct custom_writer {
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

static bool note_item(struct custom_writer *writer, const struct archive_entry *entry,
                      struct error *err)
{
    if (writer->item_count == writer->item_capacity) {
        size_t capacity = writer->item_capacity == 0 ? 64 : writer->item_capacity * 2;
        struct item *items = realloc(writer->items, capacity * sizeof(*items));

        if (items == NULL)
            return error_set_memory(err);
        writer->items = items;
        writer->item_capacity = capacity;
    }
    writer->items[writer->item_count++] = (struct item){
        .number = writer->next_entry,
        .dump_id = entry->dump_id,
        .offset_at = writer->lent + writer->out.len,
    };
    return true;
}

static bool append_next_entry(struct custom_writer *writer, struct error *err)
{
    struct archive_entry entry;

    if (!writer->content->entry(writer->content->context, writer->next_entry, &entry, err) ||
        !archive_append_entry(&writer->out, &entry, writer->header->minor, err) ||
        (entry.has_data && !note_item(writer, &entry, err)) ||
        !archive_append_offset(&writer->out, entry.has_data ? OFFSET_UNSET : OFFSET_NO_DATA, err))
        return false;
    writer->next_entry++;
    return true;
}

static bool fill_contents(struct custom_writer *writer, struct error *err)
{
    buffer_clear_keeping(&writer->out, ARCHIVE_TEXT_KEPT);
    if (writer->step == STEP_HEADER) {
        if (!archive_append_header(&writer->out, writer->header, FORMAT_CUSTOM, err))
            return false;
        writer->step = STEP_CONTENTS;
    }
    while (writer->next_entry < writer->header->entry_count && writer->out.len < CONTENTS_SIZE) {
        if (!append_next_entry(writer, err))
            return false;
    }
    if (writer->next_entry == writer->header->entry_count)
        writer->step = STEP_BLOCK;
    return true;
}

/* ---- Data ---- */

/* Moves bytes into the chunk; *full once it holds as many as a chunk does. */
static void add_to_chunk(struct custom_writer *writer, struct slice *bytes, bool *full)
{
    size_t room = CHUNK_SIZE - writer->chunk_len;
    struct slice part = slice_take(bytes, bytes->len < room ? bytes->len : room);

    if (part.len > 0)
        memcpy(writer->chunk + ARCHIVE_INT_SIZE + writer->chunk_len, part.data, part.len);
    writer->chunk_len += part.len;
    *full = writer->chunk_len == CHUNK_SIZE;
}

/* The chunk with its length in front and, if the block ends with it, the 0 that says so. */
static struct slice finish_chunk(struct custom_writer *writer, bool last)
{
    size_t len = 0;

    if (writer->chunk_len > 0) {
        archive_put_int(writer->chunk, (int64_t)writer->chunk_len);
        len = ARCHIVE_INT_SIZE + writer->chunk_len;
    }
    if (last) {
        archive_put_int(writer->chunk + len, 0);
        len += ARCHIVE_INT_SIZE;
    }
    writer->chunk_len = 0;
    return slice_make(writer->chunk, len);
}

static struct slice begin_block(struct custom_writer *writer)
{
    struct item *item = &writer->items[writer->next_item];

    item->block_at = writer->lent;
    writer->chunk[0] = BLOCK_DATA;
    archive_put_int(writer->chunk + 1, item->dump_id);
    return slice_make(writer->chunk, 1 + ARCHIVE_INT_SIZE);
}

static bool fill_chunk(struct custom_writer *writer, struct slice *lend, struct error *err)
{
    for (;;) {
        bool full;

        add_to_chunk(writer, &writer->packed, &full);
        if (full) {
            *lend = finish_chunk(writer, false);
            return true;
        }
        if (writer->packer.ended) {
            *lend = finish_chunk(writer, true);
            writer->next_item++;
            writer->step = STEP_BLOCK;
            return true;
        }
        if (!data_packer_next(&writer->packer, &writer->packed, err))
            return false;
    }
}

/* ---- The reader ---- */

static bool next_bytes(struct custom_writer *writer, struct slice *lend, struct error *err)
{
    switch (writer->step) {
    case STEP_HEADER:
    case STEP_CONTENTS:
        if (!fill_contents(writer, err))
            return false;
        *lend = buffer_slice(&writer->out);
        return true;
    case STEP_BLOCK:
        if (writer->contents_size == 0)
            writer->contents_size = writer->lent;
        buffer_free(&writer->out);
        if (writer->next_item == writer->item_count) {
            writer->step = STEP_END;
            return true;
        }
        *lend = begin_block(writer);
        writer->step = STEP_DATA;
        return data_packer_begin(&writer->packer, writer->items[writer->next_item].number, err);
    case STEP_DATA:
        return fill_chunk(writer, lend, err);
    case STEP_END:
        break;
    }
    return true;
}

static enum reader_status custom_next(struct reader *reader, struct slice *data, struct error *err)
{
    struct custom_writer *writer = (struct custom_writer *)reader;

    *data = (struct slice){0};
    while (!writer->failure.failed && writer->step != STEP_END && data->len == 0) {
        if (!next_bytes(writer, data, err)) {
            failure_keep(&writer->failure, err);
            data->len = 0;
        }
    }
    if (!failure_check(&writer->failure, err))
        return READER_FAILED;
    writer->lent += data->len;
    return data->len > 0 ? READER_DATA : READER_END;
}

static bool custom_amend(struct reader *reader, const struct reader_amender *amender,
                         struct error *err)
{
    struct custom_writer *writer = (struct custom_writer *)reader;

    for (size_t i = 0; i < writer->item_count; i++) {
        uint8_t offset[ARCHIVE_OFFSET_SIZE];

        archive_put_offset(offset, OFFSET_SET, writer->items[i].block_at);
        if (!amender->write(amender->context, writer->items[i].offset_at,
                            slice_make(offset, sizeof(offset)), err))
            return false;
    }
    return true;
}

uint64_t custom_archive_contents_size(const struct reader *reader)
{
    return ((const struct custom_writer *)reader)->contents_size;
}

static void custom_close(struct reader *reader)
{
    struct custom_writer *writer = (struct custom_writer *)reader;

    data_packer_reset(&writer->packer);
    free(writer->items);
    buffer_free(&writer->out);
    free(writer);
}

struct reader *custom_archive_reader_new(const struct archive_header *header,
                                         const struct archive_content *content, int level,
                                         struct error *err)
{
    static const struct reader_ops ops = {
        .next = custom_next, .amend = custom_amend, .close = custom_close};
    struct custom_writer *writer;

    if (!archive_compression_check(header->minor, header->compression, err))
        return NULL;
    writer = calloc(1, sizeof(*writer));
    if (writer == NULL) {
        error_set_memory(err);
        return NULL;
    }
    writer->reader.ops = &ops;
    writer->header = header;
    writer->content = content;
    if (data_packer_init(&writer->packer, content, header->compression, true, level, err))
        return &writer->reader;
    free(writer);
    return NULL;
}
