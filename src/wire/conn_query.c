/*
 * Small answers as a whole: a query is sent, its rows are gathered in memory up to the limit of the
 * connection, and the session is ready again whatever happened in between.
 */
#include "wire/conn_internal.h"

#include <stdlib.h>

#define IS_NULL SIZE_MAX

/* All names and values lie in one buffer, each with a NUL; cells hold where each begins. */
struct wire_result {
    size_t columns;
    size_t rows;
    size_t *cells; /* first the column names, then row by row */
    size_t cells_count, cells_capacity;
    struct buffer text;
    size_t max; /* bytes of all */
};

void wire_result_free(struct wire_result *result)
{
    if (result == NULL)
        return;
    buffer_free(&result->text);
    free(result->cells);
    free(result);
}

static bool too_large(const struct wire_result *result, struct error *err)
{
    return error_set(err, ERROR_UNSUPPORTED, "the result of a query is over %zu KiB",
                     result->max >> 10);
}

static bool add_cell(struct wire_result *result, struct slice value, struct error *err)
{
    if (result->cells_count == result->cells_capacity) {
        size_t capacity = result->cells_capacity == 0 ? 32 : result->cells_capacity * 2;
        size_t *cells = realloc(result->cells, capacity * sizeof(*cells));

        if (cells == NULL)
            return error_set_memory(err);
        result->cells = cells;
        result->cells_capacity = capacity;
    }
    if (result->text.len + value.len + result->cells_count * sizeof(*result->cells) > result->max)
        return too_large(result, err);
    result->cells[result->cells_count++] = value.data == NULL ? IS_NULL : result->text.len;
    return value.data == NULL || (buffer_append(&result->text, value.data, value.len, err) &&
                                  buffer_append_byte(&result->text, 0, err));
}

static bool result_begin(struct wire_result **result, const struct wire_conn *conn,
                         struct error *err)
{
    wire_result_free(*result);
    *result = calloc(1, sizeof(**result));
    if (*result == NULL)
        return error_set_memory(err);
    (*result)->columns = wire_column_count(conn);
    (*result)->max = conn->answer_max;
    for (size_t i = 0; i < (*result)->columns; i++) {
        if (!add_cell(*result, slice_string(wire_column_name(conn, i)), err))
            return false;
    }
    return true;
}

static bool result_add_row(struct wire_result *result, const struct wire_conn *conn,
                           struct error *err)
{
    if (wire_row_columns(conn) != result->columns)
        return error_set(err, ERROR_PROTOCOL, "the server sent a row of %zu columns instead of %zu",
                         wire_row_columns(conn), result->columns);
    for (size_t i = 0; i < result->columns; i++) {
        if (!add_cell(result, wire_row_value(conn, i), err))
            return false;
    }
    result->rows++;
    return true;
}

/* COPY inside a collected query has nobody to feed or to take it. */
static bool refuse_copy(struct wire_conn *conn, const struct wire_event *event, struct error *err)
{
    if (event->type == WIRE_COPY_IN)
        return wire_copy_fail(conn, "no data is to be had here", err);
    if (event->type == WIRE_COPY_BOTH)
        return wire_copy_done(conn, err);
    return true;
}

static bool take_event(struct wire_conn *conn, const struct wire_event *event,
                       struct wire_result **result, struct error *err)
{
    if (event->type == WIRE_ROW_DESCRIPTION)
        return result_begin(result, conn, err);
    if (event->type == WIRE_ROW && *result == NULL)
        return error_set(err, ERROR_PROTOCOL, "the server sent a row without a description");
    if (event->type == WIRE_ROW)
        return result_add_row(*result, conn, err);
    return true;
}

static bool never_ends(struct wire_conn *conn, bool first, struct error *err)
{
    conn_break(conn, false);
    return first ? error_set(err, ERROR_PROTOCOL, "the server's answer does not end") : false;
}

/* Reads to WIRE_READY. The first thing that goes wrong stays in *err; rows are dropped after it. */
static bool collect(struct wire_conn *conn, struct wire_result **result, struct error *err)
{
    /* What is kept has its own limit; all else must end too. */
    uint64_t kept_max = result == NULL ? 0 : 2 * (uint64_t)conn->answer_max;
    uint64_t end = conn->taken + kept_max + DISCARD_MAX;
    struct wire_event event;
    struct error later;
    bool ok = true;

    while (wire_next(conn, &event, ok ? err : &later)) {
        if (event.type == WIRE_READY)
            return ok;
        if (conn->taken > end)
            return never_ends(conn, ok, err);
        if (event.type == WIRE_SERVER_ERROR) {
            ok = false;
            continue;
        }
        if (!refuse_copy(conn, &event, ok ? err : &later))
            return false;
        if (ok && result != NULL && !take_event(conn, &event, result, err))
            ok = false;
    }
    return false;
}

static bool collect_into(struct wire_conn *conn, struct wire_result **result, struct error *err)
{
    struct wire_result *collected = NULL;

    if (collect(conn, result == NULL ? NULL : &collected, err)) {
        if (result != NULL)
            *result = collected;
        return true;
    }
    wire_result_free(collected);
    return false;
}

bool wire_send_query(struct wire_conn *conn, const char *sql, struct error *err)
{
    if (!conn_check(conn, err))
        return false;
    if (conn->awaiting_ready > 0 || conn->unsynced)
        return error_set(err, ERROR_USAGE, "another command is still running on the connection");
    conn->columns_count = 0;
    if (!message_append_query(&conn->output, sql, err))
        return false;
    conn->awaiting_ready++;
    return conn_flush(conn, err);
}

