/* Interim names are random, so that they can be looked for in any text; and they need no quotes
 * where they stand in a statement, which the other one may. */
#include "restore/failure_names.h"

#include <string.h>

static size_t characters(const char *text, size_t len)
{
    size_t count = 0;

    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static bool append_renamed(struct buffer *out, const char *text, const char *from, const char *to,
                           struct error *err)
{
    const char *found;

    for (; (found = strstr(text, from)) != NULL; text = found + strlen(from)) {
        if (!buffer_append(out, text, (size_t)(found - text), err) ||
            !buffer_append_string(out, to, err))
            return false;
    }
    return buffer_append_string(out, text, err) && buffer_append_byte(out, '\0', err);
}

/* Of the name's end, or what stands behind it. */
static unsigned moved(unsigned position, const char *statement, const char *from, const char *to)
{
    const char *found = strstr(statement, from);
    size_t before = found == NULL ? 0 : characters(statement, (size_t)(found - statement));

    if (found == NULL || position <= before + strlen(from))
        return position;
    return (unsigned)(position - strlen(from) + characters(to, strlen(to)));
}

static bool rename_texts(struct target_failure *out, const char *from, const char *to,
                         struct buffer *texts, struct error *err)
{
    const char **const members[] = {&out->message, &out->detail, &out->hint, &out->context,
                                    &out->statement};
    size_t places[sizeof(members) / sizeof(members[0])];
    struct buffer quoted = {0};
    bool done = wire_quote_identifier(&quoted, to, err);

    for (size_t i = 0; done && i < sizeof(members) / sizeof(members[0]); i++) {
        bool is_statement = members[i] == &out->statement;

        places[i] = texts->len;
        done =
            append_renamed(texts, *members[i], from, is_statement ? buffer_text(&quoted) : to, err);
    }
    if (done)
        out->position = moved(out->position, out->statement, from, buffer_text(&quoted));
    for (size_t i = 0; done && i < sizeof(members) / sizeof(members[0]); i++)
        *members[i] = (const char *)texts->data + places[i];
    buffer_free(&quoted);
    return done;
}

void failure_rename(struct target_failure *out, const struct target_failure *failure,
                    const char *from, const char *to, struct buffer *texts)
{
    struct error ignored;

    *out = *failure;
    if (strcmp(from, to) != 0 && !rename_texts(out, from, to, texts, &ignored))
        *out = *failure;
}
