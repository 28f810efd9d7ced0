/*
 * Settings of "postgres+aws://": who logs in with a token instead of a password. A token is as good
 * as a password while it lasts, and goes to the server as it is: never without TLS, and to no host
 * that it was not made for.
 */
#include "base/error_names.h"
#include "wire/settings_hosts_internal.h"
#include "wire/settings_internal.h"
#include "wire/socket_internal.h"

#define SCHEME "postgres+aws://"

bool wire_settings_want_tokens(const struct wire_settings *settings)
{
    return settings->wants_tokens;
}

bool wire_settings_ignores_environment(const struct wire_settings *settings)
{
    return settings->ignores_environment;
}

void wire_settings_set_token_source(struct wire_settings *settings,
                                    const struct wire_password_source *source)
{
    settings->token_source = source;
}

static bool has(const struct wire_settings *settings, const char *name)
{
    const char *value = wire_settings_get(settings, name);

    return value != NULL && value[0] != '\0';
}

bool settings_tokens_check_given(const struct wire_settings *settings, struct error *err)
{
    if (!settings->wants_tokens && has(settings, "region")) {
        error_set(err, ERROR_USAGE, SETTING_REGION " is of " SCHEME " alone");
        return error_hint(err,
                          "With tokens of AWS IAM:  " SCHEME "USER@HOST/DATABASE?region=REGION");
    }
    if (!settings->wants_tokens)
        return true;
    if (has(settings, "password"))
        error_set(err, ERROR_USAGE, SCHEME " takes no password");
    else if (has(settings, "password_command"))
        error_set(err, ERROR_USAGE, SCHEME " takes no " SETTING_PASSWORD_COMMAND);
    else
        return true;
    return error_hint(err, "It logs in with tokens of AWS IAM. With a password:  "
                           "postgres://USER@HOST/DATABASE");
}

/* A token names the host's endpoint, and a socket has no TLS. */
static bool check_hosts(const struct wire_settings *settings, struct error *err)
{
    const char *wrong = NULL;
    struct host_list hosts;

    if (!host_list_read(&hosts, settings, err))
        return false;
    for (size_t i = 0; wrong == NULL && i < hosts.count; i++) {
        if (hosts.items[i].name[0] == '\0')
            wrong = SCHEME " needs the name of a host beside " SETTING_HOSTADDR;
        else if (socket_host_is_folder(hosts.items[i].name))
            wrong = SCHEME " does not go to a socket: it needs the name of a host";
    }
    host_list_free(&hosts);
    if (wrong == NULL)
        return true;
    error_set(err, ERROR_USAGE, ERROR_OURS("%s"), wrong);
    return error_hint(err, "The host is the endpoint as AWS names it: " SCHEME
                           "USER@NAME.REGION.rds.amazonaws.com/DATABASE");
}

static bool check_user(const struct wire_settings *settings, struct error *err)
{
    if (has(settings, "user"))
        return true;
    error_set(err, ERROR_USAGE, "no user name is set, and " SCHEME " needs one");
    return error_hint(err, "Name the role that was granted rds_iam:  " SCHEME
                           "USER@HOST/DATABASE?region=REGION");
}

static bool check_mode(struct wire_settings *settings, struct error *err)
{
    enum tls_mode mode;

    if (wire_settings_get(settings, "sslmode") == NULL)
        return wire_settings_set(settings, "sslmode", "require", err);
    if (!settings_tls_mode(settings, &mode, err))
        return false;
    if (mode >= TLS_REQUIRE)
        return true;
    error_set(err, ERROR_USAGE, SETTING_SSLMODE " \"%.20s\" is too weak for " SCHEME,
              wire_settings_get(settings, "sslmode"));
    return error_hint(err, "A token goes over TLS alone. Set " SETTING_SSLMODE
                           " to require, or better verify-full with " SETTING_SSLROOTCERT
                           "; PGSSLMODE may have set it.");
}

bool settings_tokens_complete(struct wire_settings *settings, struct error *err)
{
    if (!settings->wants_tokens)
        return true;
    /* What the environment or a service has for other servers. */
    return wire_settings_set(settings, "password", NULL, err) &&
           wire_settings_set(settings, "password_command", NULL, err) &&
           check_user(settings, err) && check_mode(settings, err);
}

bool settings_tokens_check_hosts(const struct wire_settings *settings, struct error *err)
{
    return !settings->wants_tokens || check_hosts(settings, err);
}
