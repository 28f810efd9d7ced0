/*
 * SASLprep, RFC 4013: what PostgreSQL makes of a password before it hashes it. Mapping, then
 * Unicode normalisation by NFKC. Prohibited and unassigned code points, and both directions of
 * writing in one text, mean that the password is taken as it was given. RFC 4013 looks for these in
 * what came out; PostgreSQL in what goes into the normalisation, and so it is done here.
 */
#include "wire/auth_saslprep_internal.h"
#include "wire/auth_scram_internal.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <utf8proc.h>

#define POINT_SIZE 4 /* bytes of a code point in UTF-8, at most */

/* ---- The tables of RFC 3454 ---- */

/* Code points that RFC 4013 maps to a space (table C.1.2). */
static bool is_other_space(uint32_t point)
{
    return point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200b) ||
           point == 0x202f || point == 0x205f || point == 0x3000;
}

/* Code points that vanish (table B.1). U+200B is in both tables: the space wins. */
static bool is_mapped_to_nothing(uint32_t point)
{
    return point == 0xad || point == 0x034f || point == 0x1806 ||
           (point >= 0x180b && point <= 0x180d) || point == 0x200c || point == 0x200d ||
           point == 0x2060 || (point >= 0xfe00 && point <= 0xfe0f) || point == 0xfeff;
}

/* Tables C.2.1 to C.9, as RFC 4013 has them. */
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

/* Table D.1. */
static bool is_right_to_left(uint32_t point)
{
    utf8proc_propval_t class = utf8proc_get_property((utf8proc_int32_t)point)->bidi_class;

    return class == UTF8PROC_BIDI_CLASS_R || class == UTF8PROC_BIDI_CLASS_AL;
}

/* Table D.2. Unicode has changed its mind on these few since version 3.2. */
static bool is_left_to_right(uint32_t point)
{
    if (point == 0x0cbf || point == 0x0cc6 || point == 0x1734 || point == 0x2132 ||
        (point >= 0x2800 && point <= 0x28ff) || point == 0x302e || point == 0x302f)
        return false;
    if (point == 0x17b4 || point == 0x17b5 || point == 0x1885 || point == 0x1886 ||
        point == 0x1d6db || point == 0x1d715 || point == 0x1d74f || point == 0x1d789 ||
        point == 0x1d7c3)
        return true;
    return utf8proc_get_property((utf8proc_int32_t)point)->bidi_class == UTF8PROC_BIDI_CLASS_L;
}

static bool append_point(struct buffer *out, uint32_t point, struct error *err)
{
    utf8proc_uint8_t bytes[POINT_SIZE];
    utf8proc_ssize_t len = utf8proc_encode_char((utf8proc_int32_t)point, bytes);

    return buffer_append(out, bytes, (size_t)len, err);
}

/* ---- The steps ---- */

struct directions {
    bool right_to_left, left_to_right; /* seen at all */
    bool begins, ends;                 /* right to left */
};

/* RFC 4013, section 2.4. */
static bool is_one_way(const struct directions *seen)
{
    return !seen->right_to_left || (!seen->left_to_right && seen->begins && seen->ends);
}

/* False where the password has to be taken as it is: not UTF-8, not allowed, nothing left. */
static bool map(struct slice password, struct buffer *mapped)
{
    struct directions seen = {false, false, false, false};
    struct error ignored;

    while (password.len > 0) {
        utf8proc_ssize_t len;
        utf8proc_int32_t at;
        uint32_t point;

        len = utf8proc_iterate(password.data, (utf8proc_ssize_t)password.len, &at);
        if (len <= 0)
            return false;
        slice_take(&password, (size_t)len);
        point = is_other_space((uint32_t)at) ? ' ' : (uint32_t)at;
        if (is_mapped_to_nothing(point))
            continue;
        if (is_prohibited(point) || saslprep_is_unassigned(point))
            return false;
        seen.ends = is_right_to_left(point);
        seen.begins = mapped->len == 0 ? seen.ends : seen.begins;
        seen.right_to_left = seen.right_to_left || seen.ends;
        seen.left_to_right = seen.left_to_right || is_left_to_right(point);
        append_point(mapped, point, &ignored); /* there is room */
    }
    return mapped->len > 0 && is_one_way(&seen);
}

/* NFKC as *count code points in an array of *room; NULL if there is no memory for it. */
static utf8proc_int32_t *normalise(const struct buffer *text, size_t *room, size_t *count)
{
    const utf8proc_option_t nfkc = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
    utf8proc_ssize_t len = (utf8proc_ssize_t)text->len, needed, found;
    utf8proc_int32_t *points;

    needed = utf8proc_decompose(text->data, len, NULL, 0, nfkc);
    points = needed <= 0 ? NULL : calloc((size_t)needed, sizeof(*points));
    if (points == NULL)
        return NULL;
    *room = (size_t)needed;
    utf8proc_decompose(text->data, len, points, needed, nfkc);
    found = utf8proc_normalize_utf32(points, needed, nfkc);
    *count = found < 0 ? 0 : (size_t)found;
    return points;
}

static bool encode(const utf8proc_int32_t *points, size_t count, struct buffer *out,
                   struct error *err)
{
    /* Room for all of it at once: no copy of a password is to stay behind in freed memory. */
    bool ok = buffer_reserve(out, count * POINT_SIZE, err);

    for (size_t i = 0; ok && i < count; i++)
        ok = append_point(out, (uint32_t)points[i], err);
    return ok;
}

bool scram_prepare_password(struct slice password, struct buffer *out, struct error *err)
{
    struct buffer mapped = {0};
    utf8proc_int32_t *points = NULL;
    size_t room = 0, count = 0;
    bool ok = buffer_reserve(&mapped, password.len, err);

    if (ok && !map(password, &mapped)) {
        ok = buffer_append(out, password.data, password.len, err);
    } else if (ok) {
        points = normalise(&mapped, &room, &count);
        ok = points != NULL ? encode(points, count, out, err) : error_set_memory(err);
    }
    if (points != NULL)
        OPENSSL_cleanse(points, room * sizeof(*points));
    free(points);
    buffer_free_secret(&mapped);
    return ok;
}
