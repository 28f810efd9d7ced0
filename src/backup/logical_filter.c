/* What of a database a request wants: its lists, and what a filter file says, as one filter. */
#include "backup/logical_internal.h"

#include "base/error_names.h"
#include "base/utf8.h"
#include "catalog/filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX ((size_t)16 * 1024 * 1024)

/* The backup states its filters, and what states them is read with a limit. */
#define PATTERNS_MAX 5000
#define PATTERN_BYTES_MAX ((size_t)1024 * 1024)

/* ---- The file ---- */

static bool read_file(FILE *file, const char *name, struct buffer *text, struct error *err)
{
    uint8_t piece[8192];
    size_t len;

    while ((len = fread(piece, 1, sizeof(piece), file)) > 0) {
        if (!buffer_append(text, piece, len, err))
            return false;
        if (text->len > FILE_MAX)
            return error_set(err, ERROR_USAGE, OPTION_FILTER ": %s is larger than 16 MiB", name);
    }
    return !ferror(file) || error_set_errno(err, errno, OPTION_FILTER ": cannot read %s", name);
}

bool backup_request_read_filter(struct backup_request *request, FILE *file, struct error *err)
{
    struct buffer text = {0};

    if (!read_file(file, request->filter_file, &text, err) ||
        !buffer_append_byte(&text, '\0', err)) {
        buffer_free(&text);
        return false;
    }
    request->filter_text = (char *)text.data;
    return memchr(text.data, '\0', text.len) == text.data + text.len - 1 ||
           error_set(err, ERROR_USAGE, OPTION_FILTER ": %s is no text", request->filter_file);
}

static bool open_file(const char *name, FILE **file, struct error *err)
{
    if (strcmp(name, "-") == 0)
        return error_set(err, ERROR_USAGE,
                         OPTION_FILTER ": - is standard input, which only the command reads");
    *file = fopen(name, "re");
    return *file != NULL || error_set_errno(err, errno, OPTION_FILTER ": cannot open %s", name);
}

static bool add_file(const struct backup_request *request, struct catalog_filter *filter,
                     struct error *err)
{
    const char *name = request->filter_file;
    struct buffer text = {0};
    FILE *file = NULL;
    bool done;

    if (name == NULL)
        return true;
    if (request->filter_text != NULL)
        return catalog_filter_add_file(filter, slice_string(request->filter_text), name, err);
    if (!open_file(name, &file, err))
        return false;
    done = read_file(file, name, &text, err) &&
           catalog_filter_add_file(filter, buffer_slice(&text), name, err);
    fclose(file);
    buffer_free(&text);
    return done;
}

/* ---- The lists ---- */

static bool add_list(const struct backup_request *request, enum filter_list list,
                     struct catalog_filter *filter, struct error *err)
{
    char **items = options_items_new(&request->lists[list], catalog_filter_option(list), err);
    bool done = items != NULL;

    for (size_t i = 0; done && items[i] != NULL; i++)
        done = catalog_filter_add(filter, list, items[i], err);
    options_items_free(items);
    return done;
}

static bool add_conditions(const struct backup_request *request, struct catalog_filter *filter,
                           struct error *err)
{
    const struct option_list *list = &request->lists[FILTER_WHERE];

    for (size_t i = 0; i < list->count; i++) {
        if (!catalog_filter_add_where(filter, list->texts[i], err))
            return false;
    }
    return true;
}

static bool check_number(const struct catalog_filter *filter, struct error *err)
{
    size_t patterns = 0, bytes = 0;

    for (int list = 0; list < FILTER_LISTS; list++) {
        size_t count = catalog_filter_count(filter, (enum filter_list)list);

        for (size_t i = 0; i < count; i++) {
            bytes += strlen(catalog_filter_text(filter, (enum filter_list)list, i));
            if (list == FILTER_WHERE)
                bytes += strlen(catalog_filter_condition(filter, i));
        }
        patterns += count;
    }
    if (patterns <= PATTERNS_MAX && bytes <= PATTERN_BYTES_MAX)
        return true;
    error_set(err, ERROR_USAGE,
              "there are %zu patterns of %zu bytes; %d of 1 MiB together are possible", patterns,
              bytes, PATTERNS_MAX);
    return error_hint(err, "A pattern may name many: * is any characters, | stands between two.");
}

