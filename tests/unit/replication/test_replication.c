/* Commands of a walsender session, and the two ways to get one. */
#include "replication/replication.h"

#include "support/session.h"

#include <string.h>

static void append_row(struct buffer *out, size_t count, const char *const *values)
{
    static const char *const names[] = {"a", "b", "c", "d"};

    scripted_row_description(out, count, names);
    scripted_data_row(out, count, values);
    scripted_text_message(out, 'C', "SELECT");
    scripted_ready(out, 'I');
}

/* A session whose server answers one query with that row. */
static void begin(struct session *session, size_t count, const char *const *values)
{
    session_prepare_ready(session);
    scripted_expect(session->server, 'Q');
    append_row(&session->reply, count, values);
    session_script_reply(session);
    session_connect(session);
}

static void only_majors_that_are_too_old_are_refused(void **state)
{
    struct error err;
    bool newer;

    (void)state;
    assert_true(replication_check_version(130023, &newer, &err));
    assert_false(newer);
    assert_true(replication_check_version(180004, &newer, &err));
    assert_false(newer);
    assert_true(replication_check_version(190000, &newer, &err));
    assert_true(newer);
    assert_false(replication_check_version(120022, &newer, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    assert_false(replication_check_version(0, &newer, &err));
}

static void a_system_is_identified(void **state)
{
    static const char *const row[] = {"7412345678901234567", "3", "16/B374D848", NULL};
    struct system_identity identity;
    struct session session;

    (void)state;
    begin(&session, 4, row);
    assert_true(replication_identify_system(session.conn, &identity, &session.err));
    assert_string_equal(identity.system_identifier, "7412345678901234567");
    assert_int_equal(identity.timeline, 3);
    assert_true(identity.position == UINT64_C(0x16B374D848));
    session_finish(&session);
}

static void an_identity_that_cannot_be_is_refused(void **state)
{
    static const char *const rows[][3] = {
        {NULL, "1", "0/1"}, {"1", NULL, "0/1"},
        {"1", "1", NULL},   {"one", "1", "0/1"},
        {"1", "-1", "0/1"}, {"1", "4294967296", "0/1"},
        {"1", "1", "0:1"},  {"123456789012345678901234567890123", "1", "0/1"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct system_identity identity;
        struct session session;

        begin(&session, 3, rows[i]);
        assert_false(replication_identify_system(session.conn, &identity, &session.err));
        assert_int_equal(session.err.code, ERROR_PROTOCOL);
        session_finish(&session);
    }
}

static void an_answer_of_another_form_is_refused(void **state)
{
    static const char *const row[] = {"1", "1"};
    struct system_identity identity;
    struct session session;

    (void)state;
    begin(&session, 2, row);
    assert_false(replication_identify_system(session.conn, &identity, &session.err));
    assert_non_null(strstr(session.err.message, "IDENTIFY_SYSTEM"));
    session_finish(&session);
}

static void a_setting_is_shown(void **state)
{
    static const char *const row[] = {"16MB"}, *const null[] = {NULL};
    struct session session;
    char text[64];

    (void)state;
    begin(&session, 1, row);
    assert_true(
        replication_show(session.conn, "wal_segment_size", text, sizeof(text), &session.err));
    assert_string_equal(text, "16MB");
    session_finish(&session);

    begin(&session, 1, null);
    assert_true(replication_show(session.conn, "x", text, sizeof(text), &session.err));
    assert_string_equal(text, "");
    session_finish(&session);
}

static void an_error_of_the_server_is_passed_on(void **state)
{
    struct session session;
    char text[64];

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_report(&session.reply, 'E', "ERROR", "42704", "unrecognized parameter");
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_false(replication_show(session.conn, "x", text, sizeof(text), &session.err));
    assert_string_equal(session.err.sqlstate, "42704");
    session_finish(&session);
}

/* ---- Slots ---- */

static void a_slots_name_is_quoted(void **state)
{
    static const char create[] =
        "CREATE_REPLICATION_SLOT \"a\"\"b\" TEMPORARY PHYSICAL RESERVE_WAL";
    static const char *const row[] = {"a", "0/1", NULL, NULL};
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect_body(session.server, 'Q', create, sizeof(create));
    append_row(&session.reply, 4, row);
    session_script_reply(&session);
    session_connect(&session);
    assert_true(replication_create_temporary_slot(session.conn, "a\"b", &session.err));
    session_finish(&session);
}

static void a_touch_starts_a_stream_and_ends_it_at_once(void **state)
{
    static const char start[] = "START_REPLICATION SLOT \"s\" PHYSICAL 16/B374D848";
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect_body(session.server, 'Q', start, sizeof(start));
    scripted_copy_response(&session.reply, 'W');
    scripted_message(&session.reply, 'd', "wal under way", 13);
    session_script_reply(&session);
    scripted_expect(session.server, 'c');
    scripted_message(&session.reply, 'c', "", 0);
    scripted_text_message(&session.reply, 'C', "START_STREAMING");
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_true(replication_touch_slot(session.conn, "s", UINT64_C(0x16B374D848), &session.err));
    session_finish(&session);
}

static void a_slot_that_was_lost_is_an_error(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_report(&session.reply, 'E', "ERROR", "55000", "can no longer get changes");
    session_script_ready(&session, 'I');
    session_connect(&session);
    assert_false(replication_touch_slot(session.conn, "s", 1, &session.err));
    assert_string_equal(session.err.sqlstate, "55000");
    session_finish(&session);
}

static void a_server_that_goes_away_while_touched_is_an_error(void **state)
{
    struct session session;

    (void)state;
    session_prepare_ready(&session);
    scripted_expect(session.server, 'Q');
    scripted_report(&session.reply, 'E', "ERROR", "55000", "can no longer get changes");
    session_script_reply(&session);
    scripted_close(session.server);
    session_connect(&session);
    assert_false(replication_touch_slot(session.conn, "s", 1, &session.err));
    assert_string_equal(session.err.sqlstate, "55000"); /* what was said first counts */
    session_finish(&session);
}

/* ---- Two ways in ---- */

static void script_refusal(struct session *session, const char *sqlstate, const char *message)
{
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "", 0);
    scripted_report(&session->reply, 'E', "FATAL", sqlstate, message);
    session_script_reply(session);
    scripted_close(session->server);
}

static bool connect(struct session *session)
{
    scripted_server_start(session->server);
    return replication_connect(&session->conn, session->settings, "test", 0, NULL, NULL,
                               &session->err);
}

static void without_a_replication_line_the_database_will_do(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    script_refusal(&session, "28000", "no pg_hba.conf entry for replication connection");
    scripted_session(session.server);
    if (!connect(&session))
        fail_msg("%s", session.err.message);
    assert_int_equal(session.err.code, ERROR_NONE);
    session_finish(&session);
}

static void of_two_refusals_the_first_says_more(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    script_refusal(&session, "28000", "first");
    script_refusal(&session, "28000", "second");
    script_refusal(&session, "28000", "third");
    script_refusal(&session, "28000", "fourth");
    assert_false(connect(&session));
    assert_non_null(strstr(session.err.message, "first"));
    session_finish(&session);
}

/* Of the databases that a session may name, one is called like the role, and need not exist. */
static void any_database_will_do(void **state)
{
    static const char *const states[] = {"3D000", "55000", "28000"};
    struct session session;

    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        session_prepare(&session);
        script_refusal(&session, "28000", "no pg_hba.conf entry for replication connection");
        script_refusal(&session, states[i], "this database will not do");
        scripted_session(session.server);
        if (!connect(&session))
            fail_msg("%s: %s", states[i], session.err.message);
        session_finish(&session);
    }
}

static void a_database_that_is_not_there_hides_no_missing_line(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    script_refusal(&session, "28000", "no pg_hba.conf entry for replication connection");
    script_refusal(&session, "3D000", "database \"maria\" does not exist");
    script_refusal(&session, "28000", "no pg_hba.conf entry");
    script_refusal(&session, "28000", "no pg_hba.conf entry");
    assert_false(connect(&session));
    assert_string_equal(session.err.sqlstate, "28000");
    assert_non_null(strstr(session.err.hint, " replication maria "));
    session_finish(&session);
}

static void what_only_the_second_way_shows_is_told(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    script_refusal(&session, "28000", "first");
    script_refusal(&session, "42501", "must be superuser or replication role");
    assert_false(connect(&session));
    assert_string_equal(session.err.sqlstate, "42501");
    session_finish(&session);
}

static void a_wrong_password_is_not_tried_twice(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    script_refusal(&session, "28P01", "password authentication failed");
    assert_false(connect(&session));
    assert_string_equal(session.err.sqlstate, "28P01");
    session_finish(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_majors_that_are_too_old_are_refused),
        cmocka_unit_test(a_system_is_identified),
        cmocka_unit_test(an_identity_that_cannot_be_is_refused),
        cmocka_unit_test(an_answer_of_another_form_is_refused),
        cmocka_unit_test(a_setting_is_shown),
        cmocka_unit_test(an_error_of_the_server_is_passed_on),
        cmocka_unit_test(a_slots_name_is_quoted),
        cmocka_unit_test(a_touch_starts_a_stream_and_ends_it_at_once),
        cmocka_unit_test(a_slot_that_was_lost_is_an_error),
        cmocka_unit_test(a_server_that_goes_away_while_touched_is_an_error),
        cmocka_unit_test(without_a_replication_line_the_database_will_do),
        cmocka_unit_test(of_two_refusals_the_first_says_more),
        cmocka_unit_test(any_database_will_do),
        cmocka_unit_test(a_database_that_is_not_there_hides_no_missing_line),
        cmocka_unit_test(what_only_the_second_way_shows_is_told),
        cmocka_unit_test(a_wrong_password_is_not_tried_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
