/*
 * The frontend side of PostgreSQL's protocol 3.0: connection settings, sockets, TLS,
 * authentication, messages, simple and extended queries, pipelines and COPY in all directions.
 *
 * A connection belongs to one thread. Every wait ends at the connection's wait limit or when the
 * job's cancel is requested. Source: PostgreSQL documentation, "Frontend/Backend Protocol".
 */
#ifndef PGCASK_WIRE_WIRE_H
#define PGCASK_WIRE_WIRE_H

#include "base/buffer.h"
#include "base/cancel.h"
#include "base/error.h"
#include "base/error_names.h"
#include "base/log.h"
#include "base/slice.h"

#include <sys/types.h>

/* ---- Connection settings ---- */

struct wire_conn;

/* A set of libpq-style parameters ("host", "port", "dbname", "user", "password", "sslmode", …),
 * each with its value as text. Secrets are wiped when freed. sslrootcert, sslcert and sslkey may
 * hold PEM text ("-----BEGIN …") instead of a file's name. */
struct wire_settings;

struct wire_settings *wire_settings_new(struct error *err);
struct wire_settings *wire_settings_clone(const struct wire_settings *settings, struct error *err);
void wire_settings_free(struct wire_settings *settings);

/* Adds what a "postgres://…" or "postgresql://…" URI or a "key=value …" string says. Values that
 * are set already are replaced. Errors never repeat the text of a password. "postgres+aws://…" and
 * "postgresql+aws://…" mean tokens instead of passwords, see wire_settings_set_token_source. */
bool wire_settings_parse(struct wire_settings *settings, const char *conninfo, struct error *err);

/* One parameter. An unknown name fails and the hint names the nearest known one. value NULL unsets
 * it. */
bool wire_settings_set(struct wire_settings *settings, const char *name, const char *value,
                       struct error *err);

/* NULL if not set. Borrowed until the setting changes. */
const char *wire_settings_get(const struct wire_settings *settings, const char *name);

/* Fails with an error of usage if a name is longer than those that servers keep. what: "database".
 * NULL is no name, and none too many. */
bool wire_check_name(const char *what, const char *name, struct error *err);

/* Fills what is not set from the service file, the PG* environment variables, then built-in
 * defaults (host: the socket folder that exists, else localhost; port 5432; user: the system user;
 * dbname: the user; sslmode prefer), and checks values that must be of a kind (ports, sslmode,
 * timeouts) and that the lists of host, hostaddr and port fit together. The passfile is read at
 * connect time. */
bool wire_settings_complete(struct wire_settings *settings, struct error *err);

/* Who named the database of complete settings: dbname itself, or the service that they name; the
 * environment (PGDATABASE, or the service of PGSERVICE); or nobody, so that it is called like the
 * user. */
enum wire_database_from {
    WIRE_DATABASE_NAMED,
    WIRE_DATABASE_OF_ENVIRONMENT,
    WIRE_DATABASE_LIKE_USER
};
enum wire_database_from wire_settings_database_from(const struct wire_settings *settings);

/* A copy of complete settings that lead to the very server that conn reached: its address, with the
 * host's name kept for certificates and passwords, and nothing left to choose. For jobs of several
 * sessions, which must not end up at different servers of a list. */
struct wire_settings *wire_settings_pin(const struct wire_settings *settings,
                                        const struct wire_conn *conn, struct error *err);

/* wire_settings_complete then leaves the PG* variables alone: for a program that embeds us. */
void wire_settings_ignore_environment(struct wire_settings *settings);

/* How a session is encrypted. */
enum wire_encryption {
    WIRE_IN_CLEAR,
    WIRE_TLS,       /* asked for in clear first */
    WIRE_TLS_DIRECT /* the connection begins with it */
};

/* Where a session can be cancelled, and by which key. */
struct wire_session {
    const void *address; /* a struct sockaddr */
    size_t address_len;
    uint32_t backend_pid;
    struct slice key; /* 4 bytes, up to 256 in protocol 3.2 */
    enum wire_encryption encryption;
    const char *announced; /* the host's name in the handshake (SNI); NULL: none */
};

/* Told when a session begins and when it ends, from the thread that owns it: for whoever must
 * cancel what is left of them should this process die. */
struct wire_watcher {
    void *context;
    void (*opened)(void *context, const struct wire_session *session);
    void (*closed)(void *context, const struct wire_session *session);
};

/* Every session made with these settings, or a clone of them, has this watcher (NULL: none).
 * Borrowed until the last of them has ended. */
void wire_settings_watch(struct wire_settings *settings, const struct wire_watcher *watcher);

/* Asked for a password each time a server wants one, unless the settings hold one already: for
 * password_command, a terminal, or whatever else a program has. Nothing in src/wire starts a
 * process or reads a terminal. It is asked twice: before the passfile is looked into, and, where
 * that has no password either, as the last resort, which is the moment to ask a person. */
