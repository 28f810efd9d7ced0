/*
 * Where a server is and how to log in there: what a libpq user would put into a connection string.
 */
#ifndef PGCASK_SETTINGS_H
#define PGCASK_SETTINGS_H

#include "control.h"

PGCASK_C_BEGIN

struct pgcask_settings;

/* Empty settings; NULL: out of memory. */
struct pgcask_settings *pgcask_settings_new(struct pgcask_error *error);

/* After the last job that was given them. Passwords are overwritten. NULL is allowed. */
void pgcask_settings_free(struct pgcask_settings *settings);

/* Adds what "postgres://user@host:port/dbname?parameter=value" or "host=… user=…" says. What is
 * set already is replaced. With "postgres+aws://…" each session logs in by a token of AWS IAM, for
 * which the parameter "region" is needed; credentials come from ~/.aws, a container or an instance,
 * and from AWS_* variables where the environment is used. No program is run for that. */
bool pgcask_settings_parse(struct pgcask_settings *settings, const char *conninfo,
                           struct pgcask_error *error);

/* One parameter by libpq's name: "host", "port", "user", "password", "sslmode", "connect_timeout",
 * … value NULL unsets it. An unknown name is an error whose hint names the nearest known one. */
bool pgcask_settings_set(struct pgcask_settings *settings, const char *name, const char *value,
                         struct pgcask_error *error);

/* NULL if it is not set. Borrowed until the setting changes. */
const char *pgcask_settings_get(const struct pgcask_settings *settings, const char *name);

/* pgcask_settings_complete then takes what is not set from the PG* variables (PGHOST, PGPASSWORD,
 * …), as psql does. Without this call they are not looked at. The passfile and certificates in the
 * home folder are looked for either way; name other files to prevent it. */
void pgcask_settings_use_environment(struct pgcask_settings *settings);

/* Fills what is missing (from the environment if that was asked for, then libpq's defaults) and
 * checks the values. Every job wants complete settings; a later parse or set makes them incomplete
 * again. Complete settings that nobody changes can be used by any number of jobs and threads at
 * once. */
bool pgcask_settings_complete(struct pgcask_settings *settings, struct pgcask_error *error);

/* ---- Passwords from elsewhere ---- */

/* What a password is wanted for; lent for the call. Members may be added at its end. */
struct pgcask_password_request {
    const char *host; /* a name, an address, or the folder of a socket */
    const char *port;
    const char *database;
    const char *user;
    const char *command; /* the setting password_command, which the library never runs; or NULL */
    bool last_resort;    /* the passfile has none either: the moment to ask a person */
};

/* Takes the password that the callback gives; it is copied, and wiped after use. */
struct pgcask_password;
bool pgcask_password_give(struct pgcask_password *password, const char *text, size_t len,
                          struct pgcask_error *error);

/* Asked each time a server wants a password that the settings do not hold, so that short-lived
 * tokens work: before the passfile, and once more, as the last resort, if that has none. The
 * callback calls pgcask_password_give, or gives nothing and returns true; false with *error set
 * ends the attempt. It runs in a thread that uses these settings: several may run at once if
 * several jobs do. NULL: nobody is asked. */
void pgcask_settings_set_password_callback(
    struct pgcask_settings *settings,
    bool (*callback)(void *context, const struct pgcask_password_request *request,
                     struct pgcask_password *password, struct pgcask_error *error),
    void *context);

/* ---- Sessions that outlive a process ---- */

enum pgcask_encryption {
    PGCASK_IN_CLEAR,
    PGCASK_TLS,       /* asked for by an SSLRequest */
    PGCASK_TLS_DIRECT /* the connection begins with it */
};

/* A session on the server; lent for the call. Members may be added at its end. */
struct pgcask_session {
    const void *address; /* a struct sockaddr: where a CancelRequest is to be sent */
    size_t address_len;
    uint32_t pid; /* of the server's process */
    const uint8_t *key;
    size_t key_len;
    enum pgcask_encryption encryption;
    const char *server_name; /* what was announced in the TLS handshake (SNI), or NULL */
};

/*
 * The library closes its sessions by itself, whatever happens, as long as the process lives. If the
 * process is killed while the server waits for a checkpoint, the server does not notice until the
 * wait ends. The command pgcask has a second process that then sends a CancelRequest with the
 * session's number and key (PostgreSQL documentation, "Canceling Requests in Progress"). The
 * library does not fork: a program that wants the same gives these two functions and hands what
 * they tell to a process that survives it. Sessions for SQL also set
 * client_connection_check_interval, so that servers from 14 on notice by themselves; that setting
 * does not work in replication sessions.
 *
 * Both are called from the thread that opens or closes the session; several may run at once if
 * several jobs do. NULL: nobody is told. Before the settings are completed.
 */
void pgcask_settings_watch_sessions(
    struct pgcask_settings *settings,
    void (*opened)(void *context, const struct pgcask_session *session),
    void (*closed)(void *context, const struct pgcask_session *session), void *context);

PGCASK_C_END

#endif
