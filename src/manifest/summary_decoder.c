/*
 * Reading summary.json a line at a time. Which algorithm its checksum has is known only at its end,
 * so that both run until then.
 */
#include "manifest/summary.h"

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/json.h"
#include "manifest/json_values.h"
#include "manifest/line_decoder.h"

#include <stdlib.h>

#define HEAD_MAX (4 * 1024 * 1024)
#define HEAD_VALUES_MAX 100000

enum part { PART_HEAD, PART_RECORDS, PART_CHECKSUM, PART_END };

struct summary_decoder {
    struct summary_handler handler;
    enum part part;
    struct buffer head;
    struct line_decoder lines;
    struct digest *xxh3, *sha256; /* which of them counts is known from the last line */
};

struct summary_decoder *summary_decoder_new(const struct summary_handler *handler,
                                            struct error *err)
{
    struct summary_decoder *decoder = calloc(1, sizeof(*decoder));

    if (decoder == NULL) {
        error_set_memory(err);
        return NULL;
    }
    decoder->handler = *handler;
    decoder->lines.file = "summary.json";
    decoder->xxh3 = digest_new(DIGEST_XXH3_128, err);
    decoder->sha256 = decoder->xxh3 == NULL ? NULL : digest_new(DIGEST_SHA256, err);
    if (decoder->sha256 == NULL) {
        summary_decoder_free(decoder);
        return NULL;
    }
    return decoder;
}

void summary_decoder_free(struct summary_decoder *decoder)
{
    if (decoder == NULL)
        return;
    buffer_free(&decoder->head);
    line_decoder_reset(&decoder->lines);
    digest_free(decoder->xxh3);
    digest_free(decoder->sha256);
    free(decoder);
}

/* The head's lines all end in a comma; a closing member makes them an object. */
static bool take_head(struct summary_decoder *decoder, struct slice line, struct error *err)
{
    json_t *head;
    bool ok;

    if (!line_is(line, "\"records\": [")) {
        if (decoder->head.len + line.len > HEAD_MAX)
            return line_decoder_malformed(&decoder->lines, "the head is too long", err);
        return buffer_append(&decoder->head, line.data, line.len, err);
    }
    decoder->part = PART_RECORDS;
    if (!buffer_append_string(&decoder->head, "\"records\": []}", err))
        return false;
    if (json_values_at_most(buffer_slice(&decoder->head), HEAD_VALUES_MAX) > HEAD_VALUES_MAX)
        return line_decoder_malformed(&decoder->lines, "the head has too many values", err);
    head = json_text_parse(buffer_slice(&decoder->head), JSON_REJECT_DUPLICATES, err);
    if (head == NULL && err->code == ERROR_MEMORY)
        return false;
    if (!json_is_object(head)) {
        json_decref(head);
        return line_decoder_malformed(&decoder->lines, "the head is not valid JSON", err);
    }
    if (json_integer_value(json_object_get(head, "version")) != SUMMARY_VERSION)
        ok = error_set(err, ERROR_UNSUPPORTED, "summary.json has an unknown version");
    else if (!json_is_true(json_object_get(head, "complete")))
        ok = line_decoder_malformed(&decoder->lines, "it does not say that the backup is complete",
                                    err);
    else
        ok = decoder->handler.head(decoder->handler.context, head, err);
    json_decref(head);
    return ok;
}

static bool parse_digest(const char *text, enum digest_algorithm *algorithm,
                         uint8_t digest[DIGEST_MAX])
{
    const char *colon = strchr(text, ':');
    char name[16];

    if (colon == NULL || (size_t)(colon - text) >= sizeof(name))
        return false;
    memcpy(name, text, (size_t)(colon - text));
    name[colon - text] = '\0';
    return digest_from_name(name, algorithm) &&
           bytes_from_hex(slice_string(colon + 1), digest, digest_size(*algorithm));
}

/* "path", or the hexadecimal "encoded_path" of one that is no UTF-8, which is unpacked into
 * `unpacked`. NULL: neither. */
static const char *entry_path(const json_t *object, char unpacked[RECORD_PATH_MAX])
{
    const char *plain = json_string_value(json_object_get(object, "path"));
    const char *encoded = json_string_value(json_object_get(object, "encoded_path"));
    size_t len = encoded == NULL ? 0 : strlen(encoded) / 2;

    if (plain != NULL || encoded == NULL)
        return encoded == NULL ? plain : NULL;
    if (len >= RECORD_PATH_MAX ||
        !bytes_from_hex(slice_string(encoded), (uint8_t *)unpacked, len) ||
        memchr(unpacked, '\0', len) != NULL)
        return NULL;
    unpacked[len] = '\0';
    return unpacked;
}

