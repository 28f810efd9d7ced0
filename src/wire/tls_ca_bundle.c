/*
 * The machine's own root certificates (sslrootcert=system). OpenSSL knows one file and one folder,
 * those of the distribution it was built on: a static program runs on others, and in containers
 * that have only what was mounted. So the usual places are looked through until one has
 * certificates.
 */
#include "wire/tls_parts_internal.h"
#include "base/error_names.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum place_kind { PLACE_FILE, PLACE_FOLDER };

struct place {
    enum place_kind kind;
    const char *path;
};

/* After OpenSSL's own. The first that has certificates is the one. */
static const struct place places[] = {
    {PLACE_FILE, "/etc/ssl/certs/ca-certificates.crt"}, /* Debian, Ubuntu, Alpine, Arch */
    {PLACE_FILE, "/etc/pki/tls/certs/ca-bundle.crt"},   /* RHEL, Fedora */
    {PLACE_FILE, "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"},
    {PLACE_FILE, "/etc/ssl/ca-bundle.pem"}, /* SUSE */
    {PLACE_FILE, "/var/lib/ca-certificates/ca-bundle.pem"},
    {PLACE_FILE, "/etc/ssl/cert.pem"},            /* Alpine, the BSDs */
    {PLACE_FILE, "/etc/ssl/certs/ca-bundle.crt"}, /* NixOS */
    {PLACE_FILE, "/usr/local/share/certs/ca-root-nss.crt"},
    {PLACE_FOLDER, "/etc/ssl/certs"},
    {PLACE_FOLDER, "/etc/pki/tls/certs"},
    {PLACE_FOLDER, "/usr/local/share/certs"},
};

#define PLACE_COUNT (sizeof(places) / sizeof(places[0]))

/* What was looked for, for people. Cut off where the space ends. */
struct trail {
    char text[900];
    size_t len;
};

static void note(struct trail *trail, const char *path, const char *problem)
{
    int len = snprintf(trail->text + trail->len, sizeof(trail->text) - trail->len, "%s%s%s%s%s",
                       trail->len > 0 ? ", " : "", path, problem[0] != '\0' ? " (" : "", problem,
                       problem[0] != '\0' ? ")" : "");

    if (len > 0 && (size_t)len < sizeof(trail->text) - trail->len)
        trail->len += (size_t)len;
    else
        trail->text[trail->len] = '\0';
}

static bool load_file(SSL_CTX *context, const char *path, struct trail *trail)
{
    char reason[TLS_REASON_SIZE];

    if (access(path, R_OK) != 0) {
        note(trail, path, errno == ENOENT || errno == ENOTDIR ? "" : strerror(errno));
        return false;
    }
    if (SSL_CTX_load_verify_file(context, path) == 1)
        return true;
    tls_take_reason(reason);
    note(trail, path, reason);
    return false;
}

/* "5ed36f99.0": how OpenSSL finds a certificate in a folder by its subject. */
static bool is_hashed_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' &&
           isdigit((unsigned char)name[9]);
}

static bool is_certificate_name(const char *name)
{
    size_t len = strlen(name);

    return len > 4 && name[0] != '.' &&
           (strcmp(name + len - 4, ".pem") == 0 || strcmp(name + len - 4, ".crt") == 0);
}

/* A folder whose names are hashes is searched by OpenSSL when a certificate is needed; of another
 * one, such as a mounted secret, all files are read. */
static bool load_entries(SSL_CTX *context, const char *path, DIR *folder)
{
    struct dirent *entry;
    char file[PATH_MAX];
    bool found = false;

    while ((entry = readdir(folder)) != NULL) {
        int len = snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);

        if (is_hashed_name(entry->d_name) && SSL_CTX_load_verify_dir(context, path) == 1)
            return true;
        if (is_certificate_name(entry->d_name) && len > 0 && (size_t)len < sizeof(file) &&
            SSL_CTX_load_verify_file(context, file) == 1)
            found = true;
    }
    ERR_clear_error();
    return found;
}

static bool load_folder(SSL_CTX *context, const char *path, struct trail *trail)
{
    DIR *folder = opendir(path);
    bool found;

    if (folder == NULL) {
        note(trail, path, errno == ENOENT || errno == ENOTDIR ? "" : strerror(errno));
        return false;
    }
    found = load_entries(context, path, folder);
    closedir(folder);
    if (!found)
        note(trail, path, "no certificates");
    return found;
}

static bool load_place(SSL_CTX *context, const char *root, const struct place *place,
                       struct trail *trail)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s%s", root, place->path);

    if (len < 0 || (size_t)len >= sizeof(path))
        return false;
    return place->kind == PLACE_FILE ? load_file(context, path, trail)
                                     : load_folder(context, path, trail);
}

static bool nothing_found(const struct trail *trail, struct error *err)
{
    error_set(err, ERROR_TLS, "there are no root certificates of the system");
    error_detail(err, "Looked for %s.", trail->text);
    return error_hint(err,
                      "Install the package ca-certificates, mount a bundle as %s, or name one in "
                      "SSL_CERT_FILE; or set " SETTING_SSLROOTCERT
                      " to the file of the authority that signed the server's certificate.",
                      places[0].path);
}

/* SSL_CERT_FILE and SSL_CERT_DIR replace OpenSSL's own file and folder, as in every program that
 * uses it, and nothing else is looked for. OpenSSL would pass over a file that is not there; a
 * connection that then fails would not say why. */
static bool load_named(SSL_CTX *context, const char *file, const char *folders, struct error *err)
{
    struct trail trail = {.len = 0};

    if (file != NULL && !load_file(context, file, &trail)) {
        error_set(err, ERROR_TLS, "there are no root certificates where SSL_CERT_FILE says");
        error_detail(err, "Looked for %s.", trail.text);
        return error_hint(err,
                          "Name a file with certificates in PEM form, or unset SSL_CERT_FILE.");
    }
    if (file == NULL)
        load_file(context, X509_get_default_cert_file(), &trail);
    /* A list with colons, looked into when a certificate is needed. */
    if (SSL_CTX_load_verify_dir(context, folders != NULL ? folders : X509_get_default_cert_dir()))
        return true;
    return error_set_memory(err);
}

bool ca_bundle_load_below(SSL_CTX *context, const char *root, struct error *err)
{
    const struct place own[] = {{PLACE_FILE, X509_get_default_cert_file()},
                                {PLACE_FOLDER, X509_get_default_cert_dir()}};
    struct trail trail = {.len = 0};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (load_place(context, root, &own[i], &trail))
            return true;
    }
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        if (load_place(context, root, &places[i], &trail))
            return true;
    }
    return nothing_found(&trail, err);
}

static const char *order(const char *name)
{
    const char *value = secure_getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

bool ca_bundle_load(SSL_CTX *context, struct error *err)
{
    const char *file = order(X509_get_default_cert_file_env());
    const char *folders = order(X509_get_default_cert_dir_env());

    if (file != NULL || folders != NULL)
        return load_named(context, file, folders, err);
    return ca_bundle_load_below(context, "", err);
}
