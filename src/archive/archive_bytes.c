/*
 * How numbers, texts, the header and an entry are written, which the custom format and toc.dat have
 * in common. All is written as a 64-bit Linux machine of pg_dump's would: integers of 4 bytes,
 * offsets of 8; the header says so.
 */
#include "archive/archive_bytes_internal.h"

#include "base/error_names.h"

#include <inttypes.h>
#include <stdio.h>

int archive_minor_of_server(int server_version_num)
{
    if (server_version_num >= 170000)
        return 16;
    return server_version_num >= 160000 ? 15 : 14;
}

bool archive_compression_check(int minor, enum compression compression, struct error *err)
{
    if (minor >= 15 || compression == COMPRESSION_NONE || compression == COMPRESSION_GZIP)
        return true;
    error_set(err, ERROR_UNSUPPORTED, "archives of PostgreSQL 15 and older cannot hold %s",
              compression_name(compression));
    return error_hint(
        err, "The pg_restore of the server's own version could not read it: use " OPTION_COMPRESS
             "=gzip, or " OPTION_COMPRESS "=none.");
}

void archive_put_int(uint8_t out[ARCHIVE_INT_SIZE], int64_t value)
{
    uint64_t magnitude = value < 0 ? (uint64_t)-value : (uint64_t)value;

    out[0] = value < 0;
    for (int i = 1; i < ARCHIVE_INT_SIZE; i++, magnitude >>= 8)
        out[i] = (uint8_t)magnitude;
}

void archive_put_offset(uint8_t out[ARCHIVE_OFFSET_SIZE], enum archive_offset flag,
                        uint64_t position)
{
    out[0] = (uint8_t)flag;
    for (int i = 1; i < ARCHIVE_OFFSET_SIZE; i++, position >>= 8)
        out[i] = (uint8_t)position;
}

bool archive_append_int(struct buffer *out, int64_t value, struct error *err)
{
    uint8_t bytes[ARCHIVE_INT_SIZE];

    archive_put_int(bytes, value);
    return buffer_append(out, bytes, sizeof(bytes), err);
}

bool archive_append_string(struct buffer *out, const char *text, struct error *err)
{
    size_t len = text == NULL ? 0 : strlen(text);

    if (len > INT32_MAX)
        return error_set(err, ERROR_UNSUPPORTED, "a text of %zu bytes does not fit an archive",
                         len);
    return archive_append_int(out, text == NULL ? -1 : (int64_t)len, err) &&
           buffer_append(out, text, len, err);
}

bool archive_append_offset(struct buffer *out, enum archive_offset flag, struct error *err)
{
    uint8_t bytes[ARCHIVE_OFFSET_SIZE];

    archive_put_offset(bytes, flag, 0);
    return buffer_append(out, bytes, sizeof(bytes), err);
}

/* One byte from 1.15 on; before, the level of zlib, of which -1 is the usual one. */
static bool append_compression(struct buffer *out, const struct archive_header *header,
                               struct error *err)
{
    if (header->minor >= 15)
        return buffer_append_byte(out, (uint8_t)header->compression, err);
    return archive_append_int(out, header->compression == COMPRESSION_NONE ? 0 : -1, err);
}

bool archive_append_header(struct buffer *out, const struct archive_header *header,
                           enum archive_format format, struct error *err)
{
    const uint8_t fixed[] = {
        'P', 'G', 'D', 'M', 'P', 1, (uint8_t)header->minor, 0, 4, 8, (uint8_t)format};
    struct tm local;
    int parts[7];

    if (localtime_r(&header->created, &local) == NULL)
        return error_set(err, ERROR_UNSUPPORTED, "the time cannot be told");
    parts[0] = local.tm_sec;
    parts[1] = local.tm_min;
    parts[2] = local.tm_hour;
    parts[3] = local.tm_mday;
    parts[4] = local.tm_mon;
    parts[5] = local.tm_year;
    parts[6] = local.tm_isdst;
    if (!buffer_append(out, fixed, sizeof(fixed), err) || !append_compression(out, header, err))
        return false;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (!archive_append_int(out, parts[i], err))
            return false;
    }
    return archive_append_string(out, header->database, err) &&
           archive_append_string(out, header->server_version, err) &&
           archive_append_string(out, header->dumper_version, err) &&
           archive_append_int(out, header->entry_count, err);
}

static bool append_number_text(struct buffer *out, uint32_t number, struct error *err)
{
    char text[16];

    snprintf(text, sizeof(text), "%" PRIu32, number);
    return archive_append_string(out, text, err);
}

bool archive_append_entry(struct buffer *out, const struct archive_entry *entry, int minor,
                          struct error *err)
{
    bool done = archive_append_int(out, entry->dump_id, err) &&
                archive_append_int(out, entry->has_data, err) &&
                append_number_text(out, entry->catalog_oid, err) &&
                append_number_text(out, entry->object_oid, err) &&
                archive_append_string(out, entry->tag, err) &&
                archive_append_string(out, entry->desc, err) &&
                archive_append_int(out, entry->section, err) &&
                archive_append_string(out, entry->definition, err) &&
                archive_append_string(out, entry->drop, err) &&
                archive_append_string(out, entry->copy, err) &&
                archive_append_string(out, entry->schema, err) &&
                archive_append_string(out, entry->tablespace, err) &&
                archive_append_string(out, entry->access_method, err);

    if (done && minor >= 16)
        done = archive_append_int(out, entry->relkind, err);
    done = done && archive_append_string(out, entry->owner, err) &&
           archive_append_string(out, "false", err); /* with oids, which no server has any more */
    for (size_t i = 0; done && i < entry->dependency_count; i++)
        done = append_number_text(out, (uint32_t)entry->dependencies[i], err);
    return done && archive_append_string(out, NULL, err);
}
