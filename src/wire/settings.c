/*
 * Connection settings. Everything known about a parameter is one line of the table: its name, its
 * environment variable, its default, what its value must look like, and whether we act on it.
 */
#include "wire/settings_internal.h"

#include "base/bytes.h"
#include "base/text.h"

#include <limits.h>
#include <stdlib.h>
#include <openssl/crypto.h>

static const struct setting_parameter table[] = {
    {.name = "host", .environment = "PGHOST"},
    {.name = "hostaddr", .environment = "PGHOSTADDR"},
    {.name = "port", .environment = "PGPORT", .default_value = "5432", .kind = SETTING_PORT},
    {.name = "dbname", .environment = "PGDATABASE"},
    {.name = "user", .environment = "PGUSER"},
    {.name = "password", .environment = "PGPASSWORD", .secret = true},
    {.name = "passfile", .environment = "PGPASSFILE"},
    {.name = "require_auth", .environment = "PGREQUIREAUTH"},
    {.name = "channel_binding",
     .environment = "PGCHANNELBINDING",
     .kind = SETTING_WORD,
     .words = " disable prefer require "},
    {.name = "options", .environment = "PGOPTIONS"},
    {.name = "application_name", .environment = "PGAPPNAME"},
    {.name = "fallback_application_name"},
    {.name = "client_encoding", .environment = "PGCLIENTENCODING"},
    {.name = "connect_timeout", .environment = "PGCONNECT_TIMEOUT", .kind = SETTING_INTEGER},

    {.name = "sslmode",
     .environment = "PGSSLMODE",
     .default_value = "prefer",
     .kind = SETTING_WORD,
     .words = " disable allow prefer require verify-ca verify-full "},
    {.name = "sslrootcert", .environment = "PGSSLROOTCERT"},
    {.name = "sslcert", .environment = "PGSSLCERT"},
    {.name = "sslkey", .environment = "PGSSLKEY"},
    {.name = "sslpassword", .secret = true},
    {.name = "sslcertmode",
     .environment = "PGSSLCERTMODE",
     .kind = SETTING_WORD,
     .words = " disable allow require "},
    {.name = "sslcrl", .environment = "PGSSLCRL"},
    {.name = "sslcrldir", .environment = "PGSSLCRLDIR"},
    {.name = "sslsni", .environment = "PGSSLSNI", .kind = SETTING_WORD, .words = " 0 1 "},
    {.name = "ssl_min_protocol_version", .environment = "PGSSLMINPROTOCOLVERSION"},
    {.name = "ssl_max_protocol_version", .environment = "PGSSLMAXPROTOCOLVERSION"},
    {.name = "requirepeer", .environment = "PGREQUIREPEER"},
    {.name = "keepalives", .kind = SETTING_INTEGER},
    {.name = "keepalives_idle", .kind = SETTING_INTEGER},
    {.name = "keepalives_interval", .kind = SETTING_INTEGER},
    {.name = "keepalives_count", .kind = SETTING_INTEGER},
    {.name = "tcp_user_timeout", .kind = SETTING_INTEGER},

    /* TLS compression and GSS are off whatever these say; a server that insists on GSS is an error
     * of its own. Which kind of session we open is ours to say. */
    {.name = "sslcompression", .environment = "PGSSLCOMPRESSION", .support = SETTING_HARMLESS},
    {.name = "krbsrvname", .environment = "PGKRBSRVNAME", .support = SETTING_HARMLESS},
    {.name = "gsslib", .environment = "PGGSSLIB", .support = SETTING_HARMLESS},
    {.name = "gssdelegation", .environment = "PGGSSDELEGATION", .support = SETTING_HARMLESS},
    {.name = "replication", .support = SETTING_HARMLESS},
    {.name = "max_protocol_version",
     .environment = "PGMAXPROTOCOLVERSION",
     .support = SETTING_HARMLESS},

    {.name = "gssencmode",
     .environment = "PGGSSENCMODE",
     .kind = SETTING_WORD,
     .words = " disable prefer require ",
     .support = SETTING_NOT_SUPPORTED,
     .neutral = " disable prefer "},
    {.name = "sslnegotiation",
     .environment = "PGSSLNEGOTIATION",
     .kind = SETTING_WORD,
     .words = " postgres direct ",
     .support = SETTING_NOT_SUPPORTED,
     .neutral = " postgres "},
    {.name = "target_session_attrs",
     .environment = "PGTARGETSESSIONATTRS",
     .kind = SETTING_WORD,
     .words = " any read-write read-only primary standby prefer-standby ",
     .support = SETTING_NOT_SUPPORTED,
     .neutral = " any "},
    {.name = "load_balance_hosts",
     .environment = "PGLOADBALANCEHOSTS",
     .kind = SETTING_WORD,
     .words = " disable random ",
     .support = SETTING_NOT_SUPPORTED,
     .neutral = " disable "},
    {.name = "min_protocol_version",
     .environment = "PGMINPROTOCOLVERSION",
     .support = SETTING_NOT_SUPPORTED,
     .neutral = " 3.0 "},
    {.name = "service", .environment = "PGSERVICE", .support = SETTING_NOT_SUPPORTED},
    {.name = "servicefile", .support = SETTING_NOT_SUPPORTED},
    {.name = "sslkeylogfile", .support = SETTING_NOT_SUPPORTED},
    {.name = "scram_client_key", .support = SETTING_NOT_SUPPORTED, .secret = true},
    {.name = "scram_server_key", .support = SETTING_NOT_SUPPORTED, .secret = true},
    {.name = "oauth_issuer", .support = SETTING_NOT_SUPPORTED},
    {.name = "oauth_client_id", .support = SETTING_NOT_SUPPORTED},
    {.name = "oauth_client_secret", .support = SETTING_NOT_SUPPORTED, .secret = true},
    {.name = "oauth_scope", .support = SETTING_NOT_SUPPORTED},
};

