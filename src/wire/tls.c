/*
 * TLS on a socket of ours: the handshake with its checks, then bytes. OpenSSL sends and receives
 * through socket.c, because its own way to a socket raises SIGPIPE.
 */
#include "wire/tls_parts_internal.h"

#include "base/clock.h"
#include "base/error_names.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#define PROTOCOL_NAME "postgresql" /* as ALPN has it */

/* ---- OpenSSL's way to the socket ---- */

/* OpenSSL's own socket BIO uses write(2), which raises SIGPIPE; a library must not touch the
 * signals of its program. */
static int bio_fd(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static int bio_send(BIO *bio, const char *data, int len)
{
    /* iovec has no const; nothing writes through it. */
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = (size_t)len};
    ssize_t count;

    BIO_clear_retry_flags(bio);
    count = socket_send(bio_fd(bio), &part, 1);
    if (count < 0 && socket_would_block(errno))
        BIO_set_retry_write(bio);
    return (int)count;
}

static int bio_receive(BIO *bio, char *data, int len)
{
    ssize_t count;

    BIO_clear_retry_flags(bio);
    count = socket_receive(bio_fd(bio), data, (size_t)len);
    if (count < 0 && socket_would_block(errno))
        BIO_set_retry_read(bio);
    if (count == 0)
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
    return (int)count;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_EOF)
        return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    return command == BIO_CTRL_FLUSH;
}

static bool attach_socket(struct tls *tls, int fd, struct error *err)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "pgcask socket");
    BIO *bio;

    tls->bio_method = method;
    if (method == NULL || BIO_meth_set_write(method, bio_send) != 1 ||
        BIO_meth_set_read(method, bio_receive) != 1 || BIO_meth_set_ctrl(method, bio_control) != 1)
        return error_set_memory(err);
    bio = BIO_new(method);
    if (bio == NULL)
        return error_set_memory(err);
    BIO_set_data(bio, (void *)(intptr_t)fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    return true;
}

/* ---- The handshake ---- */

static bool check_name(SSL *ssl, const char *host, struct error *err)
{
    X509 *certificate;
    bool fits;

    if (host == NULL || host[0] == '\0') {
        error_set(err, ERROR_TLS, SETTING_SSLMODE "=verify-full needs a host name to check");
        return error_hint(err, "Give host beside " SETTING_HOSTADDR ".");
    }
    certificate = SSL_get1_peer_certificate(ssl);
    if (certificate == NULL)
        return error_set(err, ERROR_TLS, "the server showed no certificate");
    fits = tls_check_name(certificate, host, err);
    X509_free(certificate);
    ERR_clear_error();
    return fits;
}

/* False without an error text: *failed says that OpenSSL has it. */
static bool shake_hands(struct tls *tls, int fd, int64_t deadline, const struct cancel *cancel,
                        bool *failed, struct error *err)
{
    *failed = false;
    for (;;) {
        unsigned interest, ready;
        int result;

        ERR_clear_error();
        result = SSL_connect(tls->ssl);
        if (result == 1)
            return true;
        switch (SSL_get_error(tls->ssl, result)) {
        case SSL_ERROR_WANT_READ:
            interest = SOCKET_READ;
            break;
        case SSL_ERROR_WANT_WRITE:
            interest = SOCKET_WRITE;
            break;
        default:
            *failed = true;
            return false;
        }
        if (!socket_wait(fd, interest, deadline, cancel, &ready, err))
            return false;
    }
}

/* A server that was told "postgresql" on the first byte must have heard it: otherwise it may be one
 * of another protocol, to which somebody redirects us (ALPACA). */
static bool check_protocol(SSL *ssl, bool direct, struct error *err)
{
    const unsigned char *selected = NULL;
    unsigned len = 0;

    SSL_get0_alpn_selected(ssl, &selected, &len);
    if (selected == NULL && !direct)
        return true;
    if (selected != NULL && slice_equals(slice_make(selected, len), slice_string(PROTOCOL_NAME)))
        return true;
    error_set(err, ERROR_TLS,
              selected == NULL ? "the server accepted direct TLS without the ALPN protocol name"
                               : "the server speaks another protocol under TLS (ALPN)");
    return error_hint(err, "Is it a PostgreSQL server that listens on this port? Direct TLS needs "
                           "PostgreSQL 17.");
}

