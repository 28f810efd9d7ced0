/* Chance that nobody can foretell, from the kernel. */
#ifndef PGCASK_BASE_RANDOM_H
#define PGCASK_BASE_RANDOM_H

#include "base/error.h"

#include <stddef.h>

/* Fills `out` with `size` - 1 letters and digits, each as likely as any other, and a zero. */
bool random_word(char *out, size_t size, struct error *err);

/* Puts `count` items of `size` bytes each into an order that each other is as likely as: for lists
 * of far less than 2^32 items. */
bool random_shuffle(void *items, size_t count, size_t size, struct error *err);

#endif
