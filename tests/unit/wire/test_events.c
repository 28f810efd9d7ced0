#include "support/session.h"

#include "wire/conn_internal.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const two_names[] = {"id", "name"};
static const char *const two_values[] = {"7", NULL};

/* One message of every kind that a server may send within a session, in an order that makes
 * sense, framed by a simple query. */
static void add_every_message(struct buffer *out)
{
    scripted_report(out, 'N', "NOTICE", "00000", "by the way");
    scripted_parameter(out, "TimeZone", "UTC");
    scripted_message(out, 'A', "\0\0\0\1channel\0payload\0", 20);
    scripted_row_description(out, 2, two_names);
    scripted_data_row(out, 2, two_values);
    scripted_text_message(out, 'C', "SELECT 1");
    scripted_message(out, 'I', "", 0);
    scripted_message(out, '1', "", 0);
    scripted_message(out, '2', "", 0);
    scripted_message(out, '3', "", 0);
    scripted_message(out, 'n', "", 0);
    scripted_message(out, 's', "", 0);
    scripted_message(out, 't', "\0\1\0\0\0\x17", 6);
    scripted_copy_response(out, 'H');
    scripted_message(out, 'd', "row\n", 4);
    scripted_message(out, 'd', "", 0);
    scripted_message(out, 'c', "", 0);
    scripted_text_message(out, 'C', "COPY 1");
    scripted_report(out, 'E', "ERROR", "42P01", "no such table");
    scripted_ready(out, 'E');
}

static void expect_row(struct session *session)
{
    struct wire_event event;

    session_expect(session, WIRE_ROW_DESCRIPTION, &event);
    assert_int_equal(wire_column_count(session->conn), 2);
    assert_string_equal(wire_column_name(session->conn, 1), "name");
    assert_int_equal(wire_column_type(session->conn, 0), 25);
    session_expect(session, WIRE_ROW, &event);
    assert_int_equal(wire_row_columns(session->conn), 2);
    assert_true(slice_equals(wire_row_value(session->conn, 0), slice_string("7")));
    assert_null(wire_row_value(session->conn, 1).data);
    /* Names outlive rows. */
    assert_string_equal(wire_column_name(session->conn, 0), "id");
    session_expect(session, WIRE_COMMAND_COMPLETE, &event);
    assert_string_equal(event.tag, "SELECT 1");
}

static void expect_copy(struct session *session)
{
    struct buffer data = {0};
    struct wire_event event;
    size_t messages = 0;

    session_expect(session, WIRE_COPY_OUT, &event);
    while (messages < 2) {
        session_expect(session, WIRE_COPY_DATA, &event);
        assert_true(buffer_append(&data, event.data.data, event.data.len, &session->err));
        messages += event.last ? 1 : 0;
    }
    assert_string_equal(buffer_text(&data), "row\n");
    assert_true(event.first);
    session_expect(session, WIRE_COPY_DONE, &event);
    session_expect(session, WIRE_COMMAND_COMPLETE, &event);
    assert_string_equal(event.tag, "COPY 1");
    buffer_free(&data);
}

static void expect_every_event(struct session *session)
{
    const enum wire_event_type plain[] = {
        WIRE_EMPTY_QUERY, WIRE_PARSE_COMPLETE,   WIRE_BIND_COMPLETE,        WIRE_CLOSE_COMPLETE,
        WIRE_NO_DATA,     WIRE_PORTAL_SUSPENDED, WIRE_PARAMETER_DESCRIPTION};
    struct wire_event event;

    expect_row(session);
    assert_string_equal(wire_parameter(session->conn, "TimeZone"), "UTC");
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        session_expect(session, plain[i], &event);
    expect_copy(session);
    session_expect(session, WIRE_SERVER_ERROR, &event);
    assert_int_equal(session->err.code, ERROR_SERVER);
    assert_string_equal(session->err.sqlstate, "42P01");
    assert_string_equal(session->err.message, "no such table");
    session_expect(session, WIRE_READY, &event);
    assert_int_equal(event.transaction_status, 'E');
    assert_false(wire_is_broken(session->conn));
}

static void every_message_becomes_its_event(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect_body(session.server, 'Q', "SELECT", 7);
    add_every_message(&session.reply);
    session_script_reply(&session);
    scripted_expect_body(session.server, 'X', "", 0);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT", &session.err));
    expect_every_event(&session);
    session_finish(&session);
}

static void every_message_may_come_a_byte_at_a_time(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    add_every_message(&session.reply);
    session_script_reply_slowly(&session);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT", &session.err));
    expect_every_event(&session);
    session_finish(&session);
}

