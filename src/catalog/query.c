/* Queries over the catalogs: columns that have names are joined to one statement, and its rows are
 * handed over as texts. An answer that is not whole, or that lacks a value which is always there,
 * fails here, so that nothing is made of it. */
#include "catalog/catalog_internal.h"

#include "base/bytes.h"
#include "catalog/watch_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COLUMNS_MAX 80

/* ---- Values ---- */

const char *row_text(const struct catalog_row *row, size_t column)
{
    if (row->values[column] != NULL)
        return row->values[column];
    if (*row->missing == 0)
        *row->missing = column + 1;
    return "";
}

uint32_t row_oid(const struct catalog_row *row, size_t column)
{
    uint64_t value;

    return row->values[column] != NULL &&
                   bytes_parse_u64(slice_string(row->values[column]), &value) && value <= UINT32_MAX
               ? (uint32_t)value
               : 0;
}

int64_t row_number(const struct catalog_row *row, size_t column)
{
    return row->values[column] == NULL ? 0 : strtoll(row->values[column], NULL, 10);
}

bool row_flag(const struct catalog_row *row, size_t column)
{
    return row->values[column] != NULL && row->values[column][0] == 't';
}

char row_char(const struct catalog_row *row, size_t column)
{
    return row->values[column] == NULL ? '\0' : row->values[column][0];
}

/* ---- Answers ---- */

/* The values of the row just received, with a NUL behind each. */
static bool take_row(const struct wire_conn *conn, size_t columns, struct buffer *bytes,
                     const char *values[COLUMNS_MAX], struct error *err)
{
    size_t at = 0;

    buffer_clear_keeping(bytes, ARCHIVE_TEXT_KEPT);
    for (size_t i = 0; i < columns; i++) {
        struct slice value = wire_row_value(conn, i);

        if (value.data != NULL && (!buffer_append(bytes, value.data, value.len, err) ||
                                   !buffer_append_byte(bytes, '\0', err)))
            return false;
    }
    for (size_t i = 0; i < columns; i++) {
        struct slice value = wire_row_value(conn, i);

        values[i] = value.data == NULL ? NULL : (const char *)bytes->data + at;
        if (value.data != NULL)
            at += value.len + 1;
    }
    return true;
}

/* "SELECT 123": a row that was lost on the way would be an object that is left out. */
static bool check_count(const char *tag, uint64_t rows, bool *counted, struct error *err)
{
    if (strncmp(tag, "SELECT ", 7) != 0)
        return true;
    *counted = true;
    if (strtoull(tag + 7, NULL, 10) == rows)
        return true;
    error_set(err, ERROR_PROTOCOL,
              "the server's answer about the catalogs is not complete: %s, but %" PRIu64
              " rows came",
              tag, rows);
    return error_hint(err, WIRE_LOSS_HINT);
}

/* Names the row by what comes first in it: oid, schema, name. */
static bool row_lacks(const struct catalog_row *row, struct error *err)
{
    char head[300] = "";
    size_t used = 0;

    for (size_t i = 0; i < row->count && i < 3 && used < sizeof(head); i++) {
        if (row->values[i] != NULL)
            used += (size_t)snprintf(head + used, sizeof(head) - used, "%s%s", used > 0 ? ", " : "",
                                     row->values[i]);
    }
    error_set(err, ERROR_SERVER, "the server has no definition of (%s): it was dropped or changed",
              head);
    return error_hint(err, CATALOG_CHANGED_HINT);
}

/* What a query's rows are given to, and how many came. */
struct taking {
    size_t columns;
    bool (*take)(struct catalog *, void *, const struct catalog_row *, struct error *);
    void *context;
    struct buffer bytes;
    uint64_t rows;
    bool counted;
};

