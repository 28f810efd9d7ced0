/*
 * Connection strings: URIs and key=value texts, then the defaults and checks that complete them.
 *
 * Holds: a refusal says why, and repeats no password (of those with "$$" in them, which no text of
 * ours has); what was accepted is the same in a clone; what is complete has servers with ports, and
 * what it asks of logging in, of protocol versions and of TLS can be read.
 *
 * Limits: -malloc_limit_mb=1 -max_len=8192
 */
#include "support/feed.h"
#include "wire/settings_hosts_internal.h"
#include "wire/settings_internal.h"
#include "wire/settings_protocol_version_internal.h"
#include "wire/settings_require_auth_internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct wire_settings *settings, const char *text,
                        const struct error *err)
{
    static const char *const secrets[] = {"password", "sslpassword"};

    must_be_told(err);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        const char *secret = wire_settings_get(settings, secrets[i]);
        const char *at = secret == NULL ? NULL : strstr(text, secret);

        if (secret == NULL || strstr(secret, "$$") == NULL || strlen(secret) < 6)
            continue;
        if (at != NULL && strstr(at + 1, secret) != NULL)
            continue; /* it is something else, too */
        must(strstr(err->message, secret) == NULL && strstr(err->detail, secret) == NULL &&
             strstr(err->hint, secret) == NULL);
    }
}

static void check_clone(const struct wire_settings *settings)
{
    struct error err;
    struct wire_settings *clone = wire_settings_clone(settings, &err);
    size_t count;
    const struct setting_parameter *table = settings_table(&count);

    must(clone != NULL && count <= SETTINGS_MAX);
    for (size_t i = 0; i < count; i++) {
        const char *value = wire_settings_get(settings, table[i].name);
        const char *copy = wire_settings_get(clone, table[i].name);

        must((value == NULL) == (copy == NULL));
        must(value == NULL || strcmp(value, copy) == 0);
    }
    wire_settings_free(clone);
}

static void check_complete(const struct wire_settings *settings)
{
    struct protocol_versions versions;
    struct host_list list;
    enum tls_mode mode;
    unsigned allowed;
    struct error err;

    must(host_list_read(&list, settings, &err));
    must(list.count > 0);
    for (size_t i = 0; i < list.count; i++) {
        int port = atoi(list.items[i].port);

        must(port > 0 && port <= 65535);
        must(list.items[i].name[0] != '\0' || list.items[i].address[0] != '\0');
    }
    host_list_free(&list);
    must(require_auth_read(settings, &allowed, &err) && allowed != 0 && allowed <= LOGIN_ALL);
    must(protocol_versions_read(settings, &versions, &err) && versions.least <= versions.asked);
    must(settings_tls_mode(settings, &mode, &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err;
    struct wire_settings *settings = wire_settings_new(&err);
    char *text = malloc(size + 1);

    must(settings != NULL && text != NULL);
    wire_settings_ignore_environment(settings);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (!wire_settings_parse(settings, text, &err)) {
        check_error(settings, text, &err);
    } else {
        check_clone(settings);
        /* Files are another target's; whoever names one may wait for what he named. */
        must(wire_settings_set(settings, "servicefile", "/nonexistent", &err));
        if (wire_settings_complete(settings, &err))
            check_complete(settings);
        else
            check_error(settings, text, &err);
    }
    free(text);
    wire_settings_free(settings);
    return 0;
}
