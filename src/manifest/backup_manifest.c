/*
 * The server writes one object a line, so that a line is parsed by itself as soon as its end has
 * come: nothing of the file is held but that. Every line is digested before it is looked at,
 * because the last one says what the digest of all others must be.
 */
#include "manifest/backup_manifest.h"

#include "base/bytes.h"
#include "base/json.h"
#include "base/lsn.h"
#include "manifest/line_decoder.h"

#include <jansson.h>
#include <stdlib.h>

enum part { PART_BEGIN, PART_HEAD, PART_FILES, PART_WAL, PART_CHECKSUM, PART_END };

struct backup_manifest_decoder {
    struct backup_manifest_handler handler;
    enum part part;
    struct line_decoder lines;
    struct digest *digest; /* over the lines before the checksum's */
    char system_identifier[32];
    struct buffer path; /* a decoded Encoded-Path */
};

struct backup_manifest_decoder *
backup_manifest_decoder_new(const struct backup_manifest_handler *handler, struct error *err)
{
    struct backup_manifest_decoder *decoder = calloc(1, sizeof(*decoder));

    if (decoder == NULL) {
        error_set_memory(err);
        return NULL;
    }
    decoder->handler = *handler;
    decoder->lines.file = "backup_manifest";
    decoder->digest = digest_new(DIGEST_SHA256, err);
    if (decoder->digest == NULL) {
        free(decoder);
        return NULL;
    }
    return decoder;
}

void backup_manifest_decoder_free(struct backup_manifest_decoder *decoder)
{
    if (decoder == NULL)
        return;
    line_decoder_reset(&decoder->lines);
    buffer_free(&decoder->path);
    digest_free(decoder->digest);
    free(decoder);
}

const char *backup_manifest_system_identifier(const struct backup_manifest_decoder *decoder)
{
    return decoder->system_identifier;
}

/* The object of one line; the comma that separates it from the next is left out. */
static json_t *parse_object(const struct backup_manifest_decoder *decoder, struct slice line,
                            struct error *err)
{
    json_t *object;

    if (line.len > 0 && line.data[line.len - 1] == ',')
        line.len--;
    object = json_text_parse(line, JSON_REJECT_DUPLICATES, err);
    if (object == NULL && err->code == ERROR_MEMORY)
        return NULL;
    if (!json_is_object(object)) {
        json_decref(object);
        line_decoder_malformed(&decoder->lines, "not a JSON object", err);
        return NULL;
    }
    return object;
}

static bool decode_path(struct backup_manifest_decoder *decoder, json_t *object, const char **path,
                        struct error *err)
{
    const char *plain = json_string_value(json_object_get(object, "Path"));
    const char *encoded = json_string_value(json_object_get(object, "Encoded-Path"));
    size_t len;

    if ((plain == NULL) == (encoded == NULL))
        return line_decoder_malformed(&decoder->lines, "needs either Path or Encoded-Path", err);
    if (plain != NULL) {
        *path = plain;
        return true;
    }
    len = strlen(encoded) / 2;
    buffer_clear(&decoder->path);
    if (!buffer_reserve(&decoder->path, len, err))
        return false;
    if (!bytes_from_hex(slice_string(encoded), decoder->path.data, len) ||
        memchr(decoder->path.data, '\0', len) != NULL)
        return line_decoder_malformed(&decoder->lines, "Encoded-Path is not hexadecimal", err);
    decoder->path.data[len] = '\0';
    *path = (const char *)decoder->path.data;
    return true;
}

static bool decode_checksum(const struct backup_manifest_decoder *decoder, json_t *object,
                            struct backup_manifest_file *file, struct error *err)
{
    const char *algorithm = json_string_value(json_object_get(object, "Checksum-Algorithm"));
    const char *checksum = json_string_value(json_object_get(object, "Checksum"));

    file->algorithm = DIGEST_NONE;
    if (algorithm == NULL && checksum == NULL)
        return true;
    if (algorithm == NULL || checksum == NULL || !digest_from_name(algorithm, &file->algorithm) ||
        !bytes_from_hex(slice_string(checksum), file->digest, digest_size(file->algorithm)))
        return line_decoder_malformed(&decoder->lines, "a checksum that cannot be read", err);
    return true;
}

static bool take_file(struct backup_manifest_decoder *decoder, struct slice line, struct error *err)
{
    struct backup_manifest_file file = {0};
    json_t *object = parse_object(decoder, line, err);
    json_t *size;
    bool ok;

    if (object == NULL)
        return false;
    size = json_object_get(object, "Size");
    if (!json_is_integer(size) || json_integer_value(size) < 0) {
        json_decref(object);
        return line_decoder_malformed(&decoder->lines, "Size is not a number of bytes", err);
    }
    file.size = (uint64_t)json_integer_value(size);
    ok = decode_path(decoder, object, &file.path, err) &&
         decode_checksum(decoder, object, &file, err) &&
         decoder->handler.file(decoder->handler.context, &file, err);
    json_decref(object);
    return ok;
}

