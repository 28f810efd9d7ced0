/*
 * What carries the bytes: a non-blocking socket, in clear or under TLS. Nothing here waits by
 * itself except where a deadline is given; no signal is ever raised (MSG_NOSIGNAL) and no signal
 * disposition touched.
 */
#ifndef PGCASK_WIRE_TRANSPORT_INTERNAL_H
#define PGCASK_WIRE_TRANSPORT_INTERNAL_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/slice.h"
#include "wire/wire.h"

#include <sys/socket.h>
#include <sys/uio.h>

struct ssl_st;
struct ssl_ctx_st;
struct bio_method_st;

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

/* ---- Transport ---- */

enum transport_status {
    TRANSPORT_OK,
    TRANSPORT_WANT_READ,  /* nothing now: wait for the socket to be readable */
    TRANSPORT_WANT_WRITE, /* nothing now: wait for the socket to be writable */
    TRANSPORT_END,        /* the other side has closed */
    TRANSPORT_FAILED      /* lost; *err says why */
};

struct transport {
    int fd;
    struct ssl_st *ssl; /* NULL in clear */
    struct ssl_ctx_st *context;
    struct bio_method_st *bio_method;
    bool certificate_wanted, certificate_sent; /* ours, in the handshake */
};

#define TRANSPORT_CLOSED ((struct transport){.fd = -1})

enum transport_status transport_read(struct transport *transport, uint8_t *data, size_t len,
                                     size_t *got, struct error *err);

/* Sends as much of the parts as goes now. Under TLS only the first part with bytes is tried, and
 * after WANT_… the same bytes must be offered again. */
enum transport_status transport_write(struct transport *transport, const struct iovec *parts,
                                      int count, size_t *sent, struct error *err);

/* Sends all of data, waiting as needed; for the few bytes before a session exists. */
bool transport_send_all(struct transport *transport, struct slice data, int64_t deadline,
                        const struct cancel *cancel, struct error *err);

/* Closes without ceremony. */
void transport_close(struct transport *transport);

/* ---- TLS (tls.c) ---- */

enum tls_mode { TLS_DISABLE, TLS_ALLOW, TLS_PREFER, TLS_REQUIRE, TLS_VERIFY_CA, TLS_VERIFY_FULL };

/* Of the setting sslmode. */
bool tls_mode_of(const struct wire_settings *settings, enum tls_mode *mode, struct error *err);

/* Asks the server for TLS on a fresh connection. *accepted says what it answered. */
bool tls_request(struct transport *transport, int64_t deadline, const struct cancel *cancel,
                 bool *accepted, struct error *err);

/* The handshake, with the checks of the certificate that sslmode and sslrootcert ask for. host is
 * the configured name, NULL if there is none. */
bool tls_start(struct transport *transport, const struct wire_settings *settings, const char *host,
               int64_t deadline, const struct cancel *cancel, const struct log *log,
               struct error *err);

/* The same without any check of the certificate: encryption, for a cancel request of whoever has no
 * settings. announced: the host's name for SNI, or NULL. */
bool tls_start_unverified(struct transport *transport, const char *announced, int64_t deadline,
                          struct error *err);

/* ssl_min_protocol_version and ssl_max_protocol_version as OpenSSL counts; *most 0: no bound. */
bool tls_versions_read(const struct wire_settings *settings, int *least, int *most,
                       struct error *err);

/* sslnegotiation=direct: the handshake is the first that goes over the connection. */
bool tls_is_direct(const struct wire_settings *settings);

/* What goes out as SNI; NULL if sslsni says nothing shall. */
const char *tls_announced_name(const struct wire_settings *settings, const char *host);

enum transport_status tls_read(struct transport *transport, uint8_t *data, size_t len, size_t *got,
                               struct error *err);
enum transport_status tls_write(struct transport *transport, const uint8_t *data, size_t len,
                                size_t *sent, struct error *err);

/* Sends close_notify if that goes at once, and frees everything of TLS. */
void tls_end(struct transport *transport);

/* Channel binding data of type tls-server-end-point (RFC 5929): a hash of the server's certificate.
 * *len is 0 if its signature algorithm has no hash to use. */
#define TLS_BINDING_MAX 64
bool tls_server_end_point(const struct transport *transport, uint8_t out[TLS_BINDING_MAX],
                          size_t *len, struct error *err);

#endif
