/* Rows of several tables over one session. */
#include "copy/copy_out.h"

#include "support/session.h"

#include <string.h>

#define LIST_MAX 64

/* Tables by number; NULL: a number that has no rows. */
struct tables {
    const char *statements[LIST_MAX];
    struct copy_out copy;
};

static bool has_rows(void *context, uint32_t number)
{
    return ((const struct tables *)context)->statements[number] != NULL;
}

static bool statement(void *context, uint32_t number, const char **text, struct error *err)
{
    (void)err;
    *text = ((const struct tables *)context)->statements[number];
    return true;
}

static const char *table(void *context, uint32_t number)
{
    (void)context;
    return number == 0 ? "shop.orders" : "shop.items";
}

/* Connects; the script stands. */
static void start(struct session *session, struct tables *tables, uint32_t count)
{
    const struct copy_out_list list = {tables, count, has_rows, statement, table, false};

    session_connect(session);
    copy_out_init(&tables->copy, session->conn, &list, "maria");
}

static void script_rows(struct session *session, const char *rows, const char *tag)
{
    scripted_copy_response(&session->reply, 'H');
    for (const char *row = rows, *end; *row != '\0'; row = end + 1) {
        end = strchr(row, '\n');
        scripted_message(&session->reply, 'd', row, (size_t)(end - row) + 1);
    }
    scripted_message(&session->reply, 'c', "", 0);
    scripted_text_message(&session->reply, 'C', tag);
    scripted_ready(&session->reply, 'T');
}

/* All of a table, gathered. */
static void expect_rows(struct session *session, struct tables *tables, uint32_t number,
                        const char *rows)
{
    struct buffer all = {0};
    struct slice part;

    do {
        if (!copy_out_next(&tables->copy, number, &part, &session->err))
            fail_msg("%s", session->err.message);
        assert_true(buffer_append(&all, part.data, part.len, &session->err));
    } while (part.len > 0);
    assert_string_equal(buffer_text(&all), rows);
    buffer_free(&all);
}

static void expect_failure(struct session *session, struct tables *tables, uint32_t number,
                           const char *message, const char *hint)
{
    struct slice part;

    while (copy_out_next(&tables->copy, number, &part, &session->err))
        assert_true(part.len > 0);
    assert_int_equal(part.len, 0);
    assert_string_equal(session->err.message, message);
    if (hint != NULL)
        assert_non_null(strstr(session->err.hint, hint));
}

static void rows_come_as_they_are_and_are_counted(void **state)
{
    struct tables tables = {.statements = {"COPY shop.orders TO stdout"}};
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect_body(session.server, 'Q', tables.statements[0],
                         strlen(tables.statements[0]) + 1);
    script_rows(&session, "1\tbread\n2\tsalt\n", "COPY 2");
    session_script_reply_slowly(&session);
    start(&session, &tables, 1);
    assert_null(tables.copy.table);
    expect_rows(&session, &tables, 0, "1\tbread\n2\tsalt\n");
    assert_int_equal(tables.copy.rows, 2);
    assert_int_equal(tables.copy.bytes, 15);
    assert_string_equal(tables.copy.table, "shop.orders");
    session_finish(&session);
}

/* All are asked for before the first is answered; the number without rows is passed over. */
static void the_next_tables_are_asked_for_ahead(void **state)
{
    struct tables tables = {.statements = {"COPY a", NULL, "COPY b", "COPY c"}};
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect_body(session.server, 'Q', "COPY a", 7);
    scripted_expect_body(session.server, 'Q', "COPY b", 7);
    scripted_expect_body(session.server, 'Q', "COPY c", 7);
    script_rows(&session, "1\n", "COPY 1");
    script_rows(&session, "", "COPY 0");
    script_rows(&session, "3\n4\n", "COPY 2");
    session_script_reply(&session);
    start(&session, &tables, 4);
    expect_rows(&session, &tables, 0, "1\n");
    expect_rows(&session, &tables, 2, "");
    expect_rows(&session, &tables, 3, "3\n4\n");
    assert_int_equal(tables.copy.rows, 3);
    session_finish(&session);
}

