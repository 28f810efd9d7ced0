/*
 * Content is not copied while its message is taken apart, and a record's bytes are handed back as
 * they came: what newer hosts put into them is not lost, and what they must not lack is there.
 *
 * Source: protobuf.dev, "Encoding".
 */
#include "plakar/export_message.h"

#include "base/utf8.h"
#include "plakar/connectors.pb-c.h"
#include "plakar/record_message.h"

#include <stdlib.h>

/* ---- The wire format ---- */

#define WIRE_VARINT 0
#define WIRE_FIXED64 1
#define WIRE_BYTES 2
#define WIRE_FIXED32 5

static bool take_varint(struct slice *in, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && in->len > 0; shift += 7) {
        uint8_t byte = slice_take(in, 1).data[0];

        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool take_bytes(struct slice *in, uint64_t len, struct slice *bytes)
{
    if (len > in->len)
        return false;
    *bytes = slice_take(in, (size_t)len);
    return true;
}

/* The next field; bytes are those of WIRE_BYTES. */
static bool take_field(struct slice *in, uint64_t *key, struct slice *bytes)
{
    uint64_t len = 0;

    *bytes = (struct slice){0};
    if (!take_varint(in, key))
        return false;
    switch (*key & 7) {
    case WIRE_VARINT:
        return take_varint(in, &len);
    case WIRE_FIXED64:
        return take_bytes(in, 8, bytes);
    case WIRE_FIXED32:
        return take_bytes(in, 4, bytes);
    case WIRE_BYTES:
        return take_varint(in, &len) && take_bytes(in, len, bytes);
    default:
        return false;
    }
}

bool export_message_read(struct slice message, enum export_packet *packet, struct slice *bytes,
                         struct error *err)
{
    bool found = false;

    while (message.len > 0) {
        struct slice value;
        uint64_t key;

        if (!take_field(&message, &key, &value))
            return error_set(err, ERROR_PROTOCOL, "a message of Plakar cannot be read");
        if (key != (1 << 3 | WIRE_BYTES) && key != (2 << 3 | WIRE_BYTES))
            continue; /* of a newer host */
        *packet = key >> 3 == 1 ? EXPORT_RECORD : EXPORT_CHUNK;
        *bytes = value;
        found = true;
    }
    return found || error_set(err, ERROR_PROTOCOL, "Plakar sent neither a record nor content");
}

/* ---- Records ---- */

/* Older hosts cut the leading slash off. */
static char *copy_path(const char *path, struct error *err)
{
    struct buffer out = {0};

    if ((path[0] == '/' || buffer_append_byte(&out, '/', err)) &&
        buffer_append_string(&out, path, err) && buffer_append_byte(&out, '\0', err))
        return (char *)out.data;
    buffer_free(&out);
    return NULL;
}

/* It may be anything, and goes into a message of one line. */
static bool check_path(const char *path, struct error *err)
{
    struct buffer shown = {0};
    struct error why;
    bool escaped = false;

    if (strcmp(path, "/") == 0 || record_path_check(path, &why))
        return true;
    if (utf8_append_escaped(&shown, slice_string(path), UTF8_IN_TEXT, false, &escaped, err))
        error_set(err, ERROR_CORRUPT, "Plakar sent a file whose name is none: \"%.300s\"",
                  buffer_text(&shown));
    buffer_free(&shown);
    return false;
}

static bool fill(struct export_record *record, const Connectors__Record *from, struct error *err)
{
    const Connectors__FileInfo *info = from->file_info;

    record->path = copy_path(from->pathname, err);
    record->target = strdup(from->target);
    if (record->path == NULL || record->target == NULL)
        return error_set_memory(err);
    if (!check_path(record->path, err))
        return false;
    record->has_content = from->has_reader;
    record->is_attribute = from->is_xattr;
    record->record = (struct record){
        .type = info == NULL ? RECORD_FILE : record_message_type(info->mode),
        .path = record->path,
        .mode = info == NULL ? 0 : info->mode & 0777,
        .size = RECORD_SIZE_UNKNOWN, /* what is stored may say another */
        .link_target = record->target,
    };
    if (info != NULL && info->mod_time != NULL)
        record->record.modified = (struct timespec){.tv_sec = (time_t)info->mod_time->seconds,
                                                    .tv_nsec = info->mod_time->nanos};
    return true;
}

bool export_record_read(struct export_record *record, struct slice bytes, struct error *err)
{
    Connectors__Record *unpacked = connectors__record__unpack(NULL, bytes.len, bytes.data);
    bool done;

    *record = (struct export_record){.has_content = false};
    if (unpacked == NULL)
        return error_set(err, ERROR_PROTOCOL, "a record of Plakar cannot be read");
    done = fill(record, unpacked, err);
    connectors__record__free_unpacked(unpacked, NULL);
    if (!done)
        export_record_reset(record);
    return done;
}

void export_record_reset(struct export_record *record)
{
    free(record->path);
    free(record->target);
    *record = (struct export_record){.has_content = false};
}

/* ---- Results ---- */

static size_t varint_size(size_t value)
{
    size_t size = 1;

    for (; value > 0x7f; value >>= 7)
        size++;
    return size;
}

static bool append_field(struct buffer *out, uint8_t number, struct slice bytes, struct error *err)
{
    size_t len = bytes.len;

    if (!buffer_append_byte(out, (uint8_t)(number << 3 | WIRE_BYTES), err))
        return false;
    for (; len > 0x7f; len >>= 7) {
        if (!buffer_append_byte(out, (uint8_t)(len | 0x80), err))
            return false;
    }
    return buffer_append_byte(out, (uint8_t)len, err) &&
           buffer_append(out, bytes.data, bytes.len, err);
}

static size_t field_size(size_t len)
{
    return 1 + varint_size(len) + len;
}

bool export_result_append(struct buffer *out, struct slice record, const char *wrong,
                          struct error *err)
{
    struct slice text = slice_string(wrong);
    size_t len = field_size(record.len) + (text.len > 0 ? field_size(text.len) : 0);

    if (!buffer_reserve(out, field_size(len), err) ||
        !buffer_append_byte(out, 1 << 3 | WIRE_BYTES, err))
        return false;
    for (; len > 0x7f; len >>= 7) {
        if (!buffer_append_byte(out, (uint8_t)(len | 0x80), err))
            return false;
    }
    return buffer_append_byte(out, (uint8_t)len, err) && append_field(out, 1, record, err) &&
           (text.len == 0 || append_field(out, 2, text, err));
}
