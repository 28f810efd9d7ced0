/* Header and table of contents of a custom archive. Nothing is believed before it was checked: a
 * unit that is not all there is looked at again when more bytes have come. */
#include "archive/decoder_internal.h"

#include "base/bytes.h"

#include <stdlib.h>

#define STRING_MAX ((int64_t)256 << 20)
#define STRINGS_MAX 12 /* of one unit */

static enum decode_status corrupt(struct error *err, const char *what)
{
    error_set(err, ERROR_CORRUPT, "the archive is damaged: %s", what);
    return DECODE_FAILED;
}

enum decode_status decode_int(struct slice *in, const struct archive_widths *widths, int64_t *value,
                              struct error *err)
{
    uint64_t magnitude = 0;
    size_t size = 1 + (size_t)widths->integer;

    if (in->len < size)
        return DECODE_MORE;
    for (size_t i = widths->integer; i > 0; i--) {
        if (magnitude >> 48 != 0)
            return corrupt(err, "a number is too large");
        magnitude = magnitude << 8 | in->data[i];
    }
    *value = in->data[0] != 0 ? -(int64_t)magnitude : (int64_t)magnitude;
    slice_take(in, size);
    return DECODE_DONE;
}

static enum decode_status decode_int_in(struct slice *in, const struct archive_widths *widths,
                                        int64_t lowest, int64_t highest, int64_t *value,
                                        struct error *err)
{
    enum decode_status status = decode_int(in, widths, value, err);

    if (status == DECODE_DONE && (*value < lowest || *value > highest))
        return corrupt(err, "a number is out of range");
    return status;
}

static enum decode_status decode_byte(struct slice *in, uint8_t *value)
{
    return bytes_take_u8(in, value) ? DECODE_DONE : DECODE_MORE;
}

/* The string as it lies in the input; data NULL for NULL. */
static enum decode_status decode_string(struct slice *in, const struct archive_widths *widths,
                                        struct slice *text, struct error *err)
{
    int64_t len;
    enum decode_status status = decode_int_in(in, widths, -1, STRING_MAX, &len, err);

    *text = (struct slice){0};
    if (status != DECODE_DONE || len < 0)
        return status;
    if (in->len < (size_t)len)
        return DECODE_MORE;
    *text = slice_take(in, (size_t)len);
    if (memchr(text->data, '\0', text->len) != NULL)
        return corrupt(err, "a text holds a NUL");
    return DECODE_DONE;
}

