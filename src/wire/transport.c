/*
 * The bytes of a session, in clear or under TLS: whoever sends and receives does not know which. A
 * connection that broke is an error with the kernel's words.
 */
#include "wire/transport_internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static enum io_status broke(const char *doing, int reason, struct error *err)
{
    error_set(err, ERROR_CONNECTION_LOST, "the connection broke while %s: %s", doing,
              strerror(reason));
    err->errno_value = reason;
    return IO_FAILED;
}

enum io_status transport_read(struct transport *transport, uint8_t *data, size_t len, size_t *got,
                              struct error *err)
{
    ssize_t count;

    *got = 0;
    if (transport->tls.ssl != NULL)
        return tls_read(&transport->tls, data, len, got, err);
    count = socket_receive(transport->fd, data, len);
    if (count == 0)
        return IO_END;
    if (count < 0)
        return socket_would_block(errno) ? IO_WANT_READ : broke("receiving", errno, err);
    *got = (size_t)count;
    return IO_OK;
}

static enum io_status write_clear(struct transport *transport, const struct iovec *parts, int count,
                                  size_t *sent, struct error *err)
{
    ssize_t result = socket_send(transport->fd, parts, count);

    if (result < 0)
        return socket_would_block(errno) ? IO_WANT_WRITE : broke("sending", errno, err);
    *sent = (size_t)result;
    return IO_OK;
}

enum io_status transport_write(struct transport *transport, const struct iovec *parts, int count,
                               size_t *sent, struct error *err)
{
    *sent = 0;
    if (transport->tls.ssl == NULL)
        return write_clear(transport, parts, count, sent, err);
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len > 0)
            return tls_write(&transport->tls, parts[i].iov_base, parts[i].iov_len, sent, err);
    }
    return IO_OK;
}

bool transport_send_all(struct transport *transport, struct slice data, int64_t deadline,
                        const struct cancel *cancel, struct error *err)
{
    while (data.len > 0) {
        /* iovec has no const; nothing writes through it. */
        struct iovec part = {.iov_base = (void *)(uintptr_t)data.data, .iov_len = data.len};
        size_t sent;
        unsigned ready, interest;

        switch (transport_write(transport, &part, 1, &sent, err)) {
        case IO_OK:
            slice_take(&data, sent);
            continue;
        case IO_WANT_READ:
            interest = SOCKET_READ;
            break;
        case IO_WANT_WRITE:
            interest = SOCKET_WRITE;
            break;
        case IO_END:
        case IO_FAILED:
        default:
            return false;
        }
        if (!socket_wait(transport->fd, interest, deadline, cancel, &ready, err))
            return false;
    }
    return true;
}

void transport_close(struct transport *transport)
{
    tls_end(&transport->tls);
    if (transport->fd >= 0)
        close(transport->fd);
    *transport = TRANSPORT_CLOSED;
}
