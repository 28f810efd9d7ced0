/*
 * The cancel request: a connection of its own that says a process number and a key, and nothing
 * else. It goes as the session went, never in clear for one under TLS, and is over only when the
 * server closes.
 */
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
        enum io_status status = transport_read(transport, ignored, sizeof(ignored), &got, err);

        if (status == IO_END || status == IO_FAILED)
            return true; /* some servers reset rather than close */
        if (!socket_wait(transport->fd, SOCKET_READ, deadline, NULL, &ready, err))
            return false;
    }
}

/* For a session in clear nothing; else never without TLS: the key would go out in clear. */
static bool ask_for_tls(struct transport *transport, enum wire_encryption encryption,
                        int64_t deadline, struct error *err)
{
    bool accepted;

    if (encryption != WIRE_TLS)
        return true;
    if (!transport_request_tls(transport, deadline, NULL, &accepted, err))
        return false;
    return accepted ? true : error_set(err, ERROR_TLS, "the server does not offer TLS any more");
}

static bool send_key(struct transport *transport, uint32_t backend_pid, struct slice key,
                     int64_t deadline, struct error *err)
{
    struct buffer request = {0};
    bool ok = message_append_cancel_request(&request, backend_pid, key, err) &&
              transport_send_all(transport, buffer_slice(&request), deadline, NULL, err) &&
              wait_for_end(transport, deadline, err);

    buffer_free_secret(&request);
    return ok;
}

/* The job's cancel does not count here: this is what it asks for. */
bool cancel_request_send(const struct wire_conn *conn, int64_t deadline, struct error *err)
{
    struct transport transport = TRANSPORT_CLOSED;
    enum wire_encryption encryption = conn_encryption(conn);
    bool ok;

    if (conn->key_len == 0) {
        error_set(err, ERROR_UNSUPPORTED, "the server gave no key to cancel a command with");
        return error_hint(err, "Connect to the server itself rather than through a pooler.");
    }
    ok = socket_connect(&conn->address, conn->settings, deadline, NULL, &transport.fd, err) &&
         ask_for_tls(&transport, encryption, deadline, err) &&
         (encryption == WIRE_IN_CLEAR || tls_start(&transport.tls, transport.fd, conn->settings,
                                                   conn->host, deadline, NULL, NULL, err)) &&
         send_key(&transport, conn->backend_pid, slice_make(conn->key, conn->key_len), deadline,
                  err);
    transport_close(&transport);
    return ok ? true : error_prefix(err, "cannot cancel the command on %s", conn->peer);
}

bool wire_cancel(const struct wire_conn *conn, struct error *err)
{
    return cancel_request_send(conn, deadline_after_ms(CANCEL_LIMIT_MS), err);
}

bool wire_cancel_session(const struct wire_session *session, int64_t deadline, struct error *err)
{
    struct transport transport = TRANSPORT_CLOSED;
    struct socket_address address = {.len = (socklen_t)session->address_len};
    struct wire_settings *none = wire_settings_new(err);
    bool ok;

    if (none == NULL)
        return false;
    memcpy(&address.storage, session->address, session->address_len);
    ok = socket_connect(&address, none, deadline, NULL, &transport.fd, err) &&
         ask_for_tls(&transport, session->encryption, deadline, err) &&
         (session->encryption == WIRE_IN_CLEAR ||
          tls_start_unverified(&transport.tls, transport.fd, session->announced, deadline, err)) &&
         send_key(&transport, session->backend_pid, session->key, deadline, err);
    transport_close(&transport);
    wire_settings_free(none);
    return ok;
}
