/*
 * From settings to a session: every address of the host, for each the ways of encryption that
 * sslmode allows, then startup and authentication.
 */
#include "wire/authenticate_internal.h"
#include "wire/conn_internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNECT_TIMEOUT_DEFAULT_S 30
#define STRANGER_BODY_MAX 30000 /* of a message before the server is known to be one */

enum encryption { IN_CLEAR, TLS_IF_OFFERED, TLS_ONLY };

struct attempt {
    struct wire_conn *conn;
    const struct wire_settings *settings;
    const struct wire_connect_options *options;
    const char *host; /* to connect to: hostaddr, else host */
    const char *port;
    const char *database;
    const char *user;
    bool passed; /* the server said AuthenticationOk */
};

/* ---- Startup ------------------------------------------------------------------------------- */

static const char *first_set(const char *a, const char *b, const char *c)
{
    if (a != NULL && a[0] != '\0')
        return a;
    return b != NULL && b[0] != '\0' ? b : c;
}

static bool send_startup(struct attempt *attempt, struct error *err)
{
    const struct wire_settings *settings = attempt->settings;
    const struct wire_connect_options *options = attempt->options;
    const char *encoding =
        first_set(options->client_encoding, wire_settings_get(settings, "client_encoding"), NULL);
    struct message_parameter all[] = {
        {"user", attempt->user},
        {"database", options->kind == WIRE_SESSION_REPLICATION ? NULL : attempt->database},
        {"replication", options->kind == WIRE_SESSION_REPLICATION            ? "true"
                        : options->kind == WIRE_SESSION_REPLICATION_DATABASE ? "database"
                                                                             : NULL},
        {"options", first_set(wire_settings_get(settings, "options"), NULL, NULL)},
        {"application_name",
         first_set(
             options->application_name, wire_settings_get(settings, "application_name"),
             first_set(wire_settings_get(settings, "fallback_application_name"), "pgcask", NULL))},
        /* "auto" means the locale's, which is nobody's business here. */
        {"client_encoding", encoding != NULL && strcmp(encoding, "auto") == 0 ? NULL : encoding},
    };
    struct message_parameter given[sizeof(all) / sizeof(all[0])];
    size_t count = 0;

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i].value != NULL)
            given[count++] = all[i];
    }
    return message_append_startup(&attempt->conn->output, given, count, err) &&
           conn_flush(attempt->conn, err);
}

static bool take_backend_key(struct wire_conn *conn, struct slice body, struct error *err)
{
    struct slice key;

    if (!message_parse_backend_key(body, &conn->backend_pid, &key, err))
        return false;
    memcpy(conn->key, key.data, key.len);
    conn->key_len = key.len;
    conn_announce(conn);
    return true;
}

static bool refused(struct attempt *attempt, struct slice body, struct error *err)
{
    struct message_report report;

    if (!message_parse_report(body, &report, err))
        return false;
    report_to_error(&report, err);
    connect_hint(attempt->conn, attempt->options->kind, attempt->database, attempt->user, err);
    return false;
}

/* Only version 3.0 is asked for, and no extension: whatever is answered must be that. */
static bool check_version(struct slice body, struct error *err)
{
    struct slice names;
    uint32_t version;

    if (!message_parse_negotiate_version(body, &version, &names, err))
        return false;
    /* The documentation says that the number is the minor version, servers send the full one. */
    if ((version == 0 || version == PROTOCOL_VERSION_3_0) && names.len == 0)
        return true;
    return error_set(err, ERROR_UNSUPPORTED, "the server insists on another protocol than 3.0");
}

static bool answer_authentication(struct attempt *attempt, struct authentication *authentication,
                                  struct slice body, struct error *err)
{
    struct wire_conn *conn = attempt->conn;
    bool ok =
        authentication_step(authentication, body, &conn->output, err) && conn_flush(conn, err);

    buffer_free_secret(&conn->output);
    attempt->passed = authentication->done;
    return ok;
}

