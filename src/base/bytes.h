/*
 * Integers in bytes, and checked reading of what came from outside: every taker returns false
 * instead of reading past the end. Also hexadecimal and decimal text.
 */
#ifndef PGCASK_BASE_BYTES_H
#define PGCASK_BASE_BYTES_H

#include "base/slice.h"

/* Big-endian ("network") order. */
void bytes_put_u16(uint8_t out[2], uint16_t value);
void bytes_put_u32(uint8_t out[4], uint32_t value);
void bytes_put_u64(uint8_t out[8], uint64_t value);
uint16_t bytes_get_u16(const uint8_t in[2]);
uint32_t bytes_get_u32(const uint8_t in[4]);
uint64_t bytes_get_u64(const uint8_t in[8]);

/* Takes a big-endian integer off the front of the slice, which stays as it was where it is too
 * short. */
bool bytes_take_u8(struct slice *in, uint8_t *value);
bool bytes_take_u16(struct slice *in, uint16_t *value);
bool bytes_take_u32(struct slice *in, uint32_t *value);
bool bytes_take_u64(struct slice *in, uint64_t *value);
bool bytes_take(struct slice *in, size_t len, struct slice *out);

/* Takes a NUL-terminated string off the front; *text points into the slice. */
bool bytes_take_string(struct slice *in, const char **text);

/* Lower-case hexadecimal, NUL-terminated; out holds 2 * len + 1. */
void bytes_to_hex(const uint8_t *data, size_t len, char *out);

/* Exactly 2 * len hexadecimal digits of either case. */
bool bytes_from_hex(struct slice hex, uint8_t *out, size_t len);

/* The whole slice must be the number, without sign or space. */
bool bytes_parse_u64(struct slice text, uint64_t *value);

#endif