static bool take_wal_range(struct backup_manifest_decoder *decoder, struct slice line,
                           struct error *err)
{
    json_t *object = parse_object(decoder, line, err);
    const char *start_text, *end_text;
    json_int_t timeline;
    uint64_t start, end;
    bool ok;

    if (object == NULL)
        return false;
    start_text = json_string_value(json_object_get(object, "Start-LSN"));
    end_text = json_string_value(json_object_get(object, "End-LSN"));
    timeline = json_integer_value(json_object_get(object, "Timeline"));
    if (start_text == NULL || end_text == NULL || timeline < 1 || timeline > UINT32_MAX ||
        !lsn_parse(start_text, &start) || !lsn_parse(end_text, &end) || end < start)
        ok = line_decoder_malformed(&decoder->lines, "a WAL range that cannot be read", err);
    else
        ok = decoder->handler.wal_range == NULL ||
             decoder->handler.wal_range(decoder->handler.context, (uint32_t)timeline, start, end,
                                        err);
    json_decref(object);
    return ok;
}

static bool take_head(struct backup_manifest_decoder *decoder, struct slice line, struct error *err)
{
    static const char identifier[] = "\"System-Identifier\": ";
    uint64_t number;

    if (line_is(line, "\"Files\": [")) {
        decoder->part = PART_FILES;
        return true;
    }
    if (line_starts(line, identifier) && line.data[line.len - 1] == ',') {
        slice_take(&line, sizeof(identifier) - 1);
        line.len--;
        if (line.len < sizeof(decoder->system_identifier) && bytes_parse_u64(line, &number)) {
            memcpy(decoder->system_identifier, line.data, line.len);
            return true;
        }
    }
    return line_decoder_malformed(&decoder->lines,
                                  "neither the system identifier nor the list of files", err);
}

static bool take_checksum(struct backup_manifest_decoder *decoder, struct slice line,
                          struct error *err)
{
    static const char key[] = "\"Manifest-Checksum\": \"";
    uint8_t stated[DIGEST_MAX], computed[DIGEST_MAX];
    size_t size = digest_size(DIGEST_SHA256);

    if (line.len != sizeof(key) - 1 + 2 * size + 2 || !line_starts(line, key) ||
        memcmp(line.data + line.len - 2, "\"}", 2) != 0)
        return line_decoder_malformed(&decoder->lines, "not the manifest's checksum", err);
    slice_take(&line, sizeof(key) - 1);
    line.len -= 2;
    digest_end(decoder->digest, computed);
    if (!bytes_from_hex(line, stated, size) || memcmp(stated, computed, size) != 0)
        return error_set(err, ERROR_CORRUPT, "backup_manifest does not match its own checksum");
    decoder->part = PART_END;
    return true;
}

static bool take_begin(struct backup_manifest_decoder *decoder, struct slice line,
                       struct error *err)
{
    static const char head[] = "{ \"PostgreSQL-Backup-Manifest-Version\": ";

    if (!line_starts(line, head))
        return line_decoder_malformed(&decoder->lines, "not a backup_manifest", err);
    slice_take(&line, sizeof(head) - 1);
    if (!line_is(line, "1,") && !line_is(line, "2,"))
        return error_set(err, ERROR_UNSUPPORTED,
                         "backup_manifest has a version other than 1 and 2");
    decoder->part = PART_HEAD;
    return true;
}

static bool take_line(struct backup_manifest_decoder *decoder, struct slice line, struct error *err)
{
    switch (decoder->part) {
    case PART_BEGIN:
        return take_begin(decoder, line, err);
    case PART_HEAD:
        return take_head(decoder, line, err);
    case PART_FILES:
        if (line_is(line, "],"))
            return true;
        if (line_is(line, "\"WAL-Ranges\": [")) {
            decoder->part = PART_WAL;
            return true;
        }
        return take_file(decoder, line, err);
    case PART_WAL:
        if (line_is(line, "],")) {
            decoder->part = PART_CHECKSUM;
            return true;
        }
        return take_wal_range(decoder, line, err);
    case PART_CHECKSUM:
        return take_checksum(decoder, line, err);
    case PART_END:
        break;
    }
    return line_decoder_malformed(&decoder->lines, "something follows the checksum", err);
}

bool backup_manifest_decoder_feed(struct backup_manifest_decoder *decoder, struct slice data,
                                  struct error *err)
{
    struct slice line;

    while (data.len > 0) {
        enum line_status status = line_decoder_next(&decoder->lines, &data, &line, err);

        if (status != LINE_WHOLE)
            return status == LINE_NEEDS_MORE;
        if (decoder->part != PART_CHECKSUM)
            digest_update(decoder->digest, line);
        line.len--;
        if (!take_line(decoder, line, err))
            return false;
    }
    return true;
}

bool backup_manifest_decoder_finish(struct backup_manifest_decoder *decoder, struct error *err)
{
    if (decoder->part != PART_END || line_decoder_is_inside(&decoder->lines))
        return error_set(err, ERROR_CORRUPT, "backup_manifest ends too early");
    return true;
}
