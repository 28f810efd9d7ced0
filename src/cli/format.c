#include "cli/format.h"

#include <inttypes.h>
#include <stdio.h>

void format_size(uint64_t bytes, char out[FORMAT_SIZE])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    uint64_t tenths;

    if (bytes < 1024) {
        snprintf(out, FORMAT_SIZE, "%" PRIu64 " B", bytes);
        return;
    }
    while (bytes >= 1024 * 1024) {
        bytes >>= 10;
        unit++;
    }
    tenths = bytes * 10 / 1024;
    if (tenths < 1000)
        snprintf(out, FORMAT_SIZE, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
                 units[unit]);
    else
        snprintf(out, FORMAT_SIZE, "%" PRIu64 " %s", tenths / 10, units[unit]);
}

void format_duration(uint64_t seconds, char out[FORMAT_SIZE])
{
    uint64_t minutes = seconds / 60;
    uint64_t hours = minutes / 60;

    if (minutes == 0)
        snprintf(out, FORMAT_SIZE, "%" PRIu64 "s", seconds);
    else if (hours == 0)
        snprintf(out, FORMAT_SIZE, "%" PRIu64 "m%02" PRIu64 "s", minutes, seconds % 60);
    else if (hours < 24)
        snprintf(out, FORMAT_SIZE, "%" PRIu64 "h%02" PRIu64 "m", hours, minutes % 60);
    else
        snprintf(out, FORMAT_SIZE, "%" PRIu64 "d%02" PRIu64 "h", hours / 24, hours % 24);
}

void format_seconds(double seconds, char out[FORMAT_SIZE])
{
    if (seconds < 10)
        snprintf(out, FORMAT_SIZE, "%.1fs", seconds);
    else
        format_duration((uint64_t)seconds, out);
}

/* The length of the UTF-8 character that text begins with, and its code point; 0 if it is none. */
static size_t utf8_character(struct slice text, uint32_t *code)
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

/* What could move the cursor, change colours, or make text read other than it is. */
static bool harms_terminal(uint32_t code)
{
    if (code == '\n')
        return false;
    return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f ||
           (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

bool format_escape(struct buffer *out, struct slice text, enum format_escape what,
                   struct error *err)
{
    while (text.len > 0) {
        uint32_t code = 0;
        size_t len = utf8_character(text, &code);
        bool harmless = len > 0 && (what == FORMAT_FOR_JSON || !harms_terminal(code));
        struct slice character = slice_take(&text, len > 0 ? len : 1);

        if (harmless) {
            if (!buffer_append(out, character.data, character.len, err))
                return false;
            continue;
        }
        for (size_t i = 0; i < character.len; i++) {
            if (!buffer_printf(out, err, "\\x%02x", character.data[i]))
                return false;
        }
    }
    return true;
}
