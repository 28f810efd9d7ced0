/* Arrays on the heap that grow as items come: who has one keeps where it lies, how many items it
 * holds, and how many it has room for. */
#ifndef PGCASK_BASE_ARRAY_H
#define PGCASK_BASE_ARRAY_H

#include "base/error.h"

#include <stddef.h>

/* Room for twice as many items, or for the first 64 where there is none (items NULL, *capacity 0).
 * Where the array lies now: what was there before is moved and must not be used. NULL if there is
 * no memory; then everything is as it was. */
void *array_grow(void *items, size_t *capacity, size_t item_size, struct error *err);

#endif
