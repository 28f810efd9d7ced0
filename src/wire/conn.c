/*
 * A connection from its making to its end, and what can be asked of it between calls. Which files
 * do the rest is said in conn_internal.h.
 */
#include "wire/conn_internal.h"
#include "wire/settings_internal.h"

#include "base/clock.h"

#include <stdlib.h>

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
    return settings_tls_is_direct(conn->settings) ? WIRE_TLS_DIRECT : WIRE_TLS;
}

static struct wire_session describe_session(const struct wire_conn *conn)
{
    return (struct wire_session){
        .address = &conn->address.storage,
        .address_len = conn->address.len,
        .backend_pid = conn->backend_pid,
        .key = slice_make(conn->key, conn->key_len),
        .encryption = conn_encryption(conn),
        .announced = settings_tls_name(conn->settings, conn->host),
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
    buffer_free(&conn->report.body);
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
