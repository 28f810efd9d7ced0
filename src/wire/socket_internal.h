/*
 * Addresses and sockets: names to addresses (socket_resolve.c), and all that is asked of a socket
 * itself (socket.c). Sockets never block: nothing waits except where a deadline is given. No signal
 * is ever raised (MSG_NOSIGNAL) and no signal disposition touched.
 */
#ifndef PGCASK_WIRE_SOCKET_INTERNAL_H
#define PGCASK_WIRE_SOCKET_INTERNAL_H

#include "base/cancel.h"
#include "base/error.h"
#include "wire/wire.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* ---- Addresses ---- */

struct socket_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

#define SOCKET_ADDRESSES_MAX 64

struct socket_address_list {
    struct socket_address items[SOCKET_ADDRESSES_MAX];
    size_t count;
};

/* True for a folder of unix sockets ("/run/postgresql") or an abstract one ("@name"). */
bool socket_host_is_folder(const char *host);

/* The unix socket of a server: FOLDER/.s.PGSQL.PORT. */
bool socket_unix_address(const char *folder, const char *port, struct socket_address *address,
                         struct error *err);

/* The one address that an IP address as text is. */
bool socket_parse_address(const char *address, const char *port, struct socket_address_list *list,
                          struct error *err);

/* Every address of a name, or of an IP address as text. Resolving happens in a thread of its own,
 * because a name server may keep it waiting far beyond the deadline. */
bool socket_resolve(const char *host, const char *port, int64_t deadline,
                    const struct cancel *cancel, struct socket_address_list *list,
                    struct error *err);

/* "10.0.0.7" or "::1" of an address, "" of a unix socket's. */
#define SOCKET_TEXT_SIZE 64
void socket_address_text(const struct socket_address *address, char out[SOCKET_TEXT_SIZE]);

/* ---- Sockets ---- */

/* A connected socket, non-blocking and close-on-exec, with the keepalive settings applied. */
bool socket_connect(const struct socket_address *address, const struct wire_settings *settings,
                    int64_t deadline, const struct cancel *cancel, int *fd, struct error *err);

/* Fails unless the process at the other end of a unix socket runs as that user. */
bool socket_check_peer(int fd, const char *user, struct error *err);

enum socket_interest { SOCKET_READ = 1, SOCKET_WRITE = 2 };

/* Waits until the socket can do one of `interest`, or has failed; *ready says what it can do.
 * Cancel is looked at first; ERROR_CANCELLED or ERROR_TIMEOUT otherwise. */
bool socket_wait(int fd, unsigned interest, int64_t deadline, const struct cancel *cancel,
                 unsigned *ready, struct error *err);

/* What became of a read or a write that does not wait: of a socket, of TLS, of a transport. */
enum io_status {
    IO_OK,
    IO_WANT_READ,  /* nothing now: wait for the socket to be readable */
    IO_WANT_WRITE, /* nothing now: wait for the socket to be writable */
    IO_END,        /* the other side has closed */
    IO_FAILED      /* lost; *err says why */
};

/* recv(2) and sendmsg(2) that do not wait and are not interrupted. -1: errno says why. */
#define SOCKET_PARTS_MAX 4
ssize_t socket_receive(int fd, void *data, size_t len);
ssize_t socket_send(int fd, const struct iovec *parts, int count);

/* Whether that errno means: not now. */
bool socket_would_block(int errno_value);

#endif
