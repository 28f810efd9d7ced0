/*
 * The files and settings of TLS. Defaults lie in ~/.postgresql, as libpq's do: root.crt, root.crl,
 * postgresql.crt and postgresql.key. A root.crt that exists is used whatever sslmode says.
 */
#include "wire/tls_parts_internal.h"

#include "base/error_names.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/stat.h>

static bool file_exists(const char *path)
{
    struct stat info;

    return path[0] != '\0' && stat(path, &info) == 0;
}

static bool is_set(const struct wire_settings *settings, const char *name)
{
    const char *value = wire_settings_get(settings, name);

    return value != NULL && value[0] != '\0';
}

/* ---- Whom we trust ---- */

static bool use_system_roots(SSL_CTX *context, enum tls_mode mode, struct error *err)
{
    if (mode != TLS_VERIFY_FULL) {
        /* Anybody can get a certificate from some public authority: only the name tells. */
        error_set(err, ERROR_USAGE,
                  SETTING_SSLROOTCERT "=system needs " SETTING_SSLMODE "=verify-full");
        return error_hint(err, "Set " SETTING_SSLMODE "=verify-full.");
    }
    return ca_bundle_load(context, err);
}

/* Lists that are not there are passed over, as libpq does it; silently only where nobody asked for
 * them. */
static void use_revocation_lists(SSL_CTX *context, const struct wire_settings *settings,
                                 const struct log *log)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    const char *folder =
        is_set(settings, "sslcrldir") ? wire_settings_get(settings, "sslcrldir") : NULL;
    bool asked = is_set(settings, "sslcrl");
    char file[PATH_MAX] = "", reason[TLS_REASON_SIZE];

    if (asked || folder == NULL)
        settings_file_of(settings, "sslcrl", "root.crl", file);
    if (file[0] == '\0' && folder == NULL)
        return;
    if (X509_STORE_load_locations(store, file[0] != '\0' ? file : NULL, folder) == 1) {
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    } else if (asked || file_exists(file)) {
        tls_take_reason(reason);
        log_message(log, LOG_WARNING,
                    "revoked certificates are not recognised: cannot load the list %s: %s", file,
                    reason);
    }
    ERR_clear_error();
}

static bool use_roots(SSL_CTX *context, const struct wire_settings *settings, enum tls_mode mode,
                      bool *verifies, const struct log *log, struct error *err)
{
    const char *configured = wire_settings_get(settings, "sslrootcert");
    char file[PATH_MAX], reason[TLS_REASON_SIZE];

    *verifies = true;
    if (configured != NULL && strcmp(configured, "system") == 0)
        return use_system_roots(context, mode, err);
    if (settings_is_pem(configured)) {
        use_revocation_lists(context, settings, log);
        return tls_use_inline_roots(context, configured, err);
    }
    settings_file_of(settings, "sslrootcert", "root.crt", file);
    if (!file_exists(file)) {
        *verifies = false;
        if (mode < TLS_VERIFY_CA)
            return true;
        error_set(err, ERROR_TLS, "there is no root certificate file%s%s to check the server with",
                  file[0] != '\0' ? " " : "", file);
        return error_hint(err,
                          "Set " SETTING_SSLROOTCERT
                          " to the file of the authority that signed the server's certificate, or "
                          "to \"system\"; or do without the check: " SETTING_SSLMODE "=require.");
    }
    if (SSL_CTX_load_verify_locations(context, file, NULL) != 1) {
        tls_take_reason(reason);
        error_set(err, ERROR_TLS, "cannot load the root certificates %s: %s", file, reason);
        return error_hint(err, SETTING_SSLROOTCERT " is a file of certificates in PEM form.");
    }
    use_revocation_lists(context, settings, log);
    return true;
}

/* ---- The context ---- */

static bool use_versions(SSL_CTX *context, const struct wire_settings *settings, struct error *err)
{
    int least, most;

    if (!settings_tls_versions(settings, &least, &most, err))
        return false;
    if (SSL_CTX_set_min_proto_version(context, least) == 1 &&
        SSL_CTX_set_max_proto_version(context, most) == 1)
        return true;
    ERR_clear_error();
    return error_set(err, ERROR_USAGE, "the TLS versions asked for are not available");
}

/* Whatever the machine's openssl.cnf says: it could weaken what the settings ask for, and a static
 * program cannot load the modules that it names. OpenSSL reads it with the first thing that it is
 * asked for, so this has to come before. */
__attribute__((constructor)) static void ignore_configuration(void)
{
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

static SSL_CTX *make_context(struct error *err)
{
    SSL_CTX *context;

    ERR_clear_error();
    context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        error_set_memory(err);
        return NULL;
    }
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* The protocol says itself where a conversation ends. */
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    /* Many records come with one system call. */
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, 128 * 1024);
    return context;
}

SSL_CTX *tls_context_new(const struct wire_settings *settings, enum tls_mode mode, bool *verifies,
                         const struct log *log, struct error *err)
{
    SSL_CTX *context = make_context(err);

    if (context == NULL)
        return NULL;
    if (use_versions(context, settings, err) &&
        use_roots(context, settings, mode, verifies, log, err) &&
        tls_use_own_certificate(context, settings, log, err)) {
        SSL_CTX_set_verify(context, *verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                           tls_note_certificate);
        return context;
    }
    SSL_CTX_free(context);
    return NULL;
}

SSL_CTX *tls_context_new_unverified(struct error *err)
{
    SSL_CTX *context = make_context(err);

    if (context == NULL)
        return NULL;
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, 0);
    return context;
}
