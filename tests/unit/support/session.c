/* What every test of a session begins and ends with. */
#include "support/session.h"

#include <stdlib.h>

void session_prepare(struct session *session)
{
    *session = (struct session){.server = scripted_server_new()};
    session->settings = wire_settings_new(&session->err);
    assert_non_null(session->settings);
    session_set(session, "host", "127.0.0.1");
    session_set(session, "port", scripted_server_port(session->server));
    session_set(session, "user", "maria");
    session_set(session, "dbname", "shop");
    session_set(session, "sslmode", "disable");
}

void session_prepare_ready(struct session *session)
{
    session_prepare(session);
    scripted_session(session->server);
}

void session_prepare_copy(struct session *session, char type)
{
    session_prepare_ready(session);
    scripted_expect(session->server, 'Q');
    scripted_copy_response(&session->reply, type);
    session_script_reply(session);
}

void session_set(struct session *session, const char *name, const char *value)
{
    assert_true(wire_settings_set(session->settings, name, value, &session->err));
}

void session_script_reply(struct session *session)
{
    scripted_reply_buffer(session->server, &session->reply);
    buffer_free(&session->reply);
}

void session_script_reply_slowly(struct session *session)
{
    scripted_reply_slowly(session->server, session->reply.data, session->reply.len);
    buffer_free(&session->reply);
}

void session_script_ready(struct session *session, char transaction_status)
{
    scripted_ready(&session->reply, transaction_status);
    session_script_reply(session);
}

void session_script_cancel(struct session *session)
{
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "\x04\xd2\x16\x2e", 4);
    scripted_close(session->server);
    scripted_use(session->server, 0);
}

void session_script_tls_answer(struct session *session, const char *bytes, size_t len)
{
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "\x04\xd2\x16\x2f", 4);
    scripted_reply(session->server, bytes, len);
}

void session_connect(struct session *session)
{
    scripted_server_start(session->server);
    if (!wire_connect(&session->conn, session->settings, &session->options, &session->err))
        fail_msg("%s", session->err.message);
}

void session_connect_fails(struct session *session)
{
    scripted_server_start(session->server);
    assert_false(wire_connect(&session->conn, session->settings, &session->options, &session->err));
    assert_null(session->conn);
}

void session_expect(struct session *session, enum wire_event_type type, struct wire_event *event)
{
    if (!wire_next(session->conn, event, &session->err))
        fail_msg("%s", session->err.message);
    assert_int_equal(event->type, type);
}

void session_expect_failure(struct session *session, enum error_code code)
{
    struct wire_event event;

    assert_false(wire_next(session->conn, &event, &session->err));
    assert_int_equal(session->err.code, code);
    assert_true(wire_is_broken(session->conn));
}

void session_finish(struct session *session)
{
    char *failure;

    wire_close(session->conn);
    wire_settings_free(session->settings);
    buffer_free(&session->reply);
    failure = scripted_server_finish(session->server);
    if (failure != NULL)
        fail_msg("%s", failure);
}
