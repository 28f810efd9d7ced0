#include "support/session.h"

#include "base/clock.h"
#include "wire/conn_internal.h"

#include <stdlib.h>
#include <sys/socket.h>

#define MIB ((size_t)1 << 20)

static void start_query(struct session *session)
{
    session_connect(session);
    assert_true(wire_send_query(session->conn, "COPY", &session->err));
}

/* ---- From the server ---- */

/* Reads one CopyData message; true if it is `len` bytes of 'x'. */
static size_t read_message(struct session *session)
{
    struct wire_event event;
    size_t total = 0;

    do {
        session_expect(session, WIRE_COPY_DATA, &event);
        assert_int_equal(event.first, total == 0);
        assert_true(event.data.len > 0);
        assert_true(event.data.len <= INPUT_CAPACITY);
        assert_int_equal(event.data.data[0], 'x');
        assert_int_equal(event.data.data[event.data.len - 1], 'x');
        total += event.data.len;
    } while (!event.last);
    return total;
}

static void a_huge_copy_data_message_passes_in_parts(void **state)
{
    uint8_t header[MESSAGE_HEADER_SIZE];
    char *block = malloc(MIB);
    struct session session;
    struct wire_event event;

    (void)state;
    memset(block, 'x', MIB);
    session_prepare_copy(&session, 'H');
    message_put_copy_data_header(header, 64 * MIB);
    scripted_reply(session.server, header, sizeof(header));
    scripted_reply_repeated(session.server, block, MIB, 64);
    scripted_message(&session.reply, 'c', "", 0);
    session_script_ready(&session, 'I');
    start_query(&session);
    session_expect(&session, WIRE_COPY_OUT, &event);
    assert_int_equal(read_message(&session), 64 * MIB);
    assert_int_equal(session.conn->input_capacity, INPUT_CAPACITY);
    session_expect(&session, WIRE_COPY_DONE, &event);
    session_expect(&session, WIRE_READY, &event);
    free(block);
    session_finish(&session);
}

static void many_copy_data_messages_keep_their_borders(void **state)
{
    struct session session;
    struct wire_event event;
    char block[40000];

    (void)state;
    memset(block, 'x', sizeof(block));
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_copy_response(&session.reply, 'H');
    for (size_t i = 1; i <= 200; i++)
        scripted_message(&session.reply, 'd', block, i * 199);
    scripted_message(&session.reply, 'c', "", 0);
    session_script_ready(&session, 'I');
    start_query(&session);
    session_expect(&session, WIRE_COPY_OUT, &event);
    for (size_t i = 1; i <= 200; i++)
        assert_int_equal(read_message(&session), i * 199);
    session_expect(&session, WIRE_COPY_DONE, &event);
    session_expect(&session, WIRE_READY, &event);
    session_finish(&session);
}

static int readable_from(const struct session *session)
{
    int least = 0;
    socklen_t size = sizeof(least);

    assert_int_equal(
        getsockopt(session->conn->transport.fd, SOL_SOCKET, SO_RCVLOWAT, &least, &size), 0);
    return least;
}

/* In the midst of a stream the socket waits for more of it; what stands alone is read all the same.
 */
static void what_is_behind_a_stream_is_read_at_once(void **state)
{
    uint8_t header[MESSAGE_HEADER_SIZE];
    char *block = malloc(MIB);
    struct session session;
    struct wire_event event;
    bool patient = false;
    int64_t late;

    (void)state;
    memset(block, 'x', MIB);
    session_prepare_copy(&session, 'H');
    message_put_copy_data_header(header, 4 * MIB);
    scripted_reply(session.server, header, sizeof(header));
    scripted_reply_repeated(session.server, block, MIB, 4);
    scripted_delay(session.server, 100);
    scripted_message(&session.reply, 'd', "x", 1);
    session_script_reply(&session);
    scripted_delay(session.server, 3000);
    scripted_message(&session.reply, 'c', "", 0);
    session_script_ready(&session, 'I');
    start_query(&session);
    session_expect(&session, WIRE_COPY_OUT, &event);
    do {
        session_expect(&session, WIRE_COPY_DATA, &event);
        patient = patient || (session.conn->patient && readable_from(&session) > 1);
    } while (!event.last);
    assert_true(patient);
    late = deadline_after_ms(2500);
    assert_int_equal(read_message(&session), 1);
    assert_true(deadline_poll_ms(late) > 0);
    assert_int_equal(readable_from(&session), 1);
    session_expect(&session, WIRE_COPY_DONE, &event);
    session_expect(&session, WIRE_READY, &event);
    free(block);
    session_finish(&session);
}

