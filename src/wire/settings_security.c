/* Settings of TLS and authentication whose values make sense together, or do not. Checked before
 * any connection is made, so that a mistake shows even where the server would not mind. */
#include "base/error_names.h"
#include "wire/auth_scram_internal.h"
#include "wire/settings_internal.h"
#include "wire/settings_protocol_version_internal.h"
#include "wire/settings_require_auth_internal.h"
#include "wire/transport_internal.h"

#include <openssl/crypto.h>

/* Over direct TLS nothing is said in clear: a mode that may do without TLS has no way back. */
static bool check_negotiation(const struct wire_settings *settings, struct error *err)
{
    enum tls_mode mode;

    if (!tls_mode_of(settings, &mode, err))
        return false;
    if (!tls_is_direct(settings) || mode >= TLS_REQUIRE)
        return true;
    error_set(err, ERROR_USAGE,
              SETTING_SSLNEGOTIATION "=direct needs " SETTING_SSLMODE "=require or stronger");
    return error_hint(err, "Set " SETTING_SSLMODE " to require, verify-ca or verify-full.");
}

static bool check_scram_key(const struct wire_settings *settings, const char *setting,
                            struct error *err)
{
    const char *text = wire_settings_get(settings, setting);
    uint8_t key[SCRAM_KEY_SIZE];
    bool ok = text == NULL || text[0] == '\0' || scram_decode_key(text, key);

    OPENSSL_cleanse(key, sizeof(key));
    if (ok)
        return true;
    error_set(err, ERROR_USAGE, "bad %s", setting);
    return error_hint(err, "It is %d bytes in base64.", SCRAM_KEY_SIZE);
}

bool settings_check_security(const struct wire_settings *settings, struct error *err)
{
    struct protocol_versions versions;
    unsigned allowed;
    int least, most;

    return check_negotiation(settings, err) && tls_versions_read(settings, &least, &most, err) &&
           require_auth_read(settings, &allowed, err) &&
           protocol_versions_read(settings, &versions, err) &&
           check_scram_key(settings, "scram_client_key", err) &&
           check_scram_key(settings, "scram_server_key", err);
}
