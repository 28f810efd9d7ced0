/*
 * Pieces are cut off blocks of 64 KiB, each piece aligned for anything. What is larger gets a block
 * of its own, and what is left of the newest one stays in use: a single large piece wastes nothing.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_SIZE ((size_t)64 * 1024)

struct arena_block {
    struct arena_block *next;
    size_t size, used; /* of data */
    alignas(max_align_t) uint8_t data[];
};

void arena_free(struct arena *arena)
{
    struct arena_block *block = arena->blocks;

    while (block != NULL) {
        struct arena_block *next = block->next;

        free(block);
        block = next;
    }
    *arena = (struct arena){0};
}

static struct arena_block *add_block(struct arena *arena, size_t size)
{
    size_t data_size = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct arena_block *block;

    if (data_size > SIZE_MAX - sizeof(*block))
        return NULL;
    block = calloc(1, sizeof(*block) + data_size);
    if (block == NULL)
        return NULL;
    block->size = data_size;
    if (size > BLOCK_SIZE && arena->blocks != NULL) { /* what is left of the newest stays in use */
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *arena_take(struct arena *arena, size_t size, struct error *err)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *block = arena->blocks;
    void *piece;

    if (rounded < size) {
        error_set_memory(err);
        return NULL;
    }
    if (block == NULL || block->size - block->used < rounded)
        block = add_block(arena, rounded);
    if (block == NULL) {
        error_set_memory(err);
        return NULL;
    }
    piece = block->data + block->used;
    block->used += rounded;
    arena->used += rounded;
    return piece;
}

const char *arena_copy_slice(struct arena *arena, struct slice bytes, struct error *err)
{
    char *copy = bytes.len == SIZE_MAX ? NULL : arena_take(arena, bytes.len + 1, err);

    if (copy != NULL && bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    return copy;
}

const char *arena_copy(struct arena *arena, const char *text, struct error *err)
{
    return text == NULL ? NULL : arena_copy_slice(arena, slice_string(text), err);
}
