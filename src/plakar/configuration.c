/*
 * Keys are looked up in the option table, so that a key is an option and needs no code here. What
 * stays is how they become connection settings, and what makes no sense together: two answers to
 * one question.
 */
#include "plakar/configuration.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

void configuration_key(const char *option, char out[CONFIGURATION_KEY_SIZE])
{
    snprintf(out, CONFIGURATION_KEY_SIZE, "%s", option);
    for (; *out != '\0'; out++) {
        if (*out == '-')
            *out = '_';
    }
}

/* ---- Keys and values ---- */

static bool belongs(const struct configuration *configuration, const struct option_spec *spec)
{
    return (spec->commands & OPTION_COMMAND(configuration->options.command)) != 0;
}

static const struct option_spec *find_key(const struct configuration *configuration,
                                          const char *key)
{
    const struct option_program *program = configuration->options.program;
    char known[CONFIGURATION_KEY_SIZE];

    for (size_t i = 0; i < program->option_count; i++) {
        configuration_key(program->options[i].name, known);
        if (belongs(configuration, &program->options[i]) && strcmp(known, key) == 0)
            return &program->options[i];
    }
    return NULL;
}

static bool hint_nearest(const struct configuration *configuration, const char *key,
                         struct error *err)
{
    const struct option_program *program = configuration->options.program;
    char(*keys)[CONFIGURATION_KEY_SIZE] = calloc(program->option_count + 1, sizeof(*keys));
    const char **names = calloc(program->option_count + 1, sizeof(*names));
    const char *nearest;
    size_t count = 0;

    for (size_t i = 0; keys != NULL && names != NULL && i < program->option_count; i++) {
        if (!belongs(configuration, &program->options[i]))
            continue;
        configuration_key(program->options[i].name, keys[count]);
        names[count] = keys[count];
        count++;
    }
    nearest = text_nearest(key, names, count);
    if (nearest != NULL)
        error_hint(err, "Did you mean %s?", nearest);
    free(keys);
    free(names);
    return false;
}

static bool fail_unknown(const struct configuration *configuration, const char *key,
                         struct error *err)
{
    error_set(err, ERROR_USAGE, "unknown option \"%.100s\"", key);
    if (strcmp(key, "restore_globals") == 0) /* of the official integration's first versions */
        return error_hint(err, "Roles and tablespaces are restored without it, and left out with "
                               "no_globals.");
    return hint_nearest(configuration, key, err);
}

static bool set_option(struct configuration *configuration, const struct connector_setting *given,
                       struct error *err)
{
    const struct option_spec *spec = find_key(configuration, given->key);
    char *copy;

    if (spec == NULL)
        return fail_unknown(configuration, given->key, err);
    if (given->value[0] == '\0') /* a form that was not filled in */
        return true;
    copy = strdup(given->value);
    if (copy == NULL)
        return error_set_memory(err);
    configuration->texts[configuration->text_count++] = copy;
    return options_set(&configuration->options, given->key, copy, err);
}

static bool set_options(struct configuration *configuration,
                        const struct connector_request *request, struct error *err)
{
    configuration->texts = calloc(request->setting_count + 1, sizeof(*configuration->texts));
    if (configuration->texts == NULL)
        return error_set_memory(err);
    for (size_t i = 0; i < request->setting_count; i++) {
        if (!set_option(configuration, &request->settings[i], err))
            return false;
    }
    return true;
}

/* ---- The connection ---- */

