/*
 * A line that one piece has whole is lent from there; only one that comes in several is put
 * together. What has no end is refused before it has grown.
 */
#include "manifest/line_decoder.h"

#include <inttypes.h>

void line_decoder_reset(struct line_decoder *lines)
{
    buffer_free(&lines->kept);
}

bool line_decoder_malformed(const struct line_decoder *lines, const char *what, struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "%s line %" PRIu64 ": %s", lines->file, lines->number,
                     what);
}

enum line_status line_decoder_next(struct line_decoder *lines, struct slice *data,
                                   struct slice *line, struct error *err)
{
    const uint8_t *end = memchr(data->data, '\n', data->len);

    if (lines->given)
        buffer_clear(&lines->kept);
    lines->given = false;
    *line = slice_take(data, end == NULL ? data->len : (size_t)(end - data->data) + 1);
    if (lines->kept.len + line->len > LINE_MAX_BYTES) {
        line_decoder_malformed(lines, "the line is too long", err);
        return LINE_FAILED;
    }
    if (end == NULL || lines->kept.len > 0) {
        if (!buffer_append(&lines->kept, line->data, line->len, err))
            return LINE_FAILED;
        *line = buffer_slice(&lines->kept);
    }
    if (end == NULL)
        return LINE_NEEDS_MORE;
    lines->given = true;
    lines->number++;
    return LINE_WHOLE;
}

bool line_decoder_is_inside(const struct line_decoder *lines)
{
    return !lines->given && lines->kept.len > 0;
}

bool line_is(struct slice line, const char *text)
{
    return slice_equals(line, slice_string(text));
}

bool line_starts(struct slice line, const char *text)
{
    size_t len = strlen(text);

    return line.len >= len && memcmp(line.data, text, len) == 0;
}
