/*
 * Open addressing over hashes of 64 bits, which stand for the paths: their key is made anew each
 * time, so that no server can choose two paths that have the same one.
 */
#include "manifest/path_set.h"

#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

#define FIRST_CAPACITY 256 /* a power of two, as all are */

struct path_set {
    uint64_t seed;    /* so that a hostile server cannot make two paths collide */
    uint64_t *hashes; /* open addressing; 0: free */
    size_t count, capacity;
};

struct path_set *path_set_new(struct error *err)
{
    struct path_set *set = calloc(1, sizeof(*set));

    if (set != NULL)
        set->hashes = calloc(FIRST_CAPACITY, sizeof(*set->hashes));
    if (set == NULL || set->hashes == NULL) {
        free(set);
        error_set_memory(err);
        return NULL;
    }
    set->capacity = FIRST_CAPACITY;
    if (getrandom(&set->seed, sizeof(set->seed), 0) == sizeof(set->seed))
        return set;
    path_set_free(set);
    error_set(err, ERROR_IO, "the system gave no random bytes");
    return NULL;
}

void path_set_free(struct path_set *set)
{
    if (set == NULL)
        return;
    free(set->hashes);
    free(set);
}

static uint64_t hash_path(const struct path_set *set, struct slice path)
{
    uint64_t hash = XXH3_64bits_withSeed(path.data, path.len, set->seed);

    return hash == 0 ? 1 : hash;
}

/* Where the hash is, or would be. */
static uint64_t *find_slot(uint64_t *hashes, size_t capacity, uint64_t hash)
{
    size_t at = (size_t)hash & (capacity - 1);

    while (hashes[at] != 0 && hashes[at] != hash)
        at = (at + 1) & (capacity - 1);
    return &hashes[at];
}

static bool grow(struct path_set *set, struct error *err)
{
    size_t capacity = set->capacity * 2;
    uint64_t *hashes = calloc(capacity, sizeof(*hashes));

    if (hashes == NULL)
        return error_set_memory(err);
    for (size_t i = 0; i < set->capacity; i++) {
        if (set->hashes[i] != 0)
            *find_slot(hashes, capacity, set->hashes[i]) = set->hashes[i];
    }
    free(set->hashes);
    set->hashes = hashes;
    set->capacity = capacity;
    return true;
}

bool path_set_add(struct path_set *set, struct slice path, struct error *err)
{
    uint64_t hash = hash_path(set, path);
    uint64_t *slot;

    if (set->count >= set->capacity / 2 && !grow(set, err))
        return false;
    slot = find_slot(set->hashes, set->capacity, hash);
    set->count += *slot == 0;
    *slot = hash;
    return true;
}

bool path_set_has(const struct path_set *set, struct slice path)
{
    return *find_slot(set->hashes, set->capacity, hash_path(set, path)) != 0;
}