static void messages_may_straddle_the_end_of_the_buffer(void **state)
{
    struct session session;
    struct wire_event event;
    char text[1000];
    const char *const values[] = {text, "end"};

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_row_description(&session.reply, 2, two_names);
    for (int i = 0; i < 2000; i++) /* 2 MB: eight times the buffer */
        scripted_data_row(&session.reply, 2, values);
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT", &session.err));
    session_expect(&session, WIRE_ROW_DESCRIPTION, &event);
    for (int i = 0; i < 2000; i++) {
        session_expect(&session, WIRE_ROW, &event);
        assert_true(slice_equals(wire_row_value(session.conn, 0), slice_string(text)));
        assert_true(slice_equals(wire_row_value(session.conn, 1), slice_string("end")));
    }
    session_expect(&session, WIRE_READY, &event);
    session_finish(&session);
}

static void a_large_row_is_held_whole_and_its_memory_returned(void **state)
{
    const size_t len = 5000000;
    struct session session;
    struct wire_event event;
    struct buffer body = {0};

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    assert_true(buffer_append(&body, "\0\1", 2, &session.err));
    assert_true(buffer_append_u32(&body, (uint32_t)len, &session.err));
    assert_true(buffer_reserve(&body, len, &session.err));
    memset(body.data + body.len, 'y', len);
    body.len += len;
    scripted_message(&session.reply, 'D', body.data, body.len);
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT", &session.err));
    session_expect(&session, WIRE_ROW, &event);
    assert_int_equal(wire_row_value(session.conn, 0).len, len);
    assert_int_equal(wire_row_value(session.conn, 0).data[len - 1], 'y');
    session_expect(&session, WIRE_READY, &event);
    assert_int_equal(session.conn->input_capacity, INPUT_CAPACITY);
    buffer_free(&body);
    session_finish(&session);
}

/* Sends these bytes as the answer to a query; reading them must fail as a protocol error. */
static void expect_protocol_error(const void *bytes, size_t len)
{
    struct session session;

    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_reply(session.server, bytes, len);
    scripted_close(session.server);
    scripted_accept(session.server); /* a CancelRequest */
    scripted_close(session.server);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT", &session.err));
    session_expect_failure(&session, ERROR_PROTOCOL);
    session_finish(&session);
}

static void lengths_that_cannot_be_are_protocol_errors(void **state)
{
    (void)state;
    expect_protocol_error("D\0\0\0\3", 5);
    expect_protocol_error("D\xff\xff\xff\xff", 5); /* 4 GiB */
    expect_protocol_error("T\4\0\0\5", 5);         /* over 64 MiB */
    expect_protocol_error("D\4\0\0\5", 5);         /* which rows may only be if that is asked for */
    expect_protocol_error("D\x40\0\0\5", 5);       /* over 1 GiB */
    expect_protocol_error("?\0\0\0\4", 5);
}

static void messages_out_of_place_are_protocol_errors(void **state)
{
    (void)state;
    expect_protocol_error("d\0\0\0\5x", 6);          /* copy data without COPY */
    expect_protocol_error("c\0\0\0\4", 5);           /* nor its end */
    expect_protocol_error("R\0\0\0\010\0\0\0\0", 9); /* authentication in a session */
    expect_protocol_error("H\0\0\0\6\0\0", 7);       /* a copy response that is too short */
}

static void a_second_ready_is_a_protocol_error(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_ready(&session.reply, 'I');
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT", &session.err));
    session_expect(&session, WIRE_READY, &event);
    session_expect_failure(&session, ERROR_PROTOCOL);
    session_finish(&session);
}

static void a_closed_connection_is_lost(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_reply(session.server, "D\0\0\0\xff truncated", 15);
    scripted_close(session.server);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT", &session.err));
    session_expect_failure(&session, ERROR_CONNECTION_LOST);
    assert_false(wire_next(session.conn, &event, &session.err));
    assert_false(wire_send_query(session.conn, "SELECT", &session.err));
    session_finish(&session);
}

static void a_fatal_error_breaks_the_connection_and_says_why(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_report(&session.reply, 'E', "FATAL", "57P01", "terminating connection");
    session_script_reply(&session);
    scripted_close(session.server);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT", &session.err));
    session_expect_failure(&session, ERROR_SERVER);
    assert_string_equal(session.err.sqlstate, "57P01");
    assert_string_equal(session.err.message, "terminating connection");
    session_finish(&session);
}

static void what_the_server_said_last_is_heard_though_sending_fails(void **state)
{
    struct session session;
    struct wire_result *result;

    (void)state;
    session_prepare_ready(&session);
    scripted_report(&session.reply, 'E', "FATAL", "57P05", "idle-session timeout");
    session_script_reply(&session);
    scripted_close(session.server);
    session_connect(&session);
    free(scripted_server_finish(session.server)); /* it is gone now */
    assert_false(wire_query(session.conn, "SELECT", &result, &session.err));
    assert_string_equal(session.err.sqlstate, "57P05");
    assert_non_null(strstr(session.err.hint, "idle_session_timeout"));
    wire_close(session.conn);
    wire_settings_free(session.settings);
}

