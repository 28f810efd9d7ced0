/*
 * What the files of TLS share among themselves: tls.c has the handshake and the bytes,
 * tls_context.c what the settings and their files say, tls_inline.c PEM text in settings,
 * tls_name.c whether a certificate is for a host, tls_failure.c why a handshake failed,
 * tls_ca_bundle.c where the system keeps its authorities.
 */
#ifndef PGCASK_WIRE_TLS_PARTS_INTERNAL_H
#define PGCASK_WIRE_TLS_PARTS_INTERNAL_H

#include "base/error.h"
#include "wire/settings_internal.h"
#include "wire/tls_internal.h"

#include <openssl/ssl.h>

#define TLS_REASON_SIZE 256

/* The oldest entry of OpenSSL's error queue as text; empties the queue. */
void tls_take_reason(char out[TLS_REASON_SIZE]);

/* A context by the settings: protocol versions, trusted roots, revocation lists, our certificate.
 * NULL on failure. *verifies says whether the server's chain will be checked. */
SSL_CTX *tls_context_new(const struct wire_settings *settings, enum tls_mode mode, bool *verifies,
                         const struct log *log, struct error *err);

/* One for encryption alone, with any server and any TLS version. */
SSL_CTX *tls_context_new_unverified(struct error *err);

/* Our certificate and its key, if there are any. */
bool tls_use_own_certificate(SSL_CTX *context, const struct wire_settings *settings,
                             const struct log *log, struct error *err);

/* ---- The server's name ---- */

bool tls_name_is_address(const char *host);

/* Whether a name of a certificate, perhaps with a wildcard, is that of the host. */
bool tls_name_matches(const char *pattern, const char *host);

bool tls_check_name(X509 *certificate, const char *host, struct error *err);

/* ---- Failures ---- */

/* The first certificate that was not accepted. Hangs at the SSL object while hands are shaken. */
struct tls_suspect {
    char subject[256];
    char issuer[256];
};

/* For SSL_CTX_set_verify. */
int tls_note_certificate(int accepted, X509_STORE_CTX *store);

/* False, with *err set. */
bool tls_handshake_failed(SSL *ssl, const struct tls_suspect *suspect,
                          const struct wire_settings *settings, struct error *err);

/* Adds a hint for what OpenSSL's error code says, if there is one. */
void tls_hint(unsigned long code, struct error *err);

/* ---- Settings that are PEM text ---- */

/* Of settings that hold it instead of a file's name (settings_is_pem): sslrootcert, sslcert (with
 * its chain). No error repeats the text. */
bool tls_use_inline_roots(SSL_CTX *context, const char *pem, struct error *err);
bool tls_use_inline_certificate(SSL_CTX *context, const char *pem, struct error *err);

/* The text to read from; NULL without memory. */
BIO *tls_open_inline(const char *pem, struct error *err);

/* Trusts the machine's own root certificates (sslrootcert=system), wherever this one has them. */
bool ca_bundle_load(SSL_CTX *context, struct error *err);
/* The same without the environment, of a machine whose root folder is `root` ("" of this one). */
bool ca_bundle_load_below(SSL_CTX *context, const char *root, struct error *err);

#endif
