/* Sizes and durations rounded for people, and text of others made harmless: what could move a
 * terminal's cursor, colour it or turn the direction of writing is shown as an escape. */
#include "cli/format.h"

#include "base/utf8.h"

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
