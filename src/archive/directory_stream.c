/*
 * The directory format: toc.dat, never compressed, and a file for the data of each entry, of large
 * objects a file for each of these and a list. They are streams of their own, because they become
 * files of their own, which may be written in any order and by several at once.
 */
#include "archive/archive_stream_internal.h"
#include "archive/data_packer_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define LIST_SIZE ((size_t)64 * 1024) /* of a list of large objects that is lent at once */

static const char *const suffixes[] = {
    [COMPRESSION_NONE] = "",
    [COMPRESSION_GZIP] = ".gz",
    [COMPRESSION_LZ4] = ".lz4",
    [COMPRESSION_ZSTD] = ".zst",
};

void directory_data_name(int32_t dump_id, enum compression compression, char out[32])
{
    snprintf(out, 32, "%" PRId32 ".dat%s", dump_id, suffixes[compression]);
}

void directory_object_name(uint32_t oid, enum compression compression, char out[32])
{
    snprintf(out, 32, "blob_%" PRIu32 ".dat%s", oid, suffixes[compression]);
}

void directory_object_list_name(int32_t dump_id, int minor, char out[32])
{
    if (minor >= 16)
        snprintf(out, 32, "blobs_%" PRId32 ".toc", dump_id);
    else
        snprintf(out, 32, "blobs.toc");
}

/* ---- toc.dat ---- */

/* The name of its file without the suffix, by which a reader finds what it is compressed with. */
static bool append_file(struct archive_stream *stream, const struct archive_entry *entry,
                        struct error *err)
{
    char name[32] = "";

    if (archive_entry_has_objects(entry))
        directory_object_list_name(entry->dump_id, stream->header->minor, name);
    else if (entry->has_data)
        directory_data_name(entry->dump_id, COMPRESSION_NONE, name);
    return archive_append_string(&stream->out, name, err);
}

static bool toc_more(struct archive_stream *stream, struct slice *lend, struct error *err)
{
    if (!archive_stream_fill_contents(stream, FORMAT_TAR, append_file, err))
        return false;
    stream->ended = stream->next_entry == stream->header->entry_count;
    *lend = buffer_slice(&stream->out);
    return true;
}

struct reader *directory_toc_stream_new(const struct archive_header *header,
                                        const struct archive_content *content, struct error *err)
{
    static const struct archive_stream_kind kind = {
        .reader = {.next = archive_stream_next, .close = archive_stream_close},
        .more = toc_more,
    };

    if (!archive_compression_check(header->minor, header->compression, err))
        return NULL;
    return archive_stream_new(&kind, sizeof(struct archive_stream), header, content, err);
}

/* ---- The file of an entry ---- */

struct data_stream {
    struct archive_stream base;
    struct data_packer packer;
};

static bool data_more(struct archive_stream *base, struct slice *lend, struct error *err)
{
    struct data_stream *stream = (struct data_stream *)base;
    bool done = data_packer_next(&stream->packer, lend, err);

    base->ended = stream->packer.ended;
    return done;
}

static void data_reset(struct archive_stream *base)
{
    data_packer_reset(&((struct data_stream *)base)->packer);
}

static struct reader *data_stream_new(const struct archive_content *content, uint32_t number,
                                      bool rows, enum compression compression, int level,
                                      struct error *err)
{
    static const struct archive_stream_kind kind = {
        .reader = {.next = archive_stream_next, .close = archive_stream_close},
        .more = data_more,
        .reset = data_reset,
    };
    struct data_stream *stream = archive_stream_new(&kind, sizeof(*stream), NULL, content, err);

    if (stream == NULL)
        return NULL;
    if (data_packer_init(&stream->packer, content, compression, false, level, err) &&
        data_packer_begin(&stream->packer, number, rows, err))
        return &stream->base.reader;
    reader_close(&stream->base.reader);
    return NULL;
}

struct reader *directory_data_stream_new(const struct archive_content *content, uint32_t number,
                                         enum compression compression, int level, struct error *err)
{
    return data_stream_new(content, number, true, compression, level, err);
}

struct reader *directory_object_stream_new(const struct archive_content *content, uint32_t number,
                                           enum compression compression, int level,
                                           struct error *err)
{
    return data_stream_new(content, number, false, compression, level, err);
}

/* ---- The list of an entry's large objects ---- */

struct list_stream {
    struct archive_stream base;
    uint32_t number, next;
};

static bool list_more(struct archive_stream *base, struct slice *lend, struct error *err)
{
    struct list_stream *stream = (struct list_stream *)base;

    buffer_clear(&base->out);
    while (!base->ended && base->out.len < LIST_SIZE) {
        char name[32];
        uint32_t oid;

        if (!archive_stream_object(base, stream->number, stream->next++, &oid, err))
            return false;
        base->ended = oid == 0;
        directory_object_name(oid, COMPRESSION_NONE, name);
        if (oid != 0 && !buffer_printf(&base->out, err, "%" PRIu32 " %s\n", oid, name))
            return false;
    }
    *lend = buffer_slice(&base->out);
    return true;
}

struct reader *directory_object_list_stream_new(const struct archive_content *content,
                                                uint32_t number, struct error *err)
{
    static const struct archive_stream_kind kind = {
        .reader = {.next = archive_stream_next, .close = archive_stream_close},
        .more = list_more,
    };
    struct list_stream *stream = archive_stream_new(&kind, sizeof(*stream), NULL, content, err);

    if (stream == NULL)
        return NULL;
    stream->number = number;
    return &stream->base.reader;
}
