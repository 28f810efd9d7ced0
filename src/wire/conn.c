#include "wire/conn_internal.h"
#include "wire/settings_internal.h"

#include "base/clock.h"

#include <stdlib.h>

/* A server reports some fifteen, of some ten bytes each; search_path may be longer. */
#define PARAMETERS_MAX 256
#define PARAMETER_SIZE_MAX (16 * 1024)

/* ---- Life ---- */

struct wire_conn *conn_new(struct error *err)
{
    struct wire_conn *conn = calloc(1, sizeof(*conn));

    if (conn != NULL) {
        conn->transport = TRANSPORT_CLOSED;
        conn->deadline = DEADLINE_NONE;
        conn->input_capacity = INPUT_CAPACITY;
        conn->input = malloc(INPUT_CAPACITY);
        conn->answer_max = MESSAGE_BODY_MAX;
    }
    if (conn != NULL && conn->input != NULL)
        return conn;
    error_set_memory(err);
    free(conn);
    return NULL;
}

static void forget_parameters(struct wire_conn *conn)
{
    for (size_t i = 0; i < conn->parameters_count; i++) {
        free(conn->parameters[i].name);
        free(conn->parameters[i].value);
    }
    free(conn->parameters);
    conn->parameters = NULL;
    conn->parameters_count = 0;
}

enum wire_encryption conn_encryption(const struct wire_conn *conn)
{
    if (!conn->uses_tls)
        return WIRE_IN_CLEAR;
    return tls_is_direct(conn->settings) ? WIRE_TLS_DIRECT : WIRE_TLS;
}

static struct wire_session describe_session(const struct wire_conn *conn)
{
    return (struct wire_session){
        .address = &conn->address.storage,
        .address_len = conn->address.len,
        .backend_pid = conn->backend_pid,
        .key = slice_make(conn->key, conn->key_len),
        .encryption = conn_encryption(conn),
        .announced = tls_announced_name(conn->settings, conn->host),
    };
}

void conn_announce(struct wire_conn *conn)
{
    const struct wire_watcher *watcher = conn->settings->watcher;
    struct wire_session session = describe_session(conn);

    if (watcher == NULL || conn->key_len == 0)
        return;
    conn->watched = true;
    watcher->opened(watcher->context, &session);
}

static void conn_unannounce(struct wire_conn *conn)
{
    struct wire_session session;

    if (!conn->watched)
        return;
    session = describe_session(conn);
    conn->settings->watcher->closed(conn->settings->watcher->context, &session);
    conn->watched = false;
}

void conn_disconnect(struct wire_conn *conn)
{
    transport_close(&conn->transport);
    conn_unannounce(conn);
    forget_parameters(conn);
    buffer_free_secret(&conn->output); /* may hold a password */
    buffer_free(&conn->aside);
    conn->aside_start = conn->input_start = conn->input_end = 0;
    conn->key_len = 0;
    conn->input_ended = conn->send_failed = conn->send_torn = false;
    conn->uses_tls = conn->broken = conn->lost = false;
    conn->in_copy_data = conn->unsynced = false;
    conn->awaiting_ready = 0;
    conn->copy = COPY_NONE;
    conn->server_version = 0;
}

void conn_free(struct wire_conn *conn)
{
    conn_disconnect(conn);
    wire_settings_free(conn->settings);
    buffer_free(&conn->description);
    free(conn->columns);
    free(conn->row);
    free(conn->input);
    free(conn);
}

bool conn_check(const struct wire_conn *conn, struct error *err)
{
    if (conn->broken)
        return error_set(err, ERROR_CONNECTION_LOST, "the connection to %s is not usable any more",
                         conn->peer);
    return true;
}

bool conn_break(struct wire_conn *conn, bool lost)
{
    conn->broken = true;
    conn->lost = conn->lost || lost;
    return false;
}

/* ---- What the server says by the way ---- */

static int parse_version(const char *text)
{
    long major = strtol(text, NULL, 10), minor = 0, patch = 0;
    const char *dot = strchr(text, '.');

    if (major < 0 || major > 10000)
        return 0;
    if (dot != NULL) {
        char *end;

        minor = strtol(dot + 1, &end, 10);
        if (*end == '.')
            patch = strtol(end + 1, NULL, 10);
    }
    if (minor < 0 || minor > 9999 || patch < 0 || patch > 99)
        return (int)major * 10000;
    if (major < 10) /* 9.6.24 was major 9.6 */
        return (int)(major * 10000 + (minor % 100) * 100 + patch);
    return (int)(major * 10000 + minor);
}

static bool add_parameter(struct wire_conn *conn, const char *name, const char *value)
{
    struct session_parameter *grown;
    struct session_parameter fresh;

    if (conn->parameters_count == PARAMETERS_MAX)
        return true;
    grown = realloc(conn->parameters, (conn->parameters_count + 1) * sizeof(*grown));
    if (grown == NULL)
        return false;
    conn->parameters = grown;
    fresh.name = strdup(name);
    fresh.value = strdup(value);
    if (fresh.name == NULL || fresh.value == NULL) {
        free(fresh.name);
        free(fresh.value);
        return false;
    }
    conn->parameters[conn->parameters_count++] = fresh;
    return true;
}

