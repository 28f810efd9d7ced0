/*
 * summary.json grows line by line while records are backed up, and is laid out with its head when
 * all others have come: it is small, so that it may be held whole.
 */
#include "manifest/summary.h"

#include "base/bytes.h"
#include "base/json.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

/* A folder or a WAL segment takes some 150 bytes. The real bound of a backup is far below: this one
 * is for a server that sends folders without end. */
#define RECORDS_MAX (32 << 20)

struct summary_writer {
    enum digest_algorithm algorithm;
    struct buffer records; /* finished lines, separated by ",\n" */
    struct buffer content;
};

struct summary_writer *summary_writer_new(enum digest_algorithm algorithm, struct error *err)
{
    struct summary_writer *writer = calloc(1, sizeof(*writer));

    if (writer == NULL) {
        error_set_memory(err);
        return NULL;
    }
    writer->algorithm = algorithm;
    return writer;
}

void summary_writer_free(struct summary_writer *writer)
{
    if (writer == NULL)
        return;
    buffer_free(&writer->records);
    buffer_free(&writer->content);
    free(writer);
}

static bool append_json(struct buffer *out, json_t *value, size_t flags, struct error *err)
{
    bool ok = value == NULL ? error_set_memory(err) : json_text_append(out, value, flags, err);

    json_decref(value);
    return ok;
}

/* {"path": …}; a path that is no UTF-8 is given as backup_manifest does it, in hexadecimal. */
static json_t *path_object(const char *path)
{
    size_t len = strlen(path);
    char hex[2 * RECORD_PATH_MAX + 1];

    if (len >= RECORD_PATH_MAX)
        return NULL;
    if (utf8_is_clean(slice_string(path), false))
        return json_pack("{s:s}", "path", path);
    bytes_to_hex((const uint8_t *)path, len, hex);
    return json_pack("{s:s}", "encoded_path", hex);
}

/* NULL: out of memory. */
static json_t *describe_record(const struct summary_writer *writer, const struct record *record,
                               uint64_t bytes, const uint8_t *digest)
{
    char digest_text[DIGEST_TEXT_SIZE];
    json_t *line = path_object(record->path), *more = NULL;

    switch (record->type) {
    case RECORD_FILE:
        digest_format(writer->algorithm, digest, digest_text);
        more = json_pack("{s:I, s:s}", "bytes", (json_int_t)bytes, "digest", digest_text);
        break;
    case RECORD_DIRECTORY:
        more = json_pack("{s:s}", "type", "directory");
        break;
    case RECORD_LINK:
        more = json_pack("{s:s, s:s}", "type", "link", "target", record->link_target);
        break;
    }
    if (line != NULL && (more == NULL || json_object_update(line, more) != 0)) {
        json_decref(line);
        line = NULL;
    }
    json_decref(more);
    return line;
}

bool summary_writer_add(struct summary_writer *writer, const struct record *record, uint64_t bytes,
                        const uint8_t *digest, struct error *err)
{
    if (record->type == RECORD_LINK && !utf8_is_clean(slice_string(record->link_target), false))
        return error_set(err, ERROR_CORRUPT, "the target of link %.200s is not valid UTF-8",
                         record->path);
    if (writer->records.len > 0 && !buffer_append_string(&writer->records, ",\n", err))
        return false;
    if (writer->records.len > RECORDS_MAX)
        return error_set(err, ERROR_UNSUPPORTED,
                         "over %d MiB of files, folders and links to list in summary.json",
                         RECORDS_MAX >> 20);
    return append_json(&writer->records, describe_record(writer, record, bytes, digest), 0, err);
}

static bool append_head(struct buffer *out, json_t *head, struct error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach(head, key, value)
    {
        if (!buffer_printf(out, err, "\"%s\": ", key) ||
            !append_json(out, json_incref(value), JSON_ENCODE_ANY, err) ||
            !buffer_append_string(out, ",\n", err))
            return false;
    }
    return true;
}

bool summary_writer_finish(struct summary_writer *writer, json_t *head, struct slice *content,
                           struct error *err)
{
    struct buffer *out = &writer->content;
    struct digest *digest = digest_new(writer->algorithm, err);
    char digest_text[DIGEST_TEXT_SIZE];
    uint8_t bytes[DIGEST_MAX];
    bool ok;

    buffer_clear(out);
    ok = digest != NULL &&
         buffer_printf(out, err,
                       "{\n\"version\": %d,\n\"producer\": \"pgcask %s\",\n\"complete\": true,\n",
                       SUMMARY_VERSION, PGCASK_VERSION) &&
         append_head(out, head, err) && buffer_append_string(out, "\"records\": [\n", err) &&
         buffer_append(out, writer->records.data, writer->records.len, err) &&
         buffer_append_string(out, "\n],\n", err);
    if (ok) {
        digest_update(digest, buffer_slice(out));
        digest_end(digest, bytes);
        digest_format(writer->algorithm, bytes, digest_text);
        ok = buffer_printf(out, err, "\"checksum\": \"%s\"}\n", digest_text);
    }
    *content = buffer_slice(out);
    digest_free(digest);
    json_decref(head);
    return ok;
}

size_t summary_ledger_digest(enum record_type type, const uint8_t *content_digest,
                             size_t content_digest_size, const char *link_target,
                             uint8_t out[DIGEST_MAX])
{
    XXH128_canonical_t canonical;

    switch (type) {
    case RECORD_FILE:
        memcpy(out, content_digest, content_digest_size);
        return content_digest_size;
    case RECORD_DIRECTORY:
        link_target = "";
        break;
    case RECORD_LINK:
        break;
    }
    XXH128_canonicalFromHash(
        &canonical, XXH3_128bits_withSeed(link_target, strlen(link_target), (XXH64_hash_t)type));
    memcpy(out, canonical.digest, sizeof(canonical.digest));
    return sizeof(canonical.digest);
}
