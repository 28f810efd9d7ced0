/*
 * What the text of a setting means: a number, a file, a way of encryption, TLS versions, a key.
 * Those who act on settings and those who only check them ask here, so that neither needs the
 * other.
 */
#include "wire/settings_internal.h"

#include "base/base64.h"
#include "base/error_names.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/prov_ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

bool settings_parse_integer(const char *text, int *number)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (end == text || errno != 0 || value < INT_MIN || value > INT_MAX)
        return false;
    while (isspace((unsigned char)*end))
        end++;
    *number = (int)value;
    return *end == '\0';
}

void settings_file_of(const struct wire_settings *settings, const char *setting,
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

bool settings_is_pem(const char *value)
{
    return value != NULL && strncmp(value + strspn(value, " \t\r\n"), "-----BEGIN", 10) == 0;
}

/* ---- TLS ---- */

bool settings_tls_mode(const struct wire_settings *settings, enum tls_mode *mode, struct error *err)
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
    return error_set(err, ERROR_USAGE, SETTING_SSLMODE " \"%s\" is unknown", word);
}

bool settings_tls_is_direct(const struct wire_settings *settings)
{
    const char *way = wire_settings_get(settings, "sslnegotiation");

    return way != NULL && strcmp(way, "direct") == 0;
}

const char *settings_tls_name(const struct wire_settings *settings, const char *host)
{
    const char *wanted = wire_settings_get(settings, "sslsni");

    return wanted != NULL && strcmp(wanted, "0") == 0 ? NULL : host;
}

/* 0: no bound; -1: unknown. */
static int version_of(const char *name)
{
    static const struct {
        const char *name;
        int version;
    } versions[] = {
        {"TLSv1", TLS1_VERSION},
        {"TLSv1.1", TLS1_1_VERSION},
        {"TLSv1.2", TLS1_2_VERSION},
        {"TLSv1.3", TLS1_3_VERSION},
    };

    if (name == NULL || name[0] == '\0')
        return 0;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        if (strcasecmp(name, versions[i].name) == 0)
            return versions[i].version;
    }
    return -1;
}

bool settings_tls_versions(const struct wire_settings *settings, int *least, int *most,
                           struct error *err)
{
    const char *lower = wire_settings_get(settings, "ssl_min_protocol_version");
    const char *upper = wire_settings_get(settings, "ssl_max_protocol_version");

    *least = version_of(lower);
    *most = version_of(upper);
    if (*least < 0 || *most < 0) {
        error_set(err, ERROR_USAGE, "the TLS version \"%.50s\" is unknown",
                  *least < 0 ? lower : upper);
        return error_hint(err, "It can be one of: TLSv1 TLSv1.1 TLSv1.2 TLSv1.3");
    }
    if (*least == 0)
        *least = TLS1_2_VERSION;
    if (*most == 0 || *least <= *most)
        return true;
    error_set(err, ERROR_USAGE,
              "no TLS version is left between " SETTING_SSL_MIN_PROTOCOL_VERSION
              " and ssl_max_protocol_version");
    return error_hint(err, "The least is TLSv1.2 if it is not set.");
}

/* ---- Keys ---- */

static bool decode_scram_key(const char *text, uint8_t key[SCRAM_KEY_SIZE])
{
    uint8_t bytes[SCRAM_KEY_SIZE + 16];
    size_t len = 0;
    bool ok =
        base64_decode(slice_string(text), bytes, sizeof(bytes), &len) && len == SCRAM_KEY_SIZE;

    if (ok)
        memcpy(key, bytes, SCRAM_KEY_SIZE);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return ok;
}

bool settings_scram_key(const struct wire_settings *settings, const char *setting,
                        uint8_t key[SCRAM_KEY_SIZE], bool *given, struct error *err)
{
    const char *text = wire_settings_get(settings, setting);

    *given = text != NULL && text[0] != '\0';
    if (!*given || decode_scram_key(text, key))
        return true;
    error_set(err, ERROR_USAGE, "bad %s", setting);
    return error_hint(err, "It is %d bytes in base64.", SCRAM_KEY_SIZE);
}
