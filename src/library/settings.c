/* Settings are those of src/wire; what is added is whether they are complete, and the ways from its
 * callbacks to the caller's. */
#include "library/library_internal.h"

#include "aws/login.h"

#include <stdlib.h>

struct pgcask_settings {
    struct wire_settings *wire;
    struct aws_login *login; /* of postgres+aws:// */
    bool use_environment, complete;

    struct wire_password_source password_source;
    bool (*ask_password)(void *context, const struct pgcask_password_request *request,
                         struct pgcask_password *password, struct pgcask_error *error);
    void *password_context;

    struct wire_watcher watcher;
    void (*opened)(void *context, const struct pgcask_session *session);
    void (*closed)(void *context, const struct pgcask_session *session);
    void *session_context;
};

struct pgcask_settings *pgcask_settings_new(struct pgcask_error *error)
{
    struct pgcask_settings *settings = calloc(1, sizeof(*settings));
    struct error err;

    if (settings == NULL)
        error_set_memory(&err);
    else if ((settings->wire = wire_settings_new(&err)) != NULL)
        return settings;
    free(settings);
    library_fail(error, &err);
    return NULL;
}

void pgcask_settings_free(struct pgcask_settings *settings)
{
    if (settings == NULL)
        return;
    wire_settings_free(settings->wire);
    aws_login_free(settings->login);
    free(settings);
}

bool pgcask_settings_parse(struct pgcask_settings *settings, const char *conninfo,
                           struct pgcask_error *error)
{
    struct error err;

    settings->complete = false;
    return wire_settings_parse(settings->wire, conninfo, &err) || library_fail(error, &err);
}

bool pgcask_settings_set(struct pgcask_settings *settings, const char *name, const char *value,
                         struct pgcask_error *error)
{
    struct error err;

    settings->complete = false;
    return wire_settings_set(settings->wire, name, value, &err) || library_fail(error, &err);
}

const char *pgcask_settings_get(const struct pgcask_settings *settings, const char *name)
{
    return wire_settings_get(settings->wire, name);
}

void pgcask_settings_use_environment(struct pgcask_settings *settings)
{
    settings->use_environment = true;
    settings->complete = false;
}

bool pgcask_settings_complete(struct pgcask_settings *settings, struct pgcask_error *error)
{
    struct error err;

    if (!settings->use_environment)
        wire_settings_ignore_environment(settings->wire);
    wire_settings_set_token_source(settings->wire, NULL);
    aws_login_free(settings->login);
    settings->login = NULL;
    settings->complete = wire_settings_complete(settings->wire, &err) &&
                         aws_login_new(&settings->login, settings->wire, NULL, &err);
    return settings->complete || library_fail(error, &err);
}

bool library_settings_check(const struct pgcask_settings *settings,
                            const struct wire_settings **wire, struct error *err)
{
    *wire = settings->wire;
    if (settings->complete)
        return true;
    error_set(err, ERROR_USAGE, "the settings are not complete");
    return error_hint(err, "Call pgcask_settings_complete after the last change of them.");
}

/* ---- Passwords ---- */

struct pgcask_password {
    struct buffer *out;
    bool given;
};

bool pgcask_password_give(struct pgcask_password *password, const char *text, size_t len,
                          struct pgcask_error *error)
{
    struct error err;

    password->given = true;
    return buffer_append(password->out, text, len, &err) || library_fail(error, &err);
}

static bool ask_password(void *context, const struct wire_password_request *request,
                         struct buffer *out, bool *found, struct error *err)
{
    const struct pgcask_settings *settings = context;
    const struct pgcask_password_request published = {
        .host = request->host,
        .port = request->port,
        .database = request->database,
        .user = request->user,
        .command = request->command,
        .last_resort = request->last_resort,
    };
    struct pgcask_password password = {.out = out};
    struct pgcask_error error = {.struct_size = sizeof(error)};

    library_error_clear(&error);
    if (!settings->ask_password(settings->password_context, &published, &password, &error))
        return library_fail_by_callback(err, &error, "password");
    *found = password.given;
    return true;
}

void pgcask_settings_set_password_callback(
    struct pgcask_settings *settings,
    bool (*callback)(void *context, const struct pgcask_password_request *request,
                     struct pgcask_password *password, struct pgcask_error *error),
    void *context)
{
    settings->ask_password = callback;
    settings->password_context = context;
    settings->password_source = (struct wire_password_source){settings, ask_password};
    wire_settings_set_password_source(settings->wire,
                                      callback == NULL ? NULL : &settings->password_source);
}

/* ---- Sessions ---- */

static struct pgcask_session publish(const struct wire_session *session)
{
    static const enum pgcask_encryption encryptions[] = {
        [WIRE_IN_CLEAR] = PGCASK_IN_CLEAR,
        [WIRE_TLS] = PGCASK_TLS,
        [WIRE_TLS_DIRECT] = PGCASK_TLS_DIRECT,
    };

    return (struct pgcask_session){
        .address = session->address,
        .address_len = session->address_len,
        .pid = session->backend_pid,
        .key = session->key.data,
        .key_len = session->key.len,
        .encryption = encryptions[session->encryption],
        .server_name = session->announced,
    };
}

static void session_opened(void *context, const struct wire_session *session)
{
    const struct pgcask_settings *settings = context;
    const struct pgcask_session published = publish(session);

    if (settings->opened != NULL)
        settings->opened(settings->session_context, &published);
}

static void session_closed(void *context, const struct wire_session *session)
{
    const struct pgcask_settings *settings = context;
    const struct pgcask_session published = publish(session);

    if (settings->closed != NULL)
        settings->closed(settings->session_context, &published);
}

void pgcask_settings_watch_sessions(
    struct pgcask_settings *settings,
    void (*opened)(void *context, const struct pgcask_session *session),
    void (*closed)(void *context, const struct pgcask_session *session), void *context)
{
    settings->opened = opened;
    settings->closed = closed;
    settings->session_context = context;
    settings->watcher = (struct wire_watcher){settings, session_opened, session_closed};
    wire_settings_watch(settings->wire,
                        opened == NULL && closed == NULL ? NULL : &settings->watcher);
}
