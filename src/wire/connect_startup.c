/*
 * From the startup message to ReadyForQuery: what we ask for, how the server lets us in, and what
 * it may say meanwhile.
 */
#include "wire/connect_internal.h"

#include "wire/authenticate_internal.h"

#define STRANGER_BODY_MAX 30000 /* of a message before the server is known to be one */

static bool send_startup(struct attempt *attempt, struct error *err)
{
    const struct wire_settings *settings = attempt->settings;
    const struct wire_connect_options *options = attempt->options;
    const char *encoding = connect_first_set(options->client_encoding,
                                             wire_settings_get(settings, "client_encoding"), NULL);
    struct message_parameter all[] = {
        {"user", attempt->user},
        {"database", options->kind == WIRE_SESSION_REPLICATION ? NULL : attempt->database},
        {"replication", options->kind == WIRE_SESSION_REPLICATION            ? "true"
                        : options->kind == WIRE_SESSION_REPLICATION_DATABASE ? "database"
                                                                             : NULL},
        {"options", connect_first_set(wire_settings_get(settings, "options"), NULL, NULL)},
        {"application_name",
         connect_first_set(
             options->application_name, wire_settings_get(settings, "application_name"),
             connect_first_set(wire_settings_get(settings, "fallback_application_name"), "pgcask",
                               NULL))},
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

bool connect_start_session(struct attempt *attempt, struct error *err)
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
