/*
 * Filter files of pg_dump (PostgreSQL docs, pg_dump, --filter): a line each,
 *
 *     include|exclude OBJECT PATTERN    # comment
 *
 * with OBJECT one of extension, foreign_data, table, table_and_children, table_data,
 * table_data_and_children and schema. What is in quotes may go over several lines; a newline in it
 * may be written as \n as well, and a backslash is doubled there. Space around dots is none.
 *
 * pg_dump takes other letters behind a backslash away without a word: here they are an error.
 */
#include "base/buffer.h"
#include "base/error_names.h"
#include "catalog/filter.h"

#include <string.h>
#include <strings.h>

struct decoding {
    struct catalog_filter *filter;
    const char *at, *end;
    const char *name;
    size_t line, first_line; /* where we are; where the pattern at hand began */
    struct buffer pattern;
    struct error *err;
};

/* What stands behind "include" and "exclude"; FILTER_LISTS: pg_dump does not know it. */
static const struct {
    const char *word;
    enum filter_list include, exclude;
} objects[] = {
    {"table", FILTER_TABLES, FILTER_EXCLUDE_TABLES},
    {"table_and_children", FILTER_TABLES_AND_CHILDREN, FILTER_EXCLUDE_TABLES_AND_CHILDREN},
    {"table_data", FILTER_LISTS, FILTER_EXCLUDE_TABLE_DATA},
    {"table_data_and_children", FILTER_LISTS, FILTER_EXCLUDE_TABLE_DATA_AND_CHILDREN},
    {"schema", FILTER_SCHEMAS, FILTER_EXCLUDE_SCHEMAS},
    {"extension", FILTER_EXTENSIONS, FILTER_EXCLUDE_EXTENSIONS},
    {"foreign_data", FILTER_FOREIGN_DATA, FILTER_LISTS},
};

#define OBJECT_COUNT (sizeof(objects) / sizeof(objects[0]))

/* ---- Letters ---- */

static bool at_end(const struct decoding *decoding)
{
    return decoding->at == decoding->end;
}

static bool is_blank(char letter)
{
    return strchr(" \t\r\f\v", letter) != NULL && letter != '\0';
}

/* Of the line. */
static void pass_blanks(struct decoding *decoding)
{
    while (!at_end(decoding) && is_blank(*decoding->at))
        decoding->at++;
}

/* The line's end, or a comment that goes to it. */
static bool at_line_end(const struct decoding *decoding)
{
    return at_end(decoding) || *decoding->at == '\n' || *decoding->at == '#';
}

static void pass_line(struct decoding *decoding)
{
    while (!at_end(decoding) && *decoding->at != '\n')
        decoding->at++;
    if (!at_end(decoding))
        decoding->at++;
    decoding->line++;
}

static bool put(struct decoding *decoding, const char *text, size_t len)
{
    return buffer_append(&decoding->pattern, text, len, decoding->err);
}

static bool fail(struct decoding *decoding, const char *what, size_t line)
{
    return error_set(decoding->err, ERROR_USAGE, OPTION_FILTER ": %s, line %zu: %s", decoding->name,
                     line, what);
}

static struct slice take_word(struct decoding *decoding)
{
    const char *start;

    pass_blanks(decoding);
    start = decoding->at;
    while (!at_end(decoding) && *decoding->at != '\n' && !is_blank(*decoding->at))
        decoding->at++;
    return slice_make(start, (size_t)(decoding->at - start));
}

static bool is_word(struct slice word, const char *text)
{
    return word.len == strlen(text) && strncasecmp((const char *)word.data, text, word.len) == 0;
}

/* ---- Patterns ---- */

static bool take_escape(struct decoding *decoding)
{
    char letter = at_end(decoding) ? '\0' : *decoding->at++;

    if (letter == 'n')
        return put(decoding, "\n", 1);
    if (letter == '\\')
        return put(decoding, "\\", 1);
    return fail(decoding, "behind a backslash in quotes comes n or another backslash",
                decoding->line);
}

