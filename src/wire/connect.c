/* From settings to a session: the host, its addresses, and the time there is for them. */
#include "wire/connect_internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNECT_TIMEOUT_DEFAULT_S 30

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
    attempt.host = connect_first_set(wire_settings_get(settings, "hostaddr"),
                                     wire_settings_get(settings, "host"), "localhost");
    attempt.port = connect_first_set(wire_settings_get(settings, "port"), "5432", NULL);
    attempt.user = connect_first_set(wire_settings_get(settings, "user"), NULL, NULL);
    if (attempt.user == NULL)
        return error_set(err, ERROR_USAGE, "no user to connect as is set");
    attempt.database =
        connect_first_set(options->database, wire_settings_get(settings, "dbname"), attempt.user);
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
