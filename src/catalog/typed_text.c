/* Text out of what a user typed: it goes to the server as bytes in hexadecimal digits, which every
 * encoding has, and either stays there or comes back as the session has it. */
#include "catalog/typed_text.h"

#include "base/utf8.h"
#include "catalog/filter.h"
#include "catalog/names.h"

bool typed_text_is_special(const char *text)
{
    struct slice left = slice_string(text);
    bool special = false;

    while (left.len > 0) {
        uint32_t code;
        size_t len = utf8_character(left, &code);

        if (len == 0)
            return false;
        special = special || len > 1;
        left = slice_make(left.data + len, left.len - len);
    }
    return special;
}

static bool append_converted(struct buffer *sql, const char *text, struct error *err)
{
    bool done = buffer_append_string(sql, "pg_catalog.convert_from(pg_catalog.decode('", err);

    for (; done && *text != '\0'; text++)
        done = buffer_printf(sql, err, "%02x", (unsigned)(uint8_t)*text);
    return done && buffer_append_string(sql, "', 'hex'), 'UTF8')", err);
}

bool typed_text_append(struct buffer *sql, const char *text, struct error *err)
{
    return typed_text_is_special(text) ? append_converted(sql, text, err)
                                       : literal_append(sql, text, err);
}

bool typed_text_explain(const struct catalog *catalog, struct error *err)
{
    if (strcmp(err->sqlstate, "22P05") != 0 && strcmp(err->sqlstate, "42883") != 0)
        return false;
    err->code = ERROR_USAGE;
    return error_hint(err,
                      "Database \"%s\" has not all of these letters: nothing in it is written "
                      "with them.",
                      catalog->database == NULL ? "" : catalog->database);
}

static bool take_condition(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    size_t number = (size_t)row_number(row, 0);
    const char **texts = catalog->selection.texts;

    (void)context;
    if (number >= catalog_filter_count(catalog->options.filter, FILTER_WHERE))
        return error_set(err, ERROR_PROTOCOL, "the server tells of a condition nobody asked for");
    texts[number] = arena_copy(&catalog->arena, row_text(row, 1), err);
    return texts[number] != NULL;
}

static bool convert(struct catalog *catalog, size_t number, struct error *err)
{
    const struct catalog_filter *filter = catalog->options.filter;
    struct sql sql = {.err = err};
    bool done;

    sql_printf(&sql, "SELECT %zu, ", number);
    if (!sql.failed && !append_converted(&sql.text, catalog_filter_condition(filter, number), err))
        sql_fail(&sql);
    done =
        !sql.failed && (catalog_ask_text(catalog, sql_text(&sql), 2, take_condition, NULL, err) ||
                        (typed_text_explain(catalog, err),
                         error_prefix(err, OPTION_WHERE " of %s",
                                      catalog_filter_text(filter, FILTER_WHERE, number))));
    return sql_end(&sql) && done;
}

bool typed_text_conditions(struct catalog *catalog, struct error *err)
{
    const struct catalog_filter *filter = catalog->options.filter;
    size_t count = catalog_filter_count(filter, FILTER_WHERE);
    const char **texts =
        count == 0 ? NULL : arena_take(&catalog->arena, count * sizeof(*texts), err);

    catalog->selection.texts = texts;
    if (count == 0)
        return true;
    for (size_t i = 0; texts != NULL && i < count; i++) {
        texts[i] = catalog_filter_condition(filter, i);
        if (typed_text_is_special(texts[i]) && !convert(catalog, i, err))
            return false;
    }
    return texts != NULL;
}
