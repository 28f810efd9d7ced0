/* Texts in compressed blocks: only the block that is being filled and the few read last are in
 * memory as they are. Blocks that are too many lie in a file that nobody else can open. */
#include "base/text_store.h"

#include "base/nameless_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#define BLOCK_SIZE ((size_t)64 * 1024) /* a longer text has a block of its own */
#define UNPACKED_KEPT 8                /* blocks that were read last */

struct block {
    uint8_t *packed; /* NULL: it is in the file */
    uint64_t position;
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
    size_t kept, kept_max; /* bytes of blocks in memory */
    int fd;                /* -1: there is no file yet */
    uint64_t file_size;
    ZSTD_CCtx *packer;
    ZSTD_DCtx *unpacker;
};

struct text_store *text_store_new(struct error *err)
{
    return text_store_new_spilling(SIZE_MAX, err);
}

struct text_store *text_store_new_spilling(size_t kept, struct error *err)
{
    struct text_store *store = calloc(1, sizeof(*store));

    if (store != NULL) {
        store->fd = -1;
        store->kept_max = kept;
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
    if (store->fd >= 0)
        close(store->fd);
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

/* ---- The file ---- */

static bool open_file(struct text_store *store, struct error *err)
{
    store->fd = nameless_file_open(NULL, err);
    return store->fd >= 0 ||
           error_hint(err, "Set TMPDIR to a directory that can be written and has room.");
}

static bool write_out(struct text_store *store, const uint8_t *bytes, size_t len, struct error *err)
{
    while (len > 0) {
        ssize_t n = pwrite(store->fd, bytes, len, (off_t)store->file_size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(err, errno, "cannot write a temporary file");
        bytes += n;
        len -= (size_t)n;
        store->file_size += (uint64_t)n;
    }
    return true;
}

static bool read_back(const struct text_store *store, const struct block *block, uint8_t *bytes,
                      struct error *err)
{
    size_t have = 0;

    while (have < block->packed_len) {
        ssize_t n = pread(store->fd, bytes + have, block->packed_len - have,
                          (off_t)(block->position + have));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set_errno(err, n < 0 ? errno : EIO, "cannot read a temporary file");
        have += (size_t)n;
    }
    return true;
}

/* ---- Blocks ---- */

/* Keeps a block that was packed, in memory or in the file. `room` is handed over. */
static bool keep_block(struct text_store *store, struct block *block, uint8_t *room,
                       struct error *err)
{
    uint8_t *fitting;

    if (block->packed_len > store->kept_max - store->kept) {
        bool done = store->fd >= 0 || open_file(store, err);

        block->position = store->file_size;
        done = done && write_out(store, room, block->packed_len, err);
        free(room);
        return done;
    }
    fitting = realloc(room, block->packed_len);
    block->packed = fitting != NULL ? fitting : room;
    store->kept += block->packed_len;
    return true;
}

static bool add_block(struct text_store *store, const void *bytes, size_t len, struct error *err)
{
    size_t bound = ZSTD_compressBound(len);
    struct block block = {.len = len};
    uint8_t *room;

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
    if (!keep_block(store, &block, room, err))
        return false;
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

static bool unpack_block(struct text_store *store, const struct block *block, uint8_t *bytes,
                         struct error *err)
{
    uint8_t *packed = block->packed;
    size_t got = 0;

    if (packed == NULL) {
        packed = malloc(block->packed_len);
        if (packed == NULL)
            return error_set_memory(err);
    }
    if (block->packed == NULL && !read_back(store, block, packed, err)) {
        free(packed);
        return false;
    }
    got = ZSTD_decompressDCtx(store->unpacker, bytes, block->len, packed, block->packed_len);
    if (block->packed == NULL)
        free(packed);
    /* Our own bytes: nothing else can be wrong with them. */
    return (!ZSTD_isError(got) && got == block->len) || error_set_memory(err);
}

static bool unpack(struct text_store *store, struct unpacked *unpacked, uint32_t number,
                   struct error *err)
{
    const struct block *block = &store->blocks[number - 1];

    forget_long(store);
    forget(unpacked);
    unpacked->bytes = malloc(block->len);
    if (unpacked->bytes == NULL)
        return error_set_memory(err);
    if (!unpack_block(store, block, unpacked->bytes, err)) {
        forget(unpacked);
        return false;
    }
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
