#include "support/session.h"

#include "base/clock.h"
#include "wire/conn_internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static void sleep_ms(long milliseconds)
{
    struct timespec time = {.tv_nsec = milliseconds * 1000000};

    nanosleep(&time, NULL);
}

static void *cancel_soon(void *argument)
{
    sleep_ms(200);
    cancel_request(argument);
    return NULL;
}

/* What wire_close does to a busy session, on the server's side: a CancelRequest on a connection of
 * its own, then Terminate. */
static void script_farewell(struct session *session)
{
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "\x04\xd2\x16\x2e\0\0\x12\x67\1\2\3\4", 12);
    scripted_close(session->server);
    scripted_use(session->server, 0);
    scripted_expect_body(session->server, 'X', "", 0);
    scripted_close(session->server);
}

static void cancel_ends_a_wait_at_once(void **state)
{
    struct session session;
    struct wire_event event;
    struct cancel cancel;
    pthread_t thread;
    int64_t begun;

    (void)state;
    session_prepare_ready(&session);
    assert_true(cancel_init(&cancel, &session.err));
    session.options.cancel = &cancel;
    scripted_expect(session.server, 'Q');
    script_farewell(&session);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT pg_sleep(100)", &session.err));
    begun = clock_now_ms();
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_false(wire_next(session.conn, &event, &session.err));
    assert_int_equal(session.err.code, ERROR_CANCELLED);
    assert_true(clock_now_ms() - begun < 2000);
    assert_true(wire_is_broken(session.conn));
    pthread_join(thread, NULL);
    session_finish(&session);
    cancel_reset(&cancel);
}

static void cancel_ends_a_stream_that_never_pauses(void **state)
{
    struct session session;
    struct wire_event event;
    struct cancel cancel;
    pthread_t thread;
    char block[10000];

    (void)state;
    memset(block, 'x', sizeof(block));
    session_prepare_ready(&session);
    assert_true(cancel_init(&cancel, &session.err));
    session.options.cancel = &cancel;
    scripted_expect(session.server, 'Q');
    scripted_copy_response(&session.reply, 'H');
    session_script_reply(&session);
    scripted_message(&session.reply, 'd', block, sizeof(block));
    scripted_reply_repeated(session.server, session.reply.data, session.reply.len, 0);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "COPY", &session.err));
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    while (wire_next(session.conn, &event, &session.err))
        ;
    assert_int_equal(session.err.code, ERROR_CANCELLED);
    pthread_join(thread, NULL);
    session_finish(&session);
    cancel_reset(&cancel);
}

static void a_silent_server_reaches_the_wait_limit(void **state)
{
    struct session session;
    int64_t begun;

    (void)state;
    session_prepare_ready(&session);
    session.options.wait_limit_ms = 300;
    scripted_expect(session.server, 'Q');
    script_farewell(&session);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT", &session.err));
    begun = clock_now_ms();
    session_expect_failure(&session, ERROR_TIMEOUT);
    assert_true(clock_now_ms() - begun >= 290);
    assert_true(clock_now_ms() - begun < 3000);
    session_finish(&session);
}

static void the_wait_limit_is_for_silence_not_for_the_whole(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    for (int i = 0; i < 5; i++) {
        scripted_delay(session.server, 200);
        scripted_text_message(&session.reply, 'C', "SET");
        session_script_reply(&session);
    }
    session_script_ready(&session, 'I');
    session_connect(&session);
    wire_set_wait_limit(session.conn, 600);
    assert_true(wire_query(session.conn, "SELECT", NULL, &session.err));
    session_finish(&session);
}

static void a_server_that_takes_nothing_reaches_the_wait_limit(void **state)
{
    struct session session;
    struct wire_event event;
    char *block = calloc(1, 32 << 20);

    (void)state;
    session_prepare_copy(&session, 'G');
    scripted_accept(session.server); /* the CancelRequest */
    scripted_expect_startup(session.server, "\x04\xd2\x16\x2e", 4);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "COPY", &session.err));
    session_expect(&session, WIRE_COPY_IN, &event);
    wire_set_wait_limit(session.conn, 300);
    assert_false(wire_copy_send(session.conn, slice_make(block, 32 << 20), &session.err));
    assert_int_equal(session.err.code, ERROR_TIMEOUT);
    free(block);
    session_finish(&session);
}

static void wire_cancel_sends_pid_and_key(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_accept(session.server);
    scripted_expect_startup(session.server, "\x04\xd2\x16\x2e\0\0\x12\x67\1\2\3\4", 12);
    scripted_close(session.server);
    session_connect(&session);
    assert_true(wire_cancel(session.conn, &session.err));
    session_finish(&session);
}

