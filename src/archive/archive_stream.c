/*
 * The machine that the custom format, the directory format and plain SQL share: how a stream is
 * pulled, kept from going on after a failure, and freed; and how a table of contents is written, of
 * which the formats differ in a few bytes an entry only.
 */
#include "archive/archive_stream_internal.h"

#include <stdlib.h>

#define CONTENTS_SIZE ((size_t)64 * 1024) /* of the table of contents that is lent at once */

void *archive_stream_new(const struct archive_stream_kind *kind, size_t size,
                         const struct archive_header *header, const struct archive_content *content,
                         struct error *err)
{
    struct archive_stream *stream = calloc(1, size);

    if (stream == NULL) {
        error_set_memory(err);
        return NULL;
    }
    stream->reader.ops = &kind->reader;
    stream->kind = kind;
    stream->header = header;
    stream->content = content;
    return stream;
}

enum reader_status archive_stream_next(struct reader *reader, struct slice *data, struct error *err)
{
    struct archive_stream *stream = (struct archive_stream *)reader;

    *data = (struct slice){0};
    while (!stream->failure.failed && !stream->ended && data->len == 0) {
        if (!stream->kind->more(stream, data, err))
            failure_keep(&stream->failure, err);
    }
    if (!failure_check(&stream->failure, err)) {
        *data = (struct slice){0};
        return READER_FAILED;
    }
    stream->lent += data->len;
    return data->len > 0 ? READER_DATA : READER_END;
}

void archive_stream_close(struct reader *reader)
{
    struct archive_stream *stream = (struct archive_stream *)reader;

    if (stream->kind->reset != NULL)
        stream->kind->reset(stream);
    buffer_free(&stream->out);
    free(stream);
}

bool archive_stream_entry(const struct archive_stream *stream, uint32_t number,
                          struct archive_entry *entry, struct error *err)
{
    return stream->content->entry(stream->content->context, number, entry, err);
}

bool archive_entry_has_objects(const struct archive_entry *entry)
{
    return entry->has_data && strcmp(entry->desc, ARCHIVE_LARGE_OBJECTS) == 0;
}

bool archive_stream_object(const struct archive_stream *stream, uint32_t number, uint32_t index,
                           uint32_t *oid, struct error *err)
{
    *oid = 0;
    if (stream->content->object == NULL)
        return error_set(err, ERROR_UNSUPPORTED, "there is nothing to read large objects with");
    return stream->content->object(stream->content->context, number, index, oid, err);
}

bool archive_stream_fill_contents(struct archive_stream *stream, enum archive_format format,
                                  bool (*rest)(struct archive_stream *stream,
                                               const struct archive_entry *entry,
                                               struct error *err),
                                  struct error *err)
{
    struct archive_entry entry;

    buffer_clear_keeping(&stream->out, ARCHIVE_TEXT_KEPT);
    if (!stream->begun && !archive_append_header(&stream->out, stream->header, format, err))
        return false;
    stream->begun = true;
    while (stream->next_entry < stream->header->entry_count && stream->out.len < CONTENTS_SIZE) {
        if (!archive_stream_entry(stream, stream->next_entry, &entry, err) ||
            !archive_append_entry(&stream->out, &entry, stream->header->minor, err) ||
            !rest(stream, &entry, err))
            return false;
        stream->next_entry++;
    }
    return true;
}