/* One message of the server; *ready once the session is there. */
static bool take_startup_message(struct attempt *attempt, struct authentication *authentication,
                                 const struct message_header *header, struct slice body,
                                 bool *ready, struct error *err)
{
    struct wire_conn *conn = attempt->conn;
    char status;
    bool handled;

    switch (header->type) {
    case 'E':
        return refused(attempt, body, err);
    case 'R':
        return answer_authentication(attempt, authentication, body, err);
    case 'v':
        return check_version(body, err);
    case 'N':
        return conn_handle_async(conn, 'N', body, &handled, err);
    default:
        break;
    }
    if (!authentication->done)
        return error_set(err, ERROR_PROTOCOL, "the server sent %s before authentication",
                         message_type_name(header->type));
    if (header->type == 'K')
        return take_backend_key(conn, body, err);
    if (header->type == 'Z') {
        *ready = true;
        return message_parse_ready(body, &status, err);
    }
    if (!conn_handle_async(conn, header->type, body, &handled, err))
        return false;
    return handled ? true
                   : error_set(err, ERROR_PROTOCOL, "the server sent %s during startup",
                               message_type_name(header->type));
}

static bool not_postgresql(struct error *err)
{
    return error_hint(err, "Is it a PostgreSQL server that listens on this port?");
}

static bool run_startup(struct attempt *attempt, struct authentication *authentication,
                        struct error *err)
{
    struct wire_conn *conn = attempt->conn;
    struct message_header header;
    struct slice body;
    bool ready = false;

    if (!send_startup(attempt, err))
        return false;
    while (!ready) {
        if (!conn_peek_header(conn, &header, err))
            return err->code == ERROR_PROTOCOL ? not_postgresql(err) : false;
        if (!authentication->done && header.body_len > STRANGER_BODY_MAX) {
            error_set(err, ERROR_PROTOCOL, "the server's first messages make no sense");
            return not_postgresql(err);
        }
        if (!conn_take_message(conn, &header, &body, err) ||
            !take_startup_message(attempt, authentication, &header, body, &ready, err))
            return false;
    }
    return true;
}

static bool start_session(struct attempt *attempt, struct error *err)
{
    struct wire_conn *conn = attempt->conn;
    struct authentication authentication = {
        .settings = attempt->settings,
        .host = wire_settings_get(attempt->settings, "host"),
        .database =
            attempt->options->kind == WIRE_SESSION_REPLICATION ? "replication" : attempt->database,
        .user = attempt->user,
        .transport = &conn->transport,
        .log = conn->log,
    };
    bool ok = run_startup(attempt, &authentication, err);

    authentication_reset(&authentication);
    buffer_free_secret(&conn->output);
    return ok;
}

/* ---- One address --------------------------------------------------------------------------- */

static bool secure(struct attempt *attempt, enum encryption encryption, struct error *err)
{
    struct wire_conn *conn = attempt->conn;
    bool accepted;

    if (encryption == IN_CLEAR)
        return true;
    if (!tls_request(&conn->transport, conn->deadline, conn->cancel, &accepted, err))
        return false;
    if (!accepted && encryption == TLS_IF_OFFERED)
        return true;
    if (!accepted) {
        error_set(err, ERROR_TLS, "the server does not offer TLS");
        return error_hint(err, "Set ssl = on at the server, or sslmode=prefer if the network is "
                               "trusted.");
    }
    conn->uses_tls = true;
    return tls_start(&conn->transport, attempt->settings, conn->host, conn->deadline, conn->cancel,
                     conn->log, err);
}

static bool check_peer(const struct attempt *attempt, struct error *err)
{
    const char *user = wire_settings_get(attempt->settings, "requirepeer");

    if (user == NULL || user[0] == '\0' || attempt->conn->address.storage.ss_family != AF_UNIX)
        return true;
    return socket_check_peer(attempt->conn->transport.fd, user, err);
}

