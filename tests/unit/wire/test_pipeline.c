#include "support/session.h"

#include "wire/conn_internal.h"

#include <stdlib.h>

#define STATEMENTS 1000

/* Each statement is 16 KB and so is its answer: 16 MB each way, far beyond what sockets hold. The
 * server answers each one before it reads the next, so whoever only sends would wait for ever. */
static void a_pipeline_larger_than_all_buffers_does_not_deadlock(void **state)
{
    struct session session;
    struct wire_event event;
    char *text = malloc(16001);
    const char *const values[] = {text};

    (void)state;
    memset(text, 'v', 16000);
    text[16000] = '\0';
    session_prepare_ready(&session);
    scripted_message(&session.reply, '2', "", 0);
    scripted_data_row(&session.reply, 1, values);
    scripted_text_message(&session.reply, 'C', "SELECT 1");
    scripted_expect(session.server, 'P');
    scripted_reply(session.server, "1\0\0\0\4", 5);
    for (int i = 0; i < STATEMENTS; i++) {
        scripted_expect(session.server, 'B');
        scripted_expect(session.server, 'E');
        scripted_reply_buffer(session.server, &session.reply);
    }
    buffer_free(&session.reply);
    scripted_expect(session.server, 'S');
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_queue_parse(session.conn, "s", "SELECT $1", &session.err));
    for (int i = 0; i < STATEMENTS; i++) {
        assert_true(wire_queue_bind(session.conn, "", "s", 1, values, &session.err));
        assert_true(wire_queue_execute(session.conn, "", 0, &session.err));
    }
    assert_true(wire_queue_sync(session.conn, &session.err));
    assert_true(wire_flush(session.conn, &session.err));
    session_expect(&session, WIRE_PARSE_COMPLETE, &event);
    for (int i = 0; i < STATEMENTS; i++) {
        session_expect(&session, WIRE_BIND_COMPLETE, &event);
        session_expect(&session, WIRE_ROW, &event);
        assert_int_equal(wire_row_value(session.conn, 0).len, 16000);
        session_expect(&session, WIRE_COMMAND_COMPLETE, &event);
    }
    session_expect(&session, WIRE_READY, &event);
    assert_int_equal(session.conn->aside.capacity, 0); /* given back */
    free(text);
    session_finish(&session);
}

static void what_was_lent_survives_a_flush(void **state)
{
    struct session session;
    struct wire_event event;
    const char *const values[] = {"lent"};
    char *sql = malloc(8000001);

    (void)state;
    memset(sql, ' ', 8000000);
    sql[8000000] = '\0';
    session_prepare_ready(&session);
    scripted_expect(session.server, 'E');
    scripted_data_row(&session.reply, 1, values);
    session_script_reply(&session);
    /* More than the receive buffer comes while the flush is blocked. */
    for (int i = 0; i < 50000; i++)
        scripted_data_row(&session.reply, 1, values);
    session_script_reply(&session);
    scripted_expect(session.server, 'P');
    scripted_expect(session.server, 'S');
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_queue_execute(session.conn, "", 0, &session.err));
    assert_true(wire_flush(session.conn, &session.err));
    session_expect(&session, WIRE_ROW, &event);
    assert_true(wire_queue_parse(session.conn, "", sql, &session.err));
    assert_true(wire_queue_sync(session.conn, &session.err));
    assert_true(wire_flush(session.conn, &session.err));
    assert_true(slice_equals(wire_row_value(session.conn, 0), slice_string("lent")));
    for (int i = 0; i < 50000; i++)
        session_expect(&session, WIRE_ROW, &event);
    session_expect(&session, WIRE_READY, &event);
    free(sql);
    session_finish(&session);
}

static void each_sync_has_its_ready(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'P');
    scripted_expect(session.server, 'S');
    scripted_expect(session.server, 'P');
    scripted_expect(session.server, 'S');
    scripted_report(&session.reply, 'E', "ERROR", "42601", "syntax error");
    scripted_ready(&session.reply, 'I');
    scripted_message(&session.reply, '1', "", 0);
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_queue_parse(session.conn, "", "SELEC", &session.err));
    assert_true(wire_queue_sync(session.conn, &session.err));
    assert_true(wire_queue_parse(session.conn, "", "SELECT", &session.err));
    assert_true(wire_queue_sync(session.conn, &session.err));
    assert_true(wire_flush(session.conn, &session.err));
    session_expect(&session, WIRE_SERVER_ERROR, &event);
    session_expect(&session, WIRE_READY, &event);
    session_expect(&session, WIRE_PARSE_COMPLETE, &event);
    session_expect(&session, WIRE_READY, &event);
    session_finish(&session);
}

static void queries_may_follow_a_copy(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_ready(&session);
    for (int i = 0; i < 3; i++) /* all are there before the first is answered */
        scripted_expect(session.server, 'Q');
    for (int i = 0; i < 3; i++) {
        if (i == 1) {
            scripted_report(&session.reply, 'E', "ERROR", "42P01", "no such table");
        } else {
            scripted_copy_response(&session.reply, 'H');
            scripted_message(&session.reply, 'd', "row\n", 4);
            scripted_message(&session.reply, 'c', "", 0);
        }
        scripted_ready(&session.reply, 'T');
    }
    session_script_reply(&session);
    session_connect(&session);
    for (int i = 0; i < 3; i++)
        assert_true(wire_queue_query(session.conn, "COPY t TO STDOUT", &session.err));
    session_expect(&session, WIRE_COPY_OUT, &event);
    session_expect(&session, WIRE_COPY_DATA, &event);
    wire_join_copy_data(session.conn, &event);
    assert_int_equal(event.data.len, 4);
    session_expect(&session, WIRE_COPY_DONE, &event);
    session_expect(&session, WIRE_READY, &event);
    assert_false(wire_send_query(session.conn, "SELECT 1", &session.err)); /* two are to come */
    assert_int_equal(session.err.code, ERROR_USAGE);
    session_expect(&session, WIRE_SERVER_ERROR, &event);
    assert_true(wire_drain(session.conn, &session.err)); /* the third, too */
    assert_int_equal(session.conn->awaiting_ready, 0);
    session_finish(&session);
}

static void nothing_follows_a_copy_to_the_server(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_copy(&session, 'G');
    scripted_expect(session.server, 'f');
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_queue_query(session.conn, "COPY t FROM STDIN", &session.err));
    session_expect(&session, WIRE_COPY_IN, &event);
    assert_false(wire_queue_query(session.conn, "SELECT 1", &session.err));
    assert_int_equal(session.err.code, ERROR_USAGE);
    assert_true(wire_drain(session.conn, &session.err));
    session_finish(&session);
}

static void next_sends_what_is_still_queued(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect_body(session.server, 'C', "Ss\0", 3);
    scripted_expect(session.server, 'S');
    scripted_message(&session.reply, '3', "", 0);
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(wire_queue_close_statement(session.conn, "s", &session.err));
    assert_true(wire_queue_sync(session.conn, &session.err));
    session_expect(&session, WIRE_CLOSE_COMPLETE, &event);
    session_expect(&session, WIRE_READY, &event);
    session_finish(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipeline_larger_than_all_buffers_does_not_deadlock),
        cmocka_unit_test(what_was_lent_survives_a_flush),
        cmocka_unit_test(each_sync_has_its_ready),
        cmocka_unit_test(queries_may_follow_a_copy),
        cmocka_unit_test(nothing_follows_a_copy_to_the_server),
        cmocka_unit_test(next_sends_what_is_still_queued),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
