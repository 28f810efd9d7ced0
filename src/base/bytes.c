/*
 * Integers by their bytes, whatever the processor's order and alignment, and takers that check the
 * length before they look: every parser of what comes from outside is made of these.
 */
#include "base/bytes.h"

void bytes_put_u16(uint8_t out[2], uint16_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

void bytes_put_u32(uint8_t out[4], uint32_t value)
{
    bytes_put_u16(out, (uint16_t)(value >> 16));
    bytes_put_u16(out + 2, (uint16_t)value);
}

void bytes_put_u64(uint8_t out[8], uint64_t value)
{
    bytes_put_u32(out, (uint32_t)(value >> 32));
    bytes_put_u32(out + 4, (uint32_t)value);
}

uint16_t bytes_get_u16(const uint8_t in[2])
{
    return (uint16_t)(((unsigned)in[0] << 8) | in[1]);
}

uint32_t bytes_get_u32(const uint8_t in[4])
{
    return ((uint32_t)bytes_get_u16(in) << 16) | bytes_get_u16(in + 2);
}

uint64_t bytes_get_u64(const uint8_t in[8])
{
    return ((uint64_t)bytes_get_u32(in) << 32) | bytes_get_u32(in + 4);
}

bool bytes_take(struct slice *in, size_t len, struct slice *out)
{
    if (in->len < len)
        return false;
    *out = slice_take(in, len);
    return true;
}

bool bytes_take_u8(struct slice *in, uint8_t *value)
{
    struct slice bytes;

    if (!bytes_take(in, 1, &bytes))
        return false;
    *value = bytes.data[0];
    return true;
}

bool bytes_take_u16(struct slice *in, uint16_t *value)
{
    struct slice bytes;

    if (!bytes_take(in, 2, &bytes))
        return false;
    *value = bytes_get_u16(bytes.data);
    return true;
}

bool bytes_take_u32(struct slice *in, uint32_t *value)
{
    struct slice bytes;

    if (!bytes_take(in, 4, &bytes))
        return false;
    *value = bytes_get_u32(bytes.data);
    return true;
}

bool bytes_take_u64(struct slice *in, uint64_t *value)
{
    struct slice bytes;

    if (!bytes_take(in, 8, &bytes))
        return false;
    *value = bytes_get_u64(bytes.data);
    return true;
}

bool bytes_take_string(struct slice *in, const char **text)
{
    const uint8_t *end = in->len == 0 ? NULL : memchr(in->data, '\0', in->len);

    if (end == NULL)
        return false;
    *text = (const char *)in->data;
    slice_take(in, (size_t)(end - in->data) + 1);
    return true;
}

void bytes_to_hex(const uint8_t *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'a' && byte <= 'f')
        return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F')
        return byte - 'A' + 10;
    return -1;
}

bool bytes_from_hex(struct slice hex, uint8_t *out, size_t len)
{
    if (hex.len != 2 * len)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(hex.data[2 * i]);
        int low = hex_digit(hex.data[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

bool bytes_parse_u64(struct slice text, uint64_t *value)
{
    uint64_t result = 0;

    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';

        if (digit > 9 || result > (UINT64_MAX - digit) / 10)
            return false;
        result = result * 10 + digit;
    }
    *value = result;
    return true;
}
