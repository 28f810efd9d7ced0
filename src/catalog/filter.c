/* The lists of a filter. Each text is looked at when it comes, so that what makes no sense is said
 * before any server is asked. */
#include "catalog/filter.h"

#include "base/array.h"
#include "base/error_names.h"
#include "catalog/condition.h"
#include "catalog/pattern.h"

#include <stdlib.h>
#include <string.h>

struct item {
    char *text;
    char *condition; /* of FILTER_WHERE */
};

struct list {
    struct item *items;
    size_t count, capacity;
};

struct catalog_filter {
    struct list lists[FILTER_LISTS];
};

static const struct {
    const char *option;
    enum pattern_of what;
} lists[] = {
    [FILTER_SCHEMAS] = {"schemas", PATTERN_OF_SCHEMA},
    [FILTER_EXCLUDE_SCHEMAS] = {"exclude-schemas", PATTERN_OF_SCHEMA},
    [FILTER_TABLES] = {"tables", PATTERN_OF_RELATION},
    [FILTER_TABLES_AND_CHILDREN] = {"tables-and-children", PATTERN_OF_RELATION},
    [FILTER_EXCLUDE_TABLES] = {"exclude-tables", PATTERN_OF_RELATION},
    [FILTER_EXCLUDE_TABLES_AND_CHILDREN] = {"exclude-tables-and-children", PATTERN_OF_RELATION},
    [FILTER_EXCLUDE_TABLE_DATA] = {"exclude-table-data", PATTERN_OF_RELATION},
    [FILTER_EXCLUDE_TABLE_DATA_AND_CHILDREN] = {"exclude-table-data-and-children",
                                                PATTERN_OF_RELATION},
    [FILTER_EXTENSIONS] = {"extensions", PATTERN_OF_NAME},
    [FILTER_EXCLUDE_EXTENSIONS] = {"exclude-extensions", PATTERN_OF_NAME},
    [FILTER_FOREIGN_DATA] = {"include-foreign-data", PATTERN_OF_NAME},
    [FILTER_WHERE] = {"where", PATTERN_OF_RELATION},
};

const char *catalog_filter_option(enum filter_list list)
{
    return lists[list].option;
}

struct catalog_filter *catalog_filter_new(struct error *err)
{
    struct catalog_filter *filter = calloc(1, sizeof(*filter));

    if (filter == NULL)
        error_set_memory(err);
    return filter;
}

void catalog_filter_free(struct catalog_filter *filter)
{
    for (size_t i = 0; filter != NULL && i < FILTER_LISTS; i++) {
        for (size_t at = 0; at < filter->lists[i].count; at++) {
            free(filter->lists[i].items[at].text);
            free(filter->lists[i].items[at].condition);
        }
        free(filter->lists[i].items);
    }
    free(filter);
}

static bool parse(enum filter_list list, const char *text, struct pattern *pattern,
                  struct error *err)
{
    return pattern_parse(pattern, text, lists[list].what, err) ||
           error_prefix(err, ERROR_OPTION("%s"), lists[list].option);
}

bool catalog_filter_parse(const struct catalog_filter *filter, enum filter_list list, size_t number,
                          struct pattern *pattern, struct error *err)
{
    return parse(list, catalog_filter_text(filter, list, number), pattern, err);
}

static bool check(enum filter_list list, const char *text, struct error *err)
{
    struct pattern pattern;
    bool done = parse(list, text, &pattern, err);

    pattern_free(&pattern);
    return done;
}

static bool add(struct catalog_filter *filter, enum filter_list number, struct slice text,
                struct slice condition, struct error *err)
{
    struct list *list = &filter->lists[number];
    struct item item = {0};

    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
        struct item *items = realloc(list->items, capacity * sizeof(*items));

        if (items == NULL)
            return error_set_memory(err);
        list->items = items;
        list->capacity = capacity;
    }
    item.text = strndup((const char *)text.data, text.len);
    item.condition =
        condition.data == NULL ? NULL : strndup((const char *)condition.data, condition.len);
    list->items[list->count++] = item;
    if (item.text == NULL || (condition.data != NULL && item.condition == NULL))
        return error_set_memory(err);
    return check(number, item.text, err);
}

bool catalog_filter_add(struct catalog_filter *filter, enum filter_list list, const char *text,
                        struct error *err)
{
    return add(filter, list, slice_string(text), slice_make(NULL, 0), err);
}

/* Where the pattern of a condition ends: it may have the sign in quotes. */
static const char *find_sign(const char *text)
{
    for (bool quoted = false; *text != '\0' && (quoted || *text != '='); text++)
        quoted ^= *text == '"';
    return *text == '=' ? text : NULL;
}

static struct slice trimmed(const char *start, const char *end)
{
    while (start < end && strchr(" \t\r\n", *start) != NULL)
        start++;
    while (end > start && strchr(" \t\r\n", end[-1]) != NULL)
        end--;
    return slice_make(start, (size_t)(end - start));
}

static bool set_no_condition(const char *text, struct error *err)
{
    error_set(err, ERROR_USAGE, OPTION_WHERE ": \"%s\" is not TABLE=CONDITION", text);
    return error_hint(err, "The rows for which the condition holds are wanted: " OPTION_WHERE
                           " 'shop.orders=placed >= now() - interval ''1 year'''");
}

bool catalog_filter_add_where(struct catalog_filter *filter, const char *text, struct error *err)
{
    while (*trimmed(text, text + strlen(text)).data != '\0') {
        const char *sign = find_sign(text), *end;
        struct slice table, condition;

        if (sign == NULL)
            return set_no_condition(text, err);
        table = trimmed(text, sign);
        if (!condition_find_end(sign + 1, &end, err))
            return error_prefix(err, OPTION_WHERE " of %.*s", (int)table.len,
                                (const char *)table.data);
        condition = trimmed(sign + 1, end);
        if (table.len == 0 || condition.len == 0)
            return set_no_condition(text, err);
        if (!add(filter, FILTER_WHERE, table, condition, err))
            return false;
        text = *end == '\0' ? end : end + 1;
    }
    return true;
}

size_t catalog_filter_count(const struct catalog_filter *filter, enum filter_list list)
{
    return filter == NULL ? 0 : filter->lists[list].count;
}

const char *catalog_filter_text(const struct catalog_filter *filter, enum filter_list list,
                                size_t number)
{
    return filter->lists[list].items[number].text;
}

const char *catalog_filter_condition(const struct catalog_filter *filter, size_t number)
{
    return filter->lists[FILTER_WHERE].items[number].condition;
}

bool catalog_filter_is_empty(const struct catalog_filter *filter)
{
    for (size_t i = 0; filter != NULL && i < FILTER_LISTS; i++) {
        if (filter->lists[i].count > 0)
            return false;
    }
    return true;
}
