/*
 * The files and settings of TLS. Defaults lie in ~/.postgresql, as libpq's do: root.crt, root.crl,
 * postgresql.crt and postgresql.key. A root.crt that exists is used whatever sslmode says.
 */
#include "wire/tls_internal.h"

#include "wire/settings_internal.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

bool tls_mode_of(const struct wire_settings *settings, enum tls_mode *mode, struct error *err)
{
    static const char *const words[] = {"disable", "allow",     "prefer",
                                        "require", "verify-ca", "verify-full"};
    const char *word = wire_settings_get(settings, "sslmode");

    *mode = TLS_PREFER;
    if (word == NULL)
        return true;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(word, words[i]) == 0) {
            *mode = (enum tls_mode)i;
            return true;
        }
    }
    return error_set(err, ERROR_USAGE, "sslmode \"%s\" is unknown", word);
}

/* The file of a setting, else its default in ~/.postgresql; "" if there is no home either. */
static void file_of(const struct wire_settings *settings, const char *setting,
                    const char *default_name, char out[PATH_MAX])
{
    const char *value = wire_settings_get(settings, setting);
    char home[PATH_MAX];
    int len;

    out[0] = '\0';
    if (value != NULL && value[0] != '\0')
        len = snprintf(out, PATH_MAX, "%s", value);
    else if (settings_home(home, sizeof(home)))
        len = snprintf(out, PATH_MAX, "%s/.postgresql/%s", home, default_name);
    else
        return;
    if (len < 0 || len >= PATH_MAX)
        out[0] = '\0';
}

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

/* ---- Whom we trust ------------------------------------------------------------------------- */

static bool use_system_roots(SSL_CTX *context, enum tls_mode mode, struct error *err)
{
    char reason[TLS_REASON_SIZE];

    if (mode != TLS_VERIFY_FULL) {
        /* Anybody can get a certificate from some public authority: only the name tells. */
        error_set(err, ERROR_USAGE, "sslrootcert=system needs sslmode=verify-full");
        return error_hint(err, "Set sslmode=verify-full.");
    }
    if (SSL_CTX_set_default_verify_paths(context) == 1)
        return true;
    tls_take_reason(reason);
    return error_set(err, ERROR_TLS, "cannot load the system's root certificates: %s", reason);
}

static bool use_revocation_lists(SSL_CTX *context, const struct wire_settings *settings,
                                 struct error *err)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    const char *folder = wire_settings_get(settings, "sslcrldir");
    char file[PATH_MAX], reason[TLS_REASON_SIZE];
    bool has_folder = is_set(settings, "sslcrldir"), has_file;

    file_of(settings, "sslcrl", "root.crl", file);
    has_file = file_exists(file) && (is_set(settings, "sslcrl") || !has_folder);
    if (is_set(settings, "sslcrl") && !has_file)
        return error_set(err, ERROR_TLS, "cannot open the revocation list %s", file);
    if (!has_file && !has_folder)
        return true;
    if (X509_STORE_load_locations(store, has_file ? file : NULL, has_folder ? folder : NULL) != 1) {
        tls_take_reason(reason);
        return error_set(err, ERROR_TLS, "cannot load the revocation list %s: %s",
                         has_file ? file : folder, reason);
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return true;
}

static bool use_roots(SSL_CTX *context, const struct wire_settings *settings, enum tls_mode mode,
                      bool *verifies, struct error *err)
{
    const char *configured = wire_settings_get(settings, "sslrootcert");
    char file[PATH_MAX], reason[TLS_REASON_SIZE];

    *verifies = true;
    if (configured != NULL && strcmp(configured, "system") == 0)
        return use_system_roots(context, mode, err);
    if (tls_is_inline(configured))
        return tls_use_inline_roots(context, configured, err) &&
               use_revocation_lists(context, settings, err);
    file_of(settings, "sslrootcert", "root.crt", file);
    if (!file_exists(file)) {
        *verifies = false;
        if (mode < TLS_VERIFY_CA)
            return true;
        error_set(err, ERROR_TLS, "there is no root certificate file%s%s to check the server with",
                  file[0] != '\0' ? " " : "", file);
        return error_hint(err,
                          "Set sslrootcert to the file of the authority that signed the server's "
                          "certificate, or to \"system\"; or do without the check: "
                          "sslmode=require.");
    }
    if (SSL_CTX_load_verify_locations(context, file, NULL) != 1) {
        tls_take_reason(reason);
        return error_set(err, ERROR_TLS, "cannot load the root certificates %s: %s", file, reason);
    }
    return use_revocation_lists(context, settings, err);
}

/* ---- Who we are ---------------------------------------------------------------------------- */

/* A private key that others can read proves nothing. */
static bool check_key_file(const char *file, struct error *err)
{
    struct stat info;
    mode_t forbidden;

    if (stat(file, &info) != 0) {
        error_set(err, ERROR_TLS, "cannot open the private key %s: %s", file, strerror(errno));
        return error_hint(err, "Set sslkey to the key of the client certificate.");
    }
    if (!S_ISREG(info.st_mode))
        return error_set(err, ERROR_TLS, "the private key %s is not a file", file);
    forbidden = info.st_uid == 0 ? (S_IWGRP | S_IXGRP | S_IRWXO) : (S_IRWXG | S_IRWXO);
    if ((info.st_mode & forbidden) == 0)
        return true;
    error_set(err, ERROR_TLS, "the private key %s can be read by others", file);
    return error_hint(err, "chmod 0600 '%s'", file);
}

