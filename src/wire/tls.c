#include "wire/tls_internal.h"

#include "base/clock.h"
#include "wire/message_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

/* ---- OpenSSL's way to the socket ----------------------------------------------------------- */

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

/* ---- Asking for it ------------------------------------------------------------------------- */

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
            if (got > 1) {
                error_set(err, ERROR_TLS,
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
            return error_set(err, ERROR_CONNECTION_LOST,
                             "the server closed the connection when asked for TLS");
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
    /* An ErrorResponse here is not authenticated: its text could be anybody's. */
    if (answer == 'E')
        return error_set(err, ERROR_TLS, "the server answered the request for TLS with an error");
    error_set(err, ERROR_PROTOCOL, "the server's answer to the request for TLS makes no sense");
    return error_hint(err, "Is it a PostgreSQL server that listens on this port?");
}

/* ---- The server's name --------------------------------------------------------------------- */

static bool is_ip_address(const char *host)
{
    uint8_t bytes[16];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

static bool names_include_address(X509 *certificate)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        found = found || sk_GENERAL_NAME_value(names, i)->type == GEN_IPADD;
    GENERAL_NAMES_free(names);
    return found;
}

/* Names of the certificate: dNSName entries, the common name only without them; a wildcard stands
 * for one whole left-most label. An IP address: iPAddress entries, and as text like a name where
 * there are none. */
static bool certificate_names(X509 *certificate, const char *host)
{
    if (!is_ip_address(host))
        return X509_check_host(certificate, host, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) ==
               1;
    if (X509_check_ip_asc(certificate, host, 0) == 1)
        return true;
    return !names_include_address(certificate) &&
           X509_check_host(certificate, host, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1;
}

static bool check_name(SSL *ssl, const char *host, struct error *err)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    bool fits = certificate != NULL && host != NULL && host[0] != '\0' &&
                certificate_names(certificate, host);

    X509_free(certificate);
    ERR_clear_error();
    if (fits)
        return true;
    if (host == NULL || host[0] == '\0') {
        error_set(err, ERROR_TLS, "sslmode=verify-full needs a host name to check");
        return error_hint(err, "Give host beside hostaddr.");
    }
    error_set(err, ERROR_TLS, "the server's certificate is not for the host \"%s\"", host);
    return error_hint(err, "Connect by a name that the certificate has, or use sslmode=verify-ca.");
}

/* ---- The handshake ------------------------------------------------------------------------- */

static bool handshake_failed(SSL *ssl, const struct wire_settings *settings, struct error *err)
{
    const char *roots = wire_settings_get(settings, "sslrootcert");
    long verdict = SSL_get_verify_result(ssl);
    char reason[TLS_REASON_SIZE];

    if (verdict != X509_V_OK && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0) {
        ERR_clear_error();
        error_set(err, ERROR_TLS, "the server's certificate is not accepted: %s",
                  X509_verify_cert_error_string(verdict));
        return error_hint(err,
                          "It was checked against %s: set sslrootcert to the file of the "
                          "authority that signed it.",
                          tls_is_inline(roots)                  ? "the text given as sslrootcert"
                          : roots != NULL && roots[0] != '\0' ? roots
                                                               : "~/.postgresql/root.crt");
    }
    if (ERR_peek_error() == 0)
        return error_set(err, ERROR_TLS, "the server ended the TLS handshake");
    tls_take_reason(reason);
    return error_set(err, ERROR_TLS, "the TLS handshake failed: %s", reason);
}

static bool shake_hands(struct transport *transport, const struct wire_settings *settings,
                        int64_t deadline, const struct cancel *cancel, struct error *err)
{
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
            return handshake_failed(transport->ssl, settings, err);
        }
        if (!socket_wait(transport->fd, interest, deadline, cancel, &ready, err))
            return false;
    }
}

static bool announce(SSL *ssl, const struct wire_settings *settings, const char *host,
                     struct error *err)
{
    static const unsigned char protocols[] = "\012postgresql";
    const char *wanted = wire_settings_get(settings, "sslsni");

    if (SSL_set_alpn_protos(ssl, protocols, sizeof(protocols) - 1) != 0)
        return error_set_memory(err);
    if (host == NULL || host[0] == '\0' || is_ip_address(host) ||
        (wanted != NULL && strcmp(wanted, "0") == 0))
        return true;
    /* The macro casts to void *, which has no const. */
    return SSL_set_tlsext_host_name(ssl, (void *)(uintptr_t)host) == 1 ? true
                                                                       : error_set_memory(err);
}

bool tls_start(struct transport *transport, const struct wire_settings *settings, const char *host,
               int64_t deadline, const struct cancel *cancel, const struct log *log,
               struct error *err)
{
    enum tls_mode mode;
    bool verifies;

    if (!tls_mode_of(settings, &mode, err))
        return false;
    transport->context = tls_context_new(settings, mode, &verifies, log, err);
    if (transport->context == NULL)
        return false;
    transport->ssl = SSL_new(transport->context);
    if (transport->ssl == NULL)
        return error_set_memory(err);
    return attach_socket(transport, err) && announce(transport->ssl, settings, host, err) &&
           shake_hands(transport, settings, deadline, cancel, err) &&
           (mode != TLS_VERIFY_FULL || check_name(transport->ssl, host, err));
}

/* ---- Reading and writing ------------------------------------------------------------------- */

static enum transport_status status_of(struct transport *transport, int result, const char *doing,
                                       struct error *err)
{
    char reason[TLS_REASON_SIZE];
    int saved_errno = errno;

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
        tls_take_reason(reason);
        error_set(err, ERROR_TLS, "TLS failed while %s: %s", doing, reason);
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
}

/* ---- Channel binding ----------------------------------------------------------------------- */

bool tls_server_end_point(const struct transport *transport, uint8_t out[TLS_BINDING_MAX],
                          size_t *len, struct error *err)
{
    X509 *certificate = SSL_get1_peer_certificate(transport->ssl);
    const EVP_MD *digest;
    int algorithm = NID_undef;
    unsigned int written = 0;
    bool ok;

    *len = 0;
    if (certificate == NULL)
        return error_set(err, ERROR_TLS, "the server showed no certificate");
    if (X509_get_signature_info(certificate, &algorithm, NULL, NULL, NULL) != 1)
        algorithm = NID_undef;
    /* RFC 5929, section 4.1: the two weak ones are replaced. */
    if (algorithm == NID_md5 || algorithm == NID_sha1)
        algorithm = NID_sha256;
    digest = algorithm == NID_undef ? NULL : EVP_get_digestbynid(algorithm);
    ok = digest == NULL || X509_digest(certificate, digest, out, &written) == 1;
    *len = written;
    X509_free(certificate);
    ERR_clear_error();
    return ok ? true : error_set(err, ERROR_TLS, "cannot hash the server's certificate");
}
