/*
 * A table of hashes in buckets: entries are appended while files come and sorted once, when the
 * list that they are held against arrives. A bucket at a time, so that a million files cost no
 * second copy.
 */
#include "manifest/file_ledger.h"

#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

#define BUCKETS 256
#define DIGEST_KEPT 16
#define EXPECTED_BIT (UINT64_C(1) << 63)

struct entry {
    uint64_t path_hash;
    uint64_t size; /* EXPECTED_BIT: some check named it */
    uint8_t digest[DIGEST_KEPT];
};

/* Sorting and growing happen a bucket at a time, so that neither needs a second copy of it all. */
struct bucket {
    struct entry *entries;
    size_t count, capacity;
};

struct file_ledger {
    uint64_t seed; /* so that a hostile server cannot make two paths collide */
    size_t count, expected;
    struct bucket buckets[BUCKETS];
};

struct file_ledger *file_ledger_new(struct error *err)
{
    struct file_ledger *ledger = calloc(1, sizeof(*ledger));

    if (ledger == NULL) {
        error_set_memory(err);
        return NULL;
    }
    if (getrandom(&ledger->seed, sizeof(ledger->seed), 0) != sizeof(ledger->seed)) {
        free(ledger);
        error_set(err, ERROR_IO, "the system gave no random bytes");
        return NULL;
    }
    return ledger;
}

void file_ledger_free(struct file_ledger *ledger)
{
    if (ledger == NULL)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        free(ledger->buckets[i].entries);
    free(ledger);
}

static uint64_t hash_path(const struct file_ledger *ledger, const char *path)
{
    return XXH3_64bits_withSeed(path, strlen(path), ledger->seed);
}

static bool bucket_reserve(struct bucket *bucket, struct error *err)
{
    size_t capacity = bucket->capacity + bucket->capacity / 4 + 16;
    struct entry *entries;

    if (bucket->count < bucket->capacity)
        return true;
    entries = realloc(bucket->entries, capacity * sizeof(*entries));
    if (entries == NULL)
        return error_set_memory(err);
    bucket->entries = entries;
    bucket->capacity = capacity;
    return true;
}

static struct entry *add_entry(struct file_ledger *ledger, const char *path, struct error *err)
{
    uint64_t hash = hash_path(ledger, path);
    struct bucket *bucket = &ledger->buckets[hash % BUCKETS];
    struct entry *entry;

    if (!bucket_reserve(bucket, err))
        return NULL;
    entry = &bucket->entries[bucket->count++];
    *entry = (struct entry){.path_hash = hash};
    ledger->count++;
    return entry;
}

bool file_ledger_add(struct file_ledger *ledger, const char *path, uint64_t size,
                     const uint8_t *digest, size_t digest_size, struct error *err)
{
    struct entry *entry = add_entry(ledger, path, err);

    if (entry == NULL)
        return false;
    entry->size = size & ~EXPECTED_BIT;
    if (digest_size > 0)
        memcpy(entry->digest, digest, digest_size < DIGEST_KEPT ? digest_size : DIGEST_KEPT);
    return true;
}

bool file_ledger_add_unlisted(struct file_ledger *ledger, const char *path, struct error *err)
{
    struct entry *entry = add_entry(ledger, path, err);

    if (entry == NULL)
        return false;
    entry->size = EXPECTED_BIT;
    ledger->expected++;
    return true;
}

static int compare_entries(const void *left, const void *right)
{
    uint64_t a = ((const struct entry *)left)->path_hash;
    uint64_t b = ((const struct entry *)right)->path_hash;

    return a < b ? -1 : a > b;
}

void file_ledger_seal(struct file_ledger *ledger, size_t *duplicates)
{
    *duplicates = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct bucket *bucket = &ledger->buckets[i];

        if (bucket->count > 1)
            qsort(bucket->entries, bucket->count, sizeof(*bucket->entries), compare_entries);
        for (size_t j = 1; j < bucket->count; j++)
            *duplicates += bucket->entries[j].path_hash == bucket->entries[j - 1].path_hash;
    }
}

static struct entry *find(const struct file_ledger *ledger, const char *path)
{
    struct entry key = {.path_hash = hash_path(ledger, path)};
    const struct bucket *bucket = &ledger->buckets[key.path_hash % BUCKETS];

    if (bucket->count == 0)
        return NULL;
    return bsearch(&key, bucket->entries, bucket->count, sizeof(*bucket->entries), compare_entries);
}

enum ledger_verdict file_ledger_check(struct file_ledger *ledger, const char *path, uint64_t size,
                                      const uint8_t *digest, size_t digest_size,
                                      uint64_t *seen_size)
{
    struct entry *entry = find(ledger, path);
    size_t compared = digest_size < DIGEST_KEPT ? digest_size : DIGEST_KEPT;

    if (entry == NULL)
        return LEDGER_MISSING;
    if (seen_size != NULL)
        *seen_size = entry->size & ~EXPECTED_BIT;
    if ((entry->size & EXPECTED_BIT) != 0)
        return LEDGER_REPEATED;
    entry->size |= EXPECTED_BIT;
    ledger->expected++;
    if ((entry->size & ~EXPECTED_BIT) != size)
        return LEDGER_SIZE_DIFFERS;
    if (compared > 0 && memcmp(entry->digest, digest, compared) != 0)
        return LEDGER_DIGEST_DIFFERS;
    return LEDGER_MATCH;
}

size_t file_ledger_count(const struct file_ledger *ledger)
{
    return ledger->count;
}

size_t file_ledger_unexpected(const struct file_ledger *ledger)
{
    return ledger->count - ledger->expected;
}

bool file_ledger_has(const struct file_ledger *ledger, const char *path)
{
    return find(ledger, path) != NULL;
}

bool file_ledger_is_unexpected(const struct file_ledger *ledger, const char *path)
{
    const struct entry *entry = find(ledger, path);

    return entry != NULL && (entry->size & EXPECTED_BIT) == 0;
}
