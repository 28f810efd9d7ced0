/*
 * What all sources and stores have in common: which paths a record may have, names that become
 * paths, and the calls on readers and sources with their two possible ends.
 */
#include "record/record_internal.h"

#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Paths ---- */

static bool component_check(const char *path, const char *component, size_t len, struct error *err)
{
    if (len == 0)
        return error_set(err, ERROR_CORRUPT, "path \"%.200s\" has an empty component", path);
    if (len == 1 && component[0] == '.')
        return error_set(err, ERROR_CORRUPT, "path \"%.200s\" contains \".\"", path);
    if (len == 2 && component[0] == '.' && component[1] == '.')
        return error_set(err, ERROR_CORRUPT, "path \"%.200s\" contains \"..\"", path);
    return true;
}

bool record_path_check(const char *path, struct error *err)
{
    const char *component;

    if (strnlen(path, RECORD_PATH_MAX) == RECORD_PATH_MAX)
        return error_set(err, ERROR_CORRUPT, "path \"%.200s…\" is longer than %d bytes", path,
                         RECORD_PATH_MAX - 1);
    if (path[0] != '/')
        return error_set(err, ERROR_CORRUPT, "path \"%.200s\" does not begin with a slash", path);
    component = path + 1;
    for (;;) {
        size_t len = strcspn(component, "/");

        if (!component_check(path, component, len, err))
            return false;
        if (component[len] == '\0')
            return true;
        component += len + 1;
    }
}

/* Whether a character of a name may stand in a path as it is. */
static bool is_plain(uint32_t code, bool first)
{
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f))
        return false;
    return code != '/' && code != '%' && (code != '.' || !first);
}

bool record_path_encode(const char *name, char *out, size_t out_size)
{
    struct slice rest = slice_string(name);
    size_t used = 0;

    while (rest.len > 0) {
        uint32_t code = 0;
        size_t len = utf8_character(rest, &code);
        bool plain = len > 0 && is_plain(code, used == 0);
        struct slice bytes = slice_take(&rest, len > 0 ? len : 1);

        if (out_size - used <= (plain ? bytes.len : 3 * bytes.len))
            return false;
        for (size_t i = 0; !plain && i < bytes.len; i++)
            used += (size_t)snprintf(out + used, 4, "%%%02X", bytes.data[i]);
        if (plain) {
            memcpy(out + used, bytes.data, bytes.len);
            used += bytes.len;
        }
    }
    if (used >= out_size)
        return false;
    out[used] = '\0';
    return true;
}

static int hex_digit(uint8_t byte)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = byte == '\0' ? NULL : strchr(digits, byte);

    return at == NULL ? -1 : (int)(at - digits);
}

bool record_path_stands_for(struct slice encoded, const char *name)
{
    for (size_t i = 0; i < encoded.len; i++, name++) {
        int byte = encoded.data[i];

        if (byte == '%') {
            if (encoded.len - i < 3 || hex_digit(encoded.data[i + 1]) < 0 ||
                hex_digit(encoded.data[i + 2]) < 0)
                return false;
            byte = hex_digit(encoded.data[i + 1]) * 16 + hex_digit(encoded.data[i + 2]);
            i += 2;
        }
        if (*name == '\0' || byte != (uint8_t)*name)
            return false;
    }
    return *name == '\0';
}

/* ---- A reader over memory ---- */

struct memory_reader {
    struct reader reader;
    struct slice content;
};

static enum reader_status memory_reader_next(struct reader *reader, struct slice *data,
                                             struct error *err)
{
    struct memory_reader *memory = (struct memory_reader *)reader;

    (void)err;
    if (memory->content.len == 0)
        return READER_END;
    *data = slice_take(&memory->content, memory->content.len);
    return READER_DATA;
}

static void memory_reader_close(struct reader *reader)
{
    free(reader);
}

struct reader *reader_from_memory(struct slice content, struct error *err)
{
    static const struct reader_ops ops = {.next = memory_reader_next, .close = memory_reader_close};
    struct memory_reader *memory = calloc(1, sizeof(*memory));

    if (memory == NULL) {
        error_set_memory(err);
        return NULL;
    }
    memory->reader.ops = &ops;
    memory->content = content;
    return &memory->reader;
}

/* ---- Running a source into a store ---- */

static bool content_check_size(const struct record *record, uint64_t total, struct error *err)
{
    if (record->size == RECORD_SIZE_UNKNOWN || total == (uint64_t)record->size)
        return true;
    return error_set(err, ERROR_CORRUPT, "\"%s\" was announced with %lld bytes but yielded %s%llu",
                     record->path, (long long)record->size,
                     total > (uint64_t)record->size ? "at least " : "", (unsigned long long)total);
}

bool content_copy(const struct record *record, const struct cancel *cancel, content_write_fn *write,
                  void *context, struct error *err)
{
    uint64_t total = 0;

    if (record->reader == NULL)
        return error_set(err, ERROR_CORRUPT, "\"%s\" has no content to read", record->path);
    for (;;) {
        struct slice slices[CONTENT_SLICES_MAX];
        enum reader_status status;
        size_t count;

        if (!cancel_check(cancel, err))
            return false;
        status = reader_next_many(record->reader, slices, CONTENT_SLICES_MAX, &count, err);
        if (status == READER_FAILED)
            return false;
        if (status == READER_END)
            return content_check_size(record, total, err);
        for (size_t i = 0; i < count; i++)
            total += slices[i].len;
        if (record->size != RECORD_SIZE_UNKNOWN && total > (uint64_t)record->size)
            return content_check_size(record, total, err);
        if (!write(context, slices, count, err))
            return false;
    }
}

void pieces_add(struct pieces *pieces, struct slice data)
{
    if (data.len == 0)
        return;
    /* iovec has no const; nothing writes through it. */
    pieces->parts[pieces->count++] = (struct iovec){(void *)(uintptr_t)data.data, data.len};
    pieces->len += data.len;
}

void pieces_advance(struct pieces *pieces, size_t written)
{
    pieces->len -= written;
    while (written > 0) {
        struct iovec *part = &pieces->parts[pieces->first];
        size_t step = written < part->iov_len ? written : part->iov_len;

        part->iov_base = (uint8_t *)part->iov_base + step;
        part->iov_len -= step;
        written -= step;
        if (part->iov_len == 0)
            pieces->first++;
    }
}

static bool store_run_one(const struct record *record, const struct store_options *options,
                          store_add_fn *add, void *context, struct error *err)
{
    const struct record_observer *observer = options->observer;

    if (!cancel_check(options->cancel, err) || !record_path_check(record->path, err))
        return false;
    if (observer != NULL && observer->record_begun != NULL)
        observer->record_begun(observer->context, record);
    return add(context, record, err);
}

bool store_run(struct record_source *source, const struct store_options *options, store_add_fn *add,
               void *context, struct error *err)
{
    bool last_seen = options->last_path == NULL;

    for (;;) {
        struct record record = {0};
        enum source_status status;
        bool added;

        if (!cancel_check(options->cancel, err))
            return false;
        status = source_next(source, &record, err);
        if (status == SOURCE_FAILED)
            return false;
        if (status == SOURCE_END)
            break;
        if (options->last_path != NULL && strcmp(record.path, options->last_path) == 0)
            last_seen = true;
        added = store_run_one(&record, options, add, context, err);
        reader_close(record.reader);
        if (!added)
            return false;
    }
    if (!last_seen)
        return error_set(err, ERROR_CORRUPT, "the backup ended without its last record, \"%s\"",
                         options->last_path);
    return true;
}
