/*
 * What Plakar sends on Export: messages of 16 bits of length and so many bytes; the last may be cut
 * off. They are taken apart, and what can be read goes through the queue to the restore's side.
 *
 * Holds: whatever is not read is told; what is lent lies within its message; a path is absolute and
 * holds nothing but names; a result gives a record's bytes back as they came; a source yields the
 * files that were put in, each with its content and no other's, whether that is read or not.
 *
 * Limits: -malloc_limit_mb=1 -max_len=8192
 */
#include "base/buffer.h"
#include "plakar/export_queue.h"
#include "plakar/exporter.pb-c.h"
#include "record/record.h"
#include "support/feed.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was put in, or came out: of files only. */
struct account {
    struct trace trace;
    size_t files;
};

static struct slice take_message(struct slice *input)
{
    size_t len = input->len < 2 ? 0 : (size_t)(input->data[0] << 8 | input->data[1]);

    slice_take(input, input->len < 2 ? input->len : 2);
    return slice_take(input, len < input->len ? len : input->len);
}

static void check_record(const struct export_record *record)
{
    struct error err;

    must(record->path[0] == '/' && record->target != NULL);
    must(strcmp(record->path, "/") == 0 || record_path_check(record->path, &err));
    must(record->record.mode <= 0777 && record->record.path == record->path);
}

/* An ExportResponse of it has its very bytes. */
static void check_result(struct slice bytes)
{
    struct buffer message = {0};
    struct error err;
    Exporter__ExportResponse *response;
    uint8_t *copy;
    struct slice found = {0};
    enum export_packet packet;

    must(export_result_append(&message, bytes, "wrong", &err));
    response = exporter__export_response__unpack(NULL, message.len, message.data);
    must(response != NULL && strcmp(response->result->error, "wrong") == 0);
    exporter__export_response__free_unpacked(response, NULL);
    /* The result is field 1 of the response, and the record field 1 of that. */
    copy = malloc(message.len);
    must(copy != NULL);
    memcpy(copy, message.data, message.len);
    must(export_message_read(slice_make(copy, message.len), &packet, &found, &err));
    must(packet == EXPORT_RECORD && found.len > bytes.len);
    must(memcmp(found.data + found.len - bytes.len - 7, bytes.data, bytes.len) == 0 ||
         bytes.len == 0);
    free(copy);
    buffer_free(&message);
}

static bool is_file(const struct export_record *record)
{
    return record->record.type == RECORD_FILE && !record->is_attribute && record->path[1] != '\0';
}

/* As exporter.c's job does it. */
static void put(struct export_queue *queue, struct slice message, struct account *in, bool *open,
                bool *counted)
{
    struct export_record record;
    enum export_packet packet;
    struct slice bytes = {0};
    struct error err;

    if (!export_message_read(message, &packet, &bytes, &err)) {
        must_be_told(&err);
        return;
    }
    must(bytes.len == 0 ||
         (bytes.data >= message.data && bytes.data + bytes.len <= message.data + message.len));
    if (packet == EXPORT_CHUNK) {
        if (!*open)
            return;
        *open = bytes.len > 0;
        must(*open ? export_queue_put_content(queue, bytes, &err)
                   : export_queue_put_content_end(queue, &err));
        if (*counted)
            trace_data(&in->trace, bytes);
        return;
    }
    if (*open)
        return;
    if (!export_record_read(&record, bytes, &err)) {
        must_be_told(&err);
        return;
    }
    check_record(&record);
    check_result(bytes);
    *open = record.has_content;
    *counted = *open && is_file(&record);
    if (is_file(&record)) {
        in->files++;
        trace_text(&in->trace, record.path);
    }
    must(export_queue_put_record(queue, &record, &err) && record.path == NULL);
}

/* Reads contents of files: all; or only of those whose number is even, and nothing is compared. */
static void take_all(struct export_queue *queue, struct account *out, bool whole, bool cut)
{
    struct cancel cancel;
    struct record_source *source;
    enum source_status status;
    struct record record;
    struct error err;

    must(cancel_init(&cancel, &err));
    source = export_queue_source(queue, &cancel, &err);
    must(source != NULL);
    while ((status = source->ops->next(source, &record, &err)) == SOURCE_RECORD) {
        struct slice data;

        if (record.type != RECORD_FILE)
            continue;
        trace_text(&out->trace, record.path);
        if (!whole && out->files++ % 2 == 1)
            continue;
        out->files += whole;
        while (record.reader->ops->next(record.reader, &data, &err) == READER_DATA)
            trace_data(&out->trace, data);
        record.reader->ops->close(record.reader);
    }
    must(status == (cut ? SOURCE_FAILED : SOURCE_END));
    must(export_queue_was_taken(queue));
    source->ops->close(source);
    cancel_reset(&cancel);
}

static void run(struct slice input, int fd, bool whole)
{
    struct account in = {0}, out = {0};
    struct error err;
    struct export_queue *queue = export_queue_new(fd, &err);
    bool open = false, counted = false;

    must(queue != NULL);
    while (input.len > 0)
        put(queue, take_message(&input), &in, &open, &counted);
    if (open)
        error_set(&err, ERROR_CORRUPT, "cut off");
    must(export_queue_end(queue, open ? &err : NULL, &err));
    take_all(queue, &out, whole, open);
    if (whole && !open)
        must(in.files == out.files && trace_equals(&in.trace, &out.trace));
    export_queue_free(queue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    must(copy != NULL && fd >= 0);
    if (size > 0)
        memcpy(copy, data, size);
    run(slice_make(copy, size), fd, true);
    run(slice_make(copy, size), fd, false);
    close(fd);
    free(copy);
    return 0;
}
