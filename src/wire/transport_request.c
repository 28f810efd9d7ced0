/*
 * Asking a server in clear whether it will go on under TLS. The answer is one byte that nobody
 * vouches for: whatever else comes with it is refused.
 */
#include "wire/transport_internal.h"

#include "wire/message_internal.h"

static bool read_answer(struct transport *transport, int64_t deadline, const struct cancel *cancel,
                        uint8_t *answer, struct error *err)
{
    uint8_t bytes[2];
    unsigned ready;
    size_t got;

    for (;;) {
        switch (transport_read(transport, bytes, sizeof(bytes), &got, err)) {
        case IO_OK:
            /* Nothing may follow the one byte: whatever does came from somebody in between who
             * wants it to be taken for something that the server said under TLS. */
            if (got > 1 && bytes[0] != 'E') {
                error_set(err, ERROR_PROTOCOL,
                          "the server sent data in clear after its answer to the request for TLS");
                return error_hint(err, "Is it a PostgreSQL server that listens on this port? Then "
                                       "somebody between here and there has added the data.");
            }
            *answer = bytes[0];
            return true;
        case IO_WANT_READ:
        case IO_WANT_WRITE:
            break;
        case IO_END:
            error_set(err, ERROR_CONNECTION_LOST,
                      "the server closed the connection when asked for TLS");
            return error_hint(err, "Is it a PostgreSQL server that listens on this port? If so, "
                                   "its log says why.");
        case IO_FAILED:
        default:
            return false;
        }
        if (!socket_wait(transport->fd, SOCKET_READ, deadline, cancel, &ready, err))
            return false;
    }
}

bool transport_request_tls(struct transport *transport, int64_t deadline,
                           const struct cancel *cancel, bool *accepted, struct error *err)
{
    struct buffer request = {0};
    uint8_t answer = 0;
    bool ok = message_append_tls_request(&request, err) &&
              transport_send_all(transport, buffer_slice(&request), deadline, cancel, err) &&
              read_answer(transport, deadline, cancel, &answer, err);

    buffer_free(&request);
    if (!ok)
        return false;
    *accepted = answer == 'S';
    if (answer == 'S' || answer == 'N')
        return true;
    /* An ErrorResponse here is not authenticated: its text could be anybody's. And nothing in clear
     * must follow from it. */
    if (answer == 'E') {
        error_set(err, ERROR_PROTOCOL, "the server answered the request for TLS with an error");
        return error_hint(err,
                          "The server's log says which: it may be out of memory or processes.");
    }
    error_set(err, ERROR_PROTOCOL, "the server's answer to the request for TLS makes no sense");
    return error_hint(err, "Is it a PostgreSQL server that listens on this port?");
}
