/* Rows into one table. */
#include "copy/copy_in.h"

#include "support/session.h"

#include <stdlib.h>
#include <string.h>

#define MIB ((size_t)1 << 20)

static const char statement[] = "COPY shop.orders (id) FROM stdin";

/* A server that takes rows. */
static void script_begin(struct session *session)
{
    session_prepare_ready(session);
    scripted_expect_body(session->server, 'Q', statement, sizeof(statement));
    scripted_copy_response(&session->reply, 'G');
    session_script_reply(session);
}

static void start(struct session *session, struct copy_in *copy)
{
    session_connect(session);
    if (!copy_in_begin(copy, session->conn, statement, "shop.orders", &session->err))
        fail_msg("%s", session->err.message);
}

static void script_ready(struct session *session, char transaction_status)
{
    scripted_ready(&session->reply, transaction_status);
    session_script_reply(session);
}

/* After what went before, the session answers. */
static void script_another_query(struct session *session)
{
    scripted_expect(session->server, 'Q');
    scripted_text_message(&session->reply, 'C', "ROLLBACK");
    script_ready(session, 'I');
}

static void expect_usable(struct session *session)
{
    struct error err;

    if (!wire_query(session->conn, "ROLLBACK", NULL, &err))
        fail_msg("%s", err.message);
    session_finish(session);
}

static void rows_are_sent_and_the_server_counts_them(void **state)
{
    struct session session;
    struct copy_in copy;
    uint64_t rows;

    (void)state;
    script_begin(&session);
    scripted_expect_body(session.server, 'd', "1\n2\n", 4);
    scripted_expect_body(session.server, 'd', "3\n", 2);
    scripted_expect_body(session.server, 'c', "", 0);
    scripted_text_message(&session.reply, 'C', "COPY 3");
    script_ready(&session, 'T');
    start(&session, &copy);
    assert_true(copy_in_send(&copy, slice_string("1\n2\n"), &session.err));
    assert_true(copy_in_send(&copy, slice_string("3\n"), &session.err));
    assert_true(copy_in_end(&copy, &rows, &session.err));
    assert_int_equal(rows, 3);
    assert_int_equal(copy.bytes, 6);
    session_finish(&session);
}

static void a_table_that_cannot_be_written_is_named(void **state)
{
    struct session session;
    struct copy_in copy;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_report(&session.reply, 'E', "ERROR", "42501", "permission denied for table orders");
    script_ready(&session, 'E');
    script_another_query(&session);
    session_connect(&session);
    assert_false(copy_in_begin(&copy, session.conn, statement, "shop.orders", &session.err));
    assert_string_equal(session.err.sqlstate, "42501");
    assert_string_equal(session.err.message,
                        "cannot write into table shop.orders: permission denied for table orders");
    expect_usable(&session);
}

static void a_statement_that_takes_no_rows_is_an_error(void **state)
{
    struct session session;
    struct copy_in copy;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_text_message(&session.reply, 'C', "COPY 0");
    script_ready(&session, 'T');
    script_another_query(&session);
    session_connect(&session);
    assert_false(copy_in_begin(&copy, session.conn, statement, "shop.orders", &session.err));
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    expect_usable(&session);
}

/* Triggers are off and on around it. */
static void other_statements_may_stand_around_it(void **state)
{
    struct session session;
    struct copy_in copy;
    uint64_t rows;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_text_message(&session.reply, 'C', "ALTER TABLE");
    scripted_copy_response(&session.reply, 'G');
    session_script_reply(&session);
    scripted_expect(session.server, 'c');
    scripted_text_message(&session.reply, 'C', "COPY 3");
    scripted_text_message(&session.reply, 'C', "ALTER TABLE");
    script_ready(&session, 'I');
    start(&session, &copy);
    assert_true(copy_in_end(&copy, &rows, &session.err));
    assert_int_equal(rows, 3);
    session_finish(&session);
}

