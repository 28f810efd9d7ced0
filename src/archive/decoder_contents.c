/*
 * Header and table of contents, a field at a time: a field that has come is never looked at again,
 * so that the work grows with the bytes however they are cut. A length is believed only as its
 * bytes come.
 */
#include "archive/decoder_internal.h"

#include "base/array.h"
#include "base/bytes.h"

#include <stdlib.h>
#include <xxhash.h>

/* Of an entry. No server takes a statement of over 1 GiB; there are others beside it. */
#define STRINGS_SIZE_MAX ((size_t)1280 << 20)
#define DEPENDENCIES_MAX ((size_t)16 << 20)
#define NUMBER_LEN_MAX 20 /* of a number that is written as text */
#define FIXED_SIZE 11

enum decode_status decode_corrupt(struct error *err, const char *what)
{
    error_set(err, ERROR_CORRUPT, "the archive is damaged: %s", what);
    return DECODE_FAILED;
}

void contents_decoder_init(struct contents_decoder *contents, enum archive_format format)
{
    *contents = (struct contents_decoder){.format = format};
    contents->strings = &contents->header_strings;
}

void contents_decoder_init_entries(struct contents_decoder *contents,
                                   const struct archive_widths *widths)
{
    *contents = (struct contents_decoder){.format = FORMAT_CUSTOM, .widths = *widths};
    contents->strings = &contents->entry_strings;
}

void contents_decoder_reset(struct contents_decoder *contents)
{
    buffer_free(&contents->header_strings);
    buffer_free(&contents->entry_strings);
    free(contents->dependencies);
    contents->dependencies = NULL;
}

/* ---- Numbers and strings ---- */

enum decode_status decode_int(struct slice *in, const struct archive_widths *widths, int64_t *value,
                              struct error *err)
{
    uint64_t magnitude = 0;
    size_t size = 1 + (size_t)widths->integer;

    if (in->len < size)
        return DECODE_MORE;
    for (size_t i = widths->integer; i > 0; i--) {
        if (magnitude >> 48 != 0)
            return decode_corrupt(err, "a number is too large");
        magnitude = magnitude << 8 | in->data[i];
    }
    *value = in->data[0] != 0 ? -(int64_t)magnitude : (int64_t)magnitude;
    slice_take(in, size);
    return DECODE_DONE;
}

static enum decode_status decode_int_in(const struct contents_decoder *contents, struct slice *in,
                                        int64_t lowest, int64_t highest, int64_t *value,
                                        struct error *err)
{
    enum decode_status status = decode_int(in, &contents->widths, value, err);

    if (status == DECODE_DONE && (*value < lowest || *value > highest))
        return decode_corrupt(err, "a number is out of range");
    return status;
}

static enum decode_status begin_text(struct contents_decoder *contents, struct slice *in,
                                     size_t max, struct decoded_text *text, struct error *err)
{
    int64_t len = 0;
    enum decode_status status = decode_int_in(contents, in, -1, INT32_MAX, &len, err);

    if (status != DECODE_DONE)
        return status;
    if (len > 0 && contents->strings->len + (size_t)len > max)
        return decode_corrupt(err, "a text is too long");
    *text = (struct decoded_text){.there = len >= 0, .at = contents->strings->len};
    contents->in_text = len >= 0;
    contents->text_left = len > 0 ? (size_t)len : 0;
    return DECODE_DONE;
}

/* A string joins the others of its header or entry, with its NUL. All of them have room for max. */
static enum decode_status decode_text_of(struct contents_decoder *contents, struct slice *in,
                                         size_t max, struct decoded_text *text, struct error *err)
{
    struct slice part;

    if (!contents->in_text) {
        enum decode_status status = begin_text(contents, in, max, text, err);

        if (status != DECODE_DONE || !contents->in_text)
            return status;
    }
    part = slice_take(in, in->len < contents->text_left ? in->len : contents->text_left);
    if (part.len > 0 && memchr(part.data, '\0', part.len) != NULL)
        return decode_corrupt(err, "a text holds a NUL");
    if (!buffer_append(contents->strings, part.data, part.len, err))
        return DECODE_FAILED;
    contents->text_left -= part.len;
    if (contents->text_left > 0)
        return DECODE_MORE;
    contents->in_text = false;
    return buffer_append_byte(contents->strings, '\0', err) ? DECODE_DONE : DECODE_FAILED;
}

static enum decode_status decode_text(struct contents_decoder *contents, struct slice *in,
                                      int number, struct error *err)
{
    return decode_text_of(contents, in, STRINGS_SIZE_MAX, &contents->texts[number], err);
}

