/*
 * Which entries have data, and whether it came. A table of contents and the data behind it are each
 * whole in themselves even if a block or a file between them is lost: only this list tells.
 */
#include "archive/decoder_internal.h"

#include "base/array.h"

#include <stdlib.h>

bool archive_corrupt(struct error *err, const char *what, int64_t dump_id)
{
    return error_set(err, ERROR_CORRUPT, "the archive is damaged: %s (entry %lld)", what,
                     (long long)dump_id);
}

bool expected_add(struct expected_set *set, const struct archive_entry *entry, struct error *err)
{
    if (set->count == set->capacity) {
        struct expected *grown = array_grow(set->items, &set->capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        set->items = grown;
    }
    set->items[set->count++] = (struct expected){
        .dump_id = entry->dump_id,
        .copy = entry->copy != NULL,
        .blobs = strcmp(entry->desc, "BLOBS") == 0,
    };
    return true;
}

static int compare(const void *a, const void *b)
{
    int32_t left = ((const struct expected *)a)->dump_id;
    int32_t right = ((const struct expected *)b)->dump_id;

    return (left > right) - (left < right);
}

bool expected_seal(struct expected_set *set, struct error *err)
{
    if (set->count > 0)
        qsort(set->items, set->count, sizeof(*set->items), compare);
    for (size_t i = 1; i < set->count; i++) {
        if (set->items[i].dump_id == set->items[i - 1].dump_id)
            return archive_corrupt(err, "two entries have the same number", set->items[i].dump_id);
    }
    return true;
}

struct expected *expected_find(const struct expected_set *set, int64_t dump_id)
{
    const struct expected key = {.dump_id = (int32_t)dump_id};

    if (set->count == 0 || dump_id < 1 || dump_id > INT32_MAX)
        return NULL;
    return bsearch(&key, set->items, set->count, sizeof(key), compare);
}

bool expected_finish(const struct expected_set *set, struct error *err)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!set->items[i].seen)
            return archive_corrupt(err, "the data of an entry is missing", set->items[i].dump_id);
    }
    return true;
}

void expected_reset(struct expected_set *set)
{
    free(set->items);
    *set = (struct expected_set){0};
}