/* Copies the strings of a unit behind each other, each with its NUL. */
static bool keep_strings(struct buffer *strings, const struct slice *found, size_t count,
                         const char *texts[STRINGS_MAX], struct error *err)
{
    size_t at = 0, total = 0;

    for (size_t i = 0; i < count; i++)
        total += found[i].len + 1;
    buffer_clear(strings);
    if (!buffer_reserve(strings, total, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        texts[i] = NULL;
        if (found[i].data == NULL)
            continue;
        if (!buffer_append(strings, found[i].data, found[i].len, err) ||
            !buffer_append_byte(strings, '\0', err))
            return false;
        texts[i] = (const char *)strings->data + at;
        at = strings->len;
    }
    return true;
}

/* ---- Header
 * --------------------------------------------------------------------------------------- */

static enum decode_status decode_fixed(struct slice *in, struct archive_widths *widths,
                                       struct error *err)
{
    const uint8_t *bytes = in->data;

    if (in->len >= 5 && memcmp(bytes, "PGDMP", 5) != 0)
        return corrupt(err, "it does not begin as a custom archive does");
    if (in->len < 11)
        return DECODE_MORE;
    if (bytes[5] != 1 || bytes[6] < 12) {
        error_set(err, ERROR_UNSUPPORTED, "the archive is of version %u.%u", bytes[5], bytes[6]);
        error_hint(err, "Versions 1.12 to 1.16 can be read.");
        return DECODE_FAILED;
    }
    if (bytes[6] > 16) {
        error_set(err, ERROR_UNSUPPORTED,
                  "the archive is of version 1.%u, which is newer than any "
                  "that can be read",
                  bytes[6]);
        return DECODE_FAILED;
    }
    if (bytes[10] != FORMAT_CUSTOM)
        return corrupt(err, "it is not of the custom format");
    *widths = (struct archive_widths){bytes[8], bytes[9], bytes[6]};
    if (widths->integer < 1 || widths->integer > 8 || widths->offset < 1 || widths->offset > 8)
        return corrupt(err, "its numbers have impossible sizes");
    slice_take(in, 11);
    return DECODE_DONE;
}

static enum decode_status decode_compression(struct slice *in, const struct archive_widths *widths,
                                             enum compression *compression, struct error *err)
{
    enum decode_status status;
    uint8_t method;
    int64_t level;

    if (widths->minor >= 15) {
        status = decode_byte(in, &method);
        if (status == DECODE_DONE && method > COMPRESSION_ZSTD)
            return corrupt(err, "its compression is unknown");
        *compression = (enum compression)(status == DECODE_DONE ? method : 0);
        return status;
    }
    status = decode_int_in(in, widths, -1, 9, &level, err);
    *compression = status == DECODE_DONE && level != 0 ? COMPRESSION_GZIP : COMPRESSION_NONE;
    return status;
}

static enum decode_status decode_time(struct slice *in, const struct archive_widths *widths,
                                      time_t *created, struct error *err)
{
    int64_t parts[7];
    struct tm local = {0};

    for (size_t i = 0; i < 7; i++) {
        enum decode_status status = decode_int_in(in, widths, -100000, 100000, &parts[i], err);

        if (status != DECODE_DONE)
            return status;
    }
    local.tm_sec = (int)parts[0];
    local.tm_min = (int)parts[1];
    local.tm_hour = (int)parts[2];
    local.tm_mday = (int)parts[3];
    local.tm_mon = (int)parts[4];
    local.tm_year = (int)parts[5];
    local.tm_isdst = parts[6] > 0 ? 1 : (int)parts[6];
    *created = mktime(&local);
    return DECODE_DONE;
}

enum decode_status decode_header(struct slice *in, struct archive_header *header,
                                 struct archive_widths *widths, struct buffer *strings,
                                 struct error *err)
{
    struct slice found[3];
    const char *texts[STRINGS_MAX];
    enum decode_status status = decode_fixed(in, widths, err);
    int64_t count;

    if (status == DECODE_DONE)
        status = decode_compression(in, widths, &header->compression, err);
    if (status == DECODE_DONE)
        status = decode_time(in, widths, &header->created, err);
    for (size_t i = 0; status == DECODE_DONE && i < 3; i++)
        status = decode_string(in, widths, &found[i], err);
    if (status == DECODE_DONE)
        status = decode_int_in(in, widths, 0, INT32_MAX, &count, err);
    if (status != DECODE_DONE)
        return status;
    if (!keep_strings(strings, found, 3, texts, err))
        return DECODE_FAILED;
    header->minor = widths->minor;
    header->database = texts[0];
    header->server_version = texts[1];
    header->dumper_version = texts[2];
    header->entry_count = (uint32_t)count;
    return DECODE_DONE;
}

/* ---- Entries
 * --------------------------------------------------------------------------------------- */

static enum decode_status decode_dependency(struct slice *in, const struct archive_widths *widths,
                                            struct decoded_entry *decoded, bool *last,
                                            struct error *err)
{
    struct archive_entry *entry = &decoded->entry;
    struct slice text;
    uint64_t number;
    enum decode_status status = decode_string(in, widths, &text, err);

    *last = status == DECODE_DONE && text.data == NULL;
    if (status != DECODE_DONE || *last)
        return status;
    if (!bytes_parse_u64(text, &number) || number > INT32_MAX)
        return corrupt(err, "a dependency is no number");
    if (entry->dependency_count == decoded->dependency_capacity) {
        size_t capacity = decoded->dependency_capacity == 0 ? 16 : 2 * decoded->dependency_capacity;
        int32_t *grown = realloc(decoded->dependencies, capacity * sizeof(*grown));

        if (grown == NULL) {
            error_set_memory(err);
            return DECODE_FAILED;
        }
        decoded->dependencies = grown;
        decoded->dependency_capacity = capacity;
    }
    decoded->dependencies[entry->dependency_count++] = (int32_t)number;
    return DECODE_DONE;
}

static enum decode_status decode_oid(struct slice *in, const struct archive_widths *widths,
                                     uint32_t *oid, struct error *err)
{
    struct slice text;
    uint64_t number;
    enum decode_status status = decode_string(in, widths, &text, err);

    if (status != DECODE_DONE)
        return status;
    if (!bytes_parse_u64(text, &number) || number > UINT32_MAX)
        return corrupt(err, "an object's number is none");
    *oid = (uint32_t)number;
    return DECODE_DONE;
}

enum entry_string { TAG, DESC, DEFINITION, DROP, COPY, SCHEMA, TABLESPACE, METHOD, OWNER, OIDS };

static enum decode_status decode_strings(struct slice *in, const struct archive_widths *widths,
                                         struct slice *found, enum entry_string first,
                                         enum entry_string last, struct error *err)
{
    for (int i = (int)first; i <= (int)last; i++) {
        enum decode_status status;

        if (i == METHOD && widths->minor < 14)
            continue;
        status = decode_string(in, widths, &found[i], err);
        if (status != DECODE_DONE)
            return status;
    }
    return DECODE_DONE;
}

static enum decode_status decode_tail(struct slice *in, const struct archive_widths *widths,
                                      struct decoded_entry *decoded, struct error *err)
{
    size_t size = 1 + (size_t)widths->offset;
    bool last = false;

    decoded->entry.dependency_count = 0;
    while (!last) {
        enum decode_status status = decode_dependency(in, widths, decoded, &last, err);

        if (status != DECODE_DONE)
            return status;
    }
    if (in->len < size)
        return DECODE_MORE;
    if (in->data[0] < OFFSET_UNSET || in->data[0] > OFFSET_NO_DATA)
        return corrupt(err, "an offset is of no known kind");
    slice_take(in, size);
    return DECODE_DONE;
}

static bool fill_entry(struct decoded_entry *decoded, const struct slice *found, struct error *err)
{
    struct archive_entry *entry = &decoded->entry;
    const char *texts[STRINGS_MAX];

    if (!keep_strings(&decoded->strings, found, OIDS + 1, texts, err))
        return false;
    entry->tag = texts[TAG];
    entry->desc = texts[DESC];
    entry->definition = texts[DEFINITION];
    entry->drop = texts[DROP];
    entry->copy = texts[COPY];
    entry->schema = texts[SCHEMA];
    entry->tablespace = texts[TABLESPACE];
    entry->access_method = texts[METHOD];
    entry->owner = texts[OWNER];
    entry->dependencies = decoded->dependencies;
    if (entry->tag == NULL || entry->desc == NULL)
        return corrupt(err, "an entry has no name") == DECODE_DONE;
    return true;
}

enum decode_status decode_entry(struct slice *in, const struct archive_widths *widths,
                                struct decoded_entry *decoded, struct error *err)
{
    struct archive_entry *entry = &decoded->entry;
    struct slice found[OIDS + 1] = {{0}};
    int64_t id = 0, has_data = 0, section = 0, relkind = 0;
    enum decode_status status = decode_int_in(in, widths, 1, INT32_MAX, &id, err);

    *entry = (struct archive_entry){0};
    if (status == DECODE_DONE)
        status = decode_int_in(in, widths, 0, 1, &has_data, err);
    if (status == DECODE_DONE)
        status = decode_oid(in, widths, &entry->catalog_oid, err);
    if (status == DECODE_DONE)
        status = decode_oid(in, widths, &entry->object_oid, err);
    if (status == DECODE_DONE)
        status = decode_strings(in, widths, found, TAG, DESC, err);
    if (status == DECODE_DONE)
        status = decode_int_in(in, widths, SECTION_NONE, SECTION_POST_DATA, &section, err);
    if (status == DECODE_DONE)
        status = decode_strings(in, widths, found, DEFINITION, METHOD, err);
    if (status == DECODE_DONE && widths->minor >= 16)
        status = decode_int_in(in, widths, 0, 127, &relkind, err);
    if (status == DECODE_DONE)
        status = decode_strings(in, widths, found, OWNER, OIDS, err);
    if (status == DECODE_DONE)
        status = decode_tail(in, widths, decoded, err);
    if (status != DECODE_DONE)
        return status;
    entry->dump_id = (int32_t)id;
    entry->has_data = has_data != 0;
    entry->section = (enum archive_section)section;
    entry->relkind = (char)relkind;
    return fill_entry(decoded, found, err) ? DECODE_DONE : DECODE_FAILED;
}

void decoded_entry_reset(struct decoded_entry *decoded)
{
    buffer_free(&decoded->strings);
    free(decoded->dependencies);
    *decoded = (struct decoded_entry){0};
}