static void copy_data_ahead_is_what_has_arrived_of_the_next_message(void **state)
{
    uint8_t bytes[] = {'d', 0, 0, 0, 7, 'a', 'b', 'c', 'd', 0, 0, 0, 5, 'e'};
    struct wire_conn conn = {.input = bytes};
    bool first;

    (void)state;
    for (conn.input_end = 0; conn.input_end <= sizeof(bytes); conn.input_end++) {
        size_t arrived = conn.input_end < 5 ? 0 : conn.input_end - 5;
        struct slice ahead = wire_copy_data_ahead(&conn, &first);

        assert_int_equal(ahead.len, arrived < 3 ? arrived : 3);
        assert_true(ahead.len == 0 || (first && ahead.data == bytes + 5));
    }
}

static void copy_data_ahead_may_be_the_rest_of_a_message(void **state)
{
    uint8_t bytes[] = {'b', 'c', 'c', 0, 0, 0, 4};
    struct wire_conn conn = {
        .input = bytes, .input_end = sizeof(bytes), .in_copy_data = true, .copy_data_left = 2};
    struct slice ahead;
    bool first;

    (void)state;
    ahead = wire_copy_data_ahead(&conn, &first);
    assert_true(slice_equals(ahead, slice_string("bc")));
    assert_false(first);
    conn.input_start = 2; /* CopyDone is no copy data */
    conn.in_copy_data = false;
    assert_int_equal(wire_copy_data_ahead(&conn, &first).len, 0);
}

/* Whatever has arrived when it is called, all bytes come in order and nothing else does. */
static void joined_copy_data_is_what_has_arrived_of_all_messages(void **state)
{
    static const uint8_t bytes[] = {'d', 0,   0, 0,   6,   'a', 'b', 'd', 0,   0,   0,
                                    4,   'd', 0, 0,   0,   7,   'c', 'd', 'e', 'd', 0,
                                    0,   0,   5, 'f', 'c', 0,   0,   0,   4};
    static const uint8_t text_until[sizeof(bytes) + 1] = {
        [6] = 1, [7] = 2, [18] = 3, [19] = 4, [20] = 5, [26] = 6};
    size_t expected = 0;

    (void)state;
    for (size_t arrived = 6; arrived <= sizeof(bytes); arrived++) {
        uint8_t input[sizeof(bytes)];
        struct wire_conn conn = {.input = input, .input_end = arrived, .copy = COPY_FROM_SERVER};
        struct wire_event event;
        struct error err;

        memcpy(input, bytes, sizeof(bytes));
        conn.input_capacity = sizeof(input);
        expected = text_until[arrived] > 0 ? text_until[arrived] : expected;
        assert_true(wire_next(&conn, &event, &err));
        wire_join_copy_data(&conn, &event);
        assert_true(slice_equals(event.data, slice_make("abcdef", expected)));
        assert_int_equal(event.last, !conn.in_copy_data);
        assert_memory_equal(input + conn.input_start, bytes + conn.input_start,
                            arrived - conn.input_start);
        assert_true(arrived < sizeof(bytes) || conn.input_start == sizeof(bytes) - 5);
    }
}