static bool take_quoted(struct decoding *decoding)
{
    bool open = true;

    if (!put(decoding, decoding->at++, 1))
        return false;
    while (open) {
        char letter;

        if (at_end(decoding))
            return fail(decoding, "a quote is not closed", decoding->first_line);
        letter = *decoding->at++;
        if (letter == '\r')
            continue;
        if (letter == '\\') {
            if (!take_escape(decoding))
                return false;
            continue;
        }
        decoding->line += letter == '\n';
        open = letter != '"';
        if (!put(decoding, &letter, 1))
            return false;
    }
    return true;
}

/* What is between words of a pattern is one blank, but not beside a dot. */
static bool take_pattern(struct decoding *decoding)
{
    bool blank = false, tight = true;

    buffer_clear(&decoding->pattern);
    decoding->first_line = decoding->line;
    for (pass_blanks(decoding); !at_line_end(decoding);) {
        char letter = *decoding->at;
        bool dot = letter == '.';

        if (blank && !tight && !dot && !put(decoding, " ", 1))
            return false;
        if (letter == '"') {
            if (!take_quoted(decoding))
                return false;
        } else if (!put(decoding, decoding->at++, 1)) {
            return false;
        }
        tight = dot;
        blank = !at_end(decoding) && is_blank(*decoding->at);
        pass_blanks(decoding);
    }
    if (decoding->pattern.len > 0)
        return true;
    return fail(decoding, "the pattern is missing", decoding->line);
}

/* ---- Lines ---- */

static bool set_unknown(struct decoding *decoding, struct slice object)
{
    error_set(decoding->err, ERROR_USAGE, OPTION_FILTER ": %s, line %zu: unknown object \"%.*s\"",
              decoding->name, decoding->line, (int)(object.len < 80 ? object.len : 80),
              (const char *)object.data);
    return error_hint(decoding->err,
                      "There are table, table_and_children, table_data, table_data_and_children, "
                      "schema, extension and foreign_data.");
}

static bool take_object(struct decoding *decoding, bool include, enum filter_list *list)
{
    struct slice object = take_word(decoding);
    size_t number = 0;

    if (object.len == 0)
        return fail(decoding, "what it is about is missing", decoding->line);
    while (number < OBJECT_COUNT && !is_word(object, objects[number].word))
        number++;
    if (number == OBJECT_COUNT)
        return set_unknown(decoding, object);
    *list = include ? objects[number].include : objects[number].exclude;
    if (*list != FILTER_LISTS)
        return true;
    error_set(decoding->err, ERROR_USAGE, OPTION_FILTER ": %s, line %zu: %s %s is not possible",
              decoding->name, decoding->line, include ? "include" : "exclude",
              objects[number].word);
    return error_hint(decoding->err,
                      include ? "Rows come with their tables: include table."
                              : "Rows of foreign tables are only backed up where a line says so.");
}

static bool take_line(struct decoding *decoding)
{
    struct slice command;
    enum filter_list list = FILTER_LISTS;
    size_t line = decoding->line;

    pass_blanks(decoding);
    if (at_line_end(decoding))
        return true;
    command = take_word(decoding);
    if (!is_word(command, "include") && !is_word(command, "exclude"))
        return fail(decoding, "a line begins with include or exclude", decoding->line);
    if (!take_object(decoding, is_word(command, "include"), &list) || !take_pattern(decoding))
        return false;
    return catalog_filter_add(decoding->filter, list, buffer_text(&decoding->pattern),
                              decoding->err) ||
           error_prefix(decoding->err, "%s, line %zu", decoding->name, line);
}

bool catalog_filter_add_file(struct catalog_filter *filter, struct slice text, const char *name,
                             struct error *err)
{
    struct decoding decoding = {
        .filter = filter,
        .at = (const char *)text.data,
        .end = (const char *)text.data + text.len,
        .name = strcmp(name, "-") == 0 ? "standard input" : name,
        .line = 1,
        .err = err,
    };
    bool done = text.len == 0 || memchr(text.data, '\0', text.len) == NULL ||
                error_set(err, ERROR_USAGE, OPTION_FILTER ": %s is no text", decoding.name);

    while (done && !at_end(&decoding)) {
        done = take_line(&decoding);
        if (done)
            pass_line(&decoding);
    }
    buffer_free(&decoding.pattern);
    return done;
}