struct wire_password_request {
    const char *host, *port, *database, *user; /* of this attempt; host may be a socket folder */
    const char *command;                       /* the setting password_command, or NULL */
    const struct cancel *cancel;               /* may be NULL */
    int64_t deadline;                          /* of the attempt, on base/clock.h's clock;
                                                  DEADLINE_NONE in the last resort */
    bool last_resort;
};

struct wire_password_source {
    void *context;
    /* Appends the password and sets *found, or leaves *found false if there is none to be had.
     * False with *err set ends the attempt. Called from the thread that connects. */
    bool (*password)(void *context, const struct wire_password_request *request,
                     struct buffer *password, bool *found, struct error *err);
};

/* Borrowed until the last of these settings, their clones and the attempts made with them ended. */
void wire_settings_set_password_source(struct wire_settings *settings,
                                       const struct wire_password_source *source);

/* Whether the settings are of "postgres+aws://…": a login is by a token of AWS IAM, which is made
 * for each session, and by nothing else. TLS is required then (sslmode=require unless more is asked
 * for), a user and the name of a host; "region" is a setting of theirs. */
bool wire_settings_want_tokens(const struct wire_settings *settings);

/* Asked for these tokens, once for each session that a server wants a password of. Borrowed as a
 * password source is. */
void wire_settings_set_token_source(struct wire_settings *settings,
                                    const struct wire_password_source *source);

bool wire_settings_ignores_environment(const struct wire_settings *settings);

/* The folder that files like ".pgpass" are in: $HOME, else what /etc/passwd says. False if there is
 * neither; that is no error. */
bool wire_home_folder(char *out, size_t out_size);

/* ---- Connecting ---- */

/* For a program's first lines, before any thread. A static program cannot load the modules of the
 * machine's nsswitch.conf: they bring another C library along, and may crash it. From here on its
 * host names come from /etc/hosts and DNS alone, users from /etc/passwd. Nothing happens in a
 * program that has a dynamic loader. */
void wire_use_files_and_dns(void);

enum wire_session_kind {
    WIRE_SESSION_SQL,
    WIRE_SESSION_REPLICATION,         /* replication=true: needs a "replication" pg_hba line */
    WIRE_SESSION_REPLICATION_DATABASE /* replication=database: an ordinary pg_hba line */
};

struct wire_connect_options {
    enum wire_session_kind kind;
    const char *database;         /* NULL: the settings' dbname */
    const char *application_name; /* NULL: the settings', else "pgcask" */
    const char *client_encoding;  /* NULL: the settings', else the server's choice */
    struct cancel *cancel;        /* may be NULL */
    const struct log *log;        /* notices of the server go here; may be NULL */
    int64_t wait_limit_ms;        /* longest silence of the server after the start; 0: no limit */
};

/* Settings must be complete. Several hosts are tried in their order (or a random one, by
 * load_balance_hosts), until one gives a session that target_session_attrs likes. connect_timeout
 * (default 30 s) bounds the attempt at each host, from its name to a ready session. On failure
 * *conn is NULL and the error says which addresses failed and why, with a hint for what a
 * pg_hba.conf line, setting or file would mend. */
bool wire_connect(struct wire_conn **conn, const struct wire_settings *settings,
                  const struct wire_connect_options *options, struct error *err);

/* Ends the session: a running command is cancelled first (CancelRequest, bounded to 1 s), then
 * Terminate. Never fails; NULL is allowed. */
void wire_close(struct wire_conn *conn);

/* Sends a CancelRequest for whatever the session is doing, over a connection of its own with the
 * same TLS policy. May be called from another thread than the owner's. Bounded to 2 s. */
bool wire_cancel(const struct wire_conn *conn, struct error *err);

/* Cancels what a session does for somebody who knows of it nothing else: a process that outlives
 * the one whose session it was. Under TLS if the session was, never in clear then; but the server's
 * certificate is not checked, for want of the settings. */
bool wire_cancel_session(const struct wire_session *session, int64_t deadline, struct error *err);

/* server_version as a number: 170010, 150018; of "18beta1": 180000. */
int wire_server_version(const struct wire_conn *conn);

/* A reported parameter ("server_version", "server_encoding", "in_hot_standby", …) or NULL. */
const char *wire_parameter(const struct wire_conn *conn, const char *name);

int32_t wire_backend_pid(const struct wire_conn *conn);
bool wire_uses_tls(const struct wire_conn *conn);

/* "host:port" or the socket's path, for messages. */
const char *wire_peer(const struct wire_conn *conn);

/* Longest silence of the server from now on; 0: no limit. Reaching it is ERROR_TIMEOUT and the
 * connection is then good for wire_close only. */
void wire_set_wait_limit(struct wire_conn *conn, int64_t milliseconds);

