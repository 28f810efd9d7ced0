/* Texts for the peer. Its people see a status message on one line; a byte that is not UTF-8 would
 * cost the whole message. */
#include "plakar/grpc.h"

#include "base/utf8.h"
#include "plakar/spelling.h"

#define TEXT_MAX 2000 /* three times as much when encoded: below 8 KiB of trailers */

/* Lines become sentences of one line; other control characters go. */
static void flatten(struct buffer *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (text->data[i] < ' ' || text->data[i] == 0x7f)
            text->data[i] = ' ';
    }
}

static bool append_encoded(struct buffer *out, uint8_t byte, struct error *err)
{
    if (byte >= ' ' && byte <= '~' && byte != '%')
        return buffer_append_byte(out, byte, err);
    return buffer_printf(out, err, "%%%02X", byte);
}

bool grpc_encode_message(struct buffer *out, const char *text, struct error *err)
{
    struct buffer clean = {0};
    bool escaped = false;
    bool done = utf8_append_escaped(&clean, slice_string(text), UTF8_IN_TEXT, false, &escaped, err);
    size_t end;

    if (done)
        flatten(&clean);
    end = utf8_fitting(buffer_slice(&clean), TEXT_MAX);
    for (size_t i = 0; done && i < end; i++)
        done = append_encoded(out, clean.data[i], err);
    buffer_free(&clean);
    return done;
}

bool grpc_error_text(struct buffer *out, const struct error *error, struct error *err)
{
    struct error spelled = *error;

    error_spell(&spelled, &plakar_speller);
    return buffer_append_string(out, spelled.message, err) &&
           (spelled.detail[0] == '\0' || buffer_printf(out, err, " (%s)", spelled.detail)) &&
           (spelled.hint[0] == '\0' || buffer_printf(out, err, "; hint: %s", spelled.hint));
}