static void wire_cancel_is_bounded(void **state)
{
    struct session session;
    int64_t begun;

    (void)state;
    session_prepare_ready(&session);
    scripted_accept(session.server);
    scripted_expect_close(session.server); /* says nothing and does not close */
    session_connect(&session);
    begun = clock_now_ms();
    assert_false(wire_cancel(session.conn, &session.err));
    assert_true(clock_now_ms() - begun < 4000);
    session_finish(&session);
}

static void a_server_without_a_key_cannot_be_cancelled(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    scripted_accept(session.server);
    scripted_expect_startup(session.server, "", 0);
    scripted_authentication_ok(&session.reply);
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_false(wire_cancel(session.conn, &session.err));
    assert_int_equal(session.err.code, ERROR_UNSUPPORTED);
    session_finish(&session);
}

/* ---- wire_close ---- */

static void an_idle_session_is_terminated(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect_body(session.server, 'X', "", 0);
    scripted_expect_close(session.server);
    session_connect(&session);
    session_finish(&session);
}

static void a_busy_session_is_cancelled_first(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    script_farewell(&session);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT pg_sleep(100)", &session.err));
    session_finish(&session);
}

static void a_request_that_came_too_early_is_repeated(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    for (int i = 0; i < 2; i++) { /* it goes on after each of them */
        scripted_accept(session.server);
        scripted_expect_startup(session.server, "\x04\xd2\x16\x2e", 4);
        scripted_close(session.server);
    }
    scripted_use(session.server, 0);
    scripted_expect(session.server, 'Q');
    script_farewell(&session);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "SELECT pg_sleep(100)", &session.err));
    session_finish(&session);
}

static void copy_in_is_failed_before_the_session_ends(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_copy(&session, 'G');
    session_script_cancel(&session);
    scripted_expect(session.server, 'f');
    scripted_expect_body(session.server, 'X', "", 0);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "COPY", &session.err));
    session_expect(&session, WIRE_COPY_IN, &event);
    assert_true(wire_copy_send(session.conn, slice_string("never sent"), &session.err));
    session_finish(&session);
}

static void copy_both_is_done_before_the_session_ends(void **state)
{
    struct session session;
    struct wire_event event;

    (void)state;
    session_prepare_copy(&session, 'W');
    session_script_cancel(&session);
    scripted_expect(session.server, 'c');
    scripted_expect_body(session.server, 'X', "", 0);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "START_REPLICATION", &session.err));
    session_expect(&session, WIRE_COPY_BOTH, &event);
    session_finish(&session);
}

static void a_server_that_floods_does_not_hold_the_end_up(void **state)
{
    struct session session;
    struct wire_event event;
    char block[10000];
    int64_t begun;

    (void)state;
    memset(block, 'x', sizeof(block));
    session_prepare_copy(&session, 'H');
    scripted_message(&session.reply, 'd', block, sizeof(block));
    scripted_reply_repeated(session.server, session.reply.data, session.reply.len, 0);
    session_connect(&session);
    assert_true(wire_send_query(session.conn, "COPY", &session.err));
    session_expect(&session, WIRE_COPY_OUT, &event);
    begun = clock_now_ms();
    session_finish(&session);
    assert_true(clock_now_ms() - begun < 3000);
}

static void closing_nothing_is_allowed(void **state)
{
    (void)state;
    wire_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cancel_ends_a_wait_at_once),
        cmocka_unit_test(cancel_ends_a_stream_that_never_pauses),
        cmocka_unit_test(a_silent_server_reaches_the_wait_limit),
        cmocka_unit_test(the_wait_limit_is_for_silence_not_for_the_whole),
        cmocka_unit_test(a_server_that_takes_nothing_reaches_the_wait_limit),
        cmocka_unit_test(wire_cancel_sends_pid_and_key),
        cmocka_unit_test(wire_cancel_is_bounded),
        cmocka_unit_test(a_server_without_a_key_cannot_be_cancelled),
        cmocka_unit_test(an_idle_session_is_terminated),
        cmocka_unit_test(a_busy_session_is_cancelled_first),
        cmocka_unit_test(a_request_that_came_too_early_is_repeated),
        cmocka_unit_test(copy_in_is_failed_before_the_session_ends),
        cmocka_unit_test(copy_both_is_done_before_the_session_ends),
        cmocka_unit_test(a_server_that_floods_does_not_hold_the_end_up),
        cmocka_unit_test(closing_nothing_is_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
