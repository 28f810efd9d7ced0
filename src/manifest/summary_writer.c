#include "manifest/summary.h"

#include "base/json.h"

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

bool summary_writer_add(struct summary_writer *writer, const struct record *record, uint64_t bytes,
                        const uint8_t *digest, struct error *err)
{
    char digest_text[DIGEST_TEXT_SIZE];
    json_t *line = NULL;

    switch (record->type) {
    case RECORD_FILE:
        digest_format(writer->algorithm, digest, digest_text);
        line = json_pack("{s:s, s:I, s:s}", "path", record->path, "bytes", (json_int_t)bytes,
                         "digest", digest_text);
        break;
    case RECORD_DIRECTORY:
        line = json_pack("{s:s, s:s}", "path", record->path, "type", "directory");
        break;
    case RECORD_LINK:
        line = json_pack("{s:s, s:s, s:s}", "path", record->path, "type", "link", "target",
                         record->link_target);
        break;
    }
    if (writer->records.len > 0 && !buffer_append_string(&writer->records, ",\n", err)) {
        json_decref(line);
        return false;
    }
    if (writer->records.len > RECORDS_MAX) {
        json_decref(line);
        return error_set(err, ERROR_UNSUPPORTED,
                         "over %d MiB of folders, links and WAL segments to list in summary.json",
                         RECORDS_MAX >> 20);
    }
    if (line == NULL)
        return error_set(err, ERROR_CORRUPT, "the path %.200s is not valid UTF-8", record->path);
    return append_json(&writer->records, line, 0, err);
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
