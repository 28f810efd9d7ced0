/*
 * What was seen of each file: its size and digest, found again by path. 32 bytes a file and no
 * path, so that a cluster of a million files costs 32 MiB: paths are kept as keyed 64-bit hashes,
 * digests by their first 16 bytes.
 */
#ifndef PGCASK_MANIFEST_FILE_LEDGER_H
#define PGCASK_MANIFEST_FILE_LEDGER_H

#include "base/error.h"
#include "base/slice.h"

struct file_ledger;

struct file_ledger *file_ledger_new(struct error *err);
void file_ledger_free(struct file_ledger *ledger);

/* digest_size may be 0: nothing to compare then. Not allowed after file_ledger_seal. */
bool file_ledger_add(struct file_ledger *ledger, const char *path, uint64_t size,
                     const uint8_t *digest, size_t digest_size, struct error *err);

/* The path of something that no list will name: it counts as a duplicate and as nothing else. */
bool file_ledger_add_unlisted(struct file_ledger *ledger, const char *path, struct error *err);

/* Ends adding. *duplicates is the number of paths that were added more than once. */
void file_ledger_seal(struct file_ledger *ledger, size_t *duplicates);

enum ledger_verdict {
    LEDGER_MATCH,
    LEDGER_MISSING, /* never added */
    LEDGER_SIZE_DIFFERS,
    LEDGER_DIGEST_DIFFERS,
    LEDGER_REPEATED /* matched before: the list that is held against names it twice */
};

/* Holds an expectation against what was seen and marks the file as expected. *seen_size (may be
 * NULL) is the size that was added. */
enum ledger_verdict file_ledger_check(struct file_ledger *ledger, const char *path, uint64_t size,
                                      const uint8_t *digest, size_t digest_size,
                                      uint64_t *seen_size);

/* Whether it was seen at all; marks nothing. Only after file_ledger_seal. */
bool file_ledger_has(const struct file_ledger *ledger, const char *path);

size_t file_ledger_count(const struct file_ledger *ledger);

/* Files that were seen and not expected by any check. */
size_t file_ledger_unexpected(const struct file_ledger *ledger);
bool file_ledger_is_unexpected(const struct file_ledger *ledger, const char *path);

#endif
