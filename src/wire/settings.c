/*
 * Connection settings. Everything known about a parameter is one line of the table: its name, its
 * environment variable, its default, what its value must look like, and whether we act on it.
 */
#include "wire/settings_internal.h"

#include "base/error_names.h"
#include "base/text.h"

#include <stdlib.h>
#include <openssl/crypto.h>

#define NO_OAUTH                                                                                   \
    "pgcask cannot log in by OAuth; give the role a pg_hba.conf line with scram-sha-256 or cert"

static const struct setting_parameter table[] = {
    {.name = "host", .environment = "PGHOST"},
    {.name = "hostaddr", .environment = "PGHOSTADDR"},
    {.name = "port", .environment = "PGPORT", .default_value = "5432"}, /* host_list_read checks */
    {.name = "dbname", .environment = "PGDATABASE"},
    {.name = "user", .environment = "PGUSER"},
    {.name = "password", .environment = "PGPASSWORD", .secret = true},
    {.name = "passfile", .environment = "PGPASSFILE"},
    {.name = "password_command", .environment = "PGCASK_PASSWORD_COMMAND", .ours = true},
    {.name = "region", .ours = true}, /* of postgres+aws:// */
    {.name = "service", .environment = "PGSERVICE"},
    {.name = "servicefile", .environment = "PGSERVICEFILE"},
    {.name = "require_auth", .environment = "PGREQUIREAUTH"},
    {.name = "channel_binding",
     .environment = "PGCHANNELBINDING",
     .kind = SETTING_WORD,
     .words = " disable prefer require "},
    {.name = "options", .environment = "PGOPTIONS"},
    {.name = "application_name", .environment = "PGAPPNAME"},
    {.name = "fallback_application_name"},
    {.name = "client_encoding"},
    {.name = "connect_timeout", .environment = "PGCONNECT_TIMEOUT", .kind = SETTING_INTEGER},
    {.name = "target_session_attrs",
     .environment = "PGTARGETSESSIONATTRS",
     .kind = SETTING_WORD,
     .words = " any read-write read-only primary standby prefer-standby "},
    {.name = "load_balance_hosts",
     .environment = "PGLOADBALANCEHOSTS",
     .kind = SETTING_WORD,
     .words = " disable random "},

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
    {.name = "sslsni",
     .environment = "PGSSLSNI",
     .kind = SETTING_WORD,
     .words = " 0 1 ",
     .may_be_empty = true},
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
    {.name = "replication",
     .kind = SETTING_WORD,
     .words = " true on yes 1 database false off no 0 ",
     .support = SETTING_HARMLESS,
     .may_be_empty = true},

    {.name = "gssencmode",
     .environment = "PGGSSENCMODE",
     .kind = SETTING_WORD,
     .words = " disable prefer require ",
     .support = SETTING_NOT_SUPPORTED,
     .neutral = " disable prefer ",
     .why = "pgcask does not speak GSSAPI; " SETTING_SSLMODE "=verify-full encrypts as well"},
    {.name = "sslnegotiation",
     .environment = "PGSSLNEGOTIATION",
     .kind = SETTING_WORD,
     .words = " postgres direct "},
    {.name = "min_protocol_version", .environment = "PGMINPROTOCOLVERSION"},
    {.name = "max_protocol_version", .environment = "PGMAXPROTOCOLVERSION"},
    {.name = "sslkeylogfile",
     .support = SETTING_NOT_SUPPORTED,
     .why = "pgcask writes the keys of its TLS sessions nowhere"},
    {.name = "scram_client_key", .secret = true},
    {.name = "scram_server_key", .secret = true},
    {.name = "oauth_issuer", .support = SETTING_NOT_SUPPORTED, .why = NO_OAUTH},
    {.name = "oauth_client_id", .support = SETTING_NOT_SUPPORTED, .why = NO_OAUTH},
    {.name = "oauth_client_secret",
     .support = SETTING_NOT_SUPPORTED,
     .secret = true,
     .why = NO_OAUTH},
    {.name = "oauth_scope", .support = SETTING_NOT_SUPPORTED, .why = NO_OAUTH},
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

/* ---- The set ---- */

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
    if (strcmp(table[index].name, "port") == 0)
        settings->port_from_uri = false;
    return true;
}

struct wire_settings *wire_settings_clone(const struct wire_settings *settings, struct error *err)
{
    struct wire_settings *clone = wire_settings_new(err);

    if (clone != NULL) {
        clone->watcher = settings->watcher;
        clone->password_source = settings->password_source;
        clone->token_source = settings->token_source;
        clone->wants_tokens = settings->wants_tokens;
        clone->ignores_environment = settings->ignores_environment;
        clone->database_from = settings->database_from;
        clone->port_from_uri = settings->port_from_uri;
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

void wire_settings_ignore_environment(struct wire_settings *settings)
{
    settings->ignores_environment = true;
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
        return error_hint(err, "Did you mean \"%s\"?", nearest);
    return error_hint(err, "The settings are libpq's, such as host, port, dbname and user.");
}

const char *wire_settings_get(const struct wire_settings *settings, const char *name)
{
    int index = settings_find(name);

    return index < 0 ? NULL : settings->values[index];
}