/* How many bytes a message that is held whole, and a result of wire_query, may have from now on: 64
 * MiB at first, and 4 MiB in replication sessions. Rows may have up to 1 GiB, which is all that a
 * server can send, other messages no more than 64 MiB; but an error may have any length, of which
 * little is held. CopyData has no limit. */
#define WIRE_ANSWER_MOST ((size_t)1 << 30)
void wire_set_answer_limit(struct wire_conn *conn, size_t bytes);

/* From now on waits end when this is requested (NULL: nothing ends them). Borrowed. */
void wire_set_cancel(struct wire_conn *conn, struct cancel *cancel);

/* Hears every NoticeResponse, with texts that are cleaned of control characters and of what is not
 * UTF-8. severity is WARNING, NOTICE, …, never translated. BASE_BACKUP reports page checksum
 * failures so. handler NULL: nobody. The handler must not call the connection. */
void wire_set_notice_handler(struct wire_conn *conn,
                             void (*handler)(void *context, const char *severity,
                                             const char *sqlstate, const char *message),
                             void *context);

/* True once the connection is good for wire_close only: lost, timed out, cancelled, or the peer
 * broke the protocol. */
bool wire_is_broken(const struct wire_conn *conn);

/* What to do where an answer of the server lacks a part. */
#define WIRE_LOSS_HINT                                                                             \
    "Something between here and the server loses data. Run it again with " SETTING_SSLMODE         \
    "=require: TLS notices that."

/* ---- Whole results, for small answers ---- */

struct wire_result; /* rows held in memory: at most 64 MiB, more is an error */

/* A simple query; every statement's rows are collected into one result per statement, of which the
 * last with columns is given. *result may be NULL to discard rows. */
bool wire_query(struct wire_conn *conn, const char *sql, struct wire_result **result,
                struct error *err);

/* One statement through the extended protocol with text parameters (NULL = NULL). */
bool wire_query_params(struct wire_conn *conn, const char *sql, size_t count,
                       const char *const *values, struct wire_result **result, struct error *err);

void wire_result_free(struct wire_result *result);
size_t wire_result_rows(const struct wire_result *result);
size_t wire_result_columns(const struct wire_result *result);
const char *wire_result_column_name(const struct wire_result *result, size_t column);

/* The value as NUL-terminated text, or NULL for an SQL null. */
const char *wire_result_value(const struct wire_result *result, size_t row, size_t column);

/* ---- Event by event, for everything that streams ---- */

enum wire_event_type {
    WIRE_ROW_DESCRIPTION,  /* wire_column_… describe it */
    WIRE_NO_DATA,          /* the described statement returns no rows */
    WIRE_ROW,              /* wire_row_value */
    WIRE_COMMAND_COMPLETE, /* event.tag */
    WIRE_EMPTY_QUERY,
    WIRE_COPY_OUT, /* copy data follows, to us */
    WIRE_COPY_IN,  /* the server waits for wire_copy_send */
    WIRE_COPY_BOTH,
    WIRE_COPY_DATA, /* event.data, .first, .last */
    WIRE_COPY_DONE,
    WIRE_PARSE_COMPLETE,
    WIRE_BIND_COMPLETE,
    WIRE_CLOSE_COMPLETE,
    WIRE_PORTAL_SUSPENDED,
    WIRE_PARAMETER_DESCRIPTION,
    WIRE_SERVER_ERROR, /* *err holds the server's error; go on until WIRE_READY */
    WIRE_READY         /* event.transaction_status: 'I', 'T' or 'E' */
};

struct wire_event {
    enum wire_event_type type;
    struct slice data; /* WIRE_COPY_DATA: a part of the message, lying in the receive buffer;
                          may be empty when first && last */
    bool first, last;  /* the part begins, ends its CopyData message */
    const char *tag;   /* WIRE_COMMAND_COMPLETE: "SELECT 1", … */
    char transaction_status;
};

/* Waits for the next event, sending what is still queued first. What it lends stays valid until the
 * next call; names and types of columns until the next WIRE_ROW_DESCRIPTION. False: the connection
 * is broken (lost, timed out, cancelled, protocol, or ERROR_SERVER for a FATAL error). Notices,
 * ParameterStatus and notifications are dealt with inside. A CopyData message of any length passes
 * through in parts of at most the receive buffer's size (256 KiB), cut wherever a receive ended;
 * of a report its fields' beginnings are held, and other messages whole: one over 64 MiB is
 * refused. */
bool wire_next(struct wire_conn *conn, struct wire_event *event, struct error *err);

/* What wire_next will give next if that is copy data that has been received already: the call then
 * leaves valid what was lent before. Empty otherwise. *first: it begins its message. */
struct slice wire_copy_data_ahead(const struct wire_conn *conn, bool *first);

