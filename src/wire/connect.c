/*
 * From settings to a session: hosts, the addresses of a host, and the time there is for them.
 *
 * As libpq does it, the next address is tried where no connection came about, where the time ran
 * out, and where the server says that it cannot take connections now (57P03). Any other answer ends
 * it: a server that was reached and turned us away is no reason to try another. A session that
 * target_session_attrs does not like leads to the next host.
 */
#include "wire/connect_internal.h"

#include "base/clock.h"
#include "base/error_names.h"
#include "base/random.h"
#include "wire/settings_hosts_internal.h"
#include "wire/settings_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNECT_TIMEOUT_DEFAULT_S 30

static bool setting_is(const struct attempt *attempt, const char *name, const char *value)
{
    const char *set = wire_settings_get(attempt->settings, name);

    return set != NULL && strcmp(set, value) == 0;
}

/* ---- Failures ---- */

static bool address_leads_on(const struct attempt *attempt, const struct error *err)
{
    if (attempt->unfit)
        return false;
    return err->code == ERROR_CONNECT || err->code == ERROR_TIMEOUT ||
           (strcmp(err->sqlstate, "57P03") == 0 && !attempt->passed);
}

static bool host_leads_on(const struct attempt *attempt, const struct error *err)
{
    return attempt->unfit || address_leads_on(attempt, err);
}

/* Keeps what went wrong, because the next try reuses *err. */
static void remember_failure(struct connect_failures *failures, const struct error *err)
{
    size_t used = strlen(failures->text), len = strlen(err->message);

    failures->count++;
    if (used + len + 3 < sizeof(failures->text)) {
        memcpy(failures->text + used, err->message, len);
        memcpy(failures->text + used + len, "; ", 3);
    } else {
        failures->left_out++;
    }
    if (err->hint[0] != '\0')
        memcpy(failures->hint, err->hint, sizeof(failures->hint));
}

/* The last failure is the error; those before stand in front of it. */
static bool report_failures(const struct connect_failures *failures, struct error *err)
{
    char last[sizeof(err->message)], more[40] = "";

    if (failures->count == 0 || err->code == ERROR_CANCELLED)
        return false;
    if (failures->left_out > 0)
        snprintf(more, sizeof(more), "(%u more); ", failures->left_out);
    snprintf(last, sizeof(last), "%s", err->message);
    snprintf(err->message, sizeof(err->message), "%s%s%.380s", failures->text, more, last);
    return err->hint[0] != '\0' ? false : error_hint(err, ERROR_OURS("%s"), failures->hint);
}

static bool fail_at(const struct wire_conn *conn, struct error *err)
{
    char address[SOCKET_TEXT_SIZE];

    if (err->code == ERROR_CANCELLED)
        return false;
    if (err->code == ERROR_TIMEOUT) {
        error_set(err, ERROR_TIMEOUT, "no answer within " SETTING_CONNECT_TIMEOUT);
        error_reason(err, "connect_timeout");
        error_hint(
            err,
            "Is it a PostgreSQL server, and is it overloaded? A longer " SETTING_CONNECT_TIMEOUT
            " waits longer.");
    }
    if (err->code == ERROR_TLS && err->hint[0] == '\0')
        error_hint(
            err,
            "The server's log says what it did not like. A client certificate (" SETTING_SSLCERT
            ", " SETTING_SSLKEY ") has to be signed by an authority in the server's ssl_ca_file.");
    socket_address_text(&conn->address, address);
    if (address[0] != '\0' && strcmp(address, conn->host) != 0)
        return error_prefix(err, "cannot connect to %s (%s)", conn->peer, address);
    return error_prefix(err, "cannot connect to %s", conn->peer);
}

/* ---- Addresses ---- */

/* A fair share of the time left, so that a silent first address leaves some to the second. */
static int64_t share_of_deadline(int64_t deadline, size_t addresses_left)
{
    int64_t now = clock_now_ms();

    if (deadline == DEADLINE_NONE || addresses_left <= 1)
        return deadline;
    return deadline > now ? now + (deadline - now) / (int64_t)addresses_left : now;
}

static bool connect_addresses(struct attempt *attempt, const struct socket_address_list *list,
                              int64_t deadline, struct error *err)
{
    struct wire_conn *conn = attempt->conn;
    enum tls_mode mode;

    if (!settings_tls_mode(attempt->settings, &mode, err))
        return false;
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0)
            remember_failure(&attempt->failures, err);
        conn->address = list->items[i];
        conn->deadline = share_of_deadline(deadline, list->count - i);
        if (connect_address(attempt, mode, err) && connect_check_target(attempt, err))
            return true;
        fail_at(conn, err);
        if (!address_leads_on(attempt, err))
            return false;
    }
    return false;
}

