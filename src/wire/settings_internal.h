/*
 * What src/wire keeps to itself about connection settings: the table of parameters, the set of
 * their values, and where a password comes from.
 */
#ifndef PGCASK_WIRE_SETTINGS_INTERNAL_H
#define PGCASK_WIRE_SETTINGS_INTERNAL_H

#include "wire/wire.h"

#define SETTINGS_MAX 64 /* at least as many as the table has parameters */

/* What a value must look like; wire_settings_complete checks it. */
enum setting_kind {
    SETTING_TEXT,
    SETTING_PORT,    /* 1 to 65535 */
    SETTING_INTEGER, /* a decimal number that fits an int, with an optional sign */
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
    enum setting_kind kind;
    enum setting_support support;
    bool secret; /* never shown, wiped when freed */
};

struct wire_settings {
    char *values[SETTINGS_MAX]; /* by index into the table */
    const struct wire_watcher *watcher;
    const struct wire_password_source *password_source;
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

/* host, user and dbname where they are not set: what this machine suggests. */
bool settings_from_system(struct wire_settings *settings, struct error *err);

/* Fills what is not set from the environment. */
bool settings_from_environment(struct wire_settings *settings, struct error *err);

/* The folder that home-relative files (".pgpass") are in: $HOME, else the passwd entry's. False if
 * there is neither; that is no error. */
bool settings_home(char *out, size_t out_size);

/* The password to log in with: the "password" setting, else the first line of the passfile that
 * fits. host is as configured: a name, a socket folder, or NULL. For a physical replication session
 * dbname is "replication". *found is false if there is none; `password` is then untouched. Fails
 * only for lack of memory; a passfile that cannot be used is a warning in the log. */
bool wire_settings_password(const struct wire_settings *settings, const char *host,
                            const char *port, const char *dbname, const char *user,
                            struct buffer *password, bool *found, const struct log *log,
                            struct error *err);

#endif
