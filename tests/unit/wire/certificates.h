/* Certificates for the tests of TLS, made anew in memory: an authority, and whom it vouches for. */
#ifndef PGCASK_TESTS_WIRE_CERTIFICATES_H
#define PGCASK_TESTS_WIRE_CERTIFICATES_H

#include "base/buffer.h"

#include <openssl/x509.h>

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

/* A self-signed authority. */
void identity_make_authority(struct identity *identity, const char *name);

/* Signed by the authority; `names` are its subjectAltName as openssl.cnf writes them
 * ("DNS:localhost,IP:127.0.0.1"), NULL for a client. days < 0: it has expired. */
void identity_make(struct identity *identity, const struct identity *authority, const char *name,
                   const char *names, int days);
void identity_free(struct identity *identity);

/* PEM texts, with a NUL; password NULL: the key is not encrypted. The caller frees. */
char *identity_certificate_text(const struct identity *identity);
char *identity_key_text(const struct identity *identity, const char *password);

/* A list of the authority's that revokes that certificate. */
char *identity_revocation_text(const struct identity *authority, const struct identity *revoked);

#endif
