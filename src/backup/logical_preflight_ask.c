/* The questions of a logical preflight: one row each. What cannot be asked is told, and asked no
 * more; the transaction goes on behind it. */
#include "backup/logical_preflight_internal.h"

#include <stdlib.h>
#include <string.h>

/* Any number of rows. */
static struct wire_result *ask_rows(struct logical_preflight *preflight, const char *sql,
                                    struct error *err)
{
    struct wire_result *result = NULL;
    struct buffer text = {0};
    struct error ignored;
    bool done;

    error_clear(err);
    done = catalog_expand(preflight->wanted, sql, &text, err) &&
           wire_query(preflight->conn, buffer_text(&text), &result, err);
    buffer_free(&text);
    if (done)
        return result;
    if (!wire_is_broken(preflight->conn)) {
        log_message(preflight->request->log, LOG_INFO, "not looked at before the backup: %s",
                    err->message);
        wire_query(preflight->conn, "ROLLBACK TO SAVEPOINT " PREFLIGHT_SAVEPOINT, NULL, &ignored);
    }
    wire_result_free(result);
    return NULL;
}

static struct wire_result *ask(struct logical_preflight *preflight, const char *sql,
                               struct error *err)
{
    struct wire_result *result = ask_rows(preflight, sql, err);

    if (result != NULL && wire_result_rows(result) == 1)
        return result;
    wire_result_free(result);
    return NULL;
}

void logical_preflight_name_all(struct logical_preflight *preflight, const char *sql)
{
    struct error ignored;
    struct wire_result *names = ask_rows(preflight, sql, &ignored);

    for (size_t i = 0; names != NULL && i < wire_result_rows(names); i++) {
        const char *name = wire_result_value(names, i, 0);

        if (name != NULL)
            preflight_add_object(preflight->report, name);
    }
    wire_result_free(names);
}

struct wire_result *logical_preflight_ask(struct logical_preflight *preflight, const char *sql)
{
    struct error err;
    struct wire_result *row = ask(preflight, sql, &err);

    if (strcmp(err.sqlstate, "42501") == 0 && preflight->denied.code == ERROR_NONE)
        preflight->denied = err;
    return row;
}

struct wire_result *logical_preflight_ask_more(struct logical_preflight *preflight, const char *sql)
{
    struct error ignored;

    return ask(preflight, sql, &ignored);
}

const char *preflight_text(const struct wire_result *row, size_t column)
{
    const char *text = column < wire_result_columns(row) ? wire_result_value(row, 0, column) : NULL;

    return text == NULL ? "" : text;
}

uint64_t preflight_number(const struct wire_result *row, size_t column)
{
    return strtoull(preflight_text(row, column), NULL, 10);
}

bool preflight_flag(const struct wire_result *row, size_t column)
{
    return preflight_text(row, column)[0] == 't';
}

bool preflight_append_counted(struct buffer *out, const struct wire_result *row, size_t column,
                              const char *what, struct error *err)
{
    uint64_t count = preflight_number(row, column);

    return count == 0 || buffer_printf(out, err, "%s%llu %s%s (%s%s)", out->len == 0 ? "" : ", ",
                                       (unsigned long long)count, what, count == 1 ? "" : "s",
                                       preflight_text(row, column + 1), count > 5 ? ", …" : "");
}
