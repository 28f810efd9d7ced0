/*
 * Growing an array by doubling, so that adding an item costs the same on average however many there
 * are; and without a product of two sizes that could pass what a size can be.
 */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>

#define FIRST_CAPACITY 64

void *array_grow(void *items, size_t *capacity, size_t item_size, struct error *err)
{
    size_t wanted = *capacity == 0 ? FIRST_CAPACITY : 2 * *capacity;
    void *grown = NULL;

    if (*capacity < SIZE_MAX / 2 / item_size / FIRST_CAPACITY)
        grown = realloc(items, wanted * item_size);
    if (grown == NULL) {
        error_set_memory(err);
        return NULL;
    }
    *capacity = wanted;
    return grown;
}