bool wire_queue_query(struct wire_conn *conn, const char *sql, struct error *err)
{
    if (!conn_check(conn, err))
        return false;
    if (conn->unsynced || conn->copy == COPY_TO_SERVER || conn->copy == COPY_BOTH_WAYS)
        return error_set(err, ERROR_USAGE, "nothing can follow the command that is running");
    if (!message_append_query(&conn->output, sql, err))
        return false;
    conn->awaiting_ready++;
    return true;
}

/* A message that has begun and cannot be ended leaves nothing to be said on this connection. */
static bool tear(struct wire_conn *conn)
{
    conn->send_torn = true;
    return conn_break(conn, false);
}

static bool send_rest(struct wire_conn *conn, const struct wire_text *text, struct error *err)
{
    const struct slice none = slice_make(NULL, 0);
    uint64_t left = text->rest;
    struct slice piece;

    while (left > 0) {
        if (!text->next(text->context, &piece, err))
            return false;
        if (piece.len > left)
            piece.len = (size_t)left;
        left -= piece.len;
        if (!conn_send(conn, none, piece, err))
            return false;
    }
    return conn_send(conn, none, slice_make("", 1), err);
}

#define QUERY_MOST ((size_t)0x3fffffff - 8) /* of its bytes: more no server holds */

bool wire_send_text(struct wire_conn *conn, const struct wire_text *text, struct error *err)
{
    size_t before;

    if (!conn_check(conn, err))
        return false;
    if (conn->unsynced || conn->copy == COPY_TO_SERVER || conn->copy == COPY_BOTH_WAYS)
        return error_set(err, ERROR_USAGE, "nothing can follow the command that is running");
    before = conn->output.len;
    if (text->head.len > QUERY_MOST || text->rest > QUERY_MOST - text->head.len)
        return error_set(err, ERROR_UNSUPPORTED,
                         "a statement is longer than the 1 GiB that a server takes");
    if (!buffer_append_byte(&conn->output, 'Q', err) ||
        !buffer_append_u32(&conn->output, (uint32_t)(4 + text->head.len + text->rest + 1), err)) {
        buffer_truncate(&conn->output, before);
        return false;
    }
    conn->awaiting_ready++;
    return (conn_send(conn, slice_make(NULL, 0), text->head, err) && send_rest(conn, text, err)) ||
           tear(conn);
}

#define ROWS_MESSAGE_MAX ((size_t)1 << 20) /* the server holds each CopyData message whole */

bool wire_queue_copy(struct wire_conn *conn, const char *sql, struct slice rows, struct error *err)
{
    size_t before = conn->output.len;
    bool queued = true;

    if (!wire_queue_query(conn, sql, err))
        return false;
    while (queued && rows.len > 0) {
        struct slice chunk =
            slice_take(&rows, rows.len > ROWS_MESSAGE_MAX ? ROWS_MESSAGE_MAX : rows.len);

        queued = message_append_copy_data(&conn->output, chunk, err);
    }
    if (queued && message_append_copy_done(&conn->output, err))
        return true;
    conn->output.len = before; /* nothing of it was sent */
    conn->awaiting_ready--;
    return false;
}

void wire_copy_was_sent(struct wire_conn *conn)
{
    if (conn->copy == COPY_TO_SERVER)
        conn->copy = COPY_NONE;
}

bool wire_query(struct wire_conn *conn, const char *sql, struct wire_result **result,
                struct error *err)
{
    if (result != NULL)
        *result = NULL;
    return wire_send_query(conn, sql, err) && collect_into(conn, result, err);
}

bool wire_query_params(struct wire_conn *conn, const char *sql, size_t count,
                       const char *const *values, struct wire_result **result, struct error *err)
{
    size_t before;

    if (result != NULL)
        *result = NULL;
    if (!conn_check(conn, err))
        return false;
    if (conn->awaiting_ready > 0 || conn->unsynced)
        return error_set(err, ERROR_USAGE, "another command is still running on the connection");
    before = conn->output.len;
    if (!wire_queue_parse(conn, "", sql, err) ||
        !wire_queue_bind(conn, "", "", count, values, err) ||
        !wire_queue_describe_portal(conn, "", err) || !wire_queue_execute(conn, "", 0, err) ||
        !wire_queue_sync(conn, err)) {
        conn->output.len = before; /* nothing of it was sent */
        conn->unsynced = false;
        return false;
    }
    return wire_flush(conn, err) && collect_into(conn, result, err);
}

bool wire_drain(struct wire_conn *conn, struct error *err)
{
    struct error later;
    bool ok = true;

    if (!conn_check(conn, err))
        return false;
    if (conn->awaiting_ready == 0)
        return true;
    if (conn->copy == COPY_TO_SERVER && !wire_copy_fail(conn, "given up", err))
        return false;
    if (conn->copy == COPY_BOTH_WAYS && !wire_copy_done(conn, err))
        return false;
    while (conn->awaiting_ready > 0 && !conn->broken)
        ok = collect(conn, NULL, ok ? err : &later) && ok;
    return ok;
}

size_t wire_result_rows(const struct wire_result *result)
{
    return result == NULL ? 0 : result->rows;
}

size_t wire_result_columns(const struct wire_result *result)
{
    return result == NULL ? 0 : result->columns;
}

static const char *cell_text(const struct wire_result *result, size_t cell)
{
    if (result->cells[cell] == IS_NULL)
        return NULL;
    return (const char *)result->text.data + result->cells[cell];
}

const char *wire_result_column_name(const struct wire_result *result, size_t column)
{
    return result != NULL && column < result->columns ? cell_text(result, column) : NULL;
}

const char *wire_result_value(const struct wire_result *result, size_t row, size_t column)
{
    if (result == NULL || row >= result->rows || column >= result->columns)
        return NULL;
    return cell_text(result, (row + 1) * result->columns + column);
}