static void notices_and_an_error_may_come_within_a_copy(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_copy_response(&session.reply, 'H');
    scripted_message(&session.reply, 'd', "x", 1);
    scripted_report(&session.reply, 'N', "NOTICE", "00000", "WAL archiving is not enabled");
    scripted_parameter(&session.reply, "TimeZone", "UTC");
    scripted_message(&session.reply, 'd', "x", 1);
    scripted_report(&session.reply, 'E', "ERROR", "58030", "could not read file");
    session_script_ready(&session, 'I');
    start_query(&session);
    session_expect(&session, WIRE_COPY_OUT, &event);
    assert_int_equal(read_message(&session), 1);
    assert_int_equal(read_message(&session), 1);
    session_expect(&session, WIRE_SERVER_ERROR, &event);
    assert_string_equal(session.err.message, "could not read file");
    session_expect(&session, WIRE_READY, &event);
    session_finish(&session);
}

static void a_copy_that_does_not_end_is_an_error(void **state)
{
    (void)state;
    for (int tagged = 0; tagged < 2; tagged++) {
        struct session session;
        struct wire_event event;

        session_prepare_ready(&session);
        scripted_expect(session.server, 'Q');
        scripted_copy_response(&session.reply, 'H');
        scripted_message(&session.reply, 'd', "x", 1);
        if (tagged)
            scripted_text_message(&session.reply, 'C', "COPY 1");
        session_script_ready(&session, 'I');
        start_query(&session);
        session_expect(&session, WIRE_COPY_OUT, &event);
        assert_int_equal(read_message(&session), 1);
        session_expect_failure(&session, ERROR_PROTOCOL);
        session_finish(&session);
    }
}

static void a_stream_that_ends_within_a_message_is_an_error(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_copy(&session, 'H');
    scripted_reply(session.server, "d\x40\0\0\0xxx", 8); /* 1 GiB is announced */
    scripted_close(session.server);
    start_query(&session);
    session_expect(&session, WIRE_COPY_OUT, &event);
    session_expect(&session, WIRE_COPY_DATA, &event);
    assert_false(event.last);
    while (wire_next(session.conn, &event, &session.err))
        assert_false(event.last);
    assert_int_equal(session.err.code, ERROR_CONNECTION_LOST);
    session_finish(&session);
}

/* ---- To the server ---- */

static void script_copy_in(struct session *session)
{
    session_prepare_ready(session);
    scripted_expect(session->server, 'Q');
    scripted_copy_response(&session->reply, 'G');
    session_script_reply(session);
}

static void start_copy_in(struct session *session)
{
    struct wire_event event;

    start_query(session);
    session_expect(session, WIRE_COPY_IN, &event);
}

static void small_pieces_and_large_ones_arrive_in_order(void **state)
{
    struct session session;
    struct wire_event event;
    char *block = calloc(1, 3 * MIB);

    (void)state;
    script_copy_in(&session);
    scripted_expect_body(session.server, 'd', "one\n", 4);
    scripted_expect_body(session.server, 'd', "two\n", 4);
    for (int i = 0; i < 3; i++) /* cut into parts of 1 MiB */
        scripted_expect_body(session.server, 'd', block, MIB);
    scripted_expect_body(session.server, 'd', "three\n", 6);
    scripted_expect_body(session.server, 'c', "", 0);
    scripted_text_message(&session.reply, 'C', "COPY 3");
    session_script_ready(&session, 'I');
    start_copy_in(&session);
    assert_true(wire_copy_send(session.conn, slice_string("one\n"), &session.err));
    assert_true(wire_copy_send(session.conn, slice_string("two\n"), &session.err));
    assert_true(wire_copy_send(session.conn, slice_make(block, 3 * MIB), &session.err));
    assert_true(wire_copy_send(session.conn, slice_string("three\n"), &session.err));
    assert_true(wire_copy_done(session.conn, &session.err));
    session_expect(&session, WIRE_COMMAND_COMPLETE, &event);
    session_expect(&session, WIRE_READY, &event);
    free(block);
    session_finish(&session);
}

