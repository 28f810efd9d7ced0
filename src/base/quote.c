#include "base/quote.h"

#include <string.h>

/* Appends `text` if there is room for it and for one more quote at the end. */
static size_t append(char *out, size_t used, size_t size, const char *text, size_t len)
{
    if (used + len + 2 > size)
        return used;
    memcpy(out + used, text, len);
    return used + len;
}

static const char *quote(const char *text, char mark, const char *inner, char *out, size_t size)
{
    size_t used = append(out, 0, size, &mark, 1);

    for (; *text != '\0'; text++) {
        size_t before = used;

        used = *text == mark ? append(out, used, size, inner, strlen(inner))
                             : append(out, used, size, text, 1);
        if (used == before)
            break;
    }
    out[used++] = mark;
    out[used] = '\0';
    return out;
}

const char *quote_identifier(const char *name, char *out, size_t size)
{
    return quote(name, '"', "\"\"", out, size);
}

const char *quote_shell(const char *word, char *out, size_t size)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%,";
    size_t len = strlen(word);

    if (len == 0 || strspn(word, plain) != len || len >= size)
        return quote(word, '\'', "'\\''", out, size);
    memcpy(out, word, len + 1);
    return out;
}
