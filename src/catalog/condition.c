/* How far an SQL expression goes: PostgreSQL's quotes, comments and brackets are stepped over
 * (PostgreSQL docs, 4.1 Lexical Structure), and nothing else is looked at. */
#include "catalog/condition.h"

#include <string.h>

#define DEPTH_MAX 1000

struct scan {
    const char *at;
    const char *start;
    char open[DEPTH_MAX]; /* what closes the brackets that are open */
    size_t depth;
    struct error *err;
};

/* A letter of a name; bytes above ASCII are. */
static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool left_open(struct scan *scan, const char *what)
{
    return error_set(scan->err, ERROR_USAGE, "the condition leaves %s open", what);
}

/* Whether the quote before `at` begins a string with escapes: E'…'. */
static bool has_escapes(const struct scan *scan, const char *quote)
{
    const char *letter = quote - 1;

    return quote > scan->start && (*letter == 'e' || *letter == 'E') &&
           (letter == scan->start ||
            !(is_letter(letter[-1]) || is_digit(letter[-1]) || letter[-1] == '$'));
}

/* Strings with only space, a newline among it, and comments between them are one string: what its
 * first part says of escapes holds for all. */
static const char *find_continuation(const char *at)
{
    bool newline = false;

    for (;;) {
        if (at[0] == '-' && at[1] == '-')
            at += strcspn(at, "\r\n");
        if (*at == '\0' || strchr(" \t\r\n\f\v", *at) == NULL)
            return newline && *at == '\'' ? at : NULL;
        newline = newline || *at == '\n' || *at == '\r';
        at++;
    }
}

static bool pass_quoted(struct scan *scan, const char *what)
{
    char quote = *scan->at;
    bool escapes = quote == '\'' && has_escapes(scan, scan->at);
    const char *more;

    for (scan->at++; *scan->at != '\0'; scan->at++) {
        bool escape = escapes && *scan->at == '\\' && scan->at[1] != '\0';

        if (escape || (*scan->at == quote && scan->at[1] == quote)) {
            scan->at++;
        } else if (*scan->at == quote) {
            more = escapes ? find_continuation(scan->at + 1) : NULL;
            if (more == NULL) {
                scan->at++;
                return true;
            }
            scan->at = more;
        }
    }
    return left_open(scan, what);
}

/* $$…$$ and $tag$…$tag$; a dollar behind a name is part of that. */
static bool pass_dollar(struct scan *scan)
{
    const char *tag = scan->at, *end = tag + 1;
    size_t len;

    if (is_letter(*end)) {
        while (is_letter(*end) || is_digit(*end))
            end++;
    }
    scan->at++;
    if (*end != '$')
        return true; /* a parameter */
    len = (size_t)(end + 1 - tag);
    for (const char *at = end + 1; *at != '\0'; at++) {
        if (strncmp(at, tag, len) == 0) {
            scan->at = at + len;
            return true;
        }
    }
    return left_open(scan, "a string in dollars");
}

static bool pass_comment(struct scan *scan)
{
    size_t depth = 0;

    do {
        if (scan->at[0] == '/' && scan->at[1] == '*') {
            depth++;
            scan->at += 2;
        } else if (scan->at[0] == '*' && scan->at[1] == '/') {
            depth--;
            scan->at += 2;
        } else if (*scan->at++ == '\0') {
            return left_open(scan, "a comment");
        }
    } while (depth > 0);
    return true;
}

static bool open_bracket(struct scan *scan, char closing)
{
    if (scan->depth == DEPTH_MAX)
        return error_set(scan->err, ERROR_USAGE, "the condition has too many brackets");
    scan->open[scan->depth++] = closing;
    scan->at++;
    return true;
}

static bool close_bracket(struct scan *scan)
{
    if (scan->depth == 0 || scan->open[scan->depth - 1] != *scan->at)
        return error_set(scan->err, ERROR_USAGE, "the condition has a \"%c\" that closes nothing",
                         *scan->at);
    scan->depth--;
    scan->at++;
    return true;
}

static void pass_name(struct scan *scan)
{
    while (is_letter(*scan->at) || is_digit(*scan->at) || *scan->at == '$')
        scan->at++;
}

static bool pass(struct scan *scan)
{
    switch (*scan->at) {
    case '\'':
        return pass_quoted(scan, "a string");
    case '"':
        return pass_quoted(scan, "a name in quotes");
    case '$':
        return pass_dollar(scan);
    case '(':
        return open_bracket(scan, ')');
    case '[':
        return open_bracket(scan, ']');
    case ')':
    case ']':
        return close_bracket(scan);
    case '/':
        if (scan->at[1] == '*')
            return pass_comment(scan);
        break;
    case '-':
        if (scan->at[1] == '-') {
            scan->at += strcspn(scan->at, "\r\n");
            return true;
        }
        break;
    default:
        break;
    }
    if (is_letter(*scan->at))
        pass_name(scan);
    else
        scan->at++;
    return true;
}

bool condition_find_end(const char *text, const char **end, struct error *err)
{
    struct scan scan = {.at = text, .start = text, .err = err};

    while (*scan.at != '\0' && (*scan.at != ';' || scan.depth > 0)) {
        if (!pass(&scan))
            return false;
    }
    *end = scan.at;
    return scan.depth == 0 || left_open(&scan, "a bracket");
}
