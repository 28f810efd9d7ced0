/*
 * Who we are: sslcert and sslkey, files or PEM text, by default ~/.postgresql/postgresql.crt and
 * .key. Nothing here ever asks a terminal for a password, as OpenSSL does by itself.
 */
#include "wire/tls_parts_internal.h"

#include "base/error_names.h"
#include "base/quote.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>

/* ---- The key ---- */

struct key_password {
    const char *text; /* NULL or "": there is none */
    bool asked_for;   /* the key is encrypted */
};

static int give_password(char *out, int size, int writing, void *context)
{
    struct key_password *password = context;
    size_t len = password->text == NULL ? 0 : strlen(password->text);

    (void)writing;
    password->asked_for = true;
    if (len == 0 || size < 0 || len > (size_t)size)
        return -1; /* 0 would be a password without characters */
    memcpy(out, password->text, len);
    return (int)len;
}

/* A private key that others can read proves nothing. Root's may be read by a group: that is how
 * secrets are mounted for a program that runs as somebody else. */
static bool check_key_file(FILE *file, const char *path, struct error *err)
{
    char quoted[QUOTE_PATH_SIZE];
    struct stat info;
    mode_t forbidden;

    if (fstat(fileno(file), &info) != 0)
        return error_set(err, ERROR_TLS, "cannot open the private key %s: %s", path,
                         strerror(errno));
    if (!S_ISREG(info.st_mode)) {
        error_set(err, ERROR_TLS, "cannot open the private key %s: it is no file", path);
        return error_hint(err, "Set " SETTING_SSLKEY " to the file of the key.");
    }
    forbidden = info.st_uid == 0 ? (S_IWGRP | S_IXGRP | S_IRWXO) : (S_IRWXG | S_IRWXO);
    if ((info.st_mode & forbidden) == 0)
        return true;
    error_set(err, ERROR_TLS, "the private key %s can be read by others", path);
    return error_hint(err, "chmod 0600 %s", quote_shell(path, quoted, sizeof(quoted)));
}

static BIO *open_key_file(const char *path, struct error *err)
{
    FILE *file = path[0] == '\0' ? NULL : fopen(path, "re");
    BIO *bio;

    if (file == NULL) {
        error_set(err, ERROR_TLS, "cannot open the private key %s: %s", path, strerror(errno));
        error_hint(err, "Set " SETTING_SSLKEY " to the key of the client certificate.");
        return NULL;
    }
    if (!check_key_file(file, path, err)) {
        fclose(file);
        return NULL;
    }
    bio = BIO_new_fp(file, BIO_CLOSE);
    if (bio == NULL) {
        fclose(file);
        error_set_memory(err);
    }
    return bio;
}

/* PEM, else binary. The reason that stays in OpenSSL's queue is that of the PEM form. */
static EVP_PKEY *parse_key(BIO *bio, struct key_password *password)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, give_password, password);

    if (key != NULL || password->asked_for)
        return key;
    if (BIO_seek(bio, 0) < 0)
        return NULL;
    ERR_set_mark();
    key = d2i_PrivateKey_bio(bio, NULL);
    ERR_pop_to_mark();
    return key;
}

static bool key_failed(const char *name, const struct key_password *password, struct error *err)
{
    char reason[TLS_REASON_SIZE];
    bool given = password->text != NULL && password->text[0] != '\0';

    tls_take_reason(reason);
    if (!password->asked_for) {
        error_set(err, ERROR_TLS, "cannot load the private key %s: %s", name, reason);
        return error_hint(err,
                          SETTING_SSLKEY " is a file with one private key in PEM or DER form.");
    }
    error_set(err, ERROR_TLS,
              given ? "cannot load the private key %s: " SETTING_SSLPASSWORD " is not its password"
                    : "cannot load the private key %s: it is encrypted, and " SETTING_SSLPASSWORD
                      " is not set",
              name);
    return error_hint(
        err,
        "Set " SETTING_SSLPASSWORD
        " in the connection string, or take the password off: openssl pkey -in KEY -out NEWKEY");
}

static bool use_key(SSL_CTX *context, const struct wire_settings *settings, struct error *err)
{
    const char *configured = wire_settings_get(settings, "sslkey");
    struct key_password password = {.text = wire_settings_get(settings, "sslpassword")};
    bool is_text = settings_is_pem(configured), ok;
    char file[PATH_MAX] = "that was given as text";
    EVP_PKEY *key;
    BIO *bio;

    if (!is_text)
        settings_file_of(settings, "sslkey", "postgresql.key", file);
    bio = is_text ? tls_open_inline(configured, err) : open_key_file(file, err);
    if (bio == NULL)
        return false;
    ERR_clear_error();
    key = parse_key(bio, &password);
    BIO_free(bio);
    if (key == NULL)
        return key_failed(file, &password, err);
    ERR_clear_error();
    ok = SSL_CTX_use_PrivateKey(context, key) == 1 && SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    if (ok)
        return true;
    ERR_clear_error();
    error_set(err, ERROR_TLS, "the private key %s does not fit the certificate", file);
    return error_hint(err, "Set " SETTING_SSLCERT " and " SETTING_SSLKEY
                           " to files that belong together.");
}

/* ---- The certificate ---- */

static bool use_certificate_file(SSL_CTX *context, const char *file, struct error *err)
{
    char reason[TLS_REASON_SIZE];

    if (SSL_CTX_use_certificate_chain_file(context, file) == 1)
        return true;
    tls_take_reason(reason);
    error_set(err, ERROR_TLS, "cannot load the client certificate %s: %s", file, reason);
    return error_hint(err,
                      SETTING_SSLCERT " is a file in PEM form: our certificate, then those of the "
                                      "authorities between it and the server's ssl_ca_file.");
}

bool tls_use_own_certificate(SSL_CTX *context, const struct wire_settings *settings,
                             const struct log *log, struct error *err)
{
    const char *when = wire_settings_get(settings, "sslcertmode");
    const char *configured = wire_settings_get(settings, "sslcert");
    char file[PATH_MAX];
    struct stat info;

    if (when != NULL && strcmp(when, "disable") == 0)
        return true;
    if (settings_is_pem(configured))
        return tls_use_inline_certificate(context, configured, err) &&
               use_key(context, settings, err);
    settings_file_of(settings, "sslcert", "postgresql.crt", file);
    if (file[0] == '\0')
        return true;
    if (stat(file, &info) == 0)
        return use_certificate_file(context, file, err) && use_key(context, settings, err);
    if (errno != ENOENT && errno != ENOTDIR)
        return error_set(err, ERROR_TLS, "cannot load the client certificate %s: %s", file,
                         strerror(errno));
    /* The server may do without; it says so if not. */
    if (configured != NULL && configured[0] != '\0')
        log_message(log, LOG_WARNING, "there is no client certificate %s", file);
    return true;
}
