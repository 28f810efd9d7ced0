/*
 * What src/wire keeps to itself about connection settings: the table of parameters, the set of
 * their values, where these come from and what they mean.
 */
#ifndef PGCASK_WIRE_SETTINGS_INTERNAL_H
#define PGCASK_WIRE_SETTINGS_INTERNAL_H

#include "wire/wire.h"

#include <limits.h>

#define SETTINGS_MAX 64 /* at least as many as the table has parameters */

/* What a value must look like; wire_settings_complete checks it. */
enum setting_kind {
    SETTING_TEXT,
    SETTING_INTEGER, /* a decimal number that fits an int; blanks around it do not matter */
    SETTING_WORD     /* one of setting_parameter.words */
};

/* What happens to a parameter that pgcask does not act on. */
enum setting_support {
    SETTING_SUPPORTED,
    SETTING_HARMLESS,      /* accepted: ignoring it changes nothing a user could rely on */
    SETTING_NOT_SUPPORTED, /* wire_settings_complete refuses any value but a neutral one */
};

struct setting_parameter {
    const char *name;
    const char *environment;   /* PG* variable, or NULL */
    const char *default_value; /* NULL: none, or one that needs a look at the system */
    const char *words;         /* SETTING_WORD: " word word " */
    const char *neutral;       /* SETTING_NOT_SUPPORTED: values that ask for nothing, like words */
    const char *why;           /* SETTING_NOT_SUPPORTED: what to tell the user */
    enum setting_kind kind;
    enum setting_support support;
    bool secret;       /* never shown, wiped when freed */
    bool ours;         /* libpq does not know it */
    bool may_be_empty; /* of a kind that is not text: an empty value is the default */
};

struct wire_settings {
    char *values[SETTINGS_MAX]; /* by index into the table */
    const struct wire_watcher *watcher;
    const struct wire_password_source *password_source, *token_source;
    bool ignores_environment;
    bool wants_tokens;                     /* the scheme was postgres+aws */
    enum wire_database_from database_from; /* once complete */
    bool port_from_uri;                    /* where it may be a piece of a password */
};

/* The table; *count parameters. */
const struct setting_parameter *settings_table(size_t *count);

/* The index of a parameter, or -1. */
int settings_find(const char *name);

/* The known name nearest to this one, or NULL. */
const char *settings_nearest(const char *name);

/* Sets a parameter by index; NULL unsets it. */
bool settings_put(struct wire_settings *settings, size_t index, const char *value,
                  struct error *err);

/* Whether the values for TLS and authentication make sense, together too. */
bool settings_check_security(const struct wire_settings *settings, struct error *err);

/* Of postgres+aws:// (settings_tokens.c): what may not be given with it, or not without it; what
 * stands in for what was not given; and which hosts it can be. */
bool settings_tokens_check_given(const struct wire_settings *settings, struct error *err);
bool settings_tokens_complete(struct wire_settings *settings, struct error *err);
bool settings_tokens_check_hosts(const struct wire_settings *settings, struct error *err);

/* Fills what is not set from the section of a service file, if a service is named. */
bool settings_from_service(struct wire_settings *settings, struct error *err);

/* The same with the file's text: found says whether the section was there. `path` for messages. */
bool settings_read_service(struct wire_settings *settings, struct slice text, const char *path,
                           const char *service, bool *found, struct error *err);

/* host, user and dbname where they are not set: what this machine suggests. */
bool settings_from_system(struct wire_settings *settings, struct error *err);

/* Where a server on this machine is looked for if no host is named: a socket folder, else
 * "localhost". */
const char *settings_default_host(const char *port);

/* Fills what is not set from the environment. */
bool settings_from_environment(struct wire_settings *settings, struct error *err);

/* The folder that home-relative files (".pgpass") are in: $HOME, else the passwd entry's. False if
 * there is neither; that is no error. */
bool settings_home(char *out, size_t out_size);

/* The name of a user of this machine; false if /etc/passwd has none. */
bool settings_user_name(uid_t uid, char *out, size_t out_size);

/* ---- What values mean (settings_values.c) ---- */

/* A number as libpq reads it: blanks around it and a sign are allowed. */
bool settings_parse_integer(const char *text, int *number);

/* The file of a setting, else its default in ~/.postgresql; "" if there is no home either. */
void settings_file_of(const struct wire_settings *settings, const char *setting,
                      const char *default_name, char out[PATH_MAX]);

/* True if a setting holds PEM text itself instead of a file's name. NULL is allowed. */
bool settings_is_pem(const char *value);

/* sslmode, from the least to the most that is asked for. */
enum tls_mode { TLS_DISABLE, TLS_ALLOW, TLS_PREFER, TLS_REQUIRE, TLS_VERIFY_CA, TLS_VERIFY_FULL };
bool settings_tls_mode(const struct wire_settings *settings, enum tls_mode *mode,
                       struct error *err);

/* sslnegotiation=direct: the handshake is the first that goes over the connection. */
bool settings_tls_is_direct(const struct wire_settings *settings);

/* What goes out as SNI: the host's name; NULL if sslsni says nothing shall. */
const char *settings_tls_name(const struct wire_settings *settings, const char *host);

/* ssl_min_protocol_version and ssl_max_protocol_version as OpenSSL counts; *most 0: no bound. */
bool settings_tls_versions(const struct wire_settings *settings, int *least, int *most,
                           struct error *err);

/* scram_client_key or scram_server_key, which are secrets. *given: it is set; key is untouched if
 * not. */
#define SCRAM_KEY_SIZE 32
bool settings_scram_key(const struct wire_settings *settings, const char *setting,
                        uint8_t key[SCRAM_KEY_SIZE], bool *given, struct error *err);

#endif
