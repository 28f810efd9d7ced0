/*
 * Memory that is taken piece by piece and given back all at once: for the many small things that
 * live as long as the job they belong to. Zero-initialise ({0}).
 */
#ifndef PGCASK_BASE_ARENA_H
#define PGCASK_BASE_ARENA_H

#include "base/error.h"
#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *blocks; /* the newest first */
    size_t used;                /* bytes handed out */
};

/* Frees all pieces at once; the arena is as new then. */
void arena_free(struct arena *arena);

/* Zeroed memory, aligned for any type. NULL: out of memory, and *err says so. */
void *arena_take(struct arena *arena, size_t size, struct error *err);

/* Copies, with a NUL behind them. NULL stays NULL without an error. */
const char *arena_copy(struct arena *arena, const char *text, struct error *err);
const char *arena_copy_slice(struct arena *arena, struct slice bytes, struct error *err);

#endif