static bool find_addresses(struct attempt *attempt, const struct host *host, int64_t deadline,
                           struct socket_address_list *list, struct error *err)
{
    list->count = 1;
    if (host->address[0] != '\0')
        return socket_parse_address(host->address, host->port, list, err);
    if (socket_host_is_folder(host->name))
        return socket_unix_address(host->name, host->port, &list->items[0], err);
    return socket_resolve(host->name, host->port, deadline, attempt->conn->cancel, list, err) &&
           (!setting_is(attempt, "load_balance_hosts", "random") ||
            random_shuffle(list->items, list->count, sizeof(list->items[0]), err));
}

/* ---- Hosts ---- */

static bool name_peer(struct attempt *attempt, const struct host *host, struct error *err)
{
    struct wire_conn *conn = attempt->conn;
    bool folder = host->address[0] == '\0' && socket_host_is_folder(host->name);
    const char *shown = host->name[0] != '\0' ? host->name : host->address;

    if (strlen(host->name) >= sizeof(conn->host))
        return error_set(err, ERROR_CONNECT, "the host name \"%.50s…\" is too long", host->name);
    attempt->host = shown;
    attempt->port = host->port;
    snprintf(conn->host, sizeof(conn->host), "%s", folder ? "" : host->name);
    if (folder)
        snprintf(conn->peer, sizeof(conn->peer), "%s/.s.PGSQL.%s", shown, host->port);
    else
        snprintf(conn->peer, sizeof(conn->peer), strchr(shown, ':') != NULL ? "[%s]:%s" : "%s:%s",
                 shown, host->port);
    return true;
}

/* connect_timeout: absent means our default, 0 or less means no limit, as for libpq. */
static int64_t connect_deadline(const struct wire_settings *settings)
{
    const char *text = wire_settings_get(settings, "connect_timeout");
    int seconds = CONNECT_TIMEOUT_DEFAULT_S;

    if (text != NULL && !settings_parse_integer(text, &seconds))
        seconds = CONNECT_TIMEOUT_DEFAULT_S;
    return deadline_after_ms((int64_t)seconds * 1000);
}

static bool connect_host(struct attempt *attempt, const struct host *host, struct error *err)
{
    int64_t deadline = connect_deadline(attempt->settings);
    struct socket_address_list *list = calloc(1, sizeof(*list));
    bool ok;

    attempt->passed = attempt->unfit = false;
    if (list == NULL)
        return error_set_memory(err);
    ok = name_peer(attempt, host, err) && find_addresses(attempt, host, deadline, list, err) &&
         connect_addresses(attempt, list, deadline, err);
    free(list);
    return ok;
}

/* *ended: no use to go through the hosts again. */
static bool connect_hosts(struct attempt *attempt, const struct host_list *hosts, bool *ended,
                          struct error *err)
{
    attempt->failures = (struct connect_failures){.count = 0};
    *ended = false;
    for (size_t i = 0; i < hosts->count; i++) {
        if (i > 0)
            remember_failure(&attempt->failures, err);
        if (connect_host(attempt, &hosts->items[i], err))
            return true;
        *ended = !host_leads_on(attempt, err);
        if (*ended)
            break;
    }
    return report_failures(&attempt->failures, err);
}

static bool connect_some_host(struct attempt *attempt, struct error *err)
{
    struct host_list hosts;
    bool ok, ended = true;

    if (!host_list_read(&hosts, attempt->settings, err))
        return false;
    ok = !setting_is(attempt, "load_balance_hosts", "random") ||
         random_shuffle(hosts.items, hosts.count, sizeof(hosts.items[0]), err);
    ok = ok && connect_hosts(attempt, &hosts, &ended, err);
    if (!ok && !ended && setting_is(attempt, "target_session_attrs", "prefer-standby")) {
        attempt->any_will_do = true;
        ok = connect_hosts(attempt, &hosts, &ended, err);
    }
    host_list_free(&hosts);
    return ok;
}

/* ---- A session ---- */

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
    attempt.user = connect_first_set(wire_settings_get(settings, "user"), NULL, NULL);
    if (attempt.user == NULL)
        return error_set(err, ERROR_USAGE, "no user to connect as is set");
    attempt.database =
        connect_first_set(options->database, wire_settings_get(settings, "dbname"), attempt.user);
    attempt.conn = prepare(settings, options, err);
    if (attempt.conn == NULL)
        return false;
    if (!connect_some_host(&attempt, err)) {
        conn_free(attempt.conn);
        return false;
    }
    attempt.conn->deadline = DEADLINE_NONE;
    attempt.conn->wait_limit_ms = options->wait_limit_ms;
    *conn = attempt.conn;
    return true;
}
