/* A server that breaks off, damages or floods: at every byte, and without end. */
#include "support/session.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const one_column[] = {"a"};
static const char *const one_value[] = {"value"};

static void append_startup(struct buffer *out)
{
    scripted_report(out, 'N', "NOTICE", "00000", "welcome");
    scripted_authentication_ok(out);
    scripted_parameter(out, "server_version", "18.4");
    scripted_backend_key(out, 4711, "keys", 4);
    scripted_ready(out, 'I');
}

static void append_answer(struct buffer *out)
{
    scripted_row_description(out, 1, one_column);
    scripted_data_row(out, 1, one_value);
    scripted_text_message(out, 'C', "SELECT 1");
    scripted_copy_response(out, 'H');
    scripted_message(out, 'd', "0123456789", 10);
    scripted_message(out, 'c', NULL, 0);
    scripted_text_message(out, 'C', "COPY 1");
    scripted_report(out, 'E', "ERROR", "22012", "division by zero");
    scripted_ready(out, 'I');
}

/* What has been sent so far is all there is. */
static void begin_script(struct session *session, struct slice startup, struct slice answer)
{
    session_prepare(session);
    session_set(session, "connect_timeout", "10");
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "\0\3\0\0", 4);
    scripted_reply(session->server, startup.data, startup.len);
    if (answer.data != NULL) {
        scripted_expect(session->server, 'Q');
        scripted_reply(session->server, answer.data, answer.len);
    }
    scripted_close(session->server);
    scripted_server_start(session->server);
}

/* The server may have closed with something of ours unread: how it went is not asked. It goes
 * first, so that no cancel request waits for an answer. */
static void end_script(struct session *session)
{
    free(scripted_server_finish(session->server));
    wire_close(session->conn);
    wire_settings_free(session->settings);
    buffer_free(&session->reply);
}

static void assert_told(const struct session *session)
{
    assert_int_not_equal(session->err.code, ERROR_NONE);
    assert_true(strlen(session->err.message) > 10);
}

static void a_startup_that_ends_at_any_byte_is_an_error(void **state)
{
    struct buffer startup = {0};

    (void)state;
    append_startup(&startup);
    for (size_t len = 0; len < startup.len; len++) {
        struct session session;

        begin_script(&session, slice_make(startup.data, len), slice_make(NULL, 0));
        assert_false(wire_connect(&session.conn, session.settings, &session.options, &session.err));
        assert_null(session.conn);
        assert_told(&session);
        end_script(&session);
    }
    buffer_free(&startup);
}

static void an_answer_that_ends_at_any_byte_is_an_error(void **state)
{
    struct buffer startup = {0}, answer = {0};

    (void)state;
    append_startup(&startup);
    append_answer(&answer);
    for (size_t len = 0; len < answer.len; len++) {
        struct wire_result *result;
        struct session session;

        begin_script(&session, buffer_slice(&startup), slice_make(answer.data, len));
        if (!wire_connect(&session.conn, session.settings, &session.options, &session.err))
            fail_msg("%s", session.err.message);
        assert_false(wire_query(session.conn, "SELECT", &result, &session.err));
        assert_null(result);
        assert_told(&session);
        assert_true(wire_is_broken(session.conn));
        end_script(&session);
    }
    buffer_free(&startup);
    buffer_free(&answer);
}

/* Whatever a changed byte means: an error that says something, or nothing is wrong. The answer
 * comes with the startup, so that nobody waits for what a damaged length announces. */
static void any_damaged_byte_is_survived(void **state)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    struct buffer both = {0};

    (void)state;
    append_startup(&both);
    append_answer(&both);
    for (size_t i = 0; i < 3 * both.len; i++) {
        struct wire_result *result;
        struct session session;

        both.data[i / 3] ^= changes[i % 3];
        begin_script(&session, buffer_slice(&both), slice_make(NULL, 0));
        if (!wire_connect(&session.conn, session.settings, &session.options, &session.err))
            assert_told(&session);
        else if (!wire_query(session.conn, "SELECT", &result, &session.err))
            assert_told(&session);
        else
            wire_result_free(result);
        end_script(&session);
        both.data[i / 3] ^= changes[i % 3];
    }
    buffer_free(&both);
}

