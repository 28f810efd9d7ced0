/* What tls.c and tls_context.c share. */
#ifndef PGCASK_WIRE_TLS_INTERNAL_H
#define PGCASK_WIRE_TLS_INTERNAL_H

#include "wire/transport_internal.h"

#include <openssl/ssl.h>

#define TLS_REASON_SIZE 256

/* The oldest entry of OpenSSL's error queue as text; empties the queue. */
void tls_take_reason(char out[TLS_REASON_SIZE]);

/* A context by the settings: protocol versions, trusted roots, revocation lists, our certificate.
 * NULL on failure. *verifies says whether the server's chain will be checked. */
SSL_CTX *tls_context_new(const struct wire_settings *settings, enum tls_mode mode, bool *verifies,
                         const struct log *log, struct error *err);

/* True if a setting holds PEM text itself instead of a file's name. */
bool tls_is_inline(const char *value);

/* Of such settings: sslrootcert, sslcert (with its chain), sslkey. No error repeats the text. */
bool tls_use_inline_roots(SSL_CTX *context, const char *pem, struct error *err);
bool tls_use_inline_certificate(SSL_CTX *context, const char *pem, struct error *err);
bool tls_use_inline_key(SSL_CTX *context, const char *pem, struct error *err);

#endif