static void server_texts_are_cleaned(void **state)
{
    static const char before[] = "SERROR\0C42\x01\x01\x01\0Ma\x1b[2Jb\xff"
                                 "c\xc3\xbc";
    static const char after[] = "\0Hserver hint\0"; /* its own NUL ends the list */
    struct session session;
    struct wire_event event;
    struct buffer body = {0};

    (void)state;
    assert_true(buffer_append(&body, before, sizeof(before) - 1, &session.err));
    for (int i = 0; i < 3000; i++)
        assert_true(buffer_append_byte(&body, 'z', &session.err));
    assert_true(buffer_append(&body, after, sizeof(after), &session.err));
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_message(&session.reply, 'E', body.data, body.len);
    buffer_free(&body);
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT", &session.err));
    session_expect(&session, WIRE_SERVER_ERROR, &event);
    assert_string_equal(session.err.sqlstate, "42???");
    assert_memory_equal(session.err.message, "a?[2Jb?c\xc3\xbczzz", 13);
    assert_string_equal(session.err.hint, "server hint");
    session_finish(&session);
}

static void cut_text_ends_at_a_character(void **state)
{
    char out[8];

    (void)state;
    report_clean("abcdef\xc3\xbc", out, sizeof(out));
    assert_string_equal(out, "abcdef");
    report_clean("abcde\xc3\xbc", out, sizeof(out));
    assert_string_equal(out, "abcde\xc3\xbc");
    report_clean("\xc2\x9b"
                 "31m",
                 out, sizeof(out));
    assert_string_equal(out, "?31m");
}

/* ---- Notices ---- */

struct heard {
    int count;
    enum log_level level;
    char text[200], severity[20], sqlstate[6], message[100];
};

static void hear_log(void *context, enum log_level level, const char *message)
{
    struct heard *heard = context;

    heard->count++;
    heard->level = level;
    snprintf(heard->text, sizeof(heard->text), "%s", message);
}

static void hear_notice(void *context, const char *severity, const char *sqlstate,
                        const char *message)
{
    struct heard *heard = context;

    snprintf(heard->severity, sizeof(heard->severity), "%s", severity);
    snprintf(heard->sqlstate, sizeof(heard->sqlstate), "%s", sqlstate);
    snprintf(heard->message, sizeof(heard->message), "%s", message);
}

static void notices_reach_the_log_and_the_handler(void **state)
{
    struct heard heard = {0};
    const struct log log = {hear_log, &heard, LOG_DEBUG};
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    session.options.log = &log;
    scripted_expect(session.server, 'Q');
    scripted_report(&session.reply, 'N', "WARNING", "01000", "checksum verification failed");
    session_script_ready(&session, 'I');
    session_connect(&session);
    wire_set_notice_handler(session.conn, hear_notice, &heard);
    assert_true(wire_query(session.conn, "SELECT", NULL, &session.err));
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.level, LOG_WARNING);
    assert_non_null(strstr(heard.text, "checksum verification failed"));
    assert_string_equal(heard.severity, "WARNING");
    assert_string_equal(heard.sqlstate, "01000");
    assert_string_equal(heard.message, "checksum verification failed");
    session_finish(&session);
}

/* ---- Whole results ---- */

static void a_query_gives_the_last_result_with_columns(void **state)
{
    static const char *const first[] = {"first"};
    struct session session;
    struct wire_result *result;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_row_description(&session.reply, 1, first);
    scripted_data_row(&session.reply, 1, first);
    scripted_text_message(&session.reply, 'C', "SELECT 1");
    scripted_row_description(&session.reply, 2, two_names);
    scripted_data_row(&session.reply, 2, two_values);
    scripted_data_row(&session.reply, 2, two_names);
    scripted_text_message(&session.reply, 'C', "SELECT 2");
    scripted_text_message(&session.reply, 'C', "SET");
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_query(session.conn, "…", &result, &session.err));
    assert_int_equal(wire_result_columns(result), 2);
    assert_int_equal(wire_result_rows(result), 2);
    assert_string_equal(wire_result_column_name(result, 0), "id");
    assert_string_equal(wire_result_value(result, 0, 0), "7");
    assert_null(wire_result_value(result, 0, 1));
    assert_string_equal(wire_result_value(result, 1, 1), "name");
    assert_null(wire_result_value(result, 2, 0));
    assert_null(wire_result_value(result, 0, 2));
    wire_result_free(result);
    session_finish(&session);
}

