/*
 * The server's configuration files: postgresql.conf, pg_hba.conf and pg_ident.conf, what they
 * include, and the certificates they name. BASE_BACKUP sends those that lie in the data directory;
 * the others (Debian keeps them in /etc/postgresql) and those that are links in it are read by SQL
 * before the backup begins, and become records under /config if they did not come with the data.
 *
 * Private keys (ssl_key_file, krb_server_keyfile) are named, never read; another file with one in
 * it is not kept. Passwords in settings are configuration and are kept.
 */
#ifndef PGCASK_BACKUP_CONFIGURATION_H
#define PGCASK_BACKUP_CONFIGURATION_H

#include "backup/sessions_internal.h"
#include "record/record.h"

#include <jansson.h>

enum configuration_state {
    CONFIGURATION_READ,   /* its content is held */
    CONFIGURATION_FOLDER, /* an include_dir */
    CONFIGURATION_CAME,   /* it lies in the data directory and came with it */
    CONFIGURATION_SECRET, /* a private key */
    CONFIGURATION_DENIED, /* the role lacks the rights that configuration_rights_remedy gives */
    CONFIGURATION_FAILED  /* see reason */
};

struct configuration_item {
    enum configuration_state state;
    const char *setting;   /* "config_file", …, "include" */
    char *path;            /* on the server, absolute; NULL: the role may not know it */
    struct buffer content; /* CONFIGURATION_READ */
    char reason[160];
};

struct configuration {
    bool known;           /* the role may see where the files are */
    char *data_directory; /* NULL: not known */
    char *database;       /* of the session that asked; NULL: there was none … */
    char no_session[512]; /* … and what would give one, or "" */
    char *databases; /* the OIDs of those whose folders are in base/, as text; NULL: not known */
    struct configuration_item *items;
    size_t count;
    size_t bytes;  /* of all contents */
    unsigned came; /* which of the three that every server has came with the data */
};

/* Asks and reads. What cannot be had is an item that says why: false only without memory or when
 * cancelled. */
bool configuration_gather(struct configuration *configuration, const struct wire_settings *settings,
                          struct cancel *cancel, const struct log *log, struct error *err);
void configuration_reset(struct configuration *configuration);

/* A file of the data directory has come; the path is that of its record. */
void configuration_note_file(struct configuration *configuration, const char *record_path);

/* All files have come: adds what must be missing although the role could not ask for it. */
bool configuration_settle(struct configuration *configuration, struct error *err);

/* Whether a path lies in the data directory, as far as that is known. */
bool configuration_is_inside(const struct configuration *configuration, const char *path);

/* True for items that /config holds. */
bool configuration_is_kept(const struct configuration_item *item);

/* For summary.json: where the data directory was, what is kept, what is missing and why. */
json_t *configuration_describe(const struct configuration *configuration);

/* For preflight, by a session that is there: the files outside the data directory that the role may
 * not read, as a list for people. False if there are none. */
bool configuration_find_denied(struct sessions *sessions, char *list, size_t size);

/* The statements that let the role read the configuration: "GRANT …". database: where the session
 * is that reads it, or NULL; rights on functions are a database's own. */
void configuration_rights_remedy(const char *role_name, const char *database, char *out,
                                 size_t size);

#endif
