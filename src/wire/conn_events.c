/*
 * The states of a session: which message makes sense now, and what event it is to whoever asked
 * (wire_next). CopyData is lent in parts as they lie in the receive buffer; rows and descriptions
 * are parsed in place.
 */
#include "wire/conn_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- Messages to events ---- */

static bool unexpected(struct wire_conn *conn, char type, struct error *err)
{
    conn_break(conn, false);
    return error_set(err, ERROR_PROTOCOL, "the server sent %s where it makes no sense",
                     message_type_name(type));
}

static bool describe_rows(struct wire_conn *conn, struct slice body, struct error *err)
{
    /* A copy of its own, because names are asked for while rows come and go in the input. */
    buffer_clear(&conn->description);
    return buffer_append(&conn->description, body.data, body.len, err) &&
           message_parse_row_description(buffer_slice(&conn->description), &conn->columns,
                                         &conn->columns_capacity, &conn->columns_count, err);
}

static bool handle_error(struct wire_conn *conn, struct slice body, struct error *err)
{
    struct message_report report;

    if (!message_parse_report(body, &report, err))
        return conn_break(conn, false);
    if (conn->copy == COPY_TO_SERVER || conn->copy == COPY_BOTH_WAYS)
        conn->copy_refused = true;
    conn->copy = COPY_NONE;
    report_to_error(&report, err);
    conn->error_position = (unsigned)strtoul(report.position, NULL, 10);
    report_clean(report.where, conn->error_context, sizeof(conn->error_context));
    return message_report_is_fatal(&report) ? conn_break(conn, true) : true;
}

static bool begin_copy(struct wire_conn *conn, char type, struct slice body, struct error *err)
{
    static const enum copy_state states[] = {COPY_TO_SERVER, COPY_FROM_SERVER, COPY_BOTH_WAYS};

    conn->copy = states[type == 'G' ? 0 : type == 'H' ? 1 : 2];
    conn->copy_refused = false;
    conn->sent_unlooked = 0;
    return message_parse_copy_response(body, err);
}

static bool end_copy(struct wire_conn *conn, struct slice body, struct error *err)
{
    if (conn->copy != COPY_FROM_SERVER && conn->copy != COPY_BOTH_WAYS)
        return unexpected(conn, 'c', err);
    conn->copy = conn->copy == COPY_BOTH_WAYS ? COPY_TO_SERVER : COPY_NONE;
    return message_parse_empty('c', body, err);
}

static bool become_ready(struct wire_conn *conn, struct slice body, struct wire_event *event,
                         struct error *err)
{
    /* A copy ends with CopyDone or an error; without, something of it is missing. */
    if (conn->awaiting_ready == 0 || conn->copy == COPY_FROM_SERVER)
        return unexpected(conn, 'Z', err);
    conn->awaiting_ready--;
    conn->copy = COPY_NONE;
    conn->copy_refused = false;
    return message_parse_ready(body, &event->transaction_status, err);
}

static bool type_to_event(char type, enum wire_event_type *event)
{
    static const char types[] = "TnDCIHGWc123stEZ";
    static const enum wire_event_type events[] = {
        WIRE_ROW_DESCRIPTION,
        WIRE_NO_DATA,
        WIRE_ROW,
        WIRE_COMMAND_COMPLETE,
        WIRE_EMPTY_QUERY,
        WIRE_COPY_OUT,
        WIRE_COPY_IN,
        WIRE_COPY_BOTH,
        WIRE_COPY_DONE,
        WIRE_PARSE_COMPLETE,
        WIRE_BIND_COMPLETE,
        WIRE_CLOSE_COMPLETE,
        WIRE_PORTAL_SUSPENDED,
        WIRE_PARAMETER_DESCRIPTION,
        WIRE_SERVER_ERROR,
        WIRE_READY,
    };
    const char *at = strchr(types, type);

    if (at == NULL || type == '\0')
        return false;
    *event = events[at - types];
    return true;
}

static bool message_to_event(struct wire_conn *conn, char type, struct slice body,
                             struct wire_event *event, struct error *err)
{
    if (!type_to_event(type, &event->type))
        return unexpected(conn, type, err);
    switch (type) {
    case 'T':
        return describe_rows(conn, body, err);
    case 'D':
        return message_parse_data_row(body, &conn->row, &conn->row_capacity, &conn->row_count, err);
    case 'C':
        if (conn->copy == COPY_FROM_SERVER)
            return unexpected(conn, 'C', err);
        conn->copy = COPY_NONE;
        return message_parse_command_complete(body, &event->tag, err);
    case 'G':
    case 'H':
    case 'W':
        return begin_copy(conn, type, body, err);
    case 'c':
        return end_copy(conn, body, err);
    case 't':
        return message_parse_parameter_description(body, err);
    case 'n':
        conn->columns_count = 0;
        return message_parse_empty(type, body, err);
    case 'E':
        return handle_error(conn, body, err);
    case 'Z':
        return become_ready(conn, body, event, err);
    default:
        return message_parse_empty(type, body, err);
    }
}

