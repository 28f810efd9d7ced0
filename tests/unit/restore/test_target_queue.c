/* A target session against scripted servers: batches that fail, are done again and are lost. */
#include "support/session.h"

#include "restore/long_statement.h"
#include "restore/target_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct target {
    struct session session; /* its server and settings */
    struct target_options options;
    struct target_session *target;
    char heard[4096]; /* what the listener was told */
};

/* ---- Both sides ---- */

static void ERROR_PRINTF(2, 3) hear(struct target *target, const char *format, ...)
{
    size_t used = strlen(target->heard);
    va_list args;

    va_start(args, format);
    vsnprintf(target->heard + used, sizeof(target->heard) - used, format, args);
    va_end(args);
}

static void hear_failed(void *context, const struct target_failure *failure)
{
    hear(context, "%s failed %s %s: %s; ", failure->object, failure->sqlstate, failure->message,
         failure->statement);
}

static void hear_done(void *context, uint64_t subject, uint64_t rows)
{
    hear(context, "%" PRIu64 " done %" PRIu64 "; ", subject, rows);
}

static void expect_query(struct target *target, const char *text)
{
    scripted_expect_body(target->session.server, 'Q', text, strlen(text) + 1);
}

static void complete(struct target *target, const char *tag, char status)
{
    scripted_text_message(&target->session.reply, 'C', tag);
    scripted_ready(&target->session.reply, status);
}

static void refuse(struct target *target, const char *sqlstate, const char *message, char status)
{
    scripted_report(&target->session.reply, 'E', "ERROR", sqlstate, message);
    scripted_ready(&target->session.reply, status);
}

static void reply(struct target *target)
{
    session_script_reply(&target->session);
}

/* A session that has got its settings. */
static void prepare(struct target *target)
{
    static const char *const names[] = {"current_user", "current_setting"};
    static const char *const values[] = {"maria", "off"};

    *target = (struct target){0};
    target->options.told =
        (struct target_listener){.context = target, .failed = hear_failed, .done = hear_done};
    session_prepare_ready(&target->session);
    scripted_expect(target->session.server, 'Q');
    scripted_row_description(&target->session.reply, 2, names);
    scripted_data_row(&target->session.reply, 2, values);
    complete(target, "SELECT 1", 'I');
    reply(target);
}

static void open_target(struct target *target)
{
    scripted_server_start(target->session.server);
    if (!target_session_open(&target->target, target->session.settings, &target->options,
                             &target->session.err))
        fail_msg("%s", target->session.err.message);
    assert_string_equal(target_session_user(target->target), "maria");
}

static void execute(struct target *target, uint64_t subject, const char *text)
{
    const struct target_statement statement = {.text = text, .object = text, .subject = subject};

    if (!target_execute(target->target, &statement, &target->session.err))
        fail_msg("%s", target->session.err.message);
}

static void settle(struct target *target)
{
    if (!target_settle(target->target, &target->session.err))
        fail_msg("%s", target->session.err.message);
}