static bool fill_entry(json_t *object, struct summary_entry *entry, char unpacked[RECORD_PATH_MAX])
{
    const char *type = json_string_value(json_object_get(object, "type"));
    const char *digest = json_string_value(json_object_get(object, "digest"));
    json_t *bytes = json_object_get(object, "bytes");

    entry->path = entry_path(object, unpacked);
    entry->link_target = json_string_value(json_object_get(object, "target"));
    if (entry->path == NULL)
        return false;
    if (type != NULL && strcmp(type, "directory") == 0) {
        entry->type = RECORD_DIRECTORY;
        return true;
    }
    if (type != NULL && strcmp(type, "link") == 0) {
        entry->type = RECORD_LINK;
        return entry->link_target != NULL;
    }
    entry->type = RECORD_FILE;
    if (type != NULL || digest == NULL || !json_is_integer(bytes) || json_integer_value(bytes) < 0)
        return false;
    entry->bytes = (uint64_t)json_integer_value(bytes);
    return parse_digest(digest, &entry->algorithm, entry->digest);
}

static bool take_record(struct summary_decoder *decoder, struct slice line, struct error *err)
{
    struct summary_entry entry = {0};
    char unpacked[RECORD_PATH_MAX];
    json_t *object;
    bool ok;

    if (line_is(line, "],")) {
        decoder->part = PART_CHECKSUM;
        return true;
    }
    if (line.len == 0) /* no records at all */
        return true;
    if (line.data[line.len - 1] == ',')
        line.len--;
    object = json_text_parse(line, JSON_REJECT_DUPLICATES, err);
    if (object == NULL && err->code == ERROR_MEMORY)
        return false;
    if (!fill_entry(object, &entry, unpacked))
        ok = line_decoder_malformed(&decoder->lines, "a record that cannot be read", err);
    else
        ok = record_path_check(entry.path, err) &&
             decoder->handler.entry(decoder->handler.context, &entry, err);
    json_decref(object);
    return ok;
}

/* The line must be exactly what the writer makes of the digest, to the letter. */
static bool take_checksum(struct summary_decoder *decoder, struct slice line, struct error *err)
{
    static const enum digest_algorithm choices[] = {DIGEST_XXH3_128, DIGEST_SHA256};
    char text[DIGEST_TEXT_SIZE];
    struct buffer expected = {0};
    uint8_t bytes[DIGEST_MAX];
    bool matches = false;

    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]) && !matches; i++) {
        digest_end(i == 0 ? decoder->xxh3 : decoder->sha256, bytes);
        digest_format(choices[i], bytes, text);
        buffer_clear(&expected);
        if (!buffer_printf(&expected, err, "\"checksum\": \"%s\"}", text)) {
            buffer_free(&expected);
            return false;
        }
        matches = slice_equals(line, buffer_slice(&expected));
    }
    buffer_free(&expected);
    if (!matches)
        return error_set(err, ERROR_CORRUPT, "summary.json does not match its own checksum");
    decoder->part = PART_END;
    return true;
}

static bool take_line(struct summary_decoder *decoder, struct slice line, struct error *err)
{
    switch (decoder->part) {
    case PART_HEAD:
        return take_head(decoder, line, err);
    case PART_RECORDS:
        return take_record(decoder, line, err);
    case PART_CHECKSUM:
        return take_checksum(decoder, line, err);
    case PART_END:
        break;
    }
    return line_decoder_malformed(&decoder->lines, "something follows the checksum", err);
}

bool summary_decoder_feed(struct summary_decoder *decoder, struct slice data, struct error *err)
{
    struct slice line;

    while (data.len > 0) {
        enum line_status status = line_decoder_next(&decoder->lines, &data, &line, err);

        if (status != LINE_WHOLE)
            return status == LINE_NEEDS_MORE;
        if (decoder->part != PART_CHECKSUM) {
            digest_update(decoder->xxh3, line);
            digest_update(decoder->sha256, line);
        }
        line.len--;
        if (!take_line(decoder, line, err))
            return false;
    }
    return true;
}

bool summary_decoder_finish(struct summary_decoder *decoder, struct error *err)
{
    if (decoder->part != PART_END || line_decoder_is_inside(&decoder->lines))
        return error_set(err, ERROR_CORRUPT, "summary.json ends too early");
    return true;
}
