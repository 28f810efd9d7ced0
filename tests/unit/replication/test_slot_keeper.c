/* The session that keeps the WAL: how it starts, beats, and says what went wrong. */
#include "replication/slot_keeper.h"

#include "base/clock.h"
#include "support/session.h"

#include <poll.h>
#include <string.h>

struct keeping {
    struct session session;
    struct cancel job;
    struct slot_keeper *keeper;
};

static void prepare(struct keeping *keeping, const char *version)
{
    struct session *session = &keeping->session;

    session_prepare(session);
    assert_true(cancel_init(&keeping->job, &session->err));
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "", 0);
    scripted_authentication_ok(&session->reply);
    scripted_parameter(&session->reply, "server_version", version);
    scripted_backend_key(&session->reply, 4711, "\1\2\3\4", 4);
    session_script_ready(session, 'I');
}

static void script_row(struct session *session, size_t count, const char *const *values)
{
    static const char *const names[] = {"a", "b", "c", "d"};

    scripted_expect(session->server, 'Q');
    scripted_row_description(&session->reply, count, names);
    scripted_data_row(&session->reply, count, values);
    scripted_text_message(&session->reply, 'C', "SELECT");
    session_script_ready(session, 'I');
}

static void script_show(struct session *session, const char *value)
{
    script_row(session, 1, &value);
}

static void script_slot(struct session *session)
{
    static const char create[] =
        "CREATE_REPLICATION_SLOT \"pgcask_4711\" TEMPORARY PHYSICAL RESERVE_WAL";
    static const char *const row[] = {"pgcask_4711", "0/2000028", NULL, NULL};
    static const char *const names[] = {"a", "b", "c", "d"};

    scripted_expect_body(session->server, 'Q', create, sizeof(create));
    scripted_row_description(&session->reply, 4, names);
    scripted_data_row(&session->reply, 4, row);
    scripted_text_message(&session->reply, 'C', "CREATE_REPLICATION_SLOT");
    session_script_ready(session, 'I');
}

static void script_identity(struct session *session, const char *position)
{
    const char *const row[] = {"7412345678901234567", "1", position, NULL};

    script_row(session, 4, row);
}

static void script_touch(struct session *session)
{
    scripted_expect(session->server, 'Q');
    scripted_copy_response(&session->reply, 'W');
    session_script_reply(session);
    scripted_expect(session->server, 'c');
    scripted_message(&session->reply, 'c', "", 0);
    scripted_text_message(&session->reply, 'C', "START_STREAMING");
    session_script_ready(session, 'I');
}

static void script_beat(struct session *session, const char *position)
{
    script_identity(session, position);
    script_touch(session);
}

static void script_error(struct session *session, const char *sqlstate, const char *message)
{
    scripted_expect(session->server, 'Q');
    scripted_report(&session->reply, 'E', "ERROR", sqlstate, message);
    session_script_ready(session, 'I');
}

/* Up to the end of a good start on 13, which has no time-out to ask about. */
static void script_start(struct keeping *keeping)
{
    prepare(keeping, "13.23");
    script_slot(&keeping->session);
    script_identity(&keeping->session, "0/3000000");
    script_beat(&keeping->session, "0/3000000");
}

static bool start(struct keeping *keeping, uint64_t max_retained_wal)
{
    const struct slot_keeper_options options = {
        .settings = keeping->session.settings,
        .job_cancel = &keeping->job,
        .max_retained_wal = max_retained_wal,
        .beat_ms = 1, /* as short as it goes */
    };

    scripted_server_start(keeping->session.server);
    return slot_keeper_start(&keeping->keeper, &options, &keeping->session.err);
}

static void finish(struct keeping *keeping)
{
    slot_keeper_stop(keeping->keeper);
    cancel_reset(&keeping->job);
    session_finish(&keeping->session);
}

/* The keeper has asked for the job's end. */
static void wait_for_trouble(struct keeping *keeping)
{
    struct pollfd event = {.fd = keeping->job.event_fd, .events = POLLIN};

    assert_int_equal(poll(&event, 1, 10000), 1);
    assert_true(slot_keeper_failed(keeping->keeper, &keeping->session.err));
}

static void the_slot_is_touched_again_and_again(void **state)
{
    struct keeping keeping;

    (void)state;
    script_start(&keeping);
    for (int i = 0; i < 3; i++)
        script_beat(&keeping.session, "0/3100000");
    scripted_close(keeping.session.server);
    if (!start(&keeping, 0))
        fail_msg("%s", keeping.session.err.message);
    assert_string_equal(slot_keeper_slot_name(keeping.keeper), "pgcask_4711");
    wait_for_trouble(&keeping); /* after three beats the server is gone */
    assert_int_equal(slot_keeper_retained(keeping.keeper), 0x100000);
    assert_non_null(strstr(keeping.session.err.message, "lost the session that keeps the WAL"));
    finish(&keeping);
}

static void stopping_is_no_failure(void **state)
{
    struct error err;
    struct keeping keeping;

    (void)state;
    script_start(&keeping);
    scripted_expect_close(keeping.session.server);
    assert_true(start(&keeping, 0));
    assert_false(slot_keeper_failed(keeping.keeper, &err));
    slot_keeper_stop(keeping.keeper);
    keeping.keeper = NULL;
    assert_false(cancel_requested(&keeping.job));
    slot_keeper_stop(NULL);
    finish(&keeping);
}