static void an_error_stops_what_is_sent_and_shows_up_in_next(void **state)
{
    struct session session;
    struct wire_event event;
    char *block = calloc(1, MIB);
    int sent = 0;

    (void)state;
    script_copy_in(&session);
    scripted_expect(session.server, 'd');
    scripted_report(&session.reply, 'E', "ERROR", "22P04", "extra data after last column");
    session_script_ready(&session, 'I');
    scripted_expect_until(session.server, 'd', 'Q');
    session_script_ready(&session, 'I');
    start_copy_in(&session);
    while (!wire_copy_is_refused(session.conn) && sent++ < 10000)
        assert_true(wire_copy_send(session.conn, slice_make(block, MIB), &session.err));
    assert_true(sent < 10000);
    assert_true(wire_copy_send(session.conn, slice_make(block, MIB), &session.err));
    assert_true(wire_copy_done(session.conn, &session.err));
    session_expect(&session, WIRE_SERVER_ERROR, &event);
    assert_string_equal(session.err.sqlstate, "22P04");
    session_expect(&session, WIRE_READY, &event);
    assert_true(wire_query(session.conn, "SELECT", NULL, &session.err));
    free(block);
    session_finish(&session);
}

/* A trigger that raises a notice for each row: 100 MB of them would not fit what is put aside. */
static void floods_of_notices_do_not_stop_a_copy(void **state)
{
    struct session session;
    struct wire_event event;
    char *text = calloc(1, 100000), *block = calloc(1, MIB);

    (void)state;
    memset(text, 'n', 99999);
    script_copy_in(&session);
    scripted_expect(session.server, 'd');
    scripted_report(&session.reply, 'N', "NOTICE", "00000", text);
    scripted_reply_repeated(session.server, session.reply.data, session.reply.len, 1000);
    buffer_free(&session.reply);
    scripted_expect_until(session.server, 'd', 'c');
    scripted_text_message(&session.reply, 'C', "COPY 3");
    session_script_ready(&session, 'I');
    start_copy_in(&session);
    for (int i = 0; i < 32; i++)
        assert_true(wire_copy_send(session.conn, slice_make(block, MIB), &session.err));
    assert_true(wire_copy_done(session.conn, &session.err));
    session_expect(&session, WIRE_COMMAND_COMPLETE, &event);
    session_expect(&session, WIRE_READY, &event);
    free(text);
    free(block);
    session_finish(&session);
}

static void a_lost_connection_shows_up_in_next(void **state)
{
    struct session session;
    struct wire_event event;
    char *block = calloc(1, MIB);

    (void)state;
    script_copy_in(&session);
    scripted_expect(session.server, 'd');
    scripted_report(&session.reply, 'E', "FATAL", "57P01", "terminating connection");
    session_script_reply(&session);
    scripted_delay(session.server, 100);
    scripted_expect_until(session.server, 'd', 'd');
    start_copy_in(&session);
    for (int i = 0; i < 100 && !wire_copy_is_refused(session.conn); i++)
        assert_true(wire_copy_send(session.conn, slice_make(block, MIB), &session.err));
    assert_true(wire_copy_is_refused(session.conn));
    assert_false(wire_next(session.conn, &event, &session.err));
    assert_string_equal(session.err.sqlstate, "57P01");
    free(block);
    wire_close(session.conn);
    session.conn = NULL;
    free(scripted_server_finish(session.server));
    wire_settings_free(session.settings);
}

static void copy_fail_carries_the_reason(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    script_copy_in(&session);
    scripted_expect_body(session.server, 'f', "source broke", 13);
    scripted_report(&session.reply, 'E', "ERROR", "57014", "COPY from stdin failed");
    session_script_ready(&session, 'I');
    start_copy_in(&session);
    assert_true(wire_copy_fail(session.conn, "source broke", &session.err));
    session_expect(&session, WIRE_SERVER_ERROR, &event);
    session_expect(&session, WIRE_READY, &event);
    session_finish(&session);
}

static void copy_data_without_copy_is_refused(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    session_connect(&session);
    assert_false(wire_copy_send(session.conn, slice_string("x"), &session.err));
    assert_int_equal(session.err.code, ERROR_USAGE);
    assert_false(wire_copy_done(session.conn, &session.err));
    assert_false(wire_is_broken(session.conn));
    session_finish(&session);
}