struct catalog_filter *logical_filter_new(const struct backup_request *request, struct error *err)
{
    struct catalog_filter *filter = catalog_filter_new(err);
    bool done =
        filter != NULL && add_file(request, filter, err) && add_conditions(request, filter, err);

    for (int list = 0; done && list < FILTER_WHERE; list++)
        done = add_list(request, (enum filter_list)list, filter, err);
    if (done && check_number(filter, err))
        return filter;
    catalog_filter_free(filter);
    return NULL;
}

/* ---- What is told of it ---- */

/* Rows of foreign tables only come to what there is. */
static bool leaves_out(const struct catalog_filter *filter)
{
    for (int list = 0; list < FILTER_LISTS; list++) {
        if (list != FILTER_FOREIGN_DATA && catalog_filter_count(filter, (enum filter_list)list) > 0)
            return true;
    }
    return false;
}

bool logical_is_partial(const struct backup_request *request, const struct catalog_filter *filter)
{
    return leaves_out(filter) || request->schema_only || request->data_only ||
           request->no_unlogged_table_data || request->no_large_objects ||
           request->databases.count > 0 || request->exclude_databases.count > 0;
}

static json_t *describe(const struct catalog_filter *filter, enum filter_list list, size_t number)
{
    const char *text = catalog_filter_text(filter, list, number);

    return list == FILTER_WHERE ? json_pack("{s:o, s:o}", "table", utf8_to_json(text), "condition",
                                            utf8_to_json(catalog_filter_condition(filter, number)))
                                : utf8_to_json(text);
}

/* "exclude-table-data" as members are called. */
static void name_of(enum filter_list list, char name[64])
{
    snprintf(name, 64, "%s", catalog_filter_option(list));
    for (char *at = name; *at != '\0'; at++) {
        if (*at == '-')
            *at = '_';
    }
}

/* Names of databases are no part of the filter, which is about what is in one. */
static bool add_databases(json_t *filters, const char *name, const struct option_list *list)
{
    struct error ignored;
    char **items = list->count == 0 ? NULL : options_items_new(list, name, &ignored);
    json_t *array = items == NULL ? NULL : json_array();

    for (size_t i = 0; items != NULL && items[i] != NULL; i++)
        json_array_append_new(array, utf8_to_json(items[i]));
    options_items_free(items);
    return list->count == 0 || json_object_set_new(filters, name, array) == 0;
}

json_t *logical_filters_json(const struct backup_request *request,
                             const struct catalog_filter *filter)
{
    json_t *filters = json_object();
    char name[64];

    if (!add_databases(filters, "databases", &request->databases) ||
        !add_databases(filters, "exclude_databases", &request->exclude_databases)) {
        json_decref(filters);
        return NULL;
    }
    for (int list = 0; list < FILTER_LISTS; list++) {
        size_t count = catalog_filter_count(filter, (enum filter_list)list);
        json_t *items = count == 0 ? NULL : json_array();

        for (size_t i = 0; i < count; i++)
            json_array_append_new(items, describe(filter, (enum filter_list)list, i));
        if (items == NULL)
            continue;
        name_of((enum filter_list)list, name);
        json_object_set_new(filters, name, items);
    }
    if (request->schema_only)
        json_object_set_new(filters, "schema_only", json_true());
    if (request->data_only)
        json_object_set_new(filters, "data_only", json_true());
    if (request->no_unlogged_table_data)
        json_object_set_new(filters, "no_unlogged_table_data", json_true());
    if (request->large_objects)
        json_object_set_new(filters, "large_objects", json_true());
    if (request->no_large_objects)
        json_object_set_new(filters, "no_large_objects", json_true());
    return filters;
}