#define TABLE_COUNT (sizeof(table) / sizeof(table[0]))

_Static_assert(TABLE_COUNT <= SETTINGS_MAX, "struct wire_settings has a value for each parameter");

const struct setting_parameter *settings_table(size_t *count)
{
    *count = TABLE_COUNT;
    return table;
}

int settings_find(const char *name)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

/* ---- The set ------------------------------------------------------------------------------- */

static void value_free(char *value)
{
    if (value != NULL)
        OPENSSL_cleanse(value, strlen(value));
    free(value);
}

struct wire_settings *wire_settings_new(struct error *err)
{
    struct wire_settings *settings = calloc(1, sizeof(*settings));

    if (settings == NULL)
        error_set_memory(err);
    return settings;
}

void wire_settings_free(struct wire_settings *settings)
{
    if (settings == NULL)
        return;
    for (size_t i = 0; i < TABLE_COUNT; i++)
        value_free(settings->values[i]);
    free(settings);
}

bool settings_put(struct wire_settings *settings, size_t index, const char *value,
                  struct error *err)
{
    char *copy = value == NULL ? NULL : strdup(value);

    if (value != NULL && copy == NULL)
        return error_set_memory(err);
    value_free(settings->values[index]);
    settings->values[index] = copy;
    return true;
}

struct wire_settings *wire_settings_clone(const struct wire_settings *settings, struct error *err)
{
    struct wire_settings *clone = wire_settings_new(err);

    if (clone != NULL) {
        clone->watcher = settings->watcher;
        clone->password_source = settings->password_source;
    }
    for (size_t i = 0; clone != NULL && i < TABLE_COUNT; i++) {
        if (!settings_put(clone, i, settings->values[i], err)) {
            wire_settings_free(clone);
            return NULL;
        }
    }
    return clone;
}

void wire_settings_watch(struct wire_settings *settings, const struct wire_watcher *watcher)
{
    settings->watcher = watcher;
}

void wire_settings_set_password_source(struct wire_settings *settings,
                                       const struct wire_password_source *source)
{
    settings->password_source = source;
}

const char *settings_nearest(const char *name)
{
    const char *names[TABLE_COUNT];

    for (size_t i = 0; i < TABLE_COUNT; i++)
        names[i] = table[i].name;
    return text_nearest(name, names, TABLE_COUNT);
}

bool wire_settings_set(struct wire_settings *settings, const char *name, const char *value,
                       struct error *err)
{
    int index = settings_find(name);
    const char *nearest;

    if (index >= 0)
        return settings_put(settings, (size_t)index, value, err);
    error_set(err, ERROR_USAGE, "unknown connection setting \"%s\"", name);
    nearest = settings_nearest(name);
    if (nearest != NULL)
        error_hint(err, "Did you mean \"%s\"?", nearest);
    return false;
}

