/* One address: the ways of encryption that sslmode allows, one after the other. */
#include "wire/connect_internal.h"
#include "base/error_names.h"

enum encryption { IN_CLEAR, TLS_IF_OFFERED, TLS_ONLY };

static bool secure(struct attempt *attempt, enum encryption encryption, struct error *err)
{
    struct wire_conn *conn = attempt->conn;
    bool accepted;

    if (encryption == IN_CLEAR)
        return true;
    if (settings_tls_is_direct(attempt->settings)) {
        conn->uses_tls = true;
        return tls_start(&conn->transport.tls, conn->transport.fd, attempt->settings, conn->host,
                         conn->deadline, conn->cancel, conn->log, err);
    }
    if (!transport_request_tls(&conn->transport, conn->deadline, conn->cancel, &accepted, err))
        return false;
    if (!accepted && encryption == TLS_IF_OFFERED)
        return true;
    if (!accepted) {
        error_set(err, ERROR_TLS, "the server does not offer TLS");
        return error_hint(err, "Set ssl = on at the server, or " SETTING_SSLMODE
                               "=prefer if the network is trusted.");
    }
    conn->uses_tls = true;
    return tls_start(&conn->transport.tls, conn->transport.fd, attempt->settings, conn->host,
                     conn->deadline, conn->cancel, conn->log, err);
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
    attempt->passed = attempt->secured = false;
    if (!socket_connect(&conn->address, attempt->settings, conn->deadline, conn->cancel,
                        &conn->transport.fd, err) ||
        !check_peer(attempt, err) || !secure(attempt, encryption, err))
        return false;
    attempt->secured = true;
    return connect_start_session(attempt, err);
}

static bool hba_rejects(const struct error *err)
{
    return strcmp(err->sqlstate, "28000") == 0;
}

/* Whether the other way of encryption may do better: TLS did not come about, or the server turned
 * us away before we were in. A connection that just ends is neither. */
static bool worth_another(const struct attempt *attempt, const struct error *err)
{
    if (!attempt->secured)
        return err->code == ERROR_TLS;
    return err->code == ERROR_SERVER && !attempt->passed;
}

/* sslmode allow and prefer have two tries. Of two failures, that which says more is reported. */
bool connect_address(struct attempt *attempt, enum tls_mode mode, struct error *err)
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
