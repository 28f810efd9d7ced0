/*
 * require_auth as a set of methods. Read twice, when settings are complete and when the server
 * asks: a mistake in it shows even where no server minds.
 */
#include "base/error_names.h"
#include "wire/settings_require_auth_internal.h"

static const struct {
    const char *name;
    unsigned method;
} methods[] = {
    {"none", LOGIN_NONE},   {"password", LOGIN_PASSWORD}, {"md5", LOGIN_MD5},
    {"gss", LOGIN_GSS},     {"sspi", LOGIN_SSPI},         {"scram-sha-256", LOGIN_SCRAM},
    {"oauth", LOGIN_OAUTH},
};

static unsigned method_of(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strlen(methods[i].name) == len && memcmp(methods[i].name, name, len) == 0)
            return methods[i].method;
    }
    return 0;
}

static bool bad_list(const char *list, const char *why, struct error *err)
{
    error_set(err, ERROR_USAGE, "bad " SETTING_REQUIRE_AUTH " \"%.100s\": %s", list, why);
    return error_hint(err, "It is a list such as scram-sha-256,md5 or !password,!none; the methods "
                           "are none, password, md5, gss, sspi, scram-sha-256 and oauth.");
}

bool require_auth_read(const struct wire_settings *settings, unsigned *allowed, struct error *err)
{
    const char *list = wire_settings_get(settings, "require_auth"), *at = list;
    bool negated = list != NULL && list[0] == '!';
    unsigned named = 0;

    *allowed = LOGIN_ALL;
    if (list == NULL || list[0] == '\0')
        return true;
    for (;;) {
        bool this_negated = at[0] == '!';
        size_t len;
        unsigned method;

        at += this_negated ? 1 : 0;
        len = strcspn(at, ",");
        method = method_of(at, len);
        if (method == 0)
            return bad_list(list, "a method in it is unknown", err);
        if (this_negated != negated)
            return bad_list(list, "either all methods have a ! or none has", err);
        if ((named & method) != 0)
            return bad_list(list, "a method stands in it twice", err);
        named |= method;
        if (at[len] == '\0')
            break;
        at += len + 1;
    }
    *allowed = negated ? LOGIN_ALL & ~named : named;
    return true;
}
