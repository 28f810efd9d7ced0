/* Where a password comes from, first to last. */
#include "base/clock.h"
#include "base/error_names.h"
#include "wire/auth_password_internal.h"
#include "wire/settings_internal.h"

static bool ask_source(const struct wire_settings *settings,
                       const struct wire_password_request *request, struct buffer *password,
                       bool *found, struct error *err)
{
    const struct wire_password_source *source = settings->password_source;

    return source == NULL || source->password(source->context, request, password, found, err);
}

/* A token is made, and nothing else will do. */
static bool ask_for_token(const struct wire_settings *settings,
                          const struct wire_password_request *request, struct buffer *token,
                          bool *found, struct error *err)
{
    const struct wire_password_source *source = settings->token_source;

    *found = false;
    if (source == NULL)
        return error_set(err, ERROR_UNSUPPORTED, "nothing here makes tokens of AWS IAM");
    return source->password(source->context, request, token, found, err);
}

/* A password that was to come from a command must not silently come from elsewhere. */
static bool no_source_for_command(struct error *err)
{
    error_set(err, ERROR_UNSUPPORTED, "nothing here can run the " SETTING_PASSWORD_COMMAND);
    return error_hint(err, "Set a password source (wire_settings_set_password_source), or give the "
                           "password itself.");
}

bool auth_find_password(const struct wire_settings *settings,
                        const struct wire_password_request *request, struct buffer *password,
                        bool *found, const struct log *log, struct error *err)
{
    const char *configured = wire_settings_get(settings, "password");
    struct wire_password_request last = *request;

    if (settings->wants_tokens)
        return ask_for_token(settings, request, password, found, err);
    *found = configured != NULL && configured[0] != '\0';
    if (*found)
        return buffer_append_string(password, configured, err);
    if (!ask_source(settings, request, password, found, err))
        return false;
    if (*found)
        return true;
    if (request->command != NULL)
        return no_source_for_command(err);
    if (!passfile_find_password(settings, request, password, found, log, err))
        return false;
    if (*found)
        return true;
    last.last_resort = true;
    last.deadline = DEADLINE_NONE;
    return ask_source(settings, &last, password, found, err);
}
