/*
 * Many texts, read back in about the order they came: kept in compressed blocks, so that the
 * definitions of a hundred thousand objects cost tens of bytes each rather than hundreds.
 */
#ifndef PGCASK_BASE_TEXT_STORE_H
#define PGCASK_BASE_TEXT_STORE_H

#include "base/buffer.h"

struct text_store;

/* Where a text is. All zeros: there is none (NULL, not ""). */
struct text_ref {
    uint32_t block;  /* from 1 */
    uint32_t offset; /* within the block */
};

struct text_store *text_store_new(struct error *err);
/* Of what is compressed no more than `kept` bytes are held in memory; the rest goes to an unlinked
 * file in TMPDIR or /tmp. */
struct text_store *text_store_new_spilling(size_t kept, struct error *err);
void text_store_free(struct text_store *store);

/* NULL gives the reference of none. */
bool text_store_put(struct text_store *store, const char *text, struct text_ref *ref,
                    struct error *err);

/* Any bytes, found again by their beginning: whoever put them there knows where they end. */
bool text_store_put_bytes(struct text_store *store, const void *bytes, size_t size,
                          struct text_ref *ref, struct error *err);

/* *text is NULL for none. Borrowed until the next get or put. */
bool text_store_get(struct text_store *store, struct text_ref ref, const char **text,
                    struct error *err);

#endif
