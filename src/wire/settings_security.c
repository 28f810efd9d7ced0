/* Settings of TLS and authentication whose values make sense together, or do not. Checked before
 * any connection is made, so that a mistake shows even where the server would not mind. */
#include "base/error_names.h"
#include "wire/settings_internal.h"
#include "wire/settings_protocol_version_internal.h"
#include "wire/settings_require_auth_internal.h"

#include <openssl/crypto.h>

/* Over direct TLS nothing is said in clear: a mode that may do without TLS has no way back. */
static bool check_negotiation(const struct wire_settings *settings, struct error *err)
{
    enum tls_mode mode;

    if (!settings_tls_mode(settings, &mode, err))
        return false;
    if (!settings_tls_is_direct(settings) || mode >= TLS_REQUIRE)
        return true;
    error_set(err, ERROR_USAGE,
              SETTING_SSLNEGOTIATION "=direct needs " SETTING_SSLMODE "=require or stronger");
    return error_hint(err, "Set " SETTING_SSLMODE " to require, verify-ca or verify-full.");
}

bool settings_check_security(const struct wire_settings *settings, struct error *err)
{
    struct protocol_versions versions;
    uint8_t key[SCRAM_KEY_SIZE];
    unsigned allowed;
    int least, most;
    bool given, ok;

    ok = check_negotiation(settings, err) && settings_tls_versions(settings, &least, &most, err) &&
         require_auth_read(settings, &allowed, err) &&
         protocol_versions_read(settings, &versions, err) &&
         settings_scram_key(settings, "scram_client_key", key, &given, err) &&
         settings_scram_key(settings, "scram_server_key", key, &given, err);
    OPENSSL_cleanse(key, sizeof(key));
    return ok;
}