/* ---- Both ways ---- */

static void both_ways_ends_on_each_side_by_itself(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_copy_response(&session.reply, 'W');
    scripted_message(&session.reply, 'd', "x", 1);
    session_script_reply(&session);
    scripted_expect_body(session.server, 'd', "status", 6);
    scripted_message(&session.reply, 'd', "x", 1);
    scripted_message(&session.reply, 'c', "", 0); /* the end of a timeline */
    session_script_reply(&session);
    scripted_expect_body(session.server, 'd', "last status", 11);
    scripted_expect_body(session.server, 'c', "", 0);
    scripted_text_message(&session.reply, 'C', "START_STREAMING");
    session_script_ready(&session, 'I');
    start_query(&session);
    session_expect(&session, WIRE_COPY_BOTH, &event);
    assert_int_equal(read_message(&session), 1);
    assert_true(wire_copy_send(session.conn, slice_string("status"), &session.err));
    assert_int_equal(read_message(&session), 1);
    session_expect(&session, WIRE_COPY_DONE, &event);
    assert_true(wire_copy_send(session.conn, slice_string("last status"), &session.err));
    assert_true(wire_copy_done(session.conn, &session.err));
    session_expect(&session, WIRE_COMMAND_COMPLETE, &event);
    session_expect(&session, WIRE_READY, &event);
    session_finish(&session);
}

static void ending_our_side_first_leaves_the_other_open(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_copy(&session, 'W');
    scripted_expect(session.server, 'c');
    scripted_message(&session.reply, 'd', "xx", 2);
    scripted_message(&session.reply, 'c', "", 0);
    scripted_text_message(&session.reply, 'C', "COPY 0");
    session_script_ready(&session, 'I');
    start_query(&session);
    session_expect(&session, WIRE_COPY_BOTH, &event);
    assert_true(wire_copy_done(session.conn, &session.err));
    assert_false(wire_copy_send(session.conn, slice_string("x"), &session.err));
    assert_int_equal(read_message(&session), 2);
    session_expect(&session, WIRE_COPY_DONE, &event);
    assert_true(wire_drain(session.conn, &session.err));
    session_finish(&session);
}

static void drain_ends_both_ways(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_copy(&session, 'W');
    scripted_expect(session.server, 'c');
    scripted_message(&session.reply, 'c', "", 0);
    session_script_ready(&session, 'I');
    start_query(&session);
    session_expect(&session, WIRE_COPY_BOTH, &event);
    assert_true(wire_drain(session.conn, &session.err));
    session_finish(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_huge_copy_data_message_passes_in_parts),
        cmocka_unit_test(many_copy_data_messages_keep_their_borders),
        cmocka_unit_test(what_is_behind_a_stream_is_read_at_once),
        cmocka_unit_test(copy_data_ahead_is_what_has_arrived_of_the_next_message),
        cmocka_unit_test(copy_data_ahead_may_be_the_rest_of_a_message),
        cmocka_unit_test(joined_copy_data_is_what_has_arrived_of_all_messages),
        cmocka_unit_test(notices_and_an_error_may_come_within_a_copy),
        cmocka_unit_test(a_copy_that_does_not_end_is_an_error),
        cmocka_unit_test(a_stream_that_ends_within_a_message_is_an_error),
        cmocka_unit_test(small_pieces_and_large_ones_arrive_in_order),
        cmocka_unit_test(an_error_stops_what_is_sent_and_shows_up_in_next),
        cmocka_unit_test(floods_of_notices_do_not_stop_a_copy),
        cmocka_unit_test(a_lost_connection_shows_up_in_next),
        cmocka_unit_test(copy_fail_carries_the_reason),
        cmocka_unit_test(copy_data_without_copy_is_refused),
        cmocka_unit_test(both_ways_ends_on_each_side_by_itself),
        cmocka_unit_test(ending_our_side_first_leaves_the_other_open),
        cmocka_unit_test(drain_ends_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