static void notices_without_end_do_not_outlast_connect_timeout(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "connect_timeout", "2");
    scripted_accept(session.server);
    scripted_expect_startup(session.server, "\0\3\0\0", 4);
    for (int i = 0; i < 100; i++)
        scripted_report(&session.reply, 'N', "NOTICE", "00000", "there is more to say");
    scripted_reply_repeated(session.server, session.reply.data, session.reply.len, 0);
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_TIMEOUT);
    session_finish(&session);
}

/* A session whose first query is answered by `data` again and again. */
static void begin_flood(struct session *session, struct slice first, const struct buffer *data)
{
    session_prepare_ready(session);
    scripted_expect(session->server, 'Q');
    scripted_reply(session->server, first.data, first.len);
    scripted_reply_repeated(session->server, data->data, data->len, 0);
    session_connect(session);
}

static void notices_without_end_end_a_query(void **state)
{
    struct buffer notices = {0};
    struct session session;

    (void)state;
    for (int i = 0; i < 100; i++)
        scripted_report(&notices, 'N', "NOTICE", "00000", "there is more to say");
    begin_flood(&session, slice_make("", 0), &notices);
    assert_false(wire_query(session.conn, "SELECT", NULL, &session.err));
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    assert_string_equal(session.err.message, "the server sends notices without end");
    assert_true(wire_is_broken(session.conn));
    session_finish(&session);
    buffer_free(&notices);
}

static void rows_without_columns_and_without_end_end_a_query(void **state)
{
    struct buffer description = {0}, rows = {0};
    struct wire_result *result;
    struct session session;

    (void)state;
    scripted_row_description(&description, 0, NULL);
    for (int i = 0; i < 1000; i++)
        scripted_data_row(&rows, 0, NULL);
    begin_flood(&session, buffer_slice(&description), &rows);
    wire_set_answer_limit(session.conn, 1000);
    assert_false(wire_query(session.conn, "SELECT", &result, &session.err));
    assert_null(result);
    assert_string_equal(session.err.message, "the server's answer does not end");
    session_finish(&session);
    buffer_free(&description);
    buffer_free(&rows);
}

static void the_rest_of_a_command_is_not_drained_for_ever(void **state)
{
    struct wire_event event;
    struct buffer rows = {0};
    struct session session;

    (void)state;
    for (int i = 0; i < 1000; i++)
        scripted_data_row(&rows, 1, one_value);
    begin_flood(&session, slice_make("", 0), &rows);
    assert_true(wire_send_query(session.conn, "SELECT", &session.err));
    session_expect(&session, WIRE_ROW, &event);
    assert_false(wire_drain(session.conn, &session.err));
    assert_true(wire_is_broken(session.conn));
    session_finish(&session);
    buffer_free(&rows);
}

static void an_answer_above_its_limit_is_refused(void **state)
{
    static char long_value[2000];
    const char *const values[] = {long_value};
    struct wire_result *result;
    struct session session;

    (void)state;
    memset(long_value, 'x', sizeof(long_value) - 1);
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_row_description(&session.reply, 1, one_column);
    scripted_data_row(&session.reply, 1, values);
    session_script_reply(&session);
    scripted_expect_close(session.server);
    session_connect(&session);
    wire_set_answer_limit(session.conn, 1000);
    assert_false(wire_query(session.conn, "SELECT", &result, &session.err));
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    assert_non_null(strstr(session.err.message, "at most 1000 are accepted"));
    session_finish(&session);
}