static void a_failed_query_leaves_the_connection_usable(void **state)
{
    struct session session;
    struct wire_result *result;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_report(&session.reply, 'E', "ERROR", "22012", "division by zero");
    session_script_ready(&session, 'I');
    scripted_expect(session.server, 'Q');
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_false(wire_query(session.conn, "SELECT 1/0", &result, &session.err));
    assert_null(result);
    assert_string_equal(session.err.sqlstate, "22012");
    assert_true(wire_query(session.conn, "", &result, &session.err));
    session_finish(&session);
}

static void copy_in_within_a_query_is_declined(void **state)
{
    struct session session;

    (void)state;
    session_prepare_copy(&session, 'G');
    scripted_expect(session.server, 'f');
    scripted_report(&session.reply, 'E', "ERROR", "57014", "COPY from stdin failed");
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_false(wire_query(session.conn, "COPY t FROM STDIN", NULL, &session.err));
    assert_string_equal(session.err.sqlstate, "57014");
    assert_false(wire_is_broken(session.conn));
    session_finish(&session);
}

static void a_second_query_has_to_wait_for_the_first(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT 1", &session.err));
    assert_false(wire_send_query(session.conn, "SELECT 2", &session.err));
    assert_int_equal(session.err.code, ERROR_USAGE);
    assert_true(wire_drain(session.conn, &session.err));
    session_finish(&session);
}

static void drain_keeps_the_first_error(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_data_row(&session.reply, 2, two_values);
    scripted_report(&session.reply, 'E', "ERROR", "22012", "first");
    scripted_report(&session.reply, 'E', "ERROR", "25P02", "second");
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT 1", &session.err));
    assert_false(wire_drain(session.conn, &session.err));
    assert_string_equal(session.err.message, "first");
    assert_true(wire_drain(session.conn, &session.err)); /* nothing is running any more */
    session_finish(&session);
}

static void parameters_go_through_the_extended_protocol(void **state)
{
    const char *const values[] = {"7", NULL};
    struct session session;
    struct wire_result *result;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect_body(session.server, 'P', "\0SELECT $1, $2\0\0\0", 17);
    scripted_expect_body(session.server, 'B', "\0\0\0\0\0\2\0\0\0\0017\xff\xff\xff\xff\0\0", 17);
    scripted_expect_body(session.server, 'D', "P\0", 2);
    scripted_expect_body(session.server, 'E', "\0\0\0\0\0", 5);
    scripted_expect_body(session.server, 'S', "", 0);
    scripted_message(&session.reply, '1', "", 0);
    scripted_message(&session.reply, '2', "", 0);
    scripted_row_description(&session.reply, 2, two_names);
    scripted_data_row(&session.reply, 2, two_values);
    scripted_text_message(&session.reply, 'C', "SELECT 1");
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_query_params(session.conn, "SELECT $1, $2", 2, values, &result, &session.err));
    assert_string_equal(wire_result_value(result, 0, 0), "7");
    wire_result_free(result);
    session_finish(&session);
}

static void names_and_values_are_quoted(void **state)
{
    struct buffer out = {0};
    struct error err;

    (void)state;
    assert_true(wire_quote_identifier(&out, "we\"ird", &err));
    assert_string_equal(buffer_text(&out), "\"we\"\"ird\"");
    buffer_clear(&out);
    assert_true(wire_quote_literal(&out, "it's \\", &err));
    assert_string_equal(buffer_text(&out), "'it''s \\'");
    buffer_clear(&out);
    assert_true(wire_quote_literal(&out, "", &err));
    assert_string_equal(buffer_text(&out), "''");
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_becomes_its_event),
        cmocka_unit_test(every_message_may_come_a_byte_at_a_time),
        cmocka_unit_test(messages_may_straddle_the_end_of_the_buffer),
        cmocka_unit_test(a_large_row_is_held_whole_and_its_memory_returned),
        cmocka_unit_test(lengths_that_cannot_be_are_protocol_errors),
        cmocka_unit_test(messages_out_of_place_are_protocol_errors),
        cmocka_unit_test(a_second_ready_is_a_protocol_error),
        cmocka_unit_test(a_closed_connection_is_lost),
        cmocka_unit_test(a_fatal_error_breaks_the_connection_and_says_why),
        cmocka_unit_test(what_the_server_said_last_is_heard_though_sending_fails),
        cmocka_unit_test(server_texts_are_cleaned),
        cmocka_unit_test(cut_text_ends_at_a_character),
        cmocka_unit_test(notices_reach_the_log_and_the_handler),
        cmocka_unit_test(a_query_gives_the_last_result_with_columns),
        cmocka_unit_test(a_failed_query_leaves_the_connection_usable),
        cmocka_unit_test(copy_in_within_a_query_is_declined),
        cmocka_unit_test(a_second_query_has_to_wait_for_the_first),
        cmocka_unit_test(drain_keeps_the_first_error),
        cmocka_unit_test(parameters_go_through_the_extended_protocol),
        cmocka_unit_test(names_and_values_are_quoted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
