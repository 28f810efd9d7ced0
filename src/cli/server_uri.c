/*
 * The scheme says which kind of backup is meant, and the rest is a connection string as libpq
 * takes it; "+bin" is cut out before src/wire sees it. What people type instead of a scheme is
 * answered with the scheme.
 */
#include "cli/server_uri.h"

#include "base/text.h"

#include <string.h>

static const struct {
    const char *scheme;
    bool physical;
} schemes[] = {
    {"postgres+bin", true}, {"postgresql+bin", true}, {"postgres", false},
    {"postgresql", false},  {"postgres+aws", false},  {"postgresql+aws", false},
};

#define SCHEME_COUNT (sizeof(schemes) / sizeof(schemes[0]))

static bool fail_unknown_scheme(const char *shown, struct error *err)
{
    const char *colon = strstr(shown, "://");
    size_t len = colon == NULL ? strlen(shown) : (size_t)(colon - shown);
    const char *names[SCHEME_COUNT];
    char scheme[64];
    const char *nearest;

    len = len < sizeof(scheme) ? len : sizeof(scheme) - 1;
    memcpy(scheme, shown, len);
    scheme[len] = '\0';
    for (size_t i = 0; i < SCHEME_COUNT; i++)
        names[i] = schemes[i].scheme;
    nearest = text_nearest(scheme, names, SCHEME_COUNT);
    error_set(err, ERROR_USAGE, "unknown scheme \"%s://\"", scheme);
    if (nearest != NULL)
        return error_hint(err, "Did you mean %s://?", nearest);
    return error_hint(err, "A server is named by postgres+bin:// or postgres://.");
}

/* What src/wire takes: the scheme without "+bin". Appends to out. */
static bool strip_scheme(struct server_uri *server, const char *uri, const char *shown,
                         struct buffer *out, struct error *err)
{
    const char *colon = strstr(uri, "://");
    size_t len = colon == NULL ? 0 : (size_t)(colon - uri);

    /* In a key=value string "://" may occur in a value. */
    if (colon == NULL || memchr(uri, '=', len) != NULL) {
        if (strchr(uri, '=') != NULL)
            return buffer_append_string(out, uri, err);
        error_set(err, ERROR_USAGE, "\"%s\" names no server", shown);
        return error_hint(err, "A server is named by a URI: postgres+bin://USER@HOST:PORT");
    }
    for (size_t i = 0; i < SCHEME_COUNT; i++) {
        if (strlen(schemes[i].scheme) != len || strncmp(schemes[i].scheme, uri, len) != 0)
            continue;
        server->physical = schemes[i].physical;
        if (!server->physical)
            return buffer_append_string(out, uri, err);
        return buffer_append_string(out, "postgres", err) && buffer_append_string(out, colon, err);
    }
    return fail_unknown_scheme(shown, err);
}

/* A password in the URI would win, and the command never be run. */
static bool check_password(const struct server_uri *server, const char *password_command,
                           struct error *err)
{
    if (password_command == NULL || wire_settings_get(server->settings, "password") == NULL)
        return true;
    error_set(err, ERROR_USAGE, "the URI has a password, and --password-command is given, too");
    return error_hint(err, "Leave one of them out.");
}

static bool check_tokens(const struct server_uri *server, const char *password_command,
                         struct error *err)
{
    if (password_command == NULL || !wire_settings_want_tokens(server->settings))
        return true;
    error_set(err, ERROR_USAGE,
              "the URI says that tokens of AWS IAM are made, and --password-command is given, too");
    return error_hint(err,
                      "Leave the option out, or write postgres:// in place of postgres+aws://.");
}

/* The command was asked for here and now: it counts more than a password from the environment or a
 * service file. */
static bool set_password_command(struct server_uri *server, const char *password_command,
                                 struct error *err)
{
    return password_command == NULL ||
           (wire_settings_set(server->settings, "password_command", password_command, err) &&
            wire_settings_set(server->settings, "password", NULL, err));
}

bool server_uri_parse(struct server_uri *server, const char *uri, const char *shown,
                      const char *password_command, struct error *err)
{
    struct buffer conninfo = {0};
    bool done;

    *server = (struct server_uri){0};
    /* In one piece, because growing would leave copies of the password behind. */
    done = buffer_reserve(&conninfo, strlen(uri) + 16, err) &&
           strip_scheme(server, uri, shown, &conninfo, err) &&
           (server->settings = wire_settings_new(err)) != NULL &&
           wire_settings_parse(server->settings, buffer_text(&conninfo), err);
    if (done)
        server->names_database = wire_settings_get(server->settings, "dbname") != NULL;
    done = done && check_password(server, password_command, err) &&
           check_tokens(server, password_command, err) &&
           wire_settings_complete(server->settings, err) &&
           set_password_command(server, password_command, err);
    buffer_free_secret(&conninfo);
    if (!done)
        server_uri_reset(server);
    return done;
}

static void hold_console(void *console)
{
    console_hold(console);
}

static void release_console(void *console)
{
    console_release(console);
}

bool server_uri_open(struct server_uri *server, const struct command *command, const char *uri,
                     const char *shown, struct error *err)
{
    const struct password_options password = {
        .may_ask = !options_flag(command->options, "no-password"),
        .terminal = command->console,
        .hold = hold_console,
        .release = release_console,
    };

    if (!password.may_ask && options_given(command->options, "password-command")) {
        error_set(err, ERROR_USAGE, "--no-password and --password-command are both given");
        return error_hint(err, "With a command nobody is asked: leave --no-password out.");
    }
    if (!server_uri_parse(server, uri, shown, command_text(command, "password-command"), err))
        return false;
    server->password = password_source_new(&password, err);
    if (server->password == NULL) {
        server_uri_reset(server);
        return false;
    }
    wire_settings_set_password_source(server->settings, password_source_face(server->password));
    if (!aws_login_new(&server->login, server->settings, &command->console->log, err)) {
        server_uri_reset(server);
        return false;
    }
    if (command->guardian != NULL)
        wire_settings_watch(server->settings, guardian_watcher(command->guardian));
    return true;
}

bool server_uri_of_command(struct server_uri *server, const struct command *command,
                           struct error *err)
{
    return server_uri_open(server, command, command_argument(command, 0),
                           options_argument(command->options, 0), err);
}

void server_uri_reset(struct server_uri *server)
{
    wire_settings_free(server->settings);
    password_source_free(server->password);
    aws_login_free(server->login);
    *server = (struct server_uri){.physical = server->physical};
}
