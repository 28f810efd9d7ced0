/*
 * Secrets are overwritten where the kernel keeps them, in argv's own memory, before anything else
 * of the program looks: a process list shows them no longer, and no message can repeat them. Only
 * passwords in a URI's userinfo and in parameters that name one are known as such.
 */
#include "cli/arguments.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void overwrite(char *from, const char *to)
{
    while (from < to)
        *from++ = '*';
}

/* user:PASSWORD@. A password may hold any character, so the last '@' counts: better to hide too
 * much of what is only shown. */
static void hide_userinfo(char *authority)
{
    char *query = strchr(authority, '?');
    char *at, *colon;

    at = query == NULL ? strrchr(authority, '@')
                       : memrchr(authority, '@', (size_t)(query - authority));
    if (at == NULL)
        at = strrchr(authority, '@');
    if (at == NULL)
        return;
    colon = memchr(authority, ':', (size_t)(at - authority));
    if (colon != NULL)
        overwrite(colon + 1, at);
}

/* Where the value that begins at `value` ends. */
static char *value_end(char *value, bool uri)
{
    bool quoted = !uri && *value == '\'';

    if (uri)
        return value + strcspn(value, "&#");
    for (value += quoted; *value != '\0'; value++) {
        if (*value == '\\' && value[1] != '\0')
            value++;
        else if (quoted ? *value == '\'' : isspace((unsigned char)*value))
            break;
    }
    return value;
}

/* A private key may be given by its file's name, which is none. */
static bool is_secret(const char *name, const char *value)
{
    value += *value == '\'';
    return strcmp(name, "sslkey") != 0 || strncmp(value, "-----BEGIN", 10) == 0;
}

static void hide_parameter(char *text, const char *name, bool uri)
{
    char *found = text;

    while ((found = strstr(found, name)) != NULL) {
        found += strlen(name);
        found += strspn(found, " \t\n");
        if (*found != '=')
            continue;
        found++;
        found += strspn(found, " \t\n");
        if (is_secret(name, found))
            overwrite(found, value_end(found, uri));
    }
}

void arguments_hide_secrets(char *text)
{
    /* "password" is the end of "sslpassword" as well. */
    static const char *const secrets[] = {"password", "scram_client_key", "scram_server_key",
                                          "oauth_client_secret", "sslkey"};
    char *authority = strstr(text, "://");

    /* First: a password may hold "password=", and what hides that may take the '@' with it. */
    if (authority != NULL)
        hide_userinfo(authority + 3);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
        hide_parameter(text, secrets[i], authority != NULL);
}

bool arguments_init(struct arguments *arguments, int argc, char **argv, struct error *err)
{
    size_t count = argc > 0 ? (size_t)argc : 0;

    *arguments = (struct arguments){.shown = argv};
    arguments->originals = calloc(count + 1, sizeof(*arguments->originals));
    if (arguments->originals == NULL)
        return error_set_memory(err);
    for (; arguments->count < count; arguments->count++) {
        char *copy = strdup(argv[arguments->count]);

        if (copy == NULL)
            return error_set_memory(err);
        arguments->originals[arguments->count] = copy;
        arguments_hide_secrets(argv[arguments->count]);
    }
    return true;
}

void arguments_free(struct arguments *arguments)
{
    for (size_t i = 0; i < arguments->count; i++) {
        explicit_bzero(arguments->originals[i], strlen(arguments->originals[i]));
        free(arguments->originals[i]);
    }
    free(arguments->originals);
    *arguments = (struct arguments){0};
}

const char *arguments_original(const struct arguments *arguments, const char *shown)
{
    for (size_t i = 0; i < arguments->count; i++) {
        const char *word = arguments->shown[i];
        size_t len = strlen(word);

        if (shown >= word && shown <= word + len)
            return arguments->originals[i] + (shown - word);
    }
    return shown;
}
