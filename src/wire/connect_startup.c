/*
 * From the startup message to ReadyForQuery: what we ask for, how the server lets us in, and what
 * it may say meanwhile.
 */
#include "wire/connect_internal.h"

#include "wire/auth_internal.h"
#include "wire/settings_protocol_version_internal.h"

#define STRANGER_BODY_MAX 30000 /* of a message before the server is known to be one */

/* One conversation up to ReadyForQuery. */
struct startup {
    struct attempt *attempt;
    struct authentication authentication;
    struct protocol_versions versions;
    uint32_t version; /* what the session speaks */
    bool negotiated;  /* the server had another version than was asked for */
    bool ready;
};

static bool send_startup(struct attempt *attempt, uint32_t version, struct error *err)
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
    return message_append_startup(&attempt->conn->output, version, given, count, err) &&
           conn_flush(attempt->conn, err);
}

static bool take_backend_key(struct startup *startup, struct slice body, struct error *err)
{
    struct wire_conn *conn = startup->attempt->conn;
    struct slice key;

    if (conn->key_len > 0)
        return error_set(err, ERROR_PROTOCOL, "the server sent BackendKeyData twice");
    if (!message_parse_backend_key(body, &conn->backend_pid, &key, err))
        return false;
    if (startup->version == PROTOCOL_VERSION_3_0 && key.len != 4)
        return error_set(err, ERROR_PROTOCOL,
                         "the server sent a cancel key of %zu bytes, which protocol 3.0 has not",
                         key.len);
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
    connect_hint(attempt, err);
    return false;
}

static bool take_version(struct startup *startup, struct slice body, struct error *err)
{
    if (startup->negotiated || startup->authentication.done)
        return error_set(err, ERROR_PROTOCOL, "the server sent NegotiateProtocolVersion too late");
    startup->negotiated = true;
    return protocol_version_settle(&startup->versions, body, &startup->version, err);
}

static bool answer_authentication(struct startup *startup, struct slice body, struct error *err)
{
    struct wire_conn *conn = startup->attempt->conn;
    bool ok = authentication_step(&startup->authentication, body, &conn->output, err) &&
              conn_flush(conn, err);

    buffer_free_secret(&conn->output);
    startup->attempt->passed = startup->authentication.done;
    return ok;
}

/* One message of the server; startup->ready once the session is there. */
static bool take_startup_message(struct startup *startup, const struct message_header *header,
                                 struct slice body, struct error *err)
{
    struct wire_conn *conn = startup->attempt->conn;
    char status;
    bool handled;

    switch (header->type) {
    case 'E':
        return refused(startup->attempt, body, err);
    case 'R':
        return answer_authentication(startup, body, err);
    case 'v':
        return take_version(startup, body, err);
    case 'N':
        return conn_handle_async(conn, 'N', body, &handled, err);
    default:
        break;
    }
    if (!startup->authentication.done)
        return error_set(err, ERROR_PROTOCOL, "the server sent %s before authentication",
                         message_type_name(header->type));
    if (header->type == 'K')
        return take_backend_key(startup, body, err);
    if (header->type == 'Z') {
        startup->ready = true;
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

static bool run_startup(struct startup *startup, struct error *err)
{
    struct attempt *attempt = startup->attempt;
    struct wire_conn *conn = attempt->conn;
    struct message_header header;
    struct slice body;

    if (attempt->options->kind != WIRE_SESSION_SQL)
        wire_set_answer_limit(conn, REPLICATION_ANSWER_MAX);
    if (!protocol_versions_read(attempt->settings, &startup->versions, err))
        return false;
    startup->version = startup->versions.asked;
    if (!send_startup(attempt, startup->version, err))
        return false;
    while (!startup->ready) {
        if (!conn_peek_header(conn, &header, err))
            return err->code == ERROR_PROTOCOL ? not_postgresql(err) : false;
        if (!startup->authentication.done && header.body_len > STRANGER_BODY_MAX) {
            error_set(err, ERROR_PROTOCOL, "the server's first messages make no sense");
            return not_postgresql(err);
        }
        if (!conn_take_message(conn, &header, &body, err) ||
            !take_startup_message(startup, &header, body, err))
            return false;
    }
    return true;
}

bool connect_start_session(struct attempt *attempt, struct error *err)
{
    struct wire_conn *conn = attempt->conn;
    struct startup startup = {
        .attempt = attempt,
        .authentication =
            {
                .settings = attempt->settings,
                .host = attempt->host,
                .port = attempt->port,
                .database = attempt->options->kind == WIRE_SESSION_REPLICATION ? "replication"
                                                                               : attempt->database,
                .user = attempt->user,
                .tls = &conn->transport.tls,
                .cancel = conn->cancel,
                .deadline = &conn->deadline,
                .log = conn->log,
            },
    };
    bool ok = run_startup(&startup, err);

    authentication_reset(&startup.authentication);
    buffer_free_secret(&conn->output);
    return ok;
}