static void a_second_copy_gets_no_rows(void **state)
{
    struct session session;
    struct copy_in copy;
    uint64_t rows;

    (void)state;
    script_begin(&session);
    scripted_expect(session.server, 'c');
    scripted_text_message(&session.reply, 'C', "COPY 0");
    scripted_copy_response(&session.reply, 'G');
    session_script_reply(&session);
    scripted_expect(session.server, 'f');
    scripted_report(&session.reply, 'E', "ERROR", "57014", "COPY from stdin failed");
    script_ready(&session, 'I');
    script_another_query(&session);
    start(&session, &copy);
    assert_false(copy_in_end(&copy, &rows, &session.err));
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    expect_usable(&session);
}

/* Rows that are under way when the server refuses are dropped, and sending says so soon. */
static void what_the_server_refuses_ends_the_sending(void **state)
{
    char *block = calloc(1, MIB);
    struct session session;
    struct copy_in copy;
    int sent = 0;

    (void)state;
    script_begin(&session);
    scripted_expect(session.server, 'd');
    scripted_report(&session.reply, 'E', "ERROR", "22P04", "extra data after last column");
    script_ready(&session, 'E');
    scripted_expect_until(session.server, 'd', 'Q');
    scripted_text_message(&session.reply, 'C', "ROLLBACK");
    script_ready(&session, 'I');
    start(&session, &copy);
    while (sent++ < 10000 && copy_in_send(&copy, slice_make(block, MIB), &session.err))
        ;
    assert_true(sent < 10000);
    assert_string_equal(session.err.message,
                        "cannot write into table shop.orders: extra data after last column");
    free(block);
    expect_usable(&session);
}

/* A constraint that is looked at when all rows are there. */
static void what_fails_at_the_end_is_the_ends_error(void **state)
{
    struct session session;
    struct copy_in copy;
    uint64_t rows;

    (void)state;
    script_begin(&session);
    scripted_expect(session.server, 'd');
    scripted_expect(session.server, 'c');
    scripted_report(&session.reply, 'E', "ERROR", "23505", "duplicate key value");
    script_ready(&session, 'E');
    script_another_query(&session);
    start(&session, &copy);
    assert_true(copy_in_send(&copy, slice_string("1\n1\n"), &session.err));
    assert_false(copy_in_end(&copy, &rows, &session.err));
    assert_string_equal(session.err.sqlstate, "23505");
    assert_int_equal(rows, 0);
    expect_usable(&session);
}

static void rows_that_the_server_does_not_count_may_be_lost(void **state)
{
    struct session session;
    struct copy_in copy;
    uint64_t rows;

    (void)state;
    script_begin(&session);
    scripted_expect(session.server, 'c');
    script_ready(&session, 'T');
    start(&session, &copy);
    assert_false(copy_in_end(&copy, &rows, &session.err));
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    session_finish(&session);
}

static void giving_up_leaves_a_session_that_can_be_asked(void **state)
{
    struct session session;
    struct copy_in copy;

    (void)state;
    script_begin(&session);
    scripted_expect_body(session.server, 'd', "1\n", 2);
    scripted_expect_body(session.server, 'f', "the archive is damaged", 23);
    scripted_report(&session.reply, 'E', "ERROR", "57014", "COPY from stdin failed");
    script_ready(&session, 'E');
    script_another_query(&session);
    start(&session, &copy);
    assert_true(copy_in_send(&copy, slice_string("1\n"), &session.err));
    assert_true(copy_in_give_up(&copy, "the archive is damaged", &session.err));
    expect_usable(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sent_and_the_server_counts_them),
        cmocka_unit_test(a_table_that_cannot_be_written_is_named),
        cmocka_unit_test(a_statement_that_takes_no_rows_is_an_error),
        cmocka_unit_test(other_statements_may_stand_around_it),
        cmocka_unit_test(a_second_copy_gets_no_rows),
        cmocka_unit_test(what_the_server_refuses_ends_the_sending),
        cmocka_unit_test(what_fails_at_the_end_is_the_ends_error),
        cmocka_unit_test(rows_that_the_server_does_not_count_may_be_lost),
        cmocka_unit_test(giving_up_leaves_a_session_that_can_be_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
