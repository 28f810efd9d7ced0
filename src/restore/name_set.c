/* A table of numbers with open addressing over the items. */
#include "restore/name_set.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64

static size_t hash_of(const char *name)
{
    uint64_t hash = 14695981039346656037U; /* FNV-1a */

    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 1099511628211U;
    return (size_t)(hash ^ (hash >> 32));
}

/* Where the name is, or would be. */
static size_t slot_of(const struct name_set *set, const char *name)
{
    size_t slot = hash_of(name) & (set->slot_count - 1);

    while (set->slots[slot] != 0 && strcmp(set->items[set->slots[slot] - 1].name, name) != 0)
        slot = (slot + 1) & (set->slot_count - 1);
    return slot;
}

static bool grow_slots(struct name_set *set, struct error *err)
{
    size_t count = set->slot_count == 0 ? SLOTS_FIRST : set->slot_count * 2;
    uint32_t *slots = calloc(count, sizeof(*slots));

    if (slots == NULL)
        return error_set_memory(err);
    free(set->slots);
    set->slots = slots;
    set->slot_count = count;
    for (size_t i = 0; i < set->count; i++)
        set->slots[slot_of(set, set->items[i].name)] = (uint32_t)i + 1;
    return true;
}

static bool append(struct name_set *set, const char *name, const char *first, struct error *err)
{
    struct name_set_item *item;

    if (set->count == set->capacity) {
        struct name_set_item *grown = array_grow(set->items, &set->capacity, sizeof(*grown), err);

        if (grown == NULL)
            return false;
        set->items = grown;
    }
    item = &set->items[set->count];
    *item = (struct name_set_item){arena_copy(&set->texts, name, err),
                                   arena_copy(&set->texts, first, err), 1};
    if (item->name == NULL || (first != NULL && item->first == NULL))
        return false;
    set->count++;
    return true;
}

bool name_set_add(struct name_set *set, const char *name, const char *first, struct error *err)
{
    size_t slot;

    if (2 * (set->count + 1) > set->slot_count && !grow_slots(set, err))
        return false;
    slot = slot_of(set, name);
    if (set->slots[slot] != 0) {
        set->items[set->slots[slot] - 1].times++;
        return true;
    }
    if (set->count == NAME_SET_MOST) {
        set->beyond++;
        return true;
    }
    if (!append(set, name, first, err))
        return false;
    set->slots[slot] = (uint32_t)set->count;
    return true;
}

bool name_set_has(const struct name_set *set, const char *name)
{
    return set->slot_count > 0 && set->slots[slot_of(set, name)] != 0;
}

void name_set_reset(struct name_set *set)
{
    free(set->items);
    free(set->slots);
    arena_free(&set->texts);
    *set = (struct name_set){0};
}