const char *wire_settings_get(const struct wire_settings *settings, const char *name)
{
    int index = settings_find(name);

    return index < 0 ? NULL : settings->values[index];
}

/* ---- Checking ------------------------------------------------------------------------------ */

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

static bool all_digits(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
}

/* A text that is no number may be a piece of a password: "postgres://user:secret" without an @ puts
 * the secret where the port is. It is not shown. */
static bool check_port(const char *value, struct error *err)
{
    uint64_t port;

    if (bytes_parse_u64(slice_string(value), &port) && port >= 1 && port <= 65535)
        return true;
    error_set(err, ERROR_USAGE, "bad port%s%.20s: it must be a number from 1 to 65535",
              all_digits(value) ? " " : "", all_digits(value) ? value : "");
    return error_hint(err, "In a URI, bytes of a password other than letters and digits are "
                           "written as %%XX, and @ stands behind it.");
}

static bool check_integer(const char *name, const char *value, struct error *err)
{
    bool sign = value[0] == '-' || value[0] == '+';
    uint64_t number;

    if (bytes_parse_u64(slice_string(value + (sign ? 1 : 0)), &number) && number <= INT_MAX)
        return true;
    return error_set(err, ERROR_USAGE, "bad value \"%.50s\" of connection setting \"%s\"", value,
                     name);
}

static bool check_word(const struct setting_parameter *parameter, const char *value,
                       struct error *err)
{
    if (word_in(parameter->words, value))
        return true;
    error_set(err, ERROR_USAGE, "bad value \"%.50s\" of connection setting \"%s\"", value,
              parameter->name);
    return error_hint(err, "It can be one of:%.*s", (int)strlen(parameter->words) - 1,
                      parameter->words);
}

static bool not_supported(const struct setting_parameter *parameter, struct error *err)
{
    error_set(err, ERROR_UNSUPPORTED, "the connection setting \"%s\" is not supported yet",
              parameter->name);
    if (parameter->environment != NULL)
        return error_hint(err, "Leave it out, and unset %s.", parameter->environment);
    return error_hint(err, "Leave it out.");
}

static bool check_value(const struct setting_parameter *parameter, const char *value,
                        struct error *err)
{
    switch (parameter->kind) {
    case SETTING_TEXT:
        break;
    case SETTING_PORT:
        if (!check_port(value, err))
            return false;
        break;
    case SETTING_INTEGER:
        if (!check_integer(parameter->name, value, err))
            return false;
        break;
    case SETTING_WORD:
        if (!check_word(parameter, value, err))
            return false;
        break;
    }
    if (parameter->support != SETTING_NOT_SUPPORTED)
        return true;
    if (parameter->neutral != NULL && word_in(parameter->neutral, value))
        return true;
    return not_supported(parameter, err);
}

static bool check_single_host(const struct wire_settings *settings, struct error *err)
{
    static const char *const names[] = {"host", "hostaddr", "port"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = wire_settings_get(settings, names[i]);

        if (value == NULL || strchr(value, ',') == NULL)
            continue;
        error_set(err, ERROR_UNSUPPORTED, "several values of \"%s\" are not supported yet",
                  names[i]);
        return error_hint(err, "Name one server.");
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
    error_set(err, ERROR_USAGE, "sslmode \"%.50s\" is too weak for sslrootcert=system", mode);
    return error_hint(err, "sslmode=verify-full");
}

/* An empty value stands for the default, and keeps the environment from being asked. */
static void drop_empty(struct wire_settings *settings)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (settings->values[i] != NULL && settings->values[i][0] == '\0') {
            free(settings->values[i]);
            settings->values[i] = NULL;
        }
    }
}

static bool fill_defaults(struct wire_settings *settings, struct error *err)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (settings->values[i] == NULL && table[i].default_value != NULL &&
            !settings_put(settings, i, table[i].default_value, err))
            return false;
    }
    return settings_from_system(settings, err);
}

bool wire_settings_complete(struct wire_settings *settings, struct error *err)
{
    if (!settings_from_environment(settings, err))
        return false;
    drop_empty(settings);
    if (!check_single_host(settings, err))
        return false;
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (settings->values[i] != NULL && !check_value(&table[i], settings->values[i], err))
            return false;
    }
    return complete_sslmode(settings, err) && fill_defaults(settings, err);
}