/* A number in decimal digits, or none at all: *there. */
static enum decode_status decode_number_text(struct contents_decoder *contents, struct slice *in,
                                             uint64_t max, uint64_t *number, bool *there,
                                             struct error *err)
{
    struct decoded_text *text = &contents->texts[TEXTS_MAX - 1];
    size_t before = contents->in_text ? text->at : contents->strings->len;
    enum decode_status status =
        decode_text_of(contents, in, before + NUMBER_LEN_MAX + 1, text, err);
    struct slice digits;

    if (status != DECODE_DONE)
        return status;
    *there = text->there;
    if (!text->there)
        return DECODE_DONE;
    digits = slice_make(contents->strings->data + before, contents->strings->len - before - 1);
    if (!bytes_parse_u64(digits, number) || *number > max)
        return decode_corrupt(err, "what should be a number is none");
    buffer_truncate(contents->strings, before);
    return DECODE_DONE;
}

static const char *text_of(const struct contents_decoder *contents, int number)
{
    const struct decoded_text *text = &contents->texts[number];

    return text->there ? (const char *)contents->strings->data + text->at : NULL;
}

/* ---- Header ---- */

static enum decode_status check_version(const uint8_t *fixed, struct error *err)
{
    if (fixed[5] == 1 && fixed[6] >= 12 && fixed[6] <= 16)
        return DECODE_DONE;
    error_set(err, ERROR_UNSUPPORTED, "the archive is of version %u.%u%s", fixed[5], fixed[6],
              fixed[5] > 1 || fixed[6] > 16 ? ", which is newer than any that can be read" : "");
    error_hint(err, "Versions 1.12 to 1.16 can be read.");
    return DECODE_FAILED;
}

static enum decode_status refuse_format(const struct contents_decoder *contents, uint8_t format,
                                        struct error *err)
{
    if (contents->format != FORMAT_CUSTOM)
        return decode_corrupt(err, "it is not the table of contents of a directory");
    if (format != FORMAT_TAR && format != FORMAT_DIRECTORY)
        return decode_corrupt(err, "it is not of the custom format");
    error_set(err, ERROR_UNSUPPORTED, "it is the table of contents of an archive of several files");
    error_hint(err, "Name the folder that has it: the rows are in the files beside it.");
    return DECODE_FAILED;
}

static enum decode_status decode_fixed(struct contents_decoder *contents, struct slice *in,
                                       struct error *err)
{
    const uint8_t *bytes = in->data;
    struct archive_widths *widths = &contents->widths;

    if (in->len >= 5 && memcmp(bytes, "PGDMP", 5) != 0)
        return decode_corrupt(err, "it does not begin as an archive of pg_dump does");
    if (in->len < FIXED_SIZE)
        return DECODE_MORE;
    if (check_version(bytes, err) != DECODE_DONE)
        return DECODE_FAILED;
    if (bytes[10] != contents->format)
        return refuse_format(contents, bytes[10], err);
    *widths = (struct archive_widths){bytes[8], bytes[9], bytes[6]};
    if (widths->integer < 1 || widths->integer > 8 || widths->offset < 1 || widths->offset > 8)
        return decode_corrupt(err, "its numbers have impossible sizes");
    contents->header.minor = bytes[6];
    slice_take(in, FIXED_SIZE);
    return DECODE_DONE;
}

static enum decode_status decode_compression(struct contents_decoder *contents, struct slice *in,
                                             struct error *err)
{
    enum decode_status status;
    uint8_t method;
    int64_t level = 0;

    if (contents->widths.minor >= 15) {
        if (!bytes_take_u8(in, &method))
            return DECODE_MORE;
        if (method > COMPRESSION_ZSTD)
            return decode_corrupt(err, "its compression is unknown");
        contents->header.compression = (enum compression)method;
        return DECODE_DONE;
    }
    status = decode_int_in(contents, in, -1, 9, &level, err);
    contents->header.compression = level != 0 ? COMPRESSION_GZIP : COMPRESSION_NONE;
    return status;
}

/* The host's local time, without its zone. A time that does not exist is not worth a failure. */
static time_t make_time(const int64_t parts[7])
{
    struct tm local = {
        .tm_sec = (int)parts[0],
        .tm_min = (int)parts[1],
        .tm_hour = (int)parts[2],
        .tm_mday = (int)parts[3],
        .tm_mon = (int)parts[4],
        .tm_year = (int)parts[5],
        .tm_isdst = parts[6] > 0 ? 1 : (int)parts[6],
    };
    struct tm again = local;
    time_t made = mktime(&local);

    if (made != (time_t)-1)
        return made;
    again.tm_isdst = -1;
    return mktime(&again);
}