static void no_more_than_sixteen_are_asked_for_ahead(void **state)
{
    struct tables tables;
    struct session session;

    (void)state;
    for (size_t i = 0; i < LIST_MAX; i++)
        tables.statements[i] = "COPY t";
    session_prepare_ready(&session);
    for (int i = 0; i < 17; i++)
        scripted_expect(session.server, 'Q');
    script_rows(&session, "1\n", "COPY 1");
    session_script_reply(&session);
    scripted_expect(session.server, 'Q'); /* one is over: one more is asked for */
    script_rows(&session, "2\n", "COPY 1");
    session_script_reply(&session);
    scripted_expect(session.server, 'Q');
    scripted_report(&session.reply, 'E', "FATAL", "57P01", "terminating connection");
    session_script_reply(&session);
    scripted_close(session.server);
    start(&session, &tables, LIST_MAX);
    expect_rows(&session, &tables, 0, "1\n");
    expect_rows(&session, &tables, 1, "2\n");
    expect_failure(&session, &tables, 2, "cannot read table shop.items: terminating connection",
                   NULL);
    session_finish(&session);
}

static void a_long_statement_waits_for_its_turn(void **state)
{
    char longer[1000];
    struct tables tables = {.statements = {"COPY a", longer, "COPY c"}};
    struct session session;

    (void)state;
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    session_prepare_ready(&session);
    scripted_expect_body(session.server, 'Q', "COPY a", 7);
    script_rows(&session, "1\n", "COPY 1");
    session_script_reply(&session);
    scripted_expect_body(session.server, 'Q', longer, sizeof(longer));
    scripted_expect_body(session.server, 'Q', "COPY c", 7);
    script_rows(&session, "2\n", "COPY 1");
    script_rows(&session, "3\n", "COPY 1");
    session_script_reply(&session);
    start(&session, &tables, 3);
    expect_rows(&session, &tables, 0, "1\n");
    expect_rows(&session, &tables, 1, "2\n");
    expect_rows(&session, &tables, 2, "3\n");
    session_finish(&session);
}

/* ---- What is no whole answer ---- */

static void fails_after(void (*script)(struct buffer *reply), const char *message, const char *hint)
{
    struct tables tables = {.statements = {"COPY shop.orders TO stdout"}};
    struct session session;

    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    script(&session.reply);
    session_script_ready(&session, 'T');
    start(&session, &tables, 1);
    expect_failure(&session, &tables, 0, message, hint);
    session_finish(&session);
}

static void no_count(struct buffer *reply)
{
    scripted_copy_response(reply, 'H');
    scripted_message(reply, 'd', "1\n", 2);
    scripted_message(reply, 'c', "", 0);
}

static void no_copy(struct buffer *reply)
{
    scripted_text_message(reply, 'C', "COPY 0");
}

static void other_tag(struct buffer *reply)
{
    scripted_copy_response(reply, 'H');
    scripted_message(reply, 'c', "", 0);
    scripted_text_message(reply, 'C', "SELECT 0");
}

static void an_answer_that_lacks_a_part_is_an_error(void **state)
{
    static const char message[] =
        "cannot read table shop.orders: the server's answer is not complete";

    (void)state;
    fails_after(no_count, message, "loses data");
    fails_after(no_copy, message, "loses data");
    fails_after(other_tag, message, "loses data");
}

/* ---- What the server's words mean ---- */

static void right(struct buffer *reply)
{
    scripted_report(reply, 'E', "ERROR", "42501", "permission denied for table orders");
}

static void policy(struct buffer *reply)
{
    scripted_report(reply, 'E', "ERROR", "42501",
                    "query would be affected by row-level security policy for table \"orders\"");
}

static void gone(struct buffer *reply)
{
    scripted_report(reply, 'E', "ERROR", "3F000", "schema \"shop\" does not exist");
}

static void a_failed_copy_says_what_mends_it(void **state)
{
    (void)state;
    fails_after(right, "cannot read table shop.orders: permission denied for table orders",
                "GRANT SELECT ON shop.orders TO \"maria\";");
    fails_after(policy,
                "cannot read table shop.orders: query would be affected by row-level security "
                "policy for table \"orders\"",
                "ALTER ROLE \"maria\" BYPASSRLS;");
    fails_after(gone, "cannot read table shop.orders: schema \"shop\" does not exist",
                "renamed meanwhile");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_as_they_are_and_are_counted),
        cmocka_unit_test(the_next_tables_are_asked_for_ahead),
        cmocka_unit_test(no_more_than_sixteen_are_asked_for_ahead),
        cmocka_unit_test(a_long_statement_waits_for_its_turn),
        cmocka_unit_test(an_answer_that_lacks_a_part_is_an_error),
        cmocka_unit_test(a_failed_copy_says_what_mends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
