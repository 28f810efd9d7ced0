/* Texts in compressed blocks: only the block that is being filled and the few read last are in
 * memory as they are. */
#include "base/text_store.h"

#include <stdlib.h>
#include <zstd.h>

#define BLOCK_SIZE ((size_t)64 * 1024) /* a longer text has a block of its own */
#define UNPACKED_KEPT 8                /* blocks that were read last */

struct block {
    uint8_t *packed;
    size_t packed_len, len;
};

struct unpacked {
    uint32_t number; /* of the block; 0: unused */
    uint64_t used_at;
    uint8_t *bytes;
};

struct text_store {
    struct block *blocks; /* those that are full */
    size_t count, capacity;
    struct buffer open; /* the block that is being filled: number count + 1 */
    struct unpacked unpacked[UNPACKED_KEPT];
    uint64_t clock;
    ZSTD_CCtx *packer;
    ZSTD_DCtx *unpacker;
};

struct text_store *text_store_new(struct error *err)
{
    struct text_store *store = calloc(1, sizeof(*store));

    if (store != NULL) {
        store->packer = ZSTD_createCCtx();
        store->unpacker = ZSTD_createDCtx();
        if (store->packer != NULL && store->unpacker != NULL)
            return store;
    }
    text_store_free(store);
    error_set_memory(err);
    return NULL;
}

void text_store_free(struct text_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < store->count; i++)
        free(store->blocks[i].packed);
    for (size_t i = 0; i < UNPACKED_KEPT; i++)
        free(store->unpacked[i].bytes);
    free(store->blocks);
    buffer_free(&store->open);
    ZSTD_freeCCtx(store->packer);
    ZSTD_freeDCtx(store->unpacker);
    free(store);
}

static bool grow(struct text_store *store, struct error *err)
{
    size_t capacity = store->capacity == 0 ? 64 : store->capacity * 2;
    struct block *blocks;

    if (store->count < store->capacity)
        return true;
    blocks = realloc(store->blocks, capacity * sizeof(*blocks));
    if (blocks == NULL)
        return error_set_memory(err);
    store->blocks = blocks;
    store->capacity = capacity;
    return true;
}

static bool add_block(struct text_store *store, const void *bytes, size_t len, struct error *err)
{
    size_t bound = ZSTD_compressBound(len);
    struct block block = {.len = len};
    uint8_t *room, *fitting;

    if (!grow(store, err))
        return false;
    room = malloc(bound);
    if (room == NULL)
        return error_set_memory(err);
    block.packed_len = ZSTD_compressCCtx(store->packer, room, bound, bytes, len, 1);
    if (ZSTD_isError(block.packed_len)) {
        free(room);
        return error_set_memory(err);
    }
    fitting = realloc(room, block.packed_len);
    block.packed = fitting != NULL ? fitting : room;
    store->blocks[store->count++] = block;
    return true;
}

/* Packs the open block and begins the next. */
static bool seal(struct text_store *store, struct error *err)
{
    if (!add_block(store, store->open.data, store->open.len, err))
        return false;
    buffer_clear(&store->open);
    return true;
}

/* Straight into a block of its own: there may be no room for one more copy of it. */
static bool put_long(struct text_store *store, const void *text, size_t size, struct text_ref *ref,
                     struct error *err)
{
    if ((store->open.len > 0 && !seal(store, err)) || !add_block(store, text, size, err))
        return false;
    ref->block = (uint32_t)store->count;
    return true;
}

bool text_store_put(struct text_store *store, const char *text, struct text_ref *ref,
                    struct error *err)
{
    *ref = (struct text_ref){0};
    return text == NULL || text_store_put_bytes(store, text, strlen(text) + 1, ref, err);
}

bool text_store_put_bytes(struct text_store *store, const void *text, size_t size,
                          struct text_ref *ref, struct error *err)
{
    *ref = (struct text_ref){0};
    if (size > UINT32_MAX)
        return error_set(err, ERROR_UNSUPPORTED, "a definition is longer than 4 GiB");
    if (size > BLOCK_SIZE)
        return put_long(store, text, size, ref, err);
    if (store->open.len + size > BLOCK_SIZE && !seal(store, err))
        return false;
    ref->block = (uint32_t)store->count + 1;
    ref->offset = (uint32_t)store->open.len;
    return buffer_append(&store->open, text, size, err);
}

static struct unpacked *find_room(struct text_store *store, uint32_t number)
{
    struct unpacked *oldest = &store->unpacked[0];

    for (size_t i = 0; i < UNPACKED_KEPT; i++) {
        if (store->unpacked[i].number == number)
            return &store->unpacked[i];
        if (store->unpacked[i].used_at < oldest->used_at)
            oldest = &store->unpacked[i];
    }
    return oldest;
}

static void forget(struct unpacked *unpacked)
{
    free(unpacked->bytes);
    *unpacked = (struct unpacked){0};
}

/* Only the text that is lent may be a long one. */
static void forget_long(struct text_store *store)
{
    for (size_t i = 0; i < UNPACKED_KEPT; i++) {
        uint32_t number = store->unpacked[i].number;

        if (number > 0 && store->blocks[number - 1].len > BLOCK_SIZE)
            forget(&store->unpacked[i]);
    }
}

static bool unpack(struct text_store *store, struct unpacked *unpacked, uint32_t number,
                   struct error *err)
{
    const struct block *block = &store->blocks[number - 1];
    size_t got;

    forget_long(store);
    forget(unpacked);
    unpacked->bytes = malloc(block->len);
    if (unpacked->bytes == NULL)
        return error_set_memory(err);
    got = ZSTD_decompressDCtx(store->unpacker, unpacked->bytes, block->len, block->packed,
                              block->packed_len);
    if (ZSTD_isError(got) || got != block->len)
        return error_set_memory(err); /* our own bytes: nothing else can be wrong with them */
    unpacked->number = number;
    return true;
}

bool text_store_get(struct text_store *store, struct text_ref ref, const char **text,
                    struct error *err)
{
    struct unpacked *unpacked;

    *text = NULL;
    if (ref.block == 0)
        return true;
    if (ref.block == store->count + 1) {
        *text = (const char *)store->open.data + ref.offset;
        return true;
    }
    unpacked = find_room(store, ref.block);
    if (unpacked->number != ref.block && !unpack(store, unpacked, ref.block, err))
        return false;
    unpacked->used_at = ++store->clock;
    *text = (const char *)unpacked->bytes + ref.offset;
    return true;
}
