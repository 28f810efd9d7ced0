/*
 * Names and paths in hints, so that what people paste does what it says: whatever is special to SQL
 * or to a shell is quoted, and a path that would be cut is replaced as a whole. SQL that is sent is
 * made elsewhere (wire_quote_identifier).
 */
#include "base/quote.h"

#include <stdio.h>
#include <string.h>

/* Appends `text` if there is room for it and for one more quote at the end. */
static size_t append(char *out, size_t used, size_t size, const char *text, size_t len)
{
    if (used + len + 2 > size)
        return used;
    memcpy(out + used, text, len);
    return used + len;
}

/* *cut: not all of it fitted. */
static const char *quote(const char *text, char mark, const char *inner, char *out, size_t size,
                         bool *cut)
{
    size_t used = append(out, 0, size, &mark, 1);

    for (; *text != '\0'; text++) {
        size_t before = used;

        used = *text == mark ? append(out, used, size, inner, strlen(inner))
                             : append(out, used, size, text, 1);
        if (used == before)
            break;
    }
    *cut = *text != '\0';
    out[used++] = mark;
    out[used] = '\0';
    return out;
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

bool quote_has_control(const char *text)
{
    while (*text != '\0' && !is_control(*text))
        text++;
    return *text != '\0';
}

static const char *quote_control(const char *text, bool shell, char *out, size_t size, bool *cut)
{
    size_t used = append(out, 0, size, shell ? "$'" : "U&\"", shell ? 2 : 3);

    for (; *text != '\0'; text++) {
        char piece[8] = {*text};
        size_t before = used;

        if (*text == '\n' && shell)
            memcpy(piece, "\\n", 3);
        else if (is_control(*text))
            snprintf(piece, sizeof(piece), shell ? "\\%03o" : "\\%04X",
                     (unsigned)(unsigned char)*text);
        else if (*text == '\\' || (shell && *text == '\''))
            snprintf(piece, sizeof(piece), "\\%c", *text);
        else if (!shell && *text == '"')
            memcpy(piece, "\"\"", 3);
        used = append(out, used, size, piece, strlen(piece));
        if (used == before)
            break;
    }
    *cut = *text != '\0';
    out[used++] = shell ? '\'' : '"';
    out[used] = '\0';
    return out;
}

const char *quote_identifier(const char *name, char *out, size_t size)
{
    bool cut;

    if (quote_has_control(name))
        return quote_control(name, false, out, size, &cut);
    return quote(name, '"', "\"\"", out, size, &cut);
}

const char *quote_shell(const char *word, char *out, size_t size)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+:@%,";
    size_t len = strlen(word);
    bool cut = len >= size;

    if (quote_has_control(word))
        quote_control(word, true, out, size, &cut);
    else if (len == 0 || strspn(word, plain) != len)
        quote(word, '\'', "'\\''", out, size, &cut);
    else if (!cut)
        memcpy(out, word, len + 1);
    if (cut)
        snprintf(out, size, "%s", QUOTE_TOO_LONG);
    return out;
}
