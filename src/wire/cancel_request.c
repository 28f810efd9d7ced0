#include "wire/conn_internal.h"

#include "base/clock.h"

#define CANCEL_LIMIT_MS 2000

/* The server acts on the request, then closes. Only then was the signal sent. */
static bool wait_for_end(struct transport *transport, int64_t deadline, struct error *err)
{
    uint8_t ignored[256];
    unsigned ready;
    size_t got;

    for (;;) {
        enum transport_status status =
            transport_read(transport, ignored, sizeof(ignored), &got, err);

        if (status == TRANSPORT_END || status == TRANSPORT_FAILED)
            return true; /* some servers reset rather than close */
        if (!socket_wait(transport->fd, SOCKET_READ, deadline, NULL, &ready, err))
            return false;
    }
}

static bool secure(const struct wire_conn *conn, struct transport *transport, int64_t deadline,
                   struct error *err)
{
    bool accepted;

    if (!conn->uses_tls)
        return true;
    if (!tls_request(transport, deadline, NULL, &accepted, err))
        return false;
    if (!accepted) /* the key would go out in clear */
        return error_set(err, ERROR_TLS, "the server does not offer TLS any more");
    return tls_start(transport, conn->settings, conn->host, deadline, NULL, NULL, err);
}

/* The job's cancel does not count here: this is what it asks for. */
bool cancel_request_send(const struct wire_conn *conn, int64_t deadline, struct error *err)
{
    struct transport transport = TRANSPORT_CLOSED;
    struct buffer request = {0};
    bool ok;

    if (conn->key_len == 0) {
        error_set(err, ERROR_UNSUPPORTED, "the server gave no key to cancel a command with");
        return error_hint(err, "Connect to the server itself rather than through a pooler.");
    }
    ok = message_append_cancel_request(&request, conn->backend_pid,
                                       slice_make(conn->key, conn->key_len), err) &&
         socket_connect(&conn->address, conn->settings, deadline, NULL, &transport.fd, err) &&
         secure(conn, &transport, deadline, err) &&
         transport_send_all(&transport, buffer_slice(&request), deadline, NULL, err) &&
         wait_for_end(&transport, deadline, err);
    transport_close(&transport);
    buffer_free_secret(&request);
    return ok ? true : error_prefix(err, "cannot cancel the command on %s", conn->peer);
}

bool wire_cancel(const struct wire_conn *conn, struct error *err)
{
    return cancel_request_send(conn, deadline_after_ms(CANCEL_LIMIT_MS), err);
}
