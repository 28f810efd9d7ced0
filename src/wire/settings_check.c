/* Whether values make sense, and what stands in for those that are missing. */
#include "base/error_names.h"
#include "wire/settings_hosts_internal.h"
#include "wire/settings_internal.h"

#include <stdlib.h>

#define NAME_MOST 63 /* bytes of a name that a server keeps */

static bool word_in(const char *words, const char *word)
{
    size_t len = strlen(word);
    const char *at = words;

    if (len == 0 || strchr(word, ' ') != NULL)
        return false;
    while ((at = strstr(at, word)) != NULL) {
        if (at[-1] == ' ' && at[len] == ' ')
            return true;
        at++;
    }
    return false;
}

static bool bad_value(const struct setting_parameter *parameter, const char *value,
                      struct error *err)
{
    return error_set(err, ERROR_USAGE,
                     "bad value \"%.50s\" of connection setting \"" ERROR_SETTING("%s") "\"", value,
                     parameter->name);
}

static bool check_integer(const struct setting_parameter *parameter, const char *value,
                          struct error *err)
{
    int number;

    if (settings_parse_integer(value, &number))
        return true;
    bad_value(parameter, value, err);
    return error_hint(err, "It is a whole number.");
}

static bool check_word(const struct setting_parameter *parameter, const char *value,
                       struct error *err)
{
    if (word_in(parameter->words, value))
        return true;
    bad_value(parameter, value, err);
    return error_hint(err, "It can be one of:%.*s", (int)strlen(parameter->words) - 1,
                      parameter->words);
}

static bool not_supported(const struct setting_parameter *parameter, struct error *err)
{
    error_set(
        err, ERROR_UNSUPPORTED,
        "the connection setting \"" ERROR_SETTING("%s") "\" is not supported%s" ERROR_OURS("%s"),
        parameter->name, parameter->why != NULL ? ": " : "",
        parameter->why != NULL ? parameter->why : "");
    if (parameter->environment != NULL)
        return error_hint(err, "Leave it out, and unset %s.", parameter->environment);
    return error_hint(err, "Leave it out.");
}

static bool check_value(const struct setting_parameter *parameter, const char *value,
                        struct error *err)
{
    if (value[0] == '\0' && parameter->may_be_empty)
        return true;
    if (parameter->kind == SETTING_INTEGER && !check_integer(parameter, value, err))
        return false;
    if (parameter->kind == SETTING_WORD && !check_word(parameter, value, err))
        return false;
    if (parameter->support != SETTING_NOT_SUPPORTED || value[0] == '\0')
        return true;
    if (parameter->neutral != NULL && word_in(parameter->neutral, value))
        return true;
    return not_supported(parameter, err);
}

static bool check_values(const struct wire_settings *settings, struct error *err)
{
    size_t count;
    const struct setting_parameter *table = settings_table(&count);

    for (size_t i = 0; i < count; i++) {
        if (settings->values[i] != NULL && !check_value(&table[i], settings->values[i], err))
            return false;
    }
    return true;
}

/* The system's own certificates vouch for any name, so that only verify-full makes sense. */
static bool complete_sslmode(struct wire_settings *settings, struct error *err)
{
    const char *root = wire_settings_get(settings, "sslrootcert");
    const char *mode = wire_settings_get(settings, "sslmode");

    if (root == NULL || strcmp(root, "system") != 0)
        return true;
    if (mode == NULL)
        return wire_settings_set(settings, "sslmode", "verify-full", err);
    if (strcmp(mode, "verify-full") == 0)
        return true;
    error_set(err, ERROR_USAGE,
              SETTING_SSLMODE " \"%.50s\" is too weak for " SETTING_SSLROOTCERT "=system", mode);
    return error_hint(err, "Set " SETTING_SSLMODE "=verify-full.");
}

/* An empty value that may be empty stands for the default, and kept the environment from being
 * asked. */
static void drop_empty(struct wire_settings *settings)
{
    for (size_t i = 0; i < SETTINGS_MAX; i++) {
        if (settings->values[i] != NULL && settings->values[i][0] == '\0') {
            free(settings->values[i]);
            settings->values[i] = NULL;
        }
    }
}

static bool fill_defaults(struct wire_settings *settings, struct error *err)
{
    size_t count;
    const struct setting_parameter *table = settings_table(&count);

    for (size_t i = 0; i < count; i++) {
        if (settings->values[i] == NULL && table[i].default_value != NULL &&
            !settings_put(settings, i, table[i].default_value, err))
            return false;
    }
    return settings_from_system(settings, err);
}

static bool check_hosts(const struct wire_settings *settings, struct error *err)
{
    struct host_list hosts;

    if (!host_list_read(&hosts, settings, err))
        return false;
    host_list_free(&hosts);
    return true;
}

static bool has(const struct wire_settings *settings, const char *name)
{
    const char *value = wire_settings_get(settings, name);

    return value != NULL && value[0] != '\0';
}

/* Servers cut what is longer, and so would mean another one. */
bool wire_check_name(const char *what, const char *name, struct error *err)
{
    if (name == NULL || strlen(name) <= NAME_MOST)
        return true;
    error_set(err, ERROR_USAGE, "the name of the %s has %zu bytes: \"%s\"", what, strlen(name),
              name);
    return error_hint(err,
                      "A name has at most %d bytes (of UTF-8, not characters); PostgreSQL "
                      "would cut off the rest.",
                      NAME_MOST);
}

enum wire_database_from wire_settings_database_from(const struct wire_settings *settings)
{
    return settings->database_from;
}

bool wire_settings_complete(struct wire_settings *settings, struct error *err)
{
    bool service = has(settings, "service"), named = has(settings, "dbname");

    if (!settings_tokens_check_given(settings, err) || !settings_from_service(settings, err))
        return false;
    named = named || (service && has(settings, "dbname"));
    if (!settings_from_environment(settings, err) || !check_values(settings, err) ||
        !wire_check_name("database", wire_settings_get(settings, "dbname"), err))
        return false;
    settings->database_from = named                     ? WIRE_DATABASE_NAMED
                              : has(settings, "dbname") ? WIRE_DATABASE_OF_ENVIRONMENT
                                                        : WIRE_DATABASE_LIKE_USER;
    drop_empty(settings);
    return complete_sslmode(settings, err) && settings_tokens_complete(settings, err) &&
           fill_defaults(settings, err) && settings_check_security(settings, err) &&
           check_hosts(settings, err) && settings_tokens_check_hosts(settings, err);
}
