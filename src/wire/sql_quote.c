/*
 * Names and values inside the SQL that we send. Without a limit and without mercy for what is
 * special, unlike base/quote.c, whose texts are for people.
 */
#include "wire/wire.h"

static bool append_quoted(struct buffer *out, const char *text, char quote, struct error *err)
{
    size_t len = strlen(text);

    if (!buffer_reserve(out, 2 * len + 2, err) || !buffer_append_byte(out, (uint8_t)quote, err))
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == quote && !buffer_append_byte(out, (uint8_t)quote, err))
            return false;
        if (!buffer_append_byte(out, (uint8_t)text[i], err))
            return false;
    }
    return buffer_append_byte(out, (uint8_t)quote, err);
}

/* Always quoted: whether a word is reserved depends on the server's version. */
bool wire_quote_identifier(struct buffer *out, const char *name, struct error *err)
{
    return append_quoted(out, name, '"', err);
}

bool wire_quote_literal(struct buffer *out, const char *value, struct error *err)
{
    return append_quoted(out, value, '\'', err);
}
