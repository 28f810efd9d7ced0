/*
 * Bytes that claim to be text, made into text that JSON, files and terminals take: well-formed
 * UTF-8 stays, everything else becomes \xHH, so that nothing is lost and nothing is made up.
 */
#include "base/utf8.h"

/* Length of the well-formed UTF-8 sequence at the start of the text, 0 if there is none. Unicode
 * Standard, table 3-7: the second byte's range depends on the first, so that overlong forms,
 * surrogates and anything over U+10FFFF are refused. */
static size_t sequence_length(struct slice text)
{
    uint8_t first = text.data[0];
    if (first < 0x80)
        return 1;
    size_t length = 0;
    uint8_t low = 0x80, high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = 3;
        low = first == 0xe0 ? 0xa0 : low;
        high = first == 0xed ? 0x9f : high;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = 4;
        low = first == 0xf0 ? 0x90 : low;
        high = first == 0xf4 ? 0x8f : high;
    }
    if (length == 0 || text.len < length || text.data[1] < low || text.data[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

/* Bytes at the start of the text that can stay as they are. */
static size_t clean_length(struct slice text, bool ascii_only)
{
    size_t done = 0;
    while (done < text.len) {
        if (text.data[done] < 0x80) {
            done++;
            continue;
        }
        size_t length =
            ascii_only ? 0 : sequence_length(slice_make(text.data + done, text.len - done));
        if (length == 0)
            break;
        done += length;
    }
    return done;
}

bool utf8_is_clean(struct slice text, bool ascii_only)
{
    return clean_length(text, ascii_only) == text.len;
}

bool utf8_append_escaped(struct buffer *out, struct slice text, enum utf8_context context,
                         bool ascii_only, bool *escaped, struct error *err)
{
    while (text.len > 0) {
        struct slice clean = slice_take(&text, clean_length(text, ascii_only));
        if (!buffer_append(out, clean.data, clean.len, err))
            return false;
        if (text.len == 0)
            break;
        const char *backslash = context == UTF8_IN_JSON ? "\\\\" : "\\";
        if (!buffer_printf(out, err, "%sx%02x", backslash, slice_take(&text, 1).data[0]))
            return false;
        *escaped = true;
    }
    return true;
}

json_t *utf8_to_json(const char *text)
{
    struct slice bytes = slice_string(text);
    if (utf8_is_clean(bytes, false))
        return json_stringn_nocheck(text, bytes.len);
    struct buffer clean = {0};
    struct error ignored; /* can only be "out of memory", which NULL says */
    bool escaped = false;
    json_t *value = NULL;
    if (utf8_append_escaped(&clean, bytes, UTF8_IN_TEXT, false, &escaped, &ignored))
        value = json_stringn_nocheck(buffer_text(&clean), clean.len);
    buffer_free(&clean);
    return value;
}