static bool connect_once(struct attempt *attempt, enum encryption encryption, struct error *err)
{
    struct wire_conn *conn = attempt->conn;

    conn_disconnect(conn);
    attempt->passed = false;
    return socket_connect(&conn->address, attempt->settings, conn->deadline, conn->cancel,
                          &conn->transport.fd, err) &&
           check_peer(attempt, err) && secure(attempt, encryption, err) &&
           start_session(attempt, err);
}

static bool hba_rejects(const struct error *err)
{
    return strcmp(err->sqlstate, "28000") == 0;
}

/* Whether the other way of encryption may do better: TLS did not come about, or the server turned
 * us away before we were in. */
static bool worth_another(const struct attempt *attempt, const struct error *err)
{
    if (err->code == ERROR_TLS)
        return true;
    if (err->code == ERROR_CONNECTION_LOST)
        return attempt->conn->uses_tls && !attempt->passed;
    return err->code == ERROR_SERVER && !attempt->passed && strncmp(err->sqlstate, "28", 2) == 0;
}

/* sslmode allow and prefer have two tries. Of two failures, that which says more is reported. */
static bool connect_address(struct attempt *attempt, enum tls_mode mode, struct error *err)
{
    struct error second;
    bool was_tls;

    if (attempt->conn->address.storage.ss_family == AF_UNIX || mode == TLS_DISABLE)
        return connect_once(attempt, IN_CLEAR, err);
    if (mode >= TLS_REQUIRE)
        return connect_once(attempt, TLS_ONLY, err);
    if (connect_once(attempt, mode == TLS_PREFER ? TLS_IF_OFFERED : IN_CLEAR, err))
        return true;
    was_tls = attempt->conn->uses_tls || err->code == ERROR_TLS;
    if (!worth_another(attempt, err) || (mode == TLS_PREFER && !was_tls))
        return false;
    if (connect_once(attempt, mode == TLS_PREFER ? IN_CLEAR : TLS_ONLY, &second))
        return true;
    if ((hba_rejects(err) && !hba_rejects(&second) && second.code == ERROR_SERVER) ||
        second.code == ERROR_CANCELLED)
        *err = second;
    return false;
}

/* ---- All addresses ------------------------------------------------------------------------- */

/* Another address may be another server, or the same one by a better way. */
static bool next_address_may_do(const struct error *err)
{
    return err->code == ERROR_CONNECT || err->code == ERROR_CONNECTION_LOST ||
           err->code == ERROR_TIMEOUT || strcmp(err->sqlstate, "57P03") == 0;
}

/* A fair share of the time left, so that a silent first address leaves some to the second. */
static int64_t share_of_deadline(int64_t deadline, size_t addresses_left)
{
    int64_t now = clock_now_ms();

    if (deadline == DEADLINE_NONE || addresses_left <= 1)
        return deadline;
    return deadline > now ? now + (deadline - now) / (int64_t)addresses_left : now;
}

static bool fail_at(const struct wire_conn *conn, struct error *err)
{
    char address[SOCKET_TEXT_SIZE];

    if (err->code == ERROR_CANCELLED)
        return false;
    if (err->code == ERROR_TIMEOUT) {
        error_set(err, ERROR_TIMEOUT, "no answer within connect_timeout");
        error_hint(err, "Is it a PostgreSQL server, and is it overloaded? A longer "
                        "connect_timeout waits longer.");
    }
    if (err->code == ERROR_TLS && err->hint[0] == '\0')
        error_hint(err,
                   "The server's log says what it did not like. A client certificate (sslcert, "
                   "sslkey) has to be signed by an authority in the server's ssl_ca_file.");
    socket_address_text(&conn->address, address);
    if (address[0] != '\0' && strcmp(address, conn->host) != 0)
        return error_prefix(err, "cannot connect to %s (%s)", conn->peer, address);
    return error_prefix(err, "cannot connect to %s", conn->peer);
}