enum { DATABASE, SERVER_VERSION, DUMPER_VERSION };
enum { FIXED, METHOD_OF_DATA, TIME_FIRST, TIME_LAST = 8, TEXT_FIRST, TEXT_LAST = 11, ENTRY_COUNT };

static enum decode_status decode_header_field(struct contents_decoder *contents, struct slice *in,
                                              struct error *err)
{
    int field = contents->field;
    enum decode_status status;
    int64_t count = 0;

    if (field == FIXED)
        return decode_fixed(contents, in, err);
    if (field == METHOD_OF_DATA)
        return decode_compression(contents, in, err);
    if (field <= TIME_LAST)
        return decode_int_in(contents, in, -100000, 100000,
                             &contents->time_parts[field - TIME_FIRST], err);
    if (field <= TEXT_LAST)
        return decode_text(contents, in, field - TEXT_FIRST, err);
    status = decode_int_in(contents, in, 0, INT32_MAX, &count, err);
    contents->header.entry_count = (uint32_t)count;
    return status;
}

enum decode_status decode_header(struct contents_decoder *contents, struct slice *in,
                                 struct error *err)
{
    struct archive_header *header = &contents->header;

    while (contents->field <= ENTRY_COUNT) {
        enum decode_status status = decode_header_field(contents, in, err);

        if (status != DECODE_DONE)
            return status;
        contents->field++;
    }
    header->created = make_time(contents->time_parts);
    header->database = text_of(contents, DATABASE);
    header->server_version = text_of(contents, SERVER_VERSION);
    header->dumper_version = text_of(contents, DUMPER_VERSION);
    contents->strings = &contents->entry_strings;
    contents->field = 0;
    return DECODE_DONE;
}

/* ---- Entries ---- */

enum entry_field {
    DUMP_ID,
    HAS_DATA,
    CATALOG_OID,
    OBJECT_OID,
    TAG,
    DESC,
    SECTION,
    DEFINITION,
    DROP,
    COPY,
    SCHEMA,
    TABLESPACE,
    ACCESS_METHOD,
    RELKIND,
    OWNER,
    WITH_OIDS,
    DEPENDENCIES,
    PLACE,
    FIELD_COUNT
};

/* Which of the texts a field is. */
static const int text_number[FIELD_COUNT] = {
    [TAG] = 0,   [DESC] = 1,      [DEFINITION] = 2, [DROP] = 3,
    [COPY] = 4,  [SCHEMA] = 5,    [TABLESPACE] = 6, [ACCESS_METHOD] = 7,
    [OWNER] = 8, [WITH_OIDS] = 9, [PLACE] = 10};

static enum decode_status add_dependency(struct contents_decoder *contents, uint64_t number,
                                         struct error *err)
{
    struct archive_entry *entry = &contents->entry;

    if (entry->dependency_count == DEPENDENCIES_MAX)
        return decode_corrupt(err, "an entry depends on too many");
    if (entry->dependency_count == contents->dependency_capacity) {
        int32_t *grown =
            array_grow(contents->dependencies, &contents->dependency_capacity, sizeof(*grown), err);

        if (grown == NULL)
            return DECODE_FAILED;
        contents->dependencies = grown;
    }
    contents->dependencies[entry->dependency_count++] = (int32_t)number;
    return DECODE_DONE;
}

/* Up to a text that is NULL. */
static enum decode_status decode_dependencies(struct contents_decoder *contents, struct slice *in,
                                              struct error *err)
{
    for (;;) {
        uint64_t number = 0;
        bool there = true;
        enum decode_status status =
            decode_number_text(contents, in, INT32_MAX, &number, &there, err);

        if (status != DECODE_DONE || !there)
            return status;
        status = add_dependency(contents, number, err);
        if (status != DECODE_DONE)
            return status;
    }
}

static enum decode_status decode_oid(struct contents_decoder *contents, struct slice *in,
                                     uint32_t *oid, struct error *err)
{
    uint64_t number = 0;
    bool there = true;
    enum decode_status status = decode_number_text(contents, in, UINT32_MAX, &number, &there, err);

    if (status == DECODE_DONE && !there)
        return decode_corrupt(err, "what should be a number is none");
    *oid = (uint32_t)number;
    return status;
}

/* Where the data is. */
static enum decode_status decode_place(struct contents_decoder *contents, struct slice *in,
                                       struct error *err)
{
    size_t size = 1 + (size_t)contents->widths.offset;