/* The location without its scheme: "//user@host/db". */
static const char *after_scheme(const char *location)
{
    size_t n =
        strspn(location, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

    return location[n] == ':' ? location + n + 1 : location;
}

static bool read_location(struct configuration *configuration, struct error *err)
{
    const char *location = options_text(&configuration->options, "location");
    const char *rest = location == NULL ? "//" : after_scheme(location);
    struct buffer uri = {0};
    bool done;

    if (strncmp(rest, "//", 2) == 0)
        rest += 2;
    /* In one piece, because growing would leave copies of the password behind. */
    done = buffer_reserve(&uri, strlen(rest) + 32, err) &&
           buffer_append_string(&uri, configuration->tokens ? "postgres+aws://" : "postgres://",
                                err) &&
           buffer_append_string(&uri, rest, err) &&
           wire_settings_parse(configuration->settings, buffer_text(&uri), err);
    buffer_free_secret(&uri);
    return done;
}

const struct configuration_setting configuration_settings[] = {
    {"host", "host"},
    {"port", "port"},
    {"username", "user"},
    {"password", "password"},
    {"password-command", "password_command"},
    {"region", "region"},
    {"database", "dbname"},
    {"ssl-mode", "sslmode"},
    {"ssl-cert", "sslcert"},
    {"ssl-cert-data", "sslcert"},
    {"ssl-key", "sslkey"},
    {"ssl-key-data", "sslkey"},
    {"ssl-root-cert", "sslrootcert"},
    {"ssl-root-cert-data", "sslrootcert"},
    {NULL, NULL},
};

static bool read_connection(struct configuration *configuration, const struct log *log,
                            struct error *err)
{
    configuration->settings = wire_settings_new(err);
    if (configuration->settings == NULL || !read_location(configuration, err))
        return false;
    for (size_t i = 0; configuration_settings[i].option != NULL; i++) {
        const struct configuration_setting *from = &configuration_settings[i];
        const char *value = options_text(&configuration->options, from->option);

        if (value != NULL && !wire_settings_set(configuration->settings, from->setting, value, err))
            return false;
    }
    if (!wire_settings_complete(configuration->settings, err) ||
        !aws_login_new(&configuration->login, configuration->settings, log, err))
        return false;
    configuration->all_databases =
        !configuration->physical &&
        wire_settings_database_from(configuration->settings) != WIRE_DATABASE_NAMED;
    /* A key wins over the location and the environment, whose password would keep it from being
     * run. */
    return !options_given(&configuration->options, "password-command") ||
           wire_settings_set(configuration->settings, "password", NULL, err);
}

/* ---- What makes no sense together ---- */

static bool check_inline(const struct configuration *configuration, struct error *err)
{
    static const char *const names[] = {"ssl-cert-data", "ssl-key-data", "ssl-root-cert-data"};
    char key[CONFIGURATION_KEY_SIZE];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = options_text(&configuration->options, names[i]);

        if (value == NULL || strncmp(value, "-----BEGIN", 10) == 0)
            continue;
        configuration_key(names[i], key);
        error_set(err, ERROR_USAGE, "%s is not in PEM form", key);
        return error_hint(err, "Its value is the file's content, which begins with -----BEGIN.");
    }
    return true;
}

/* Two answers to one question, of which one would be forgotten. */
static bool check_doubles(const struct configuration *configuration, struct error *err)
{
    static const char *const doubles[][2] = {{"ssl-cert", "ssl-cert-data"},
                                             {"ssl-key", "ssl-key-data"},
                                             {"ssl-root-cert", "ssl-root-cert-data"},
                                             {"password", "password-command"}};

    for (size_t i = 0; i < sizeof(doubles) / sizeof(doubles[0]); i++) {
        if (!options_given(&configuration->options, doubles[i][0]) ||
            !options_given(&configuration->options, doubles[i][1]))
            continue;
        error_set(err, ERROR_USAGE, ERROR_OPTION("%s") " and " ERROR_OPTION("%s") " are both set",
                  doubles[i][0], doubles[i][1]);
        return error_hint(err, "Leave one of them out.");
    }
    return true;
}

/* Those of the official integration, in all of its versions. */
static void note_programs(const struct configuration *configuration, const struct log *log)
{
    static const char *const names[] = {"pg-bin-dir", "pg-dump", "pg-dumpall", "pg-restore",
                                        "psql"};
    char key[CONFIGURATION_KEY_SIZE];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        configuration_key(names[i], key);
        if (options_given(&configuration->options, names[i]))
            log_message(log, LOG_WARNING, "%s is ignored: no PostgreSQL program is run", key);
    }
}

static bool read_all(struct configuration *configuration, const struct configuration_table *table,
                     const struct connector_request *request, const struct log *log,
                     struct error *err)
{
    size_t len = strlen(request->scheme);

    configuration->restores = request->direction == CONNECTOR_EXPORTS;
    configuration->physical = len > 4 && strcmp(request->scheme + len - 4, "+bin") == 0;
    configuration->tokens = len > 4 && strcmp(request->scheme + len - 4, "+aws") == 0;
    if (configuration->restores && configuration->physical) {
        error_set(err, ERROR_USAGE, "a physical backup is not restored into a server");
        return error_hint(err, "It is restored to a directory:  plakar restore -to DIRECTORY");
    }
    if (!options_init(&configuration->options, table->program,
                      configuration->restores ? table->of_destinations : table->of_sources, err) ||
        !set_options(configuration, request, err) || !check_inline(configuration, err) ||
        !check_doubles(configuration, err) ||
        !options_check_scope(&configuration->options,
                             configuration->physical ? OPTION_OF_PHYSICAL : OPTION_OF_LOGICAL, err))
        return false;
    note_programs(configuration, log);
    return read_connection(configuration, log, err);
}

bool configuration_read(struct configuration *configuration,
                        const struct configuration_table *table,
                        const struct connector_request *request, const struct log *log,
                        struct error *err)
{
    *configuration = (struct configuration){0};
    if (read_all(configuration, table, request, log, err))
        return true;
    configuration_free(configuration);
    return false;
}

void configuration_free(struct configuration *configuration)
{
    if (configuration->options.program != NULL)
        options_free(&configuration->options);
    wire_settings_free(configuration->settings);
    aws_login_free(configuration->login);
    for (size_t i = 0; i < configuration->text_count; i++) {
        explicit_bzero(configuration->texts[i], strlen(configuration->texts[i]));
        free(configuration->texts[i]);
    }
    free(configuration->texts);
    *configuration = (struct configuration){0};
}
