/*
 * TLS over a connected socket (tls.c), as PostgreSQL and its settings want it. Waits are the
 * caller's but for those of the handshake, which have a deadline.
 */
#ifndef PGCASK_WIRE_TLS_INTERNAL_H
#define PGCASK_WIRE_TLS_INTERNAL_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/log.h"
#include "wire/socket_internal.h"
#include "wire/wire.h"

struct ssl_st;
struct ssl_ctx_st;
struct bio_method_st;

/* All zero: none. */
struct tls {
    struct ssl_st *ssl; /* NULL in clear */
    struct ssl_ctx_st *context;
    struct bio_method_st *bio_method;
    bool certificate_wanted, certificate_sent; /* ours, in the handshake */
};

/* The handshake, with the checks of the certificate that sslmode and sslrootcert ask for. host is
 * the configured name, NULL if there is none. Whatever came of it, tls_end frees it. */
bool tls_start(struct tls *tls, int fd, const struct wire_settings *settings, const char *host,
               int64_t deadline, const struct cancel *cancel, const struct log *log,
               struct error *err);

/* The same for a server of another kind, which is told that HTTP will be spoken. */
bool tls_start_http(struct tls *tls, int fd, const struct wire_settings *settings, const char *host,
                    int64_t deadline, const struct cancel *cancel, struct error *err);

/* The same without any check of the certificate: encryption, for a cancel request of whoever has no
 * settings. announced: the host's name for SNI, or NULL. */
bool tls_start_unverified(struct tls *tls, int fd, const char *announced, int64_t deadline,
                          struct error *err);

enum io_status tls_read(struct tls *tls, uint8_t *data, size_t len, size_t *got, struct error *err);
enum io_status tls_write(struct tls *tls, const uint8_t *data, size_t len, size_t *sent,
                         struct error *err);

/* Sends close_notify if that goes at once, and frees everything of TLS. */
void tls_end(struct tls *tls);

/* Channel binding data of type tls-server-end-point (RFC 5929): a hash of the server's certificate.
 * *len is 0 if its signature algorithm has no hash to use. */
#define TLS_BINDING_MAX 64
bool tls_server_end_point(const struct tls *tls, uint8_t out[TLS_BINDING_MAX], size_t *len,
                          struct error *err);

#endif
