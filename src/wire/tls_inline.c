/* Certificates and keys that a setting holds itself instead of naming a file: no temporary file is
 * ever made of them. */
#include "wire/tls_parts_internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>

static const char *without_blanks(const char *value)
{
    return value + strspn(value, " \t\r\n");
}

static bool fail_inline(const char *setting, struct error *err)
{
    char reason[TLS_REASON_SIZE];

    tls_take_reason(reason);
    return error_set(err, ERROR_TLS,
                     "cannot read the PEM text given as " ERROR_SETTING("%s-data") ": %s", setting,
                     reason);
}

BIO *tls_open_inline(const char *pem, struct error *err)
{
    BIO *bio = BIO_new_mem_buf(without_blanks(pem), -1);

    if (bio == NULL)
        error_set_memory(err);
    return bio;
}

/* Reads on to the end of the text; that it has an end is no error. */
static bool at_end(void)
{
    unsigned long code = ERR_peek_last_error();
    bool end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;

    if (end)
        ERR_clear_error();
    return end;
}

bool tls_use_inline_roots(SSL_CTX *context, const char *pem, struct error *err)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    BIO *bio = tls_open_inline(pem, err);
    X509 *certificate;
    size_t count = 0;
    bool done = bio != NULL;

    while (done && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        done = X509_STORE_add_cert(store, certificate) == 1;
        X509_free(certificate);
        count++;
    }
    if (bio != NULL && (!done || count == 0 || !at_end()))
        done = fail_inline("sslrootcert", err);
    BIO_free(bio);
    return done;
}

bool tls_use_inline_certificate(SSL_CTX *context, const char *pem, struct error *err)
{
    BIO *bio = tls_open_inline(pem, err);
    X509 *certificate = bio == NULL ? NULL : PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL);
    bool done = certificate != NULL && SSL_CTX_use_certificate(context, certificate) == 1;

    X509_free(certificate);
    while (done && (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        done = SSL_CTX_add0_chain_cert(context, certificate) == 1;
        if (!done)
            X509_free(certificate);
    }
    if (bio != NULL && (!done || !at_end()))
        done = fail_inline("sslcert", err);
    BIO_free(bio);
    return done;
}
