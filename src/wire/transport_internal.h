/*
 * What carries the bytes of a session: a socket, in clear or under TLS. The files run one way:
 * transport.c asks tls.c, which asks socket.c.
 */
#ifndef PGCASK_WIRE_TRANSPORT_INTERNAL_H
#define PGCASK_WIRE_TRANSPORT_INTERNAL_H

#include "base/slice.h"
#include "wire/socket_internal.h"
#include "wire/tls_internal.h"

struct transport {
    int fd;
    struct tls tls;
};

#define TRANSPORT_CLOSED ((struct transport){.fd = -1})

enum io_status transport_read(struct transport *transport, uint8_t *data, size_t len, size_t *got,
                              struct error *err);

/* Sends as much of the parts as goes now. Under TLS only the first part with bytes is tried, and
 * after IO_WANT_… the same bytes must be offered again. */
enum io_status transport_write(struct transport *transport, const struct iovec *parts, int count,
                               size_t *sent, struct error *err);

/* Sends all of data, waiting as needed; for the few bytes before a session exists. */
bool transport_send_all(struct transport *transport, struct slice data, int64_t deadline,
                        const struct cancel *cancel, struct error *err);

/* Closes without ceremony. */
void transport_close(struct transport *transport);

/* Asks the server for TLS on a fresh connection (transport_request.c). *accepted says what it
 * answered; tls_start then begins it. */
bool transport_request_tls(struct transport *transport, int64_t deadline,
                           const struct cancel *cancel, bool *accepted, struct error *err);

#endif
