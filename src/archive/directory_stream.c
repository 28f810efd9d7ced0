/*
 * The directory format: toc.dat, never compressed, and a file for the data of each entry. They are
 * streams of their own, because they become files of their own, which may be written in any order
 * and by several at once.
 */
#include "archive/archive_stream_internal.h"
#include "archive/data_packer_internal.h"

#include <inttypes.h>
#include <stdio.h>

void directory_data_name(int32_t dump_id, enum compression compression, char out[32])
{
    static const char *const suffixes[] = {
        [COMPRESSION_NONE] = "",
        [COMPRESSION_GZIP] = ".gz",
        [COMPRESSION_LZ4] = ".lz4",
        [COMPRESSION_ZSTD] = ".zst",
    };

    snprintf(out, 32, "%" PRId32 ".dat%s", dump_id, suffixes[compression]);
}

/* ---- toc.dat ---- */

/* The name of its file without the suffix, by which a reader finds what it is compressed with. */
static bool append_file(struct archive_stream *stream, const struct archive_entry *entry,
                        struct error *err)
{
    char name[32] = "";

    if (entry->has_data)
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

struct reader *directory_data_stream_new(const struct archive_content *content, uint32_t number,
                                         enum compression compression, int level, struct error *err)
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
        data_packer_begin(&stream->packer, number, err))
        return &stream->base.reader;
    reader_close(&stream->base.reader);
    return NULL;
}