static bool set_parameter(struct wire_conn *conn, const char *name, const char *value)
{
    if (strlen(name) + strlen(value) > PARAMETER_SIZE_MAX)
        return true; /* none that anybody asks for */
    if (strcmp(name, "server_version") == 0)
        conn->server_version = parse_version(value);
    for (size_t i = 0; i < conn->parameters_count; i++) {
        char *copy;

        if (strcmp(conn->parameters[i].name, name) != 0)
            continue;
        copy = strdup(value);
        if (copy == NULL)
            return false;
        free(conn->parameters[i].value);
        conn->parameters[i].value = copy;
        return true;
    }
    return add_parameter(conn, name, value);
}

static bool handle_notice(struct wire_conn *conn, struct slice body, struct error *err)
{
    char text[REPORT_TEXT_SIZE], severity[32];
    struct message_report report;

    if (!message_parse_report(body, &report, err))
        return conn_break(conn, false);
    report_clean(report.message, text, sizeof(text));
    report_clean(report.severity, severity, sizeof(severity));
    log_message(conn->log, strcmp(severity, "WARNING") == 0 ? LOG_WARNING : LOG_DEBUG,
                "server: %s: %s", severity, text);
    if (conn->on_notice != NULL) {
        char sqlstate[6];

        report_clean(report.sqlstate, sqlstate, sizeof(sqlstate));
        conn->on_notice(conn->on_notice_context, severity, sqlstate, text);
    }
    return true;
}

bool conn_handle_async(struct wire_conn *conn, char type, struct slice body, bool *handled,
                       struct error *err)
{
    const char *name, *value;

    *handled = true;
    switch (type) {
    case 'N':
        return handle_notice(conn, body, err);
    case 'S':
        if (!message_parse_parameter_status(body, &name, &value, err))
            return conn_break(conn, false);
        return set_parameter(conn, name, value) ? true : error_set_memory(err);
    case 'A':
        return true;
    default:
        *handled = false;
        return true;
    }
}

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
        struct message_header header;
        struct error ignored;

        if (ahead.len < MESSAGE_HEADER_SIZE ||
            !message_parse_header(ahead.data, &header, &ignored) || header.type != 'd')
            return slice_make(NULL, 0);
        slice_take(&ahead, MESSAGE_HEADER_SIZE);
        left = header.body_len;
    }
    return slice_take(&ahead, ahead.len < left ? ahead.len : left);
}

void wire_join_copy_data(struct wire_conn *conn, struct wire_event *event)
{
    uint8_t *end = conn->input + conn->input_start; /* of what is lent */
    struct slice ahead = slice_make(end, conn->input_end - conn->input_start);
    struct message_header header = {.body_len = 0};
    struct error ignored;

    if (event->type != WIRE_COPY_DATA || conn->copy == COPY_NONE)
        return;
    while (!conn->in_copy_data && ahead.len > MESSAGE_HEADER_SIZE && ahead.data[0] == 'd' &&
           message_parse_header(ahead.data, &header, &ignored)) {
        struct slice body;

        slice_take(&ahead, MESSAGE_HEADER_SIZE);
        body = slice_take(&ahead, ahead.len < header.body_len ? ahead.len : header.body_len);
        memmove(end, body.data, body.len);
        end += body.len;
        event->data.len += body.len;
        conn->taken += MESSAGE_HEADER_SIZE + (uint64_t)header.body_len;
        conn->copy_data_left = header.body_len - body.len;
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

/* ---- Looking ---- */

int wire_server_version(const struct wire_conn *conn)
{
    return conn->server_version;
}

const char *wire_parameter(const struct wire_conn *conn, const char *name)
{
    for (size_t i = 0; i < conn->parameters_count; i++) {
        if (strcmp(conn->parameters[i].name, name) == 0)
            return conn->parameters[i].value;
    }
    return NULL;
}

int32_t wire_backend_pid(const struct wire_conn *conn)
{
    return (int32_t)conn->backend_pid;
}

bool wire_uses_tls(const struct wire_conn *conn)
{
    return conn->uses_tls;
}

const char *wire_peer(const struct wire_conn *conn)
{
    return conn->peer;
}

void wire_set_wait_limit(struct wire_conn *conn, int64_t milliseconds)
{
    conn->wait_limit_ms = milliseconds;
}

void wire_set_answer_limit(struct wire_conn *conn, size_t bytes)
{
    conn->answer_max = bytes < MESSAGE_ROW_MAX ? bytes : MESSAGE_ROW_MAX;
}

void wire_set_cancel(struct wire_conn *conn, struct cancel *cancel)
{
    conn->cancel = cancel;
}

void wire_set_notice_handler(struct wire_conn *conn,
                             void (*handler)(void *context, const char *severity,
                                             const char *sqlstate, const char *message),
                             void *context)
{
    conn->on_notice = handler;
    conn->on_notice_context = context;
}

bool wire_is_broken(const struct wire_conn *conn)
{
    return conn->broken;
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
