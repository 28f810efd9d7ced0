#include "wire/scram_internal.h"

/* Code points that RFC 4013 maps to a space (RFC 3454, table C.1.2). */
static bool is_other_space(uint32_t point)
{
    return point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200b) ||
           point == 0x202f || point == 0x205f || point == 0x3000;
}

/* Code points that vanish (RFC 3454, table B.1). U+200B is in both tables: the space wins. */
static bool is_mapped_to_nothing(uint32_t point)
{
    return point == 0xad || point == 0x034f || point == 0x1806 ||
           (point >= 0x180b && point <= 0x180d) || point == 0x200c || point == 0x200d ||
           point == 0x2060 || (point >= 0xfe00 && point <= 0xfe0f) || point == 0xfeff;
}

/* RFC 3454, tables C.2.1 to C.9, as RFC 4013 has them. */
static bool is_prohibited(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x0340 || point == 0x0341 ||
           point == 0x06dd || point == 0x070f || point == 0x180e ||
           (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2061 && point <= 0x2063) || (point >= 0x206a && point <= 0x206f) ||
           (point >= 0x2ff0 && point <= 0x2ffb) || (point >= 0xe000 && point <= 0xf8ff) ||
           (point >= 0xfdd0 && point <= 0xfdef) || (point >= 0xfff9 && point <= 0xfffd) ||
           (point & 0xfffe) == 0xfffe || (point >= 0x1d173 && point <= 0x1d17a) ||
           point == 0xe0001 || (point >= 0xe0020 && point <= 0xe007f) || point >= 0xf0000;
}

/* Takes one UTF-8 sequence off; false if it is none. */
static bool take_code_point(struct slice *in, uint32_t *point, struct slice *encoded)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = in->data[0];
    size_t len = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;

    if (in->len < len || (first >= 0x80 && first < 0xc2) || first > 0xf4)
        return false;
    *point = len == 1 ? first : first & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((in->data[i] & 0xc0) != 0x80)
            return false;
        *point = *point << 6 | (in->data[i] & 0x3f);
    }
    *encoded = slice_take(in, len);
    return *point >= least[len] && *point <= 0x10ffff && (*point < 0xd800 || *point > 0xdfff);
}

/* *usable is false where the password has to be taken as it is. */
static bool map(struct slice password, struct buffer *out, bool *usable, struct error *err)
{
    struct slice encoded;
    uint32_t point;

    *usable = false;
    while (password.len > 0) {
        if (!take_code_point(&password, &point, &encoded))
            return true;
        if (is_other_space(point))
            encoded = slice_string(" ");
        else if (is_mapped_to_nothing(point))
            continue;
        else if (is_prohibited(point))
            return true;
        if (!buffer_append(out, encoded.data, encoded.len, err))
            return false;
    }
    *usable = out->len > 0;
    return true;
}

bool scram_prepare_password(struct slice password, struct buffer *out, struct error *err)
{
    bool usable;

    /* Room for all of it at once: no copy of a password is to stay behind in freed memory. */
    if (!buffer_reserve(out, password.len, err) || !map(password, out, &usable, err))
        return false;
    if (usable)
        return true;
    buffer_clear(out);
    return buffer_append(out, password.data, password.len, err);
}