/* 70 MB of words, which quote what was sent: no more than their beginning is held. */
static void an_error_of_any_length_is_told_and_the_session_lives(void **state)
{
    static const char *const names[] = {"SERROR", "C22P02", "P17"};
    const size_t len = (size_t)70 << 20;
    struct wire_result *result = NULL;
    struct buffer body = {0};
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    for (size_t i = 0; i < 3; i++)
        assert_true(buffer_append(&body, names[i], strlen(names[i]) + 1, &session.err));
    assert_true(buffer_append_string(&body, "Minvalid: ", &session.err) &&
                buffer_reserve(&body, len, &session.err));
    memset(body.data + body.len, 'x', len);
    body.len += len;
    assert_true(buffer_append(&body, "\0Wbehind it\0", sizeof("\0Wbehind it\0"), &session.err));
    scripted_expect(session.server, 'Q');
    scripted_message(&session.reply, 'E', body.data, body.len);
    scripted_ready(&session.reply, 'I');
    session_script_reply(&session);
    scripted_expect(session.server, 'Q');
    scripted_text_message(&session.reply, 'C', "SET");
    scripted_ready(&session.reply, 'I');
    session_script_reply(&session);
    session_connect(&session);
    assert_false(wire_query(session.conn, "SELECT", &result, &session.err));
    assert_int_equal(session.err.code, ERROR_SERVER);
    assert_string_equal(session.err.sqlstate, "22P02");
    assert_int_equal(strncmp(session.err.message, "invalid: xxx", 12), 0);
    assert_string_equal(wire_error_context(session.conn), "behind it");
    assert_int_equal(wire_error_position(session.conn), 17);
    assert_true(wire_query(session.conn, "SET", &result, &session.err));
    wire_result_free(result);
    session_finish(&session);
    buffer_free(&body);
}

static void a_result_above_its_limit_is_refused_and_the_session_lives(void **state)
{
    struct wire_result *result;
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_row_description(&session.reply, 1, one_column);
    for (int i = 0; i < 1000; i++)
        scripted_data_row(&session.reply, 1, one_value);
    scripted_text_message(&session.reply, 'C', "SELECT 1000");
    session_script_ready(&session, 'I');
    scripted_expect_close(session.server);
    session_connect(&session);
    wire_set_answer_limit(session.conn, 1000);
    assert_false(wire_query(session.conn, "SELECT", &result, &session.err));
    assert_int_equal(session.err.code, ERROR_UNSUPPORTED);
    assert_false(wire_is_broken(session.conn));
    session_finish(&session);
}

static void a_parameter_of_a_megabyte_is_not_kept(void **state)
{
    static char text[1 << 20];
    struct session session;

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    session_prepare(&session);
    scripted_accept(session.server);
    scripted_expect_startup(session.server, "\0\3\0\0", 4);
    scripted_authentication_ok(&session.reply);
    scripted_parameter(&session.reply, "search_path", text);
    scripted_parameter(&session.reply, "server_version", "18.4");
    session_script_ready(&session, 'I');
    scripted_expect_close(session.server);
    session_connect(&session);
    assert_null(wire_parameter(session.conn, "search_path"));
    assert_string_equal(wire_parameter(session.conn, "server_version"), "18.4");
    session_finish(&session);
}

static void a_second_key_is_an_error(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    scripted_accept(session.server);
    scripted_expect_startup(session.server, "\0\3\0\0", 4);
    scripted_authentication_ok(&session.reply);
    scripted_backend_key(&session.reply, 1, "keys", 4);
    scripted_backend_key(&session.reply, 2, "keys", 4);
    session_script_reply(&session);
    scripted_expect_close(session.server);
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    assert_non_null(strstr(session.err.message, "BackendKeyData twice"));
    session_finish(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_startup_that_ends_at_any_byte_is_an_error),
        cmocka_unit_test(an_answer_that_ends_at_any_byte_is_an_error),
        cmocka_unit_test(any_damaged_byte_is_survived),
        cmocka_unit_test(notices_without_end_do_not_outlast_connect_timeout),
        cmocka_unit_test(notices_without_end_end_a_query),
        cmocka_unit_test(rows_without_columns_and_without_end_end_a_query),
        cmocka_unit_test(the_rest_of_a_command_is_not_drained_for_ever),
        cmocka_unit_test(an_answer_above_its_limit_is_refused),
        cmocka_unit_test(an_error_of_any_length_is_told_and_the_session_lives),
        cmocka_unit_test(a_result_above_its_limit_is_refused_and_the_session_lives),
        cmocka_unit_test(a_parameter_of_a_megabyte_is_not_kept),
        cmocka_unit_test(a_second_key_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