static void too_much_wal_held_back_ends_the_job(void **state)
{
    struct keeping keeping;

    (void)state;
    script_start(&keeping);
    script_identity(&keeping.session, "0/5000000");
    scripted_expect_close(keeping.session.server);
    assert_true(start(&keeping, 16 << 20));
    wait_for_trouble(&keeping);
    assert_int_equal(keeping.session.err.code, ERROR_REFUSED);
    assert_non_null(strstr(keeping.session.err.message, "holds back 32 MiB"));
    error_spell(&keeping.session.err, NULL);
    assert_non_null(strstr(keeping.session.err.hint, "Raise max-retained-wal"));
    finish(&keeping);
}

static void a_lost_slot_ends_the_job(void **state)
{
    struct keeping keeping;

    (void)state;
    script_start(&keeping);
    script_identity(&keeping.session, "0/3000000");
    script_error(&keeping.session, "55000", "can no longer access replication slot");
    scripted_expect_close(keeping.session.server);
    assert_true(start(&keeping, 0));
    wait_for_trouble(&keeping);
    assert_non_null(strstr(keeping.session.err.message, "slot pgcask_4711"));
    assert_non_null(strstr(keeping.session.err.hint, "max_slot_wal_keep_size"));
    finish(&keeping);
}

static void a_server_that_hides_its_timeouts_is_asked_in_vain(void **state)
{
    struct keeping keeping;

    (void)state;
    prepare(&keeping, "18.4");
    script_error(&keeping.session, "42704", "unrecognized configuration parameter");
    script_show(&keeping.session, "5 fortnights");
    script_slot(&keeping.session);
    script_identity(&keeping.session, "0/3000000");
    script_beat(&keeping.session, "0/3000000");
    scripted_expect_close(keeping.session.server);
    if (!start(&keeping, 0))
        fail_msg("%s", keeping.session.err.message);
    finish(&keeping);
}

/* idle_session_timeout of 500 ms is answered by a beat each 250 ms, whatever was asked for. */
static void a_beat_is_half_of_the_shortest_timeout(void **state)
{
    struct keeping keeping;
    struct slot_keeper_options options = {.beat_ms = 60000};
    int64_t began;

    (void)state;
    prepare(&keeping, "18.4");
    script_show(&keeping.session, "500ms");
    script_show(&keeping.session, "1d");
    script_slot(&keeping.session);
    script_identity(&keeping.session, "0/3000000");
    script_beat(&keeping.session, "0/3000000");
    script_beat(&keeping.session, "0/3000000");
    scripted_close(keeping.session.server);
    options.settings = keeping.session.settings;
    options.job_cancel = &keeping.job;
    scripted_server_start(keeping.session.server);
    began = clock_now_ms();
    assert_true(slot_keeper_start(&keeping.keeper, &options, &keeping.session.err));
    wait_for_trouble(&keeping);
    assert_true(clock_now_ms() - began >= 500); /* two beats, the second of which fails */
    finish(&keeping);
}

/* ---- A start that fails ---- */

static void check_start_fails(struct keeping *keeping, const char *says)
{
    assert_false(start(keeping, 0));
    assert_null(keeping->keeper);
    if (strstr(keeping->session.err.message, says) == NULL)
        fail_msg("%s", keeping->session.err.message);
    assert_false(cancel_requested(&keeping->job));
    finish(keeping);
}

static void all_slots_taken_is_explained(void **state)
{
    struct keeping keeping;

    (void)state;
    prepare(&keeping, "13.23");
    script_error(&keeping.session, "53400", "all replication slots are in use");
    check_start_fails(&keeping, "cannot make a temporary replication slot");
    assert_non_null(strstr(keeping.session.err.hint, "max_replication_slots"));
}

static void no_session_is_explained(void **state)
{
    struct keeping keeping;

    (void)state;
    session_prepare(&keeping.session);
    assert_true(cancel_init(&keeping.job, &keeping.session.err));
    scripted_accept(keeping.session.server);
    scripted_expect_startup(keeping.session.server, "", 0);
    scripted_report(&keeping.session.reply, 'E', "FATAL", "53300", "sorry, too many clients");
    session_script_reply(&keeping.session);
    scripted_close(keeping.session.server);
    check_start_fails(&keeping, "cannot open the session that keeps the WAL");
}

static void a_server_that_cannot_say_where_its_wal_is_is_refused(void **state)
{
    struct keeping keeping;

    (void)state;
    prepare(&keeping, "13.23");
    script_slot(&keeping.session);
    script_error(&keeping.session, "42501", "permission denied");
    check_start_fails(&keeping, "permission denied");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slot_is_touched_again_and_again),
        cmocka_unit_test(stopping_is_no_failure),
        cmocka_unit_test(too_much_wal_held_back_ends_the_job),
        cmocka_unit_test(a_lost_slot_ends_the_job),
        cmocka_unit_test(a_server_that_hides_its_timeouts_is_asked_in_vain),
        cmocka_unit_test(a_beat_is_half_of_the_shortest_timeout),
        cmocka_unit_test(all_slots_taken_is_explained),
        cmocka_unit_test(no_session_is_explained),
        cmocka_unit_test(a_server_that_cannot_say_where_its_wal_is_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
