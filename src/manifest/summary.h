/*
 * /summary.json: the last record of a backup, whose presence means that it is complete. It tells
 * what was backed up and how, lists every record that backup_manifest does not (with bytes and
 * digest; folders and links too), and ends with a checksum over itself.
 *
 * It is JSON with a fixed layout, so that it can be read as a stream: the head's members, then
 * "records" with one object a line, then the checksum, which covers every byte before its line:
 *
 *     {
 *     "version": 1,
 *     …
 *     "records": [
 *     {"path": "/manifest.json", "bytes": 4711, "digest": "xxh3-128:…"},
 *     {"path": "/data/pg_notify", "type": "directory"},
 *     {"path": "/data/pg_tblspc/16384", "type": "link", "target": "../../tablespaces/16384"}
 *     ],
 *     "checksum": "xxh3-128:…"}
 *
 * A path that is not UTF-8 is an "encoded_path" in hexadecimal, as "Encoded-Path" in
 * backup_manifest.
 */
#ifndef PGCASK_MANIFEST_SUMMARY_H
#define PGCASK_MANIFEST_SUMMARY_H

#include "base/digest.h"
#include "record/record.h"

#include <jansson.h>

#define SUMMARY_PATH "/summary.json"
#define SUMMARY_VERSION 1

/* ---- Writing ---- */

struct summary_writer;

struct summary_writer *summary_writer_new(enum digest_algorithm algorithm, struct error *err);
void summary_writer_free(struct summary_writer *writer);

/* Adds a line to "records". digest is of the writer's algorithm; NULL for folders and links. */
bool summary_writer_add(struct summary_writer *writer, const struct record *record, uint64_t bytes,
                        const uint8_t *digest, struct error *err);

/* Lays out the whole file from the head's members ("kind", "started_at", …; "version",
 * "producer" and "complete" are added) and the records. Takes over `head`. Borrowed until the
 * writer is freed. */
bool summary_writer_finish(struct summary_writer *writer, json_t *head, struct slice *content,
                           struct error *err);

/* ---- Reading ---- */

struct summary_entry {
    enum record_type type;
    const char *path; /* checked by record_path_check; borrowed during the call */
    uint64_t bytes;
    enum digest_algorithm algorithm; /* DIGEST_NONE for folders and links */
    uint8_t digest[DIGEST_MAX];
    const char *link_target; /* links only */
};

struct summary_handler {
    void *context;
    /* The head, once, before the entries; borrowed. False with *err set to stop. */
    bool (*head)(void *context, const json_t *head, struct error *err);
    bool (*entry)(void *context, const struct summary_entry *entry, struct error *err);
};

struct summary_decoder;

struct summary_decoder *summary_decoder_new(const struct summary_handler *handler,
                                            struct error *err);
void summary_decoder_free(struct summary_decoder *decoder);
bool summary_decoder_feed(struct summary_decoder *decoder, struct slice data, struct error *err);

/* Fails if the file is not at its end, does not say that the backup is complete, or does not match
 * its own checksum. */
bool summary_decoder_finish(struct summary_decoder *decoder, struct error *err);

/* The digest an entry stands for in a file_ledger: that of the content, or for links one of the
 * target, so that both are compared the same way. Returns its size. */
size_t summary_ledger_digest(enum record_type type, const uint8_t *content_digest,
                             size_t content_digest_size, const char *link_target,
                             uint8_t out[DIGEST_MAX]);

#endif