/* ALPN, with its length in front; and the name of the host for servers that have several
 * certificates, never an address. */
static bool announce(SSL *ssl, struct slice protocol, const char *host, struct error *err)
{
    if (SSL_set_alpn_protos(ssl, protocol.data, (unsigned)protocol.len) != 0)
        return error_set_memory(err);
    if (host == NULL || host[0] == '\0' || strspn(host, "0123456789.") == strlen(host) ||
        strchr(host, ':') != NULL)
        return true;
    /* The macro casts to void *, which has no const. */
    return SSL_set_tlsext_host_name(ssl, (void *)(uintptr_t)host) == 1 ? true
                                                                       : error_set_memory(err);
}

static int note_request(SSL *ssl, void *context)
{
    struct tls *tls = context;

    tls->certificate_wanted = true;
    tls->certificate_sent = SSL_get_certificate(ssl) != NULL;
    return 1;
}

#define POSTGRESQL slice_string("\012" PROTOCOL_NAME)
#define HTTP slice_string("\010http/1.1")

static bool prepare(struct tls *tls, int fd, struct slice protocol, const char *announced,
                    struct error *err)
{
    SSL_CTX_set_cert_cb(tls->context, note_request, tls);
    tls->ssl = SSL_new(tls->context);
    if (tls->ssl == NULL)
        return error_set_memory(err);
    return attach_socket(tls, fd, err) && announce(tls->ssl, protocol, announced, err);
}

static bool start(struct tls *tls, int fd, const struct wire_settings *settings, bool http,
                  const char *host, int64_t deadline, const struct cancel *cancel,
                  const struct log *log, struct error *err)
{
    struct tls_suspect suspect = {{0}, {0}};
    bool verifies, failed, ok;
    enum tls_mode mode;

    if (!settings_tls_mode(settings, &mode, err))
        return false;
    tls->context = tls_context_new(settings, mode, &verifies, log, err);
    if (tls->context == NULL ||
        !prepare(tls, fd, http ? HTTP : POSTGRESQL, settings_tls_name(settings, host), err))
        return false;
    SSL_set_app_data(tls->ssl, &suspect);
    ok = shake_hands(tls, fd, deadline, cancel, &failed, err);
    SSL_set_app_data(tls->ssl, NULL);
    if (!ok)
        return failed ? tls_handshake_failed(tls->ssl, &suspect, settings, err) : false;
    return (http || check_protocol(tls->ssl, settings_tls_is_direct(settings), err)) &&
           (mode != TLS_VERIFY_FULL || check_name(tls->ssl, host, err));
}

bool tls_start(struct tls *tls, int fd, const struct wire_settings *settings, const char *host,
               int64_t deadline, const struct cancel *cancel, const struct log *log,
               struct error *err)
{
    return start(tls, fd, settings, false, host, deadline, cancel, log, err);
}

bool tls_start_http(struct tls *tls, int fd, const struct wire_settings *settings, const char *host,
                    int64_t deadline, const struct cancel *cancel, struct error *err)
{
    return start(tls, fd, settings, true, host, deadline, cancel, NULL, err);
}

bool tls_start_unverified(struct tls *tls, int fd, const char *announced, int64_t deadline,
                          struct error *err)
{
    char reason[TLS_REASON_SIZE];
    bool failed;

    tls->context = tls_context_new_unverified(err);
    if (tls->context == NULL || !prepare(tls, fd, POSTGRESQL, announced, err))
        return false;
    if (shake_hands(tls, fd, deadline, NULL, &failed, err))
        return true;
    if (!failed)
        return false;
    tls_take_reason(reason);
    return error_set(err, ERROR_TLS, "the TLS handshake failed: %s", reason);
}

/* ---- Reading and writing ---- */

