/* Why a handshake failed, in words that say what to do about it. */
#include "wire/tls_parts_internal.h"

#include "base/error_names.h"
#include "wire/message_internal.h"

#include <openssl/err.h>
#include <stdio.h>

void tls_take_reason(char out[TLS_REASON_SIZE])
{
    unsigned long code = ERR_get_error();
    const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

    if (code != 0 && ERR_SYSTEM_ERROR(code))
        reason = strerror(ERR_GET_REASON(code));
    if (reason != NULL)
        snprintf(out, TLS_REASON_SIZE, "%s", reason);
    else
        snprintf(out, TLS_REASON_SIZE, "OpenSSL error %lx", code);
    ERR_clear_error();
}

/* ---- A certificate that is not accepted ---- */

static const struct {
    long verdict;
    const char *hint;
} certificate_hints[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED,
     "It has to be renewed, unless the clock of this machine is wrong."},
    {X509_V_ERR_CERT_NOT_YET_VALID,
     "The clock of this machine or of the one that made it is wrong."},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
     "It is signed by itself. If it is your server's, set " SETTING_SSLROOTCERT
     " to a copy of that file."},
    {X509_V_ERR_INVALID_PURPOSE,
     "It was not made for a TLS server: its extendedKeyUsage must have serverAuth."},
    {X509_V_ERR_CERT_REVOKED,
     "Its authority has revoked it: see " SETTING_SSLCRL " or " SETTING_SSLCRLDIR "."},
    {X509_V_ERR_UNABLE_TO_GET_CRL,
     SETTING_SSLCRL " or " SETTING_SSLCRLDIR " has to hold a list of each authority in the chain."},
    {X509_V_ERR_CRL_HAS_EXPIRED,
     "Get the authority's newest list for " SETTING_SSLCRL " or " SETTING_SSLCRLDIR "."},
    {X509_V_ERR_CRL_NOT_YET_VALID, "The clock of this machine may be wrong."},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE,
     "The list in " SETTING_SSLCRL " or " SETTING_SSLCRLDIR " is not the authority's."},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "Make a new one with a key of at least 2048 bits."},
    {X509_V_ERR_CA_KEY_TOO_SMALL, "Its authority needs a key of at least 2048 bits."},
    {X509_V_ERR_CA_MD_TOO_WEAK, "It must be signed anew, with SHA-256 or better."},
};

/* Called for each certificate that OpenSSL looks at; keeps the first that it does not like. */
int tls_note_certificate(int accepted, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    struct tls_suspect *suspect = ssl == NULL ? NULL : SSL_get_app_data(ssl);

    if (accepted || suspect == NULL || certificate == NULL || suspect->subject[0] != '\0')
        return accepted;
    X509_NAME_oneline(X509_get_subject_name(certificate), suspect->subject,
                      sizeof(suspect->subject));
    X509_NAME_oneline(X509_get_issuer_name(certificate), suspect->issuer, sizeof(suspect->issuer));
    return accepted;
}

#define WRONG_AUTHORITY                                                                            \
    "Set " SETTING_SSLROOTCERT " to the file of the authority "                                    \
    "that signed it. Authorities in between belong into the "                                      \
    "server's ssl_cert_file."

static bool certificate_failed(long verdict, const struct tls_suspect *suspect,
                               const struct wire_settings *settings, struct error *err)
{
    const char *roots = wire_settings_get(settings, "sslrootcert");
    char subject[sizeof(suspect->subject)], issuer[sizeof(suspect->issuer)];

    error_set(err, ERROR_TLS, "the server's certificate is not accepted: %s",
              X509_verify_cert_error_string(verdict));
    report_clean(suspect->subject, subject, sizeof(subject));
    report_clean(suspect->issuer, issuer, sizeof(issuer));
    if (subject[0] != '\0')
        error_detail(err, "The certificate is %s, issued by %s.", subject, issuer);
    for (size_t i = 0; i < sizeof(certificate_hints) / sizeof(certificate_hints[0]); i++) {
        if (certificate_hints[i].verdict == verdict)
            return error_hint(err, ERROR_OURS("%s"), certificate_hints[i].hint);
    }
    if (settings_is_pem(roots))
        return error_hint(err, "It was checked against the text given as " SETTING_SSLROOTCERT_DATA
                               ". " WRONG_AUTHORITY);
    return error_hint(err, "It was checked against %s. " WRONG_AUTHORITY,
                      roots != NULL && roots[0] != '\0' ? roots : "~/.postgresql/root.crt");
}

/* ---- Everything else ---- */

#define HINT_OUR_CERTIFICATE                                                                       \
    "The server does not take our certificate: " SETTING_SSLCERT                                   \
    " has to be signed by an authority in the "                                                    \
    "server's ssl_ca_file, with the authorities in between in the file behind it."
#define HINT_VERSIONS                                                                              \
    "The TLS versions of both sides do not meet: see " SETTING_SSL_MIN_PROTOCOL_VERSION            \
    " and " SETTING_SSL_MAX_PROTOCOL_VERSION " here and "                                          \
    "in "                                                                                          \
    "postgresql"                                                                                   \
    ".conf."
#define HINT_NO_TLS "Is it a PostgreSQL server that listens on this port?"

static const struct {
    int reason;
    const char *hint;
} handshake_hints[] = {
    {SSL_R_TLSV1_ALERT_UNKNOWN_CA, HINT_OUR_CERTIFICATE},
    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, HINT_OUR_CERTIFICATE},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
     "Our certificate (" SETTING_SSLCERT ") has expired: renew it."},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,
     "Our certificate (" SETTING_SSLCERT ") is revoked: get another."},
    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, HINT_OUR_CERTIFICATE},
    {SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
     "Set " SETTING_SSLCERT " and " SETTING_SSLKEY ": a certificate is wanted."},
    {SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, HINT_VERSIONS},
    {SSL_R_UNSUPPORTED_PROTOCOL, HINT_VERSIONS},
    {SSL_R_NO_PROTOCOLS_AVAILABLE, HINT_VERSIONS},
    {SSL_R_WRONG_VERSION_NUMBER, HINT_NO_TLS},
    {SSL_R_HTTP_REQUEST, HINT_NO_TLS},
    {SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, HINT_NO_TLS},
};

void tls_hint(unsigned long code, struct error *err)
{
    for (size_t i = 0; i < sizeof(handshake_hints) / sizeof(handshake_hints[0]); i++) {
        if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == handshake_hints[i].reason)
            error_hint(err, ERROR_OURS("%s"), handshake_hints[i].hint);
    }
}

bool tls_handshake_failed(SSL *ssl, const struct tls_suspect *suspect,
                          const struct wire_settings *settings, struct error *err)
{
    unsigned long code = ERR_peek_error();
    long verdict = SSL_get_verify_result(ssl);
    char reason[TLS_REASON_SIZE];

    if (verdict != X509_V_OK && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0) {
        ERR_clear_error();
        return certificate_failed(verdict, suspect, settings, err);
    }
    if (code == 0) {
        error_set(err, ERROR_TLS, "the server closed the connection during the TLS handshake");
        if (settings_tls_is_direct(settings))
            error_hint(err,
                       "Direct TLS needs PostgreSQL 17. Set " SETTING_SSLNEGOTIATION "=postgres.");
        return false;
    }
    tls_take_reason(reason);
    error_set(err, ERROR_TLS, "the TLS handshake failed: %s", reason);
    tls_hint(code, err);
    return false;
}
