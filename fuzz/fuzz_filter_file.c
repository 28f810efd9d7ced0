/*
 * Filter files of pg_dump, and what stands in them and in options: patterns of names, and
 * conditions on rows.
 *
 * Holds: a file that is taken gives patterns that are patterns, and each of them, written into a
 * line of its own, gives the same pattern again. A condition ends within its text; up to that end
 * it is a whole condition, with nothing behind it. A pattern's regular expressions are whole.
 *
 * Limits: -malloc_limit_mb=1 -max_len=4096
 */
#include "catalog/condition.h"
#include "catalog/filter.h"
#include "support/feed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const words[FILTER_LISTS] = {
    [FILTER_SCHEMAS] = "include schema ",
    [FILTER_EXCLUDE_SCHEMAS] = "exclude schema ",
    [FILTER_TABLES] = "include table ",
    [FILTER_TABLES_AND_CHILDREN] = "include table_and_children ",
    [FILTER_EXCLUDE_TABLES] = "exclude table ",
    [FILTER_EXCLUDE_TABLES_AND_CHILDREN] = "exclude table_and_children ",
    [FILTER_EXCLUDE_TABLE_DATA] = "exclude table_data ",
    [FILTER_EXCLUDE_TABLE_DATA_AND_CHILDREN] = "exclude table_data_and_children ",
    [FILTER_EXTENSIONS] = "include extension ",
    [FILTER_EXCLUDE_EXTENSIONS] = "exclude extension ",
    [FILTER_FOREIGN_DATA] = "include foreign_data ",
};

/* As a file has it: within quotes with backslashes, outside of them as it is. */
static void append_pattern(struct buffer *line, const char *text)
{
    struct error err;
    bool quoted = false;

    for (; *text != '\0'; text++) {
        quoted ^= *text == '"';
        if (quoted && *text == '\\')
            must(buffer_append_string(line, "\\\\", &err));
        else if (quoted && *text == '\n')
            must(buffer_append_string(line, "\\n", &err));
        else
            must(buffer_append_byte(line, (uint8_t)*text, &err));
    }
}

static void check_whole(const char *regex)
{
    size_t len = strlen(regex);

    must(len >= 4 && strncmp(regex, "^(", 2) == 0 && strcmp(regex + len - 2, ")$") == 0);
}

static void check_item(const struct catalog_filter *filter, enum filter_list list, size_t number)
{
    const char *text = catalog_filter_text(filter, list, number);
    struct catalog_filter *again;
    struct buffer line = {0};
    struct pattern pattern;
    struct error err;

    must(catalog_filter_parse(filter, list, number, &pattern, &err));
    check_whole(pattern.name);
    if (pattern.schema != NULL)
        check_whole(pattern.schema);
    pattern_free(&pattern);
    must(buffer_append_string(&line, words[list], &err));
    append_pattern(&line, text);
    again = catalog_filter_new(&err);
    must(again != NULL && catalog_filter_add_file(again, buffer_slice(&line), "again", &err));
    must(catalog_filter_count(again, list) == 1);
    must(strcmp(catalog_filter_text(again, list, 0), text) == 0);
    catalog_filter_free(again);
    buffer_free(&line);
}

static void check_file(struct slice input)
{
    struct error err;
    struct catalog_filter *filter = catalog_filter_new(&err);

    must(filter != NULL);
    if (catalog_filter_add_file(filter, input, "file", &err)) {
        for (int list = 0; list < FILTER_WHERE; list++) {
            for (size_t i = 0; i < catalog_filter_count(filter, (enum filter_list)list); i++)
                check_item(filter, (enum filter_list)list, i);
        }
    }
    catalog_filter_free(filter);
}

static void check_condition(char *text)
{
    struct error err;
    struct catalog_filter *filter = catalog_filter_new(&err);
    const char *end, *whole;

    must(filter != NULL);
    if (catalog_filter_add_where(filter, text, &err)) {
        for (size_t i = 0; i < catalog_filter_count(filter, FILTER_WHERE); i++) {
            must(condition_find_end(catalog_filter_condition(filter, i), &end, &err));
            must(*end == '\0');
        }
    }
    if (condition_find_end(text, &end, &err)) {
        must(end >= text && end <= text + strlen(text) && (*end == '\0' || *end == ';'));
        text[end - text] = '\0';
        must(condition_find_end(text, &whole, &err) && whole == end);
    }
    catalog_filter_free(filter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    must(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check_file(slice_make(data, size));
    check_condition(text);
    free(text);
    return 0;
}