static void settle_fails(struct target *target, enum error_code code, const char *words)
{
    struct error later;

    assert_false(target_settle(target->target, &target->session.err));
    if (target->session.err.code != code)
        fail_msg("%d: %s", target->session.err.code, target->session.err.message);
    if (strstr(target->session.err.message, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, target->session.err.message);
    /* From then on nothing else is done, and it is the same that ended it. */
    assert_false(target_settle(target->target, &later));
    assert_string_equal(later.message, target->session.err.message);
}

static void close_target(struct target *target, const char *heard)
{
    assert_string_equal(target->heard, heard);
    target_session_close(target->target);
    session_finish(&target->session);
}

/* ---- Batches ---- */

static void script_batch(struct target *target)
{
    expect_query(target, "BEGIN");
    expect_query(target, "one");
    expect_query(target, "two");
    expect_query(target, "COMMIT"); /* all are there before the first is answered */
    complete(target, "BEGIN", 'T');
}

static void a_batch_is_one_transaction(void **state)
{
    struct target target;

    (void)state;
    prepare(&target);
    script_batch(&target);
    complete(&target, "CREATE TABLE", 'T');
    complete(&target, "COPY 7", 'T');
    complete(&target, "COMMIT", 'I');
    reply(&target);
    open_target(&target);
    execute(&target, 1, "one");
    execute(&target, 2, "two");
    assert_string_equal(target.heard, ""); /* before it stays nobody is told */
    settle(&target);
    assert_int_equal(target_session_counts(target.target)->statements, 2);
    close_target(&target, "1 done 0; 2 done 7; ");
}

static void what_fails_is_what_fails_by_itself(void **state)
{
    struct target target;

    (void)state;
    prepare(&target);
    script_batch(&target);
    refuse(&target, "42P01", "in a batch", 'E');
    refuse(&target, "25P02", "the transaction is aborted", 'E');
    complete(&target, "ROLLBACK", 'I');
    reply(&target);
    expect_query(&target, "one");
    expect_query(&target, "two"); /* none waits for the one before */
    refuse(&target, "42P01", "alone", 'I');
    complete(&target, "CREATE TABLE", 'I');
    reply(&target);
    expect_query(&target, "three"); /* no batch is tried right behind a failure */
    complete(&target, "CREATE TABLE", 'I');
    reply(&target);
    expect_query(&target, "BEGIN");
    expect_query(&target, "four");
    expect_query(&target, "COMMIT");
    complete(&target, "BEGIN", 'T');
    complete(&target, "CREATE TABLE", 'T');
    complete(&target, "COMMIT", 'I');
    reply(&target);
    open_target(&target);
    execute(&target, 1, "one");
    execute(&target, 2, "two");
    settle(&target);
    execute(&target, 3, "three");
    settle(&target);
    execute(&target, 4, "four");
    settle(&target);
    assert_int_equal(target_session_counts(target.target)->failures, 1);
    close_target(&target, "one failed 42P01 alone: one; 2 done 0; 3 done 0; 4 done 0; ");
}

/* What is deferred fails there; some servers undo without a word. */
static void a_batch_that_is_not_committed_is_done_again(void **state)
{
    for (int words = 0; words < 2; words++) {
        struct target target;

        (void)state;
        prepare(&target);
        script_batch(&target);
        complete(&target, "CREATE TABLE", 'T');
        complete(&target, "CREATE TABLE", 'T');
        if (words)
            refuse(&target, "23503", "deferred", 'I');
        else
            complete(&target, "ROLLBACK", 'I');
        reply(&target);
        expect_query(&target, "one");
        expect_query(&target, "two");
        complete(&target, "CREATE TABLE", 'I');
        refuse(&target, "23503", "deferred", 'I');
        reply(&target);
        open_target(&target);
        execute(&target, 1, "one");
        execute(&target, 2, "two");
        settle(&target);
        close_target(&target, "1 done 0; two failed 23503 deferred: two; ");
    }
}

static void parts_take_the_place_of_what_failed(void **state)
{
    static const char parts[] = "one of it\0the rest";
    const struct target_statement statement = {.text = "all of it",
                                               .object = "objects",
                                               .subject = 5,
                                               .parts = parts,
                                               .parts_len = sizeof(parts)};
    struct target target;

    (void)state;
    prepare(&target);
    expect_query(&target, "BEGIN");
    expect_query(&target, "all of it");
    expect_query(&target, "COMMIT");
    complete(&target, "BEGIN", 'T');
    refuse(&target, "42710", "one is there", 'E');
    complete(&target, "ROLLBACK", 'I');
    reply(&target);
    expect_query(&target, "one of it");
    expect_query(&target, "the rest");
    refuse(&target, "42710", "one is there", 'I');
    complete(&target, "SELECT 1", 'I');
    reply(&target);
    open_target(&target);
    assert_true(target_execute(target.target, &statement, &target.session.err));
    settle(&target);
    close_target(&target, "objects failed 42710 one is there: one of it; 5 done 0; ");
}

static void nothing_is_done_behind_a_failure_that_ends_it(void **state)
{
    struct target target;

    (void)state;
    prepare(&target);
    target.options.exit_on_error = true;
    script_batch(&target);
    complete(&target, "CREATE TABLE", 'T');
    refuse(&target, "42P01", "no", 'E');
    complete(&target, "ROLLBACK", 'I');
    reply(&target);
    expect_query(&target, "one");
    refuse(&target, "42P07", "is there", 'I');
    reply(&target);
    scripted_expect(target.session.server, 'X');
    open_target(&target);
    execute(&target, 1, "one");
    execute(&target, 2, "two");
    settle_fails(&target, ERROR_SERVER, "one: is there");
    assert_string_equal(target.session.err.sqlstate, "42P07");
    close_target(&target, "one failed 42P07 is there: one; ");
}

static void one_transaction_that_is_undone_was_not_kept(void **state)
{
    struct target target;

    (void)state;
    prepare(&target);
    target.options.single_transaction = true;
    expect_query(&target, "BEGIN");
    expect_query(&target, "one");
    complete(&target, "BEGIN", 'T');
    complete(&target, "CREATE TABLE", 'T');
    reply(&target);
    expect_query(&target, "COMMIT");
    complete(&target, "ROLLBACK", 'I');
    reply(&target);
    open_target(&target);
    execute(&target, 1, "one");
    settle(&target);
    assert_false(target_finish(target.target, &target.session.err));
    assert_non_null(strstr(target.session.err.message, "undone the transaction"));
    assert_int_equal(target_session_counts(target.target)->statements, 0);
    close_target(&target,
                 "1 done 0; COMMIT failed  the server has undone the transaction instead of "
                 "keeping it: COMMIT; ");
}

/* ---- Rows ---- */

static void rows_that_were_not_taken_are_a_failure(void **state)
{
    const uint64_t expected = 2;
    const struct target_statement statement = {
        .text = "COPY t FROM STDIN", .object = "t", .subject = 1, .expected = &expected};
    struct target target;

    (void)state;
    prepare(&target);
    expect_query(&target, "BEGIN");
    expect_query(&target, "COPY t FROM STDIN");
    scripted_expect_body(target.session.server, 'd', "1\n2\n", 4);
    scripted_expect(target.session.server, 'c');
    expect_query(&target, "COMMIT");
    complete(&target, "BEGIN", 'T');
    scripted_copy_response(&target.session.reply, 'G');
    complete(&target, "COPY 1", 'T');
    complete(&target, "COMMIT", 'I');
    reply(&target);
    open_target(&target);
    assert_true(
        target_copy(target.target, &statement, slice_string("1\n2\n"), &target.session.err));
    settle(&target);
    assert_int_equal(target_session_counts(target.target)->rows, 1);
    close_target(&target, "1 done 1; t failed  of 2 rows in the archive the server says that it "
                          "has taken 1: COPY t FROM STDIN; ");
}

/* Nothing may be on its way behind it: that would be taken for its rows. */
static void a_statement_that_wants_rows_goes_alone_and_gets_none(void **state)
{
    static const char text[] = "copy t from stdin";
    struct target target;

    (void)state;
    prepare(&target);
    expect_query(&target, text);
    scripted_copy_response(&target.session.reply, 'G');
    reply(&target);
    scripted_expect(target.session.server, 'f');
    refuse(&target, "57014", "COPY from stdin failed", 'I');
    reply(&target);
    expect_query(&target, "two");
    complete(&target, "CREATE TABLE", 'I');
    reply(&target);
    open_target(&target);
    execute(&target, 1, text);
    execute(&target, 2, "two");
    settle(&target);
    close_target(&target, "copy t from stdin failed 57014 COPY from stdin failed: copy t from "
                          "stdin; 2 done 0; ");
}

/* ---- What else a server says ---- */

static void whatever_is_said_in_between_changes_nothing(void **state)
{
    struct buffer notice = {0};
    struct target target;

    (void)state;
    prepare(&target);
    script_batch(&target);
    reply(&target);
    scripted_report(&notice, 'N', "WARNING", "01000", "again and again");
    scripted_parameter(&notice, "application_name", "another");
    scripted_message(&notice, 'A', "\0\0\0\1channel\0payload", 4 + 8 + 8);
    scripted_reply_repeated(target.session.server, notice.data, notice.len, 20000);
    complete(&target, "CREATE TABLE", 'T');
    complete(&target, "CREATE TABLE", 'T');
    complete(&target, "COMMIT", 'I');
    scripted_reply_slowly(target.session.server, target.session.reply.data,
                          target.session.reply.len);
    buffer_free(&target.session.reply);
    open_target(&target);
    execute(&target, 1, "one");
    execute(&target, 2, "two");
    settle(&target);
    buffer_free(&notice);
    close_target(&target, "1 done 0; 2 done 0; ");
}

/* ---- Ends ---- */

static void a_lost_connection_ends_it(void **state)
{
    struct target target;

    (void)state;
    prepare(&target);
    script_batch(&target);
    complete(&target, "CREATE TABLE", 'T');
    reply(&target);
    scripted_close(target.session.server);
    open_target(&target);
    execute(&target, 1, "one");
    execute(&target, 2, "two");
    settle_fails(&target, ERROR_CONNECTION_LOST, "closed the connection");
    assert_int_equal(target_session_counts(target.target)->statements, 0);
    close_target(&target, "");
}

static void the_server_s_last_words_are_the_reason(void **state)
{
    struct target target;

    (void)state;
    prepare(&target);
    script_batch(&target);
    complete(&target, "CREATE TABLE", 'T');
    scripted_report(&target.session.reply, 'E', "FATAL", "57P01", "shut down by somebody");
    reply(&target);
    scripted_close(target.session.server);
    open_target(&target);
    execute(&target, 1, "one");
    execute(&target, 2, "two");
    settle_fails(&target, ERROR_SERVER, "shut down by somebody");
    assert_string_equal(target.session.err.sqlstate, "57P01");
    close_target(&target, "");
}

static void a_statement_that_ends_the_transaction_ends_the_work(void **state)
{
    struct target target;

    (void)state;
    prepare(&target);
    script_batch(&target);
    complete(&target, "COMMIT", 'I');
    complete(&target, "CREATE TABLE", 'I');
    complete(&target, "COMMIT", 'I');
    reply(&target);
    open_target(&target);
    execute(&target, 1, "one");
    execute(&target, 2, "two");
    settle_fails(&target, ERROR_REFUSED, "one: its SQL begins or ends a transaction");
    close_target(&target, "");
}

/* Each in the place of the answer to the first statement. */
static const struct {
    char type;
    const char *body;
    size_t len;
} out_of_order[] = {
    {'d', "x", 1},        /* rows that nobody copies */
    {'R', "\0\0\0\0", 4}, /* authentication, long after it */
    {'Z', "X", 1},        /* a status that there is not */
    {'E', "M", 1},        {'!', "", 0},
};

static void what_no_server_says_here_ends_it(void **state)
{
    for (size_t i = 0; i < sizeof(out_of_order) / sizeof(out_of_order[0]); i++) {
        struct target target;

        (void)state;
        prepare(&target);
        script_batch(&target);
        scripted_message(&target.session.reply, out_of_order[i].type, out_of_order[i].body,
                         out_of_order[i].len);
        reply(&target);
        scripted_expect_close(target.session.server);
        open_target(&target);
        execute(&target, 1, "one");
        execute(&target, 2, "two");
        settle_fails(&target, ERROR_PROTOCOL, "");
        close_target(&target, "");
    }
}

/* ---- Long statements ---- */

#define MORE ((size_t)200 * 1000) /* several pieces of the file */

static void fill_more(struct long_statement *more, char *text)
{
    struct error err;

    for (size_t i = 0; i < MORE; i++)
        text[i] = (char)('a' + i % 26);
    assert_true(long_statement_add(more, slice_make(text, 3), &err));
    assert_true(long_statement_add(more, slice_make(text + 3, MORE - 3), &err));
    text[MORE] = '\0';
}

static bool execute_long(struct target *target, struct long_statement *more)
{
    const struct target_statement statement = {
        .text = "SELECT ", .more = more, .object = "long", .subject = 2};

    return target_execute(target->target, &statement, &target->session.err);
}

/* It waits for what is before it, and what is behind it waits for its answer. */
static void a_long_statement_goes_alone(void **state)
{
    static char text[7 + MORE + 1] = "SELECT ";
    struct long_statement more = {0};
    struct target target;

    (void)state;
    prepare(&target);
    fill_more(&more, text + 7);
    expect_query(&target, "BEGIN");
    expect_query(&target, "one");
    expect_query(&target, "COMMIT");
    complete(&target, "BEGIN", 'T');
    complete(&target, "CREATE TABLE", 'T');
    complete(&target, "COMMIT", 'I');
    reply(&target);
    expect_query(&target, text);
    refuse(&target, "42P01", "no", 'I');
    reply(&target);
    expect_query(&target, text); /* from its first byte again */
    complete(&target, "INSERT 0 3", 'I');
    reply(&target);
    open_target(&target);
    execute(&target, 1, "one");
    assert_true(execute_long(&target, &more));
    assert_true(execute_long(&target, &more));
    assert_int_equal(target_session_counts(target.target)->row_bytes, 7 + MORE);
    close_target(&target, "1 done 0; long failed 42P01 no: SELECT; 2 done 3; ");
    long_statement_reset(&more);
}

/* Half a message is on its way: nothing else can be said, not even that this is the end. */
static void what_was_kept_and_is_lost_ends_it(void **state)
{
    static char text[MORE + 1];
    struct long_statement more = {0};
    struct target target;

    (void)state;
    prepare(&target);
    fill_more(&more, text);
    assert_int_equal(ftruncate(more.fd_and_one - 1, 100 * 1000), 0);
    scripted_expect_close(target.session.server);
    open_target(&target);
    assert_false(execute_long(&target, &more));
    assert_non_null(strstr(target.session.err.message, "cannot read what was kept"));
    close_target(&target, "");
    long_statement_reset(&more);
}

static void a_folder_that_is_none_is_named(void **state)
{
    struct long_statement more = {.directory = "/nonexistent"};
    struct error err;

    (void)state;
    assert_false(long_statement_add(&more, slice_string("x"), &err));
    assert_non_null(strstr(err.message, "/nonexistent"));
    assert_non_null(strstr(err.hint, "spool-dir"));
    long_statement_reset(&more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_one_transaction),
        cmocka_unit_test(what_fails_is_what_fails_by_itself),
        cmocka_unit_test(a_batch_that_is_not_committed_is_done_again),
        cmocka_unit_test(parts_take_the_place_of_what_failed),
        cmocka_unit_test(nothing_is_done_behind_a_failure_that_ends_it),
        cmocka_unit_test(one_transaction_that_is_undone_was_not_kept),
        cmocka_unit_test(rows_that_were_not_taken_are_a_failure),
        cmocka_unit_test(a_statement_that_wants_rows_goes_alone_and_gets_none),
        cmocka_unit_test(whatever_is_said_in_between_changes_nothing),
        cmocka_unit_test(a_lost_connection_ends_it),
        cmocka_unit_test(the_server_s_last_words_are_the_reason),
        cmocka_unit_test(a_statement_that_ends_the_transaction_ends_the_work),
        cmocka_unit_test(what_no_server_says_here_ends_it),
        cmocka_unit_test(a_long_statement_goes_alone),
        cmocka_unit_test(what_was_kept_and_is_lost_ends_it),
        cmocka_unit_test(a_folder_that_is_none_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
