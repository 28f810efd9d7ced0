#include "wire/tls_internal.h"

#include "base/clock.h"
#include "base/error_names.h"
#include "wire/message_internal.h"

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
    ssize_t count;

    BIO_clear_retry_flags(bio);
    do {
        count = send(bio_fd(bio), data, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        BIO_set_retry_write(bio);
    return (int)count;
}

static int bio_receive(BIO *bio, char *data, int len)
{
    ssize_t count;

    BIO_clear_retry_flags(bio);
    do {
        count = recv(bio_fd(bio), data, (size_t)len, MSG_DONTWAIT);
    } while (count < 0 && errno == EINTR);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
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

static bool attach_socket(struct transport *transport, struct error *err)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "pgcask socket");
    BIO *bio;

    transport->bio_method = method;
    if (method == NULL || BIO_meth_set_write(method, bio_send) != 1 ||
        BIO_meth_set_read(method, bio_receive) != 1 || BIO_meth_set_ctrl(method, bio_control) != 1)
        return error_set_memory(err);
    bio = BIO_new(method);
    if (bio == NULL)
        return error_set_memory(err);
    BIO_set_data(bio, (void *)(intptr_t)transport->fd);
    BIO_set_init(bio, 1);
    SSL_set_bio(transport->ssl, bio, bio);
    return true;
}

/* ---- Asking for it ---- */

static bool read_answer(struct transport *transport, int64_t deadline, const struct cancel *cancel,
                        uint8_t *answer, struct error *err)
{
    uint8_t bytes[2];
    unsigned ready;
    size_t got;

    for (;;) {
        switch (transport_read(transport, bytes, sizeof(bytes), &got, err)) {
        case TRANSPORT_OK:
            /* Nothing may follow the one byte: whatever does came from somebody in between who
             * wants it to be taken for something that the server said under TLS. */
            if (got > 1 && bytes[0] != 'E') {
                error_set(err, ERROR_PROTOCOL,
                          "the server sent data in clear after its answer to the request for TLS");
                return error_hint(err, "Is it a PostgreSQL server that listens on this port? Then "
                                       "somebody between here and there has added the data.");
            }
            *answer = bytes[0];
            return true;
        case TRANSPORT_WANT_READ:
        case TRANSPORT_WANT_WRITE:
            break;
        case TRANSPORT_END:
            error_set(err, ERROR_CONNECTION_LOST,
                      "the server closed the connection when asked for TLS");
            return error_hint(err, "Is it a PostgreSQL server that listens on this port? If so, "
                                   "its log says why.");
        case TRANSPORT_FAILED:
        default:
            return false;
        }
        if (!socket_wait(transport->fd, SOCKET_READ, deadline, cancel, &ready, err))
            return false;
    }
}

