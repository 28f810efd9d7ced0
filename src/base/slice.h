/*
 * Bytes with a length. What comes from outside is a slice until it has been checked; a slice
 * owns nothing and its bytes need no terminator.
 */
#ifndef PGCASK_BASE_SLICE_H
#define PGCASK_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data;
    size_t len;
};

static inline struct slice slice_make(const void *data, size_t len)
{
    return (struct slice){.data = data, .len = len};
}

static inline struct slice slice_string(const char *text)
{
    return slice_make(text, strlen(text));
}

static inline bool slice_equals(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Takes the first n bytes off; n must not exceed slice->len. */
static inline struct slice slice_take(struct slice *slice, size_t n)
{
    struct slice head = {slice->data, n};
    if (n > 0) /* an empty slice may have no data at all */
        slice->data += n;
    slice->len -= n;
    return head;
}

/* Takes the first line off, and what ends it, which is no part of it. */
static inline struct slice slice_take_line(struct slice *slice)
{
    const uint8_t *end = slice->len == 0 ? NULL : memchr(slice->data, '\n', slice->len);
    struct slice line = slice_take(slice, end == NULL ? slice->len : (size_t)(end - slice->data));

    if (end != NULL)
        slice_take(slice, 1);
    return line;
}

static inline bool slice_is_any(uint8_t byte, const char *of)
{
    return byte != '\0' && strchr(of, byte) != NULL;
}

/* Without any of the bytes of `blanks` at its beginning and end. */
static inline struct slice slice_trim(struct slice slice, const char *blanks)
{
    while (slice.len > 0 && slice_is_any(slice.data[0], blanks))
        slice_take(&slice, 1);
    while (slice.len > 0 && slice_is_any(slice.data[slice.len - 1], blanks))
        slice.len--;
    return slice;
}

#endif