static bool begin_copy_data(struct wire_conn *conn, const struct message_header *header,
                            struct error *err)
{
    if (conn->copy != COPY_FROM_SERVER && conn->copy != COPY_BOTH_WAYS)
        return unexpected(conn, 'd', err);
    conn->input_start += MESSAGE_HEADER_SIZE;
    conn->taken += MESSAGE_HEADER_SIZE + (uint64_t)header->body_len;
    conn->in_copy_data = conn->copy_data_new = true;
    conn->copy_data_left = header->body_len;
    return true;
}

/* Lends what has arrived of the CopyData message. */
static bool lend_copy_data(struct wire_conn *conn, struct wire_event *event, struct error *err)
{
    size_t len;

    if (conn->copy_data_left > 0 && !conn_fill(conn, 1, err))
        return false;
    len = conn->input_end - conn->input_start;
    if (len > conn->copy_data_left)
        len = conn->copy_data_left;
    event->type = WIRE_COPY_DATA;
    event->data = slice_make(conn->input + conn->input_start, len);
    event->first = conn->copy_data_new;
    event->last = len == conn->copy_data_left;
    conn->input_start += len;
    conn->copy_data_left -= len;
    conn->copy_data_new = false;
    conn->in_copy_data = !event->last;
    return true;
}

struct slice wire_copy_data_ahead(const struct wire_conn *conn, bool *first)
{
    struct slice ahead =
        slice_make(conn->input + conn->input_start, conn->input_end - conn->input_start);
    size_t left = conn->copy_data_left;

    *first = !conn->in_copy_data;
    if (*first) {
        if (ahead.len < MESSAGE_HEADER_SIZE || !message_is_copy_data(ahead.data, &left))
            return slice_make(NULL, 0);
        slice_take(&ahead, MESSAGE_HEADER_SIZE);
    }
    return slice_take(&ahead, ahead.len < left ? ahead.len : left);
}

void wire_join_copy_data(struct wire_conn *conn, struct wire_event *event)
{
    uint8_t *end = conn->input + conn->input_start; /* of what is lent */
    struct slice ahead = slice_make(end, conn->input_end - conn->input_start);
    size_t body_len = 0;

    if (event->type != WIRE_COPY_DATA || conn->copy == COPY_NONE)
        return;
    while (!conn->in_copy_data && ahead.len > MESSAGE_HEADER_SIZE &&
           message_is_copy_data(ahead.data, &body_len)) {
        struct slice body;

        slice_take(&ahead, MESSAGE_HEADER_SIZE);
        body = slice_take(&ahead, ahead.len < body_len ? ahead.len : body_len);
        memmove(end, body.data, body.len);
        end += body.len;
        event->data.len += body.len;
        conn->taken += MESSAGE_HEADER_SIZE + (uint64_t)body_len;
        conn->copy_data_left = body_len - body.len;
        conn->in_copy_data = conn->copy_data_left > 0;
    }
    event->last = !conn->in_copy_data;
    conn->input_start = conn->input_end - ahead.len;
}

/* Notices and the like without end would otherwise never let wire_next return. */
static bool check_asides(struct wire_conn *conn, uint64_t since, struct error *err)
{
    if (conn->taken - since <= DISCARD_MAX)
        return true;
    error_set(err, ERROR_PROTOCOL, "the server sends notices without end");
    return conn_break(conn, false);
}

bool wire_next(struct wire_conn *conn, struct wire_event *event, struct error *err)
{
    uint64_t taken_before = conn->taken;
    struct message_header header;
    struct slice body;
    bool handled;

    *event = (struct wire_event){.type = WIRE_READY};
    if (!conn_check(conn, err) || !conn_flush(conn, err))
        return false;
    for (;;) {
        if (conn->in_copy_data)
            return lend_copy_data(conn, event, err);
        if (!conn_peek_header(conn, &header, err))
            return false;
        if (header.type == 'd') {
            if (!begin_copy_data(conn, &header, err))
                return false;
            continue;
        }
        if (!conn_take_message(conn, &header, &body, err) ||
            !conn_handle_async(conn, header.type, body, &handled, err))
            return conn_break(conn, false);
        if (handled && !check_asides(conn, taken_before, err))
            return false;
        if (handled)
            continue;
        if (!message_to_event(conn, header.type, body, event, err))
            return conn_break(conn, false);
        return true;
    }
}

/* ---- Rows ---- */

unsigned wire_error_position(const struct wire_conn *conn)
{
    return conn->error_position;
}

const char *wire_error_context(const struct wire_conn *conn)
{
    return conn->error_context;
}

size_t wire_column_count(const struct wire_conn *conn)
{
    return conn->columns_count;
}

const char *wire_column_name(const struct wire_conn *conn, size_t column)
{
    return column < conn->columns_count ? conn->columns[column].name : NULL;
}

uint32_t wire_column_type(const struct wire_conn *conn, size_t column)
{
    return column < conn->columns_count ? conn->columns[column].type : 0;
}

size_t wire_row_columns(const struct wire_conn *conn)
{
    return conn->row_count;
}

struct slice wire_row_value(const struct wire_conn *conn, size_t column)
{
    return column < conn->row_count ? conn->row[column] : slice_make(NULL, 0);
}
