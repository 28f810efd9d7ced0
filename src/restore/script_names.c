/* A table of hashes over an array: servers with a hundred thousand roles are no rarity, and each
 * CREATE ROLE asks. */
#include "restore/script_names.h"

#include "base/array.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(char kind, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325ULL ^ (uint8_t)kind; /* FNV-1a */

    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3ULL;
    return hash ^ (hash >> 32);
}

void script_names_reset(struct script_names *names)
{
    free(names->items);
    free(names->slots);
    arena_free(&names->texts);
    *names = (struct script_names){0};
}

static uint32_t *find_slot(const struct script_names *names, char kind, const char *name)
{
    size_t at = (size_t)hash_of(kind, name) & (names->slot_count - 1);

    for (;; at = (at + 1) & (names->slot_count - 1)) {
        uint32_t number = names->slots[at];
        const struct script_name *item = number == 0 ? NULL : &names->items[number - 1];

        if (item == NULL || (item->kind == kind && strcmp(item->name, name) == 0))
            return &names->slots[at];
    }
}

/* Half of the slots are free. */
static bool make_room(struct script_names *names, struct error *err)
{
    size_t count = names->slot_count == 0 ? 256 : names->slot_count * 2;
    uint32_t *slots;

    if (names->count * 2 < names->slot_count)
        return true;
    slots = calloc(count, sizeof(*slots));
    if (slots == NULL)
        return error_set_memory(err);
    free(names->slots);
    names->slots = slots;
    names->slot_count = count;
    for (size_t i = 0; i < names->count; i++)
        *find_slot(names, names->items[i].kind, names->items[i].name) = (uint32_t)i + 1;
    return true;
}

struct script_name *script_names_take(struct script_names *names, char kind, const char *name,
                                      struct error *err)
{
    struct script_name *items;
    const char *copy;
    uint32_t *slot;

    if (!make_room(names, err))
        return NULL;
    slot = find_slot(names, kind, name);
    if (*slot != 0)
        return &names->items[*slot - 1];
    if (names->count == names->capacity) {
        items = array_grow(names->items, &names->capacity, sizeof(*items), err);
        if (items == NULL)
            return NULL;
        names->items = items;
    }
    copy = arena_copy(&names->texts, name, err);
    if (copy == NULL)
        return NULL;
    names->items[names->count++] = (struct script_name){.kind = kind, .name = copy};
    *slot = (uint32_t)names->count;
    return &names->items[names->count - 1];
}

struct script_name *script_names_find(const struct script_names *names, char kind, const char *name)
{
    const uint32_t *slot = names->slot_count == 0 ? NULL : find_slot(names, kind, name);

    return slot == NULL || *slot == 0 ? NULL : &names->items[*slot - 1];
}