static bool take_event(struct catalog *catalog, struct taking *taking,
                       const struct wire_event *event, struct error *err)
{
    const char *values[COLUMNS_MAX];
    size_t missing = 0;
    struct catalog_row row = {taking->columns, values, &missing};

    if (event->type == WIRE_SERVER_ERROR)
        return false;
    if (event->type == WIRE_COMMAND_COMPLETE)
        return check_count(event->tag, taking->rows, &taking->counted, err);
    if (event->type != WIRE_ROW)
        return true;
    taking->rows++;
    if (wire_row_columns(catalog->conn) != taking->columns)
        return error_set(err, ERROR_PROTOCOL, "the server answered a query with %zu columns",
                         wire_row_columns(catalog->conn));
    return take_row(catalog->conn, taking->columns, &taking->bytes, values, err) &&
           taking->take(catalog, taking->context, &row, err) &&
           (missing == 0 || row_lacks(&row, err));
}

/* After a failure the rest of the answer is thrown away: the session can be used again. */
static bool take_rows(struct catalog *catalog, struct taking *taking, struct error *err)
{
    struct error ignored;
    bool done = true, ended = false;

    while (done && !ended) {
        struct wire_event event;

        done = wire_next(catalog->conn, &event, err) && take_event(catalog, taking, &event, err);
        ended = done && event.type == WIRE_READY;
    }
    if (!done)
        wire_drain(catalog->conn, &ignored);
    if (!done || taking->counted)
        return done;
    error_set(err, ERROR_PROTOCOL, "the server did not answer a query about the catalogs");
    return error_hint(err, WIRE_LOSS_HINT);
}

static bool ask_wire(struct catalog *catalog, const char *sql, size_t columns,
                     bool (*take)(struct catalog *, void *, const struct catalog_row *,
                                  struct error *),
                     void *context, struct error *err)
{
    struct taking taking = {.columns = columns, .take = take, .context = context};
    bool done = wire_send_query(catalog->conn, sql, err) && take_rows(catalog, &taking, err);

    buffer_free(&taking.bytes);
    return done;
}

static bool run_wire(struct catalog *catalog, const char *sql, struct error *err)
{
    return wire_query(catalog->conn, sql, NULL, err);
}

const struct catalog_server catalog_server_wire = {.ask = ask_wire, .run = run_wire};

/* ---- Queries ---- */

static bool add_text(const struct catalog_query *query, int major,
                     const struct selection *selection, struct sql *out)
{
    struct sql text = {.err = out->err}, versioned = {.err = out->err};
    bool done;

    if (query->with != NULL)
        sql_add(&text, query->with);
    for (size_t i = 0; i < query->count; i++) {
        sql_add(&text, i == 0 ? "SELECT " : ",\n       ");
        sql_add(&text, query->columns[i]);
    }
    sql_add(&text, "\n");
    sql_add(&text, query->from);
    done = !text.failed &&
           versions_expand(sql_text(&text), query->differences, major, &versioned.text, out->err) &&
           selection_expand(selection, sql_text(&versioned), &out->text, out->err);
    if (!done)
        sql_fail(out);
    sql_end(&versioned);
    sql_end(&text);
    return done;
}

bool catalog_query_text(const struct catalog_query *query, int major, struct sql *out)
{
    return add_text(query, major, NULL, out);
}

bool catalog_ask(struct catalog *catalog, const struct catalog_query *query, void *context,
                 struct error *err)
{
    struct sql sql = {.err = err};
    bool done =
        add_text(query, catalog->major, &catalog->selection, &sql) &&
        catalog->server->ask(catalog, sql_text(&sql), query->count, query->take, context, err) &&
        watch_look(catalog, err);

    sql_end(&sql);
    return done;
}

bool catalog_ask_text(struct catalog *catalog, const char *sql, size_t columns,
                      bool (*take)(struct catalog *, void *, const struct catalog_row *,
                                   struct error *),
                      void *context, struct error *err)
{
    return catalog->server->ask(catalog, sql, columns, take, context, err) &&
           watch_look(catalog, err);
}

bool catalog_run(struct catalog *catalog, const char *sql, struct error *err)
{
    return catalog->server->run(catalog, sql, err);
}
