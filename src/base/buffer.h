/*
 * A growable run of bytes on the heap. Zero-initialise it ({0}) or call buffer_init; free it with
 * buffer_free. data[len] is always a NUL once anything was added, so that text can be used as a
 * C string.
 */
#ifndef PGCASK_BASE_BUFFER_H
#define PGCASK_BASE_BUFFER_H

#include "base/error.h"
#include "base/slice.h"

struct buffer {
    uint8_t *data;
    size_t len;
    size_t capacity;
};

void buffer_init(struct buffer *buffer);
void buffer_free(struct buffer *buffer);

/* Forgets the content, keeps the memory. */
void buffer_clear(struct buffer *buffer);

/* The same, and room for more than `keep` bytes is given back: for what is large once in a while.
 */
void buffer_clear_keeping(struct buffer *buffer, size_t keep);

/* Overwrites the content with zeros, then frees: for passwords and keys. */
void buffer_free_secret(struct buffer *buffer);

/* Makes room for `extra` more bytes beyond len. */
bool buffer_reserve(struct buffer *buffer, size_t extra, struct error *err);

bool buffer_append(struct buffer *buffer, const void *data, size_t len, struct error *err);
bool buffer_append_byte(struct buffer *buffer, uint8_t byte, struct error *err);
bool buffer_append_string(struct buffer *buffer, const char *text, struct error *err);
bool buffer_printf(struct buffer *buffer, struct error *err, const char *format, ...)
    ERROR_PRINTF(3, 4);
bool buffer_vprintf(struct buffer *buffer, struct error *err, const char *format, va_list args)
    ERROR_PRINTF(3, 0);

/* The word as a POSIX shell reads it back: in quotes where it needs them. */
bool buffer_append_posix_word(struct buffer *buffer, const char *word, struct error *err);

/* The word for people to paste, see quote_shell. */
bool buffer_append_shell_word(struct buffer *buffer, const char *word, struct error *err);

/* Big-endian integers, as the wire has them. */
bool buffer_append_u16(struct buffer *buffer, uint16_t value, struct error *err);
bool buffer_append_u32(struct buffer *buffer, uint32_t value, struct error *err);
bool buffer_append_u64(struct buffer *buffer, uint64_t value, struct error *err);

/* Cuts the content to its first len bytes (len <= buffer->len). */
void buffer_truncate(struct buffer *buffer, size_t len);

/* Removes the first n bytes (n <= len). */
void buffer_consume(struct buffer *buffer, size_t n);

static inline struct slice buffer_slice(const struct buffer *buffer)
{
    return slice_make(buffer->data, buffer->len);
}

/* The content as a C string; "" if empty. Borrowed until the next change. */
static inline const char *buffer_text(const struct buffer *buffer)
{
    return buffer->len == 0 ? "" : (const char *)buffer->data;
}

#endif