    if (contents->format != FORMAT_CUSTOM)
        return decode_text(contents, in, text_number[PLACE], err);
    if (in->len < size)
        return DECODE_MORE;
    if (in->data[0] < OFFSET_UNSET || in->data[0] > OFFSET_NO_DATA)
        return decode_corrupt(err, "an offset is of no known kind");
    contents->place = (enum archive_offset)in->data[0];
    contents->offset = 0;
    for (size_t i = size - 1; i > 0; i--)
        contents->offset = contents->offset << 8 | in->data[i];
    slice_take(in, size);
    return DECODE_DONE;
}

static enum decode_status decode_entry_number(struct contents_decoder *contents, struct slice *in,
                                              struct error *err)
{
    static const struct {
        int lowest, highest;
    } ranges[FIELD_COUNT] = {
        [DUMP_ID] = {1, INT32_MAX},
        [HAS_DATA] = {0, 1},
        [SECTION] = {SECTION_NONE, SECTION_POST_DATA},
        [RELKIND] = {0, 127},
    };
    struct archive_entry *entry = &contents->entry;
    int64_t value = 0;
    enum decode_status status = decode_int_in(contents, in, ranges[contents->field].lowest,
                                              ranges[contents->field].highest, &value, err);

    if (status != DECODE_DONE)
        return status;
    if (contents->field == DUMP_ID)
        entry->dump_id = (int32_t)value;
    else if (contents->field == HAS_DATA)
        entry->has_data = value != 0;
    else if (contents->field == SECTION)
        entry->section = (enum archive_section)value;
    else
        entry->relkind = (char)value;
    return DECODE_DONE;
}

static enum decode_status decode_entry_field(struct contents_decoder *contents, struct slice *in,
                                             struct error *err)
{
    switch ((enum entry_field)contents->field) {
    case DUMP_ID:
    case HAS_DATA:
    case SECTION:
        return decode_entry_number(contents, in, err);
    case RELKIND:
        return contents->widths.minor < 16 ? DECODE_DONE : decode_entry_number(contents, in, err);
    case CATALOG_OID:
        return decode_oid(contents, in, &contents->entry.catalog_oid, err);
    case OBJECT_OID:
        return decode_oid(contents, in, &contents->entry.object_oid, err);
    case ACCESS_METHOD:
        if (contents->widths.minor < 14)
            return DECODE_DONE;
        break;
    case DEPENDENCIES:
        return decode_dependencies(contents, in, err);
    case PLACE:
        return decode_place(contents, in, err);
    case TAG:
    case DESC:
    case DEFINITION:
    case DROP:
    case COPY:
    case SCHEMA:
    case TABLESPACE:
    case OWNER:
    case WITH_OIDS:
    case FIELD_COUNT:
        break;
    }
    return decode_text(contents, in, text_number[contents->field], err);
}

static enum decode_status finish_entry(struct contents_decoder *contents, struct error *err)
{
    struct archive_entry *entry = &contents->entry;

    contents->field = 0;
    entry->tag = text_of(contents, text_number[TAG]);
    entry->desc = text_of(contents, text_number[DESC]);
    entry->definition = text_of(contents, text_number[DEFINITION]);
    entry->drop = text_of(contents, text_number[DROP]);
    entry->copy = text_of(contents, text_number[COPY]);
    entry->schema = text_of(contents, text_number[SCHEMA]);
    entry->tablespace = text_of(contents, text_number[TABLESPACE]);
    entry->access_method = text_of(contents, text_number[ACCESS_METHOD]);
    entry->owner = text_of(contents, text_number[OWNER]);
    entry->file = text_of(contents, text_number[PLACE]);
    entry->dependencies = contents->dependencies;
    if (entry->tag == NULL || entry->desc == NULL)
        return decode_corrupt(err, "an entry has no name");
    contents->sum.count++;
    contents->sum.digest =
        XXH3_64bits_withSeed(contents->strings->data, contents->strings->len,
                             contents->sum.digest + (uint64_t)(uint32_t)entry->dump_id);
    return DECODE_DONE;
}

enum decode_status decode_entry(struct contents_decoder *contents, struct slice *in,
                                struct error *err)
{
    if (contents->field == DUMP_ID) {
        contents->entry = (struct archive_entry){0};
        memset(contents->texts, 0, sizeof(contents->texts));
        buffer_clear_keeping(contents->strings, ARCHIVE_TEXT_KEPT);
    }
    while (contents->field < FIELD_COUNT) {
        enum decode_status status = decode_entry_field(contents, in, err);

        if (status != DECODE_DONE)
            return status;
        contents->field++;
    }
    return finish_entry(contents, err);
}