/* OpenSSL would ask on the terminal if there were no callback. */
static int give_key_password(char *out, int size, int writing, void *context)
{
    const char *password = wire_settings_get(context, "sslpassword");
    size_t len = password == NULL ? 0 : strlen(password);

    (void)writing;
    if (len == 0 || size < 0 || len >= (size_t)size)
        return 0;
    memcpy(out, password, len + 1);
    return (int)len;
}

static bool use_key(SSL_CTX *context, const struct wire_settings *settings, struct error *err)
{
    const char *configured = wire_settings_get(settings, "sslkey");
    char file[PATH_MAX], reason[TLS_REASON_SIZE];

    SSL_CTX_set_default_passwd_cb(context, give_key_password);
    /* The callback's context has no const; it only reads. */
    SSL_CTX_set_default_passwd_cb_userdata(context, (void *)(uintptr_t)settings);
    if (tls_is_inline(configured))
        return tls_use_inline_key(context, configured, err);
    file_of(settings, "sslkey", "postgresql.key", file);
    if (!check_key_file(file, err))
        return false;
    if (SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_PEM) != 1 &&
        SSL_CTX_use_PrivateKey_file(context, file, SSL_FILETYPE_ASN1) != 1) {
        tls_take_reason(reason);
        error_set(err, ERROR_TLS, "cannot load the private key %s: %s", file, reason);
        return error_hint(err, "If the key is encrypted, set sslpassword.");
    }
    ERR_clear_error();
    if (SSL_CTX_check_private_key(context) == 1)
        return true;
    tls_take_reason(reason);
    error_set(err, ERROR_TLS, "the private key %s does not fit the certificate: %s", file, reason);
    return error_hint(err, "Set sslcert and sslkey to files that belong together.");
}

static bool use_certificate(SSL_CTX *context, const struct wire_settings *settings,
                            const struct log *log, struct error *err)
{
    const char *when = wire_settings_get(settings, "sslcertmode");
    const char *configured = wire_settings_get(settings, "sslcert");
    char file[PATH_MAX], reason[TLS_REASON_SIZE];

    if (when != NULL && strcmp(when, "disable") == 0)
        return true;
    if (tls_is_inline(configured))
        return tls_use_inline_certificate(context, configured, err) &&
               use_key(context, settings, err);
    file_of(settings, "sslcert", "postgresql.crt", file);
    if (!file_exists(file)) {
        /* The server may do without; it says so if not. */
        if (is_set(settings, "sslcert"))
            log_message(log, LOG_WARNING, "there is no client certificate %s", file);
        return true;
    }
    if (SSL_CTX_use_certificate_chain_file(context, file) != 1) {
        tls_take_reason(reason);
        return error_set(err, ERROR_TLS, "cannot load the client certificate %s: %s", file, reason);
    }
    return use_key(context, settings, err);
}

/* ---- The context --------------------------------------------------------------------------- */

/* 0: no bound; -1: unknown. */
static int protocol_version(const char *name)
{
    if (name == NULL || name[0] == '\0')
        return 0;
    if (strcasecmp(name, "TLSv1") == 0)
        return TLS1_VERSION;
    if (strcasecmp(name, "TLSv1.1") == 0)
        return TLS1_1_VERSION;
    if (strcasecmp(name, "TLSv1.2") == 0)
        return TLS1_2_VERSION;
    return strcasecmp(name, "TLSv1.3") == 0 ? TLS1_3_VERSION : -1;
}

static bool use_versions(SSL_CTX *context, const struct wire_settings *settings, struct error *err)
{
    const char *least = wire_settings_get(settings, "ssl_min_protocol_version");
    const char *most = wire_settings_get(settings, "ssl_max_protocol_version");
    int min = protocol_version(least), max = protocol_version(most);

    if (min < 0 || max < 0)
        return error_set(err, ERROR_USAGE, "the TLS version \"%s\" is unknown",
                         min < 0 ? least : most);
    if (min == 0)
        min = TLS1_2_VERSION;
    if (SSL_CTX_set_min_proto_version(context, min) == 1 &&
        SSL_CTX_set_max_proto_version(context, max) == 1)
        return true;
    ERR_clear_error();
    return error_set(err, ERROR_USAGE, "the TLS versions asked for are not available");
}

SSL_CTX *tls_context_new(const struct wire_settings *settings, enum tls_mode mode, bool *verifies,
                         const struct log *log, struct error *err)
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
    if (use_versions(context, settings, err) && use_roots(context, settings, mode, verifies, err) &&
        use_certificate(context, settings, log, err)) {
        SSL_CTX_set_verify(context, *verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
        return context;
    }
    SSL_CTX_free(context);
    return NULL;
}
