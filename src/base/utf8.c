/*
 * Bytes that claim to be text, made into text that JSON, files and terminals take: well-formed
 * UTF-8 stays, everything else becomes \xHH, so that nothing is lost and nothing is made up.
 */
#include "base/utf8.h"

#include <jansson.h>

size_t utf8_character(struct slice text, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint8_t first = text.data[0];
    size_t len;

    if (first < 0x80) {
        *code = first;
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf)
        len = 2;
    else if (first >= 0xe0 && first <= 0xef)
        len = 3;
    else if (first >= 0xf0 && first <= 0xf4)
        len = 4;
    else
        return 0;
    if (text.len < len)
        return 0;
    *code = first & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text.data[i] & 0x3f);
    }
    if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return len;
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
        uint32_t code;
        size_t length =
            ascii_only ? 0 : utf8_character(slice_make(text.data + done, text.len - done), &code);
        if (length == 0)
            break;
        done += length;
    }
    return done;
}

size_t utf8_fitting(struct slice text, size_t limit)
{
    if (text.len <= limit)
        return text.len;
    while (limit > 0 && (text.data[limit] & 0xc0) == 0x80)
        limit--;
    return limit;
}

void utf8_cut(char *text, size_t limit)
{
    text[utf8_fitting(slice_string(text), limit)] = '\0';
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
