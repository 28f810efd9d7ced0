/* Different names, in the order in which they came, each with a number of times and the first thing
 * that named it. */
#ifndef PGCASK_RESTORE_NAME_SET_H
#define PGCASK_RESTORE_NAME_SET_H

#include "base/arena.h"

/* What is beyond is counted, not kept: nobody reads a finding with more names. */
#define NAME_SET_MOST 10000

struct name_set_item {
    const char *name;
    const char *first; /* who named it first; NULL: nobody was said */
    size_t times;
};

struct name_set {
    struct name_set_item *items;
    size_t count, capacity;
    uint32_t *slots; /* numbers of items from 1; 0: free */
    size_t slot_count;
    size_t beyond;      /* times that a name was not kept */
    struct arena texts; /* of the names */
};

/* {0} is an empty set. */
bool name_set_add(struct name_set *set, const char *name, const char *first, struct error *err);
bool name_set_has(const struct name_set *set, const char *name);
void name_set_reset(struct name_set *set);

#endif