/* For copy data whose messages mean nothing of their own, such as rows of COPY TO STDOUT: lengthens
 * the WIRE_COPY_DATA that wire_next has just given by what has been received behind it already, as
 * if all of it were one message. Other events stay as they are. */
void wire_join_copy_data(struct wire_conn *conn, struct wire_event *event);

/* More of the last WIRE_SERVER_ERROR: where in its statement it was, in characters from 1 (0: not
 * known), and the server's words on what it was doing ("COPY t, line 3, …"; "" if none), borrowed
 * until the next error. */
unsigned wire_error_position(const struct wire_conn *conn);
const char *wire_error_context(const struct wire_conn *conn);

/* Reads on until the last WIRE_READY, discarding; a COPY towards the server is ended. Nothing
 * happens if no command runs. If more than 64 MiB are to be discarded, the connection is broken
 * instead. Keeps the first server error, if there is one, in *err and returns false; a caller that
 * has an error already passes a scratch one. */
bool wire_drain(struct wire_conn *conn, struct error *err);

size_t wire_column_count(const struct wire_conn *conn);
const char *wire_column_name(const struct wire_conn *conn, size_t column);
uint32_t wire_column_type(const struct wire_conn *conn, size_t column); /* type OID */

/* Columns of the row just received; data NULL for an SQL null. NOT NUL-terminated. */
size_t wire_row_columns(const struct wire_conn *conn);
struct slice wire_row_value(const struct wire_conn *conn, size_t column);

/* Sends a simple query and returns at once; events follow. */
bool wire_send_query(struct wire_conn *conn, const char *sql, struct error *err);

/* Queues a simple query, behind those that run if there are any: its events follow their
 * WIRE_READY, and the way to the server and back is not waited for each time. wire_flush sends it,
 * or wire_next. Not behind a COPY to the server. While the server sends rows it does not read: all
 * that is sent ahead should be a few KiB, which lie in between. */
bool wire_queue_query(struct wire_conn *conn, const char *sql, struct error *err);

/* A query that is not held: it begins with `head`, and `rest` bytes follow, which next() gives in
 * pieces, none of them empty, each valid until the next call. */
struct wire_text {
    struct slice head;
    uint64_t rest;
    bool (*next)(void *context, struct slice *piece, struct error *err);
    void *context;
};

/* The same as wire_queue_query for such a text, which is sent at once, behind all that is queued.
 * Where next() fails a part of it is sent, and the connection is broken. */
bool wire_send_text(struct wire_conn *conn, const struct wire_text *text, struct error *err);

/* Queues COPY … FROM STDIN with all its rows, in the format that it says: a server that refuses it
 * drops them. Its WIRE_COPY_IN then asks for nothing: call wire_copy_was_sent before anything else.
 */
bool wire_queue_copy(struct wire_conn *conn, const char *sql, struct slice rows, struct error *err);
void wire_copy_was_sent(struct wire_conn *conn);

/* The extended protocol: each call queues one message; wire_flush sends what is queued, so that
 * many make one pipeline. While sending, what arrives is read too, so that neither side blocks the
 * other. Statement and portal "" are the unnamed ones. Values and results are text. */
bool wire_queue_parse(struct wire_conn *conn, const char *statement, const char *sql,
                      struct error *err);
bool wire_queue_bind(struct wire_conn *conn, const char *portal, const char *statement,
                     size_t count, const char *const *values, struct error *err);
bool wire_queue_describe_portal(struct wire_conn *conn, const char *portal, struct error *err);
bool wire_queue_execute(struct wire_conn *conn, const char *portal, uint32_t max_rows,
                        struct error *err);
bool wire_queue_close_statement(struct wire_conn *conn, const char *statement, struct error *err);
bool wire_queue_sync(struct wire_conn *conn, struct error *err);
bool wire_flush(struct wire_conn *conn, struct error *err);

/* COPY towards the server, after WIRE_COPY_IN or WIRE_COPY_BOTH. Large data is sent without being
 * copied. An ErrorResponse of the server shows up in wire_next; sending goes on being accepted and
 * is dropped then. */
bool wire_copy_send(struct wire_conn *conn, struct slice data, struct error *err);
/* True once the server is known to have refused a COPY IN: whoever has much more to send can stop.
 * Sending looks for that every 256 KiB. */
bool wire_copy_is_refused(const struct wire_conn *conn);
bool wire_copy_done(struct wire_conn *conn, struct error *err);
bool wire_copy_fail(struct wire_conn *conn, const char *reason, struct error *err);

/* ---- Quoting: the only ways for a name or value into SQL ---- */

bool wire_quote_identifier(struct buffer *out, const char *name, struct error *err);
/* For standard_conforming_strings = on; a NUL cannot occur in a C string. */
bool wire_quote_literal(struct buffer *out, const char *value, struct error *err);

#endif
