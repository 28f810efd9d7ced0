/* A pattern becomes, for each of its names, a row of codes: a byte stands for itself, and two that
 * no byte has stand for any text and for any one character. */
#include "restore/name_pattern.h"

#include "base/array.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { ANY_TEXT = 256, ANY_CHARACTER };

/* ---- Parsing ---- */

struct parse {
    struct slice rest;
    struct slice text;
    struct name_part parts[NAME_PATTERN_PARTS]; /* in the order in which they are written */
    size_t capacities[NAME_PATTERN_PARTS];
    size_t dots, most;
    bool quoted;
    const char *option;
    struct error *err;
};

static bool put(struct parse *parse, uint16_t code)
{
    struct name_part *part = &parse->parts[parse->dots];
    size_t *capacity = &parse->capacities[parse->dots];

    if (part->count == *capacity) {
        uint16_t *grown = array_grow(part->codes, capacity, sizeof(*grown), parse->err);

        if (grown == NULL)
            return false;
        part->codes = grown;
    }
    part->codes[part->count++] = code;
    return true;
}

static bool fail(struct parse *parse, const char *what)
{
    return error_set(parse->err, ERROR_USAGE, ERROR_OPTION("%s") ": %s in the pattern %.*s",
                     parse->option, what, (int)parse->text.len, (const char *)parse->text.data);
}

static bool refuse_regular_expression(struct parse *parse, char letter)
{
    char what[64] = "a letter that is no part of a name: ";

    strncat(what, &letter, 1);
    fail(parse, what);
    return error_hint(parse->err,
                      "Patterns have * and ? here, and within \"…\" everything stands for itself. "
                      "In place of a regular expression give several patterns.");
}

static bool take_dot(struct parse *parse)
{
    if (parse->parts[parse->dots].count == 0)
        return fail(parse, "a name is empty");
    if (parse->dots + 1 == parse->most) {
        fail(parse, "too many names with dots between them");
        return error_hint(parse->err, "A dot that is part of a name stands within \"…\".");
    }
    parse->dots++;
    return true;
}

static bool take_plain(struct parse *parse, char letter)
{
    switch (letter) {
    case '*':
        return put(parse, ANY_TEXT);
    case '?':
        return put(parse, ANY_CHARACTER);
    case '.':
        return take_dot(parse);
    default:
        break;
    }
    if (strchr("|+()[]{}^\\", letter) != NULL)
        return refuse_regular_expression(parse, letter);
    return put(parse,
               letter >= 'A' && letter <= 'Z' ? (uint16_t)(letter - 'A' + 'a') : (uint8_t)letter);
}

static bool take_letter(struct parse *parse)
{
    char letter = (char)*slice_take(&parse->rest, 1).data;

    if (letter == '\0')
        return fail(parse, "a NUL");
    if (letter == '"' && parse->quoted && parse->rest.len > 0 && parse->rest.data[0] == '"') {
        slice_take(&parse->rest, 1);
        return put(parse, '"');
    }
    if (letter == '"') {
        parse->quoted = !parse->quoted;
        return true;
    }
    return parse->quoted ? put(parse, (uint8_t)letter) : take_plain(parse, letter);
}

static bool take_all(struct parse *parse)
{
    while (parse->rest.len > 0) {
        if (!take_letter(parse))
            return false;
    }
    if (parse->quoted)
        return fail(parse, "a quote is not closed");
    return parse->parts[parse->dots].count > 0 || fail(parse, "a name is empty");
}

bool name_pattern_parse(struct name_pattern *pattern, struct slice text, size_t most,
                        const char *option, struct error *err)
{
    struct parse parse = {.rest = text, .text = text, .most = most, .option = option, .err = err};
    bool done = take_all(&parse);

    *pattern = (struct name_pattern){.count = parse.dots + 1};
    for (size_t i = 0; i <= parse.dots; i++)
        pattern->parts[parse.dots - i] = parse.parts[i];
    if (!done)
        name_pattern_free(pattern);
    return done;
}

void name_pattern_free(struct name_pattern *pattern)
{
    for (size_t i = 0; i < NAME_PATTERN_PARTS; i++)
        free(pattern->parts[i].codes);
    *pattern = (struct name_pattern){0};
}

/* ---- Matching ---- */

/* How many bytes of the name the code takes; 0: none, it is something else. */
static size_t take_code(uint16_t code, struct slice rest)
{
    uint32_t character;
    size_t len;

    if (rest.len == 0)
        return 0;
    if (code != ANY_CHARACTER)
        return rest.data[0] == code;
    len = utf8_character(rest, &character);
    return len == 0 ? 1 : len; /* a name that is not UTF-8 has a character a byte */
}

/* Of several that stand for any text only the last one is tried again: what is before it has
 * taken as little as it can. */
static bool part_matches(const struct name_part *part, struct slice name)
{
    struct slice again = {0};
    size_t next = 0, behind_any = 0;
    bool has_any = false;

    while (name.len > 0 || next < part->count) {
        size_t taken;

        if (next < part->count && part->codes[next] == ANY_TEXT) {
            behind_any = ++next;
            again = name;
            has_any = true;
            continue;
        }
        taken = next < part->count ? take_code(part->codes[next], name) : 0;
        if (taken > 0) {
            slice_take(&name, taken);
            next++;
            continue;
        }
        if (!has_any || again.len == 0)
            return false;
        slice_take(&again, take_code(ANY_CHARACTER, again));
        name = again;
        next = behind_any;
    }
    return true;
}

bool name_pattern_matches_slice(const struct name_pattern *pattern, size_t part, struct slice name)
{
    return part >= pattern->count || part_matches(&pattern->parts[part], name);
}

bool name_pattern_matches(const struct name_pattern *pattern, size_t part, const char *name)
{
    return part >= pattern->count ||
           (name != NULL && part_matches(&pattern->parts[part], slice_string(name)));
}
