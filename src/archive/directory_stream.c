/* The directory format: toc.dat, never compressed, and a file for the data of each entry. */
#include "archive/data_packer_internal.h"

#include "base/failure.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CONTENTS_SIZE ((size_t)64 * 1024) /* of the table of contents that is lent at once */

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

struct toc_stream {
    struct reader reader;
    const struct archive_header *header;
    const struct archive_content *content;
    bool begun;
    struct failure failure;
    uint32_t next_entry;
    struct buffer out;
};

/* The name of its file without the suffix, by which a reader finds what it is compressed with. */
static bool append_next_entry(struct toc_stream *stream, struct error *err)
{
    struct archive_entry entry;
    char name[32] = "";

    if (!stream->content->entry(stream->content->context, stream->next_entry, &entry, err))
        return false;
    if (entry.has_data)
        directory_data_name(entry.dump_id, COMPRESSION_NONE, name);
    stream->next_entry++;
    return archive_append_entry(&stream->out, &entry, stream->header->minor, err) &&
           archive_append_string(&stream->out, name, err);
}

static bool fill_contents(struct toc_stream *stream, struct error *err)
{
    buffer_clear_keeping(&stream->out, ARCHIVE_TEXT_KEPT);
    if (!stream->begun && !archive_append_header(&stream->out, stream->header, FORMAT_TAR, err))
        return false;
    stream->begun = true;
    while (stream->next_entry < stream->header->entry_count && stream->out.len < CONTENTS_SIZE) {
        if (!append_next_entry(stream, err))
            return false;
    }
    return true;
}

static enum reader_status toc_next(struct reader *reader, struct slice *data, struct error *err)
{
    struct toc_stream *stream = (struct toc_stream *)reader;

    *data = (struct slice){0};
    if (!failure_check(&stream->failure, err))
        return READER_FAILED;
    if (!fill_contents(stream, err)) {
        failure_keep(&stream->failure, err);
        return READER_FAILED;
    }
    *data = buffer_slice(&stream->out);
    return data->len > 0 ? READER_DATA : READER_END;
}

static void toc_close(struct reader *reader)
{
    struct toc_stream *stream = (struct toc_stream *)reader;

    buffer_free(&stream->out);
    free(stream);
}

struct reader *directory_toc_stream_new(const struct archive_header *header,
                                        const struct archive_content *content, struct error *err)
{
    static const struct reader_ops ops = {.next = toc_next, .close = toc_close};
    struct toc_stream *stream;

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
    return &stream->reader;
}

/* ---- The file of an entry ---- */

struct data_stream {
    struct reader reader;
    struct data_packer packer;
    struct failure failure;
};

static enum reader_status data_next(struct reader *reader, struct slice *data, struct error *err)
{
    struct data_stream *stream = (struct data_stream *)reader;

    *data = (struct slice){0};
    while (!stream->failure.failed && !stream->packer.ended && data->len == 0) {
        if (!data_packer_next(&stream->packer, data, err))
            failure_keep(&stream->failure, err);
    }
    if (!failure_check(&stream->failure, err)) {
        *data = (struct slice){0};
        return READER_FAILED;
    }
    return data->len > 0 ? READER_DATA : READER_END;
}

static void data_close(struct reader *reader)
{
    struct data_stream *stream = (struct data_stream *)reader;

    data_packer_reset(&stream->packer);
    free(stream);
}

struct reader *directory_data_stream_new(const struct archive_content *content, uint32_t number,
                                         enum compression compression, int level, struct error *err)
{
    static const struct reader_ops ops = {.next = data_next, .close = data_close};
    struct data_stream *stream = calloc(1, sizeof(*stream));

    if (stream == NULL) {
        error_set_memory(err);
        return NULL;
    }
    stream->reader.ops = &ops;
    if (data_packer_init(&stream->packer, content, compression, false, level, err) &&
        data_packer_begin(&stream->packer, number, err))
        return &stream->reader;
    data_close(&stream->reader);
    return NULL;
}
