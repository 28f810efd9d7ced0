/*
 * The one growable run of bytes of the program. Room is doubled, and there is always one byte more
 * than asked for, so that content is text at any moment without a copy. Growing fails as a value,
 * never by exit.
 */
#include "base/buffer.h"

#include "base/bytes.h"
#include "base/quote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>

void buffer_init(struct buffer *buffer)
{
    *buffer = (struct buffer){0};
}

void buffer_free(struct buffer *buffer)
{
    free(buffer->data);
    buffer_init(buffer);
}

void buffer_clear(struct buffer *buffer)
{
    buffer->len = 0;
    if (buffer->data != NULL)
        buffer->data[0] = '\0';
}

void buffer_clear_keeping(struct buffer *buffer, size_t keep)
{
    if (buffer->capacity > keep)
        buffer_free(buffer);
    else
        buffer_clear(buffer);
}

void buffer_free_secret(struct buffer *buffer)
{
    if (buffer->data != NULL)
        OPENSSL_cleanse(buffer->data, buffer->capacity);
    buffer_free(buffer);
}

bool buffer_reserve(struct buffer *buffer, size_t extra, struct error *err)
{
    size_t needed, capacity;
    uint8_t *data;

    if (extra >= SIZE_MAX / 2 - buffer->len)
        return error_set_memory(err);
    needed = buffer->len + extra + 1; /* the NUL behind the content */
    if (needed <= buffer->capacity)
        return true;
    capacity = buffer->capacity < 64 ? 64 : buffer->capacity;
    while (capacity < needed)
        capacity *= 2;
    data = realloc(buffer->data, capacity);
    if (data == NULL)
        return error_set_memory(err);
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

bool buffer_append(struct buffer *buffer, const void *data, size_t len, struct error *err)
{
    if (!buffer_reserve(buffer, len, err))
        return false;
    if (len > 0)
        memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
    buffer->data[buffer->len] = '\0';
    return true;
}

bool buffer_append_byte(struct buffer *buffer, uint8_t byte, struct error *err)
{
    return buffer_append(buffer, &byte, 1, err);
}

bool buffer_append_string(struct buffer *buffer, const char *text, struct error *err)
{
    return buffer_append(buffer, text, strlen(text), err);
}

bool buffer_vprintf(struct buffer *buffer, struct error *err, const char *format, va_list args)
{
    va_list again;
    int len;

    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (len < 0)
        return error_set(err, ERROR_MEMORY, "cannot format a text");
    if (!buffer_reserve(buffer, (size_t)len, err))
        return false;
    vsnprintf((char *)buffer->data + buffer->len, (size_t)len + 1, format, args);
    buffer->len += (size_t)len;
    return true;
}

bool buffer_printf(struct buffer *buffer, struct error *err, const char *format, ...)
{
    va_list args;
    bool done;

    va_start(args, format);
    done = buffer_vprintf(buffer, err, format, args);
    va_end(args);
    return done;
}

bool buffer_append_u16(struct buffer *buffer, uint16_t value, struct error *err)
{
    uint8_t bytes[2];

    bytes_put_u16(bytes, value);
    return buffer_append(buffer, bytes, sizeof(bytes), err);
}

bool buffer_append_u32(struct buffer *buffer, uint32_t value, struct error *err)
{
    uint8_t bytes[4];

    bytes_put_u32(bytes, value);
    return buffer_append(buffer, bytes, sizeof(bytes), err);
}

bool buffer_append_u64(struct buffer *buffer, uint64_t value, struct error *err)
{
    uint8_t bytes[8];

    bytes_put_u64(bytes, value);
    return buffer_append(buffer, bytes, sizeof(bytes), err);
}

void buffer_truncate(struct buffer *buffer, size_t len)
{
    buffer->len = len;
    if (buffer->data != NULL)
        buffer->data[len] = '\0';
}

void buffer_consume(struct buffer *buffer, size_t n)
{
    buffer->len -= n;
    if (buffer->data == NULL)
        return;
    memmove(buffer->data, buffer->data + n, buffer->len);
    buffer->data[buffer->len] = '\0';
}

bool buffer_append_posix_word(struct buffer *out, const char *word, struct error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./=:,+@%";
    bool ok;

    if (*word != '\0' && word[strspn(word, plain)] == '\0')
        return buffer_append_string(out, word, err);
    ok = buffer_append_byte(out, '\'', err);
    for (; ok && *word != '\0'; word++)
        ok = *word == '\'' ? buffer_append_string(out, "'\\''", err)
                           : buffer_append_byte(out, (uint8_t)*word, err);
    return ok && buffer_append_byte(out, '\'', err);
}

bool buffer_append_shell_word(struct buffer *out, const char *word, struct error *err)
{
    size_t size = 4 * strlen(word) + 8;

    if (!quote_has_control(word))
        return buffer_append_posix_word(out, word, err);
    if (!buffer_reserve(out, size, err))
        return false;
    quote_shell(word, (char *)out->data + out->len, size);
    out->len += strlen((char *)out->data + out->len);
    return true;
}