static bool connect_any(struct attempt *attempt, const struct socket_address_list *list,
                        int64_t deadline, struct error *err)
{
    struct wire_conn *conn = attempt->conn;
    enum tls_mode mode;

    if (!tls_mode_of(attempt->settings, &mode, err))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        conn->address = list->items[i];
        conn->deadline = share_of_deadline(deadline, list->count - i);
        if (connect_address(attempt, mode, err))
            return true;
        fail_at(conn, err);
        if (!next_address_may_do(err))
            return false;
    }
    return false;
}

static void name_peer(struct attempt *attempt, const char *host)
{
    struct wire_conn *conn = attempt->conn;

    snprintf(conn->host, sizeof(conn->host), "%s", host == NULL ? "" : host);
    if (host == NULL || host[0] == '\0')
        host = attempt->host;
    snprintf(conn->peer, sizeof(conn->peer), strchr(host, ':') != NULL ? "[%s]:%s" : "%s:%s", host,
             attempt->port);
}

static bool connect_to_target(struct attempt *attempt, int64_t deadline, struct error *err)
{
    const char *host = wire_settings_get(attempt->settings, "host");
    struct wire_conn *conn = attempt->conn;
    struct socket_address_list *list = calloc(1, sizeof(*list));
    bool ok;

    if (list == NULL)
        return error_set_memory(err);
    if (socket_host_is_folder(attempt->host)) {
        snprintf(conn->peer, sizeof(conn->peer), "%s/.s.PGSQL.%s", attempt->host, attempt->port);
        list->count = 1;
        ok = socket_unix_address(attempt->host, attempt->port, &list->items[0], err);
    } else {
        name_peer(attempt, host);
        ok = socket_resolve(attempt->host, attempt->port, deadline, conn->cancel, list, err);
    }
    ok = ok && connect_any(attempt, list, deadline, err);
    free(list);
    return ok;
}

/* connect_timeout: absent means our default, 0 or less means no limit, as for libpq. */
static int64_t connect_deadline(const struct wire_settings *settings)
{
    const char *text = wire_settings_get(settings, "connect_timeout");
    long seconds =
        text == NULL || text[0] == '\0' ? CONNECT_TIMEOUT_DEFAULT_S : strtol(text, NULL, 10);

    return deadline_after_ms((int64_t)seconds * 1000);
}

static struct wire_conn *prepare(const struct wire_settings *settings,
                                 const struct wire_connect_options *options, struct error *err)
{
    struct wire_conn *conn = conn_new(err);

    if (conn == NULL)
        return NULL;
    conn->cancel = options->cancel;
    conn->log = options->log;
    conn->settings = wire_settings_clone(settings, err);
    if (conn->settings != NULL)
        return conn;
    conn_free(conn);
    return NULL;
}

bool wire_connect(struct wire_conn **conn, const struct wire_settings *settings,
                  const struct wire_connect_options *options, struct error *err)
{
    struct attempt attempt = {.settings = settings, .options = options};

    *conn = NULL;
    attempt.host = first_set(wire_settings_get(settings, "hostaddr"),
                             wire_settings_get(settings, "host"), "localhost");
    attempt.port = first_set(wire_settings_get(settings, "port"), "5432", NULL);
    attempt.user = first_set(wire_settings_get(settings, "user"), NULL, NULL);
    if (attempt.user == NULL)
        return error_set(err, ERROR_USAGE, "no user to connect as is set");
    attempt.database =
        first_set(options->database, wire_settings_get(settings, "dbname"), attempt.user);
    attempt.conn = prepare(settings, options, err);
    if (attempt.conn == NULL)
        return false;
    if (!connect_to_target(&attempt, connect_deadline(settings), err)) {
        conn_free(attempt.conn);
        return false;
    }
    attempt.conn->deadline = DEADLINE_NONE;
    attempt.conn->wait_limit_ms = options->wait_limit_ms;
    *conn = attempt.conn;
    return true;
}
