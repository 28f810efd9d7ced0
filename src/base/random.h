/* Numbers that nobody can foretell, from the kernel. */
#ifndef PGCASK_BASE_RANDOM_H
#define PGCASK_BASE_RANDOM_H

#include "base/error.h"

#include <stddef.h>

/* A number from 0 to limit - 1, for choices among few: of limits near 2^32 some come more often. */
bool random_below(size_t limit, size_t *out, struct error *err);

#endif
