/* The directory format: toc.dat, never compressed, and a file for the data of each entry. */
#include "archive/data_packer.h"

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

struct toc_writer {
    struct reader reader;
    const struct archive_header *header;
    const struct archive_content *content;
    bool begun;
    struct failure failure;
    uint32_t next_entry;
    struct buffer out;
};

/* The name of its file without the suffix, by which a reader finds what it is compressed with. */
static bool append_next_entry(struct toc_writer *writer, struct error *err)
{
    struct archive_entry entry;
    char name[32] = "";

    if (!writer->content->entry(writer->content->context, writer->next_entry, &entry, err))
        return false;
    if (entry.has_data)
        directory_data_name(entry.dump_id, COMPRESSION_NONE, name);
    writer->next_entry++;
    return archive_append_entry(&writer->out, &entry, writer->header->minor, err) &&
           archive_append_string(&writer->out, name, err);
}

static bool fill_contents(struct toc_writer *writer, struct error *err)
{
    buffer_clear_keeping(&writer->out, ARCHIVE_TEXT_KEPT);
    if (!writer->begun && !archive_append_header(&writer->out, writer->header, FORMAT_TAR, err))
        return false;
    writer->begun = true;
    while (writer->next_entry < writer->header->entry_count && writer->out.len < CONTENTS_SIZE) {
        if (!append_next_entry(writer, err))
            return false;
    }
    return true;
}

static enum reader_status toc_next(struct reader *reader, struct slice *data, struct error *err)
{
    struct toc_writer *writer = (struct toc_writer *)reader;

    *data = (struct slice){0};
    if (!failure_check(&writer->failure, err))
        return READER_FAILED;
    if (!fill_contents(writer, err)) {
        failure_keep(&writer->failure, err);
        return READER_FAILED;
    }
    *data = buffer_slice(&writer->out);
    return data->len > 0 ? READER_DATA : READER_END;
}

static void toc_close(struct reader *reader)
{
    struct toc_writer *writer = (struct toc_writer *)reader;

    buffer_free(&writer->out);
    free(writer);
}

struct reader *directory_toc_reader_new(const struct archive_header *header,
                                        const struct archive_content *content, struct error *err)
{
    static const struct reader_ops ops = {.next = toc_next, .close = toc_close};
    struct toc_writer *writer;

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
    return &writer->reader;
}

/* ---- The file of an entry ---- */

struct data_writer {
    struct reader reader;
    struct data_packer packer;
    struct failure failure;
};

static enum reader_status data_next(struct reader *reader, struct slice *data, struct error *err)
{
    struct data_writer *writer = (struct data_writer *)reader;

    *data = (struct slice){0};
    while (!writer->failure.failed && !writer->packer.ended && data->len == 0) {
        if (!data_packer_next(&writer->packer, data, err))
            failure_keep(&writer->failure, err);
    }
    if (!failure_check(&writer->failure, err)) {
        *data = (struct slice){0};
        return READER_FAILED;
    }
    return data->len > 0 ? READER_DATA : READER_END;
}

static void data_close(struct reader *reader)
{
    struct data_writer *writer = (struct data_writer *)reader;

    data_packer_reset(&writer->packer);
    free(writer);
}

struct reader *directory_data_reader_new(const struct archive_content *content, uint32_t number,
                                         enum compression compression, int level, struct error *err)
{
    static const struct reader_ops ops = {.next = data_next, .close = data_close};
    struct data_writer *writer = calloc(1, sizeof(*writer));

    if (writer == NULL) {
        error_set_memory(err);
        return NULL;
    }
    writer->reader.ops = &ops;
    if (data_packer_init(&writer->packer, content, compression, false, level, err) &&
        data_packer_begin(&writer->packer, number, err))
        return &writer->reader;
    data_close(&writer->reader);
    return NULL;
}
