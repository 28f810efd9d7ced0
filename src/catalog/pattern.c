/*
 * A pattern is gone through once, letter by letter, and becomes as many texts as it has names: what
 * it says of the database stands for itself, everything else is written as a regular expression.
 */
#include "catalog/pattern.h"

#include "catalog/names.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 3

struct parse {
    const char *next;
    bool quoted;
    size_t dots;
    struct buffer regex[NAMES_MAX], literal[NAMES_MAX];
    struct error *err;
};

static bool is_special(char letter)
{
    return strchr("|*+?()[]{}.^\\", letter) != NULL;
}

static char fold(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter;
}

/* The letter as it is meant, and the regular expression that says so. */
static bool put(struct parse *parse, char letter, const char *before, const char *regex)
{
    size_t name = parse->dots;

    return buffer_append_byte(&parse->literal[name], (uint8_t)letter, parse->err) &&
           buffer_append_string(&parse->regex[name], before, parse->err) &&
           (regex == NULL ? buffer_append_byte(&parse->regex[name], (uint8_t)letter, parse->err)
                          : buffer_append_string(&parse->regex[name], regex, parse->err));
}

static bool put_quoted(struct parse *parse, char letter)
{
    return put(parse, letter, is_special(letter) ? "\\" : "", NULL);
}

static bool put_plain(struct parse *parse, char letter)
{
    if (letter == '*')
        return put(parse, letter, "", ".*");
    if (letter == '?')
        return put(parse, letter, "", ".");
    return put(parse, fold(letter), letter == '[' && *parse->next == ']' ? "\\" : "", NULL);
}

static bool take_letter(struct parse *parse)
{
    char letter = *parse->next++;

    if (letter == '"' && parse->quoted && *parse->next == '"') {
        parse->next++;
        return put(parse, '"', "", NULL);
    }
    if (letter == '"') {
        parse->quoted = !parse->quoted;
        return true;
    }
    if (letter == '$')
        return put(parse, letter, "\\", NULL);
    return parse->quoted ? put_quoted(parse, letter) : put_plain(parse, letter);
}

static const char *forms_of(enum pattern_of what)
{
    switch (what) {
    case PATTERN_OF_NAME:
        return "It takes no dot";
    case PATTERN_OF_SCHEMA:
        return "It takes schema or database.schema";
    case PATTERN_OF_RELATION:
        break;
    }
    return "It takes table, schema.table or database.schema.table";
}

static bool set_too_many(struct error *err, const char *text, enum pattern_of what)
{
    error_set(err, ERROR_USAGE, "too many names with dots between them in the pattern %s", text);
    return error_hint(err, "%s; a dot that is part of a name stands within \"…\".", forms_of(what));
}

static bool take_all(struct parse *parse, const char *text, enum pattern_of what)
{
    if (*text == '\0')
        return error_set(parse->err, ERROR_USAGE, "a pattern is empty");
    while (*parse->next != '\0') {
        if (*parse->next == '.' && !parse->quoted) {
            if (parse->dots == (size_t)what)
                return set_too_many(parse->err, text, what);
            parse->dots++;
            parse->next++;
        } else if (!take_letter(parse)) {
            return false;
        }
    }
    return !parse->quoted ||
           error_set(parse->err, ERROR_USAGE, "a quote is not closed in the pattern %s", text);
}

static bool give(struct buffer *from, const char *before, const char *after, char **to,
                 struct error *err)
{
    struct buffer whole = {0};

    if (!buffer_append_string(&whole, before, err) ||
        !buffer_append_string(&whole, buffer_text(from), err) ||
        !buffer_append_string(&whole, after, err) || !buffer_append_byte(&whole, '\0', err)) {
        buffer_free(&whole);
        return false;
    }
    *to = (char *)whole.data;
    return true;
}

/* The last name is that of the thing itself, the one before it its schema's or its database's. */
static bool give_names(struct parse *parse, enum pattern_of what, struct pattern *pattern)
{
    size_t name = parse->dots;
    struct buffer *regex = parse->regex;

    if (!give(&regex[name], "^(", ")$", &pattern->name, parse->err))
        return false;
    if (what == PATTERN_OF_RELATION && name > 0 &&
        !give(&regex[--name], "^(", ")$", &pattern->schema, parse->err))
        return false;
    return name == 0 || give(&parse->literal[0], "", "", &pattern->database, parse->err);
}

bool pattern_parse(struct pattern *pattern, const char *text, enum pattern_of what,
                   struct error *err)
{
    struct parse parse = {.next = text, .err = err};
    bool done;

    *pattern = (struct pattern){0};
    done = take_all(&parse, text, what) && give_names(&parse, what, pattern);
    for (size_t i = 0; i < NAMES_MAX; i++) {
        buffer_free(&parse.regex[i]);
        buffer_free(&parse.literal[i]);
    }
    if (!done)
        pattern_free(pattern);
    return done;
}

void pattern_free(struct pattern *pattern)
{
    free(pattern->database);
    free(pattern->schema);
    free(pattern->name);
    *pattern = (struct pattern){0};
}

bool pattern_check_database(const struct pattern *pattern, const char *text, const char *database,
                            struct error *err)
{
    if (pattern->database == NULL || strcmp(pattern->database, database) == 0)
        return true;
    error_set(err, ERROR_USAGE,
              "the pattern %s names the database %s, but it is %s that is "
              "backed up",
              text, pattern->database, database);
    return error_hint(err, "Leave the database's name away, or write \"%s\".", database);
}

bool pattern_append_match(struct buffer *sql, const char *column, const char *regex,
                          struct error *err)
{
    if (strcmp(regex, "^(.*)$") == 0)
        return buffer_append_string(sql, "true", err);
    return buffer_append_string(sql, column, err) &&
           buffer_append_string(sql, " OPERATOR(pg_catalog.~) ", err) &&
           literal_append(sql, regex, err) &&
           buffer_append_string(sql, " COLLATE pg_catalog.default", err);
}
