/*
 * Reading a backup_manifest as it streams by, without I/O: one line is held at a time. Version 1
 * (PostgreSQL 13 to 16) and 2 (17 and later). Source: PostgreSQL documentation, "Backup Manifest
 * Format"; the server writes one file object a line, and the checksum covers all lines before its
 * own.
 */
#ifndef PGCASK_MANIFEST_BACKUP_MANIFEST_H
#define PGCASK_MANIFEST_BACKUP_MANIFEST_H

#include "base/buffer.h"
#include "base/digest.h"

struct backup_manifest_file {
    const char *path; /* relative to the data directory; borrowed during the call */
    uint64_t size;
    enum digest_algorithm algorithm; /* DIGEST_NONE: no checksum */
    uint8_t digest[DIGEST_MAX];
};

struct backup_manifest_handler {
    void *context;
    /* Each returns false with *err set to stop. */
    bool (*file)(void *context, const struct backup_manifest_file *file, struct error *err);
    bool (*wal_range)(void *context, uint32_t timeline, uint64_t start, uint64_t end,
                      struct error *err);
};

struct backup_manifest_decoder;

struct backup_manifest_decoder *
backup_manifest_decoder_new(const struct backup_manifest_handler *handler, struct error *err);
void backup_manifest_decoder_free(struct backup_manifest_decoder *decoder);

/* Takes the next bytes, of any length. */
bool backup_manifest_decoder_feed(struct backup_manifest_decoder *decoder, struct slice data,
                                  struct error *err);

/* The bytes are at their end: fails if the manifest is not, or if its own checksum is wrong. */
bool backup_manifest_decoder_finish(struct backup_manifest_decoder *decoder, struct error *err);

/* "" in a version 1 manifest. */
const char *backup_manifest_system_identifier(const struct backup_manifest_decoder *decoder);

#endif
