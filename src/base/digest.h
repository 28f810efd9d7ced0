/*
 * Incremental checksums and digests: CRC-32C (what a backup_manifest has by default), the SHA-2
 * family, and XXH3-128 (what summary.json has by default).
 */
#ifndef PGCASK_BASE_DIGEST_H
#define PGCASK_BASE_DIGEST_H

#include "base/error.h"
#include "base/slice.h"

enum digest_algorithm {
    DIGEST_NONE,
    DIGEST_CRC32C,
    DIGEST_SHA224,
    DIGEST_SHA256,
    DIGEST_SHA384,
    DIGEST_SHA512,
    DIGEST_XXH3_128
};

#define DIGEST_MAX 64                          /* bytes of the longest digest */
#define DIGEST_TEXT_SIZE (DIGEST_MAX * 2 + 16) /* "algorithm:hex" with its NUL */

struct digest; /* opaque */

/* One allocation, reusable by digest_begin for any number of files. NULL: out of memory. */
struct digest *digest_new(enum digest_algorithm algorithm, struct error *err);
void digest_free(struct digest *digest);

void digest_begin(struct digest *digest);
void digest_update(struct digest *digest, struct slice data);

/* Writes digest_size() bytes. CRC-32C comes in the byte order a backup_manifest prints it in:
 * the 32-bit value as it lies in memory on a little-endian machine. */
void digest_end(struct digest *digest, uint8_t out[DIGEST_MAX]);

size_t digest_size(enum digest_algorithm algorithm);

/* "none", "crc32c", "sha256", "xxh3-128", … */
const char *digest_name(enum digest_algorithm algorithm);

/* Any case; false if unknown. */
bool digest_from_name(const char *name, enum digest_algorithm *algorithm);

/* "sha256:0123…" of a finished digest. */
void digest_format(enum digest_algorithm algorithm, const uint8_t *bytes,
                   char out[DIGEST_TEXT_SIZE]);

/* CRC-32C of data, continuing from crc (0 to begin). */
uint32_t digest_crc32c(uint32_t crc, struct slice data);

/* The same without the processor's instruction; for tests. */
uint32_t digest_crc32c_portable(uint32_t crc, struct slice data);

#endif