static enum io_status status_of(struct tls *tls, int result, const char *doing, struct error *err)
{
    char reason[TLS_REASON_SIZE];
    int saved_errno = errno;
    unsigned long code;

    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return IO_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return IO_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return IO_END;
    case SSL_ERROR_SYSCALL:
        if (saved_errno == 0)
            return IO_END;
        error_set(err, ERROR_CONNECTION_LOST, "the connection broke while %s: %s", doing,
                  strerror(saved_errno));
        return IO_FAILED;
    default:
        code = ERR_peek_error();
        tls_take_reason(reason);
        error_set(err, ERROR_TLS, "TLS failed while %s: %s", doing, reason);
        tls_hint(code, err);
        return IO_FAILED;
    }
}

enum io_status tls_read(struct tls *tls, uint8_t *data, size_t len, size_t *got, struct error *err)
{
    int result;

    ERR_clear_error();
    errno = 0;
    result = SSL_read_ex(tls->ssl, data, len, got);
    return result == 1 ? IO_OK : status_of(tls, result, "receiving", err);
}

enum io_status tls_write(struct tls *tls, const uint8_t *data, size_t len, size_t *sent,
                         struct error *err)
{
    int result;

    ERR_clear_error();
    errno = 0;
    result = SSL_write_ex(tls->ssl, data, len, sent);
    return result == 1 ? IO_OK : status_of(tls, result, "sending", err);
}

void tls_end(struct tls *tls)
{
    if (tls->ssl != NULL && SSL_is_init_finished(tls->ssl))
        SSL_shutdown(tls->ssl);
    ERR_clear_error();
    SSL_free(tls->ssl);
    BIO_meth_free(tls->bio_method);
    SSL_CTX_free(tls->context);
    tls->ssl = NULL;
    tls->bio_method = NULL;
    tls->context = NULL;
    tls->certificate_wanted = tls->certificate_sent = false;
}

/* ---- Channel binding ---- */

/* Signatures whose parts older OpenSSLs do not know. */
static const struct {
    int signature, digest;
} more_signatures[] = {
    {NID_sha512_224WithRSAEncryption, NID_sha512_224},
    {NID_sha512_256WithRSAEncryption, NID_sha512_256},
    {NID_sm3WithRSAEncryption, NID_sm3},
    {NID_ecdsa_with_SHA3_224, NID_sha3_224},
    {NID_ecdsa_with_SHA3_256, NID_sha3_256},
    {NID_ecdsa_with_SHA3_384, NID_sha3_384},
    {NID_ecdsa_with_SHA3_512, NID_sha3_512},
};

/* RFC 5929, section 4.1. NULL: the signature has no hash of its own. */
static const EVP_MD *digest_of_signature(X509 *certificate)
{
    int algorithm = NID_undef;

    if (X509_get_signature_info(certificate, &algorithm, NULL, NULL, NULL) != 1)
        algorithm = NID_undef;
    for (size_t i = 0; i < sizeof(more_signatures) / sizeof(more_signatures[0]); i++) {
        if (X509_get_signature_nid(certificate) == more_signatures[i].signature)
            algorithm = more_signatures[i].digest;
    }
    if (algorithm == NID_md5 || algorithm == NID_sha1) /* the two weak ones are replaced */
        algorithm = NID_sha256;
    return algorithm == NID_undef ? NULL : EVP_get_digestbynid(algorithm);
}

bool tls_server_end_point(const struct tls *tls, uint8_t out[TLS_BINDING_MAX], size_t *len,
                          struct error *err)
{
    X509 *certificate = SSL_get1_peer_certificate(tls->ssl);
    const EVP_MD *digest;
    unsigned int written = 0;
    bool ok;

    *len = 0;
    if (certificate == NULL)
        return error_set(err, ERROR_AUTHENTICATION, "the server showed no certificate");
    digest = digest_of_signature(certificate);
    ok = digest == NULL || X509_digest(certificate, digest, out, &written) == 1;
    *len = written;
    X509_free(certificate);
    ERR_clear_error();
    return ok ? true : error_set(err, ERROR_AUTHENTICATION, "cannot hash the server's certificate");
}