bool tls_request(struct transport *transport, int64_t deadline, const struct cancel *cancel,
                 bool *accepted, struct error *err)
{
    struct buffer request = {0};
    uint8_t answer = 0;
    bool ok = message_append_tls_request(&request, err) &&
              transport_send_all(transport, buffer_slice(&request), deadline, cancel, err) &&
              read_answer(transport, deadline, cancel, &answer, err);

    buffer_free(&request);
    if (!ok)
        return false;
    *accepted = answer == 'S';
    if (answer == 'S' || answer == 'N')
        return true;
    /* An ErrorResponse here is not authenticated: its text could be anybody's. And nothing in clear
     * must follow from it. */
    if (answer == 'E') {
        error_set(err, ERROR_PROTOCOL, "the server answered the request for TLS with an error");
        return error_hint(err,
                          "The server's log says which: it may be out of memory or processes.");
    }
    error_set(err, ERROR_PROTOCOL, "the server's answer to the request for TLS makes no sense");
    return error_hint(err, "Is it a PostgreSQL server that listens on this port?");
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
static bool shake_hands(struct transport *transport, int64_t deadline, const struct cancel *cancel,
                        bool *failed, struct error *err)
{
    *failed = false;
    for (;;) {
        unsigned interest, ready;
        int result;

        ERR_clear_error();
        result = SSL_connect(transport->ssl);
        if (result == 1)
            return true;
        switch (SSL_get_error(transport->ssl, result)) {
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
        if (!socket_wait(transport->fd, interest, deadline, cancel, &ready, err))
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

/* The name of the host for servers that have several certificates, never an address. */
static bool announce(SSL *ssl, const char *host, struct error *err)
{
    static const unsigned char protocols[] = "\012" PROTOCOL_NAME;

    if (SSL_set_alpn_protos(ssl, protocols, sizeof(protocols) - 1) != 0)
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
    struct transport *transport = context;

    transport->certificate_wanted = true;
    transport->certificate_sent = SSL_get_certificate(ssl) != NULL;
    return 1;
}

static bool prepare(struct transport *transport, const char *announced, struct error *err)
{
    SSL_CTX_set_cert_cb(transport->context, note_request, transport);
    transport->ssl = SSL_new(transport->context);
    if (transport->ssl == NULL)
        return error_set_memory(err);
    return attach_socket(transport, err) && announce(transport->ssl, announced, err);
}

bool tls_is_direct(const struct wire_settings *settings)
{
    const char *way = wire_settings_get(settings, "sslnegotiation");

    return way != NULL && strcmp(way, "direct") == 0;
}

const char *tls_announced_name(const struct wire_settings *settings, const char *host)
{
    const char *wanted = wire_settings_get(settings, "sslsni");

    return wanted != NULL && strcmp(wanted, "0") == 0 ? NULL : host;
}

bool tls_start(struct transport *transport, const struct wire_settings *settings, const char *host,
               int64_t deadline, const struct cancel *cancel, const struct log *log,
               struct error *err)
{
    struct tls_suspect suspect = {{0}, {0}};
    bool verifies, failed, ok;
    enum tls_mode mode;

    if (!tls_mode_of(settings, &mode, err))
        return false;
    transport->context = tls_context_new(settings, mode, &verifies, log, err);
    if (transport->context == NULL || !prepare(transport, tls_announced_name(settings, host), err))
        return false;
    SSL_set_app_data(transport->ssl, &suspect);
    ok = shake_hands(transport, deadline, cancel, &failed, err);
    SSL_set_app_data(transport->ssl, NULL);
    if (!ok)
        return failed ? tls_handshake_failed(transport->ssl, &suspect, settings, err) : false;
    return check_protocol(transport->ssl, tls_is_direct(settings), err) &&
           (mode != TLS_VERIFY_FULL || check_name(transport->ssl, host, err));
}

bool tls_start_unverified(struct transport *transport, const char *announced, int64_t deadline,
                          struct error *err)
{
    char reason[TLS_REASON_SIZE];
    bool failed;

    transport->context = tls_context_new_unverified(err);
    if (transport->context == NULL || !prepare(transport, announced, err))
        return false;
    if (shake_hands(transport, deadline, NULL, &failed, err))
        return true;
    if (!failed)
        return false;
    tls_take_reason(reason);
    return error_set(err, ERROR_TLS, "the TLS handshake failed: %s", reason);
}

/* ---- Reading and writing ---- */

static enum transport_status status_of(struct transport *transport, int result, const char *doing,
                                       struct error *err)
{
    char reason[TLS_REASON_SIZE];
    int saved_errno = errno;
    unsigned long code;

    switch (SSL_get_error(transport->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return TRANSPORT_WANT_READ;
    case SSL_ERROR_WANT_WRITE:
        return TRANSPORT_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return TRANSPORT_END;
    case SSL_ERROR_SYSCALL:
        if (saved_errno == 0)
            return TRANSPORT_END;
        error_set(err, ERROR_CONNECTION_LOST, "the connection broke while %s: %s", doing,
                  strerror(saved_errno));
        return TRANSPORT_FAILED;
    default:
        code = ERR_peek_error();
        tls_take_reason(reason);
        error_set(err, ERROR_TLS, "TLS failed while %s: %s", doing, reason);
        tls_hint(code, err);
        return TRANSPORT_FAILED;
    }
}

enum transport_status tls_read(struct transport *transport, uint8_t *data, size_t len, size_t *got,
                               struct error *err)
{
    int result;

    ERR_clear_error();
    errno = 0;
    result = SSL_read_ex(transport->ssl, data, len, got);
    return result == 1 ? TRANSPORT_OK : status_of(transport, result, "receiving", err);
}

enum transport_status tls_write(struct transport *transport, const uint8_t *data, size_t len,
                                size_t *sent, struct error *err)
{
    int result;

    ERR_clear_error();
    errno = 0;
    result = SSL_write_ex(transport->ssl, data, len, sent);
    return result == 1 ? TRANSPORT_OK : status_of(transport, result, "sending", err);
}

void tls_end(struct transport *transport)
{
    if (transport->ssl != NULL && SSL_is_init_finished(transport->ssl))
        SSL_shutdown(transport->ssl);
    ERR_clear_error();
    SSL_free(transport->ssl);
    BIO_meth_free(transport->bio_method);
    SSL_CTX_free(transport->context);
    transport->ssl = NULL;
    transport->bio_method = NULL;
    transport->context = NULL;
    transport->certificate_wanted = transport->certificate_sent = false;
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

bool tls_server_end_point(const struct transport *transport, uint8_t out[TLS_BINDING_MAX],
                          size_t *len, struct error *err)
{
    X509 *certificate = SSL_get1_peer_certificate(transport->ssl);
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
