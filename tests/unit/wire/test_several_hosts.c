/* Walking hosts and addresses: which failures lead on, and which sessions fit. */
#include "support/session.h"

#include "base/clock.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Two scripted servers: the session's own is the second host. */
struct pair {
    struct session session;
    struct scripted_server *first;
    struct buffer reply; /* of the first */
};

static void pair_prepare(struct pair *pair)
{
    char ports[32];

    *pair = (struct pair){.first = scripted_server_new()};
    session_prepare(&pair->session);
    snprintf(ports, sizeof(ports), "%s,%s", scripted_server_port(pair->first),
             scripted_server_port(pair->session.server));
    session_set(&pair->session, "host", "127.0.0.1,127.0.0.1");
    session_set(&pair->session, "port", ports);
}

/* What the first server does once it got the startup message. */
static void first_replies(struct pair *pair)
{
    scripted_accept(pair->first);
    scripted_expect_startup(pair->first, "\0\3\0\0", 4);
    scripted_reply_buffer(pair->first, &pair->reply);
    buffer_free(&pair->reply);
}

static void first_refuses(struct pair *pair, const char *sqlstate)
{
    scripted_report(&pair->reply, 'E', "FATAL", sqlstate, "the first says no");
    first_replies(pair);
    scripted_close(pair->first);
}

static void pair_finish(struct pair *pair)
{
    char *failure = scripted_server_finish(pair->first);

    session_finish(&pair->session);
    if (failure != NULL)
        fail_msg("the first server: %s", failure);
}

static void assert_reaches_second(struct pair *pair)
{
    scripted_server_start(pair->first);
    session_connect(&pair->session);
    assert_non_null(
        strstr(wire_peer(pair->session.conn), scripted_server_port(pair->session.server)));
    pair_finish(pair);
}

/* The second server has no script: nobody may come. */
static void assert_ends_at_first(struct pair *pair)
{
    scripted_server_start(pair->first);
    session_connect_fails(&pair->session);
    assert_non_null(strstr(pair->session.err.message, scripted_server_port(pair->first)));
    assert_null(strstr(pair->session.err.message, scripted_server_port(pair->session.server)));
    pair_finish(pair);
}

static void a_server_that_cannot_take_connections_now_leads_on(void **state)
{
    struct pair pair;

    (void)state;
    pair_prepare(&pair);
    first_refuses(&pair, "57P03");
    scripted_session(pair.session.server);
    assert_reaches_second(&pair);
}

static void any_other_refusal_ends_it(void **state)
{
    static const char *const sqlstates[] = {"28P01", "28000", "3D000", "53300", "42501", "57P01"};
    struct pair pair;

    (void)state;
    for (size_t i = 0; i < sizeof(sqlstates) / sizeof(sqlstates[0]); i++) {
        pair_prepare(&pair);
        first_refuses(&pair, sqlstates[i]);
        assert_ends_at_first(&pair);
    }
}

static void a_refusal_after_authentication_ends_it(void **state)
{
    struct pair pair;

    (void)state;
    pair_prepare(&pair);
    scripted_authentication_ok(&pair.reply);
    first_refuses(&pair, "57P03");
    assert_ends_at_first(&pair);
}

static void a_server_that_hangs_up_ends_it(void **state)
{
    struct pair pair;

    (void)state;
    pair_prepare(&pair);
    scripted_accept(pair.first);
    scripted_expect_startup(pair.first, "\0\3\0\0", 4);
    scripted_close(pair.first);
    assert_ends_at_first(&pair);
}

static void a_missing_password_ends_it(void **state)
{
    struct pair pair;

    (void)state;
    pair_prepare(&pair);
    session_set(&pair.session, "passfile", "/nonexistent");
    scripted_message(&pair.reply, 'R', "\0\0\0\3", 4);
    first_replies(&pair);
    scripted_expect_close(pair.first);
    assert_ends_at_first(&pair);
}

static void a_silent_server_leads_on_in_time(void **state)
{
    int64_t begun = clock_now_ms();
    struct pair pair;

    (void)state;
    pair_prepare(&pair);
    session_set(&pair.session, "connect_timeout", "1");
    scripted_accept(pair.first);
    scripted_expect_close(pair.first);
    scripted_session(pair.session.server);
    assert_reaches_second(&pair);
    assert_true(clock_now_ms() - begun >= 1000 && clock_now_ms() - begun < 5000);
}

static void all_kinds_of_bad_places_lead_on(void **state)
{
    static const char long_folder[] =
        "/01234567890123456789012345678901234567890123456789012345678901234567890123456789012345"
        "67890123456789012345678901234567890";
    struct session session;
    char host[400], port[64];

    (void)state;
    session_prepare(&session);
    snprintf(host, sizeof(host), "/nonexistent,%s,no-such-host.invalid,b,127.0.0.1", long_folder);
    snprintf(port, sizeof(port), "%s", scripted_server_port(session.server));
    session_set(&session, "host", host);
    session_set(&session, "hostaddr", ",,,999.1.1.1,");
    session_set(&session, "port", port);
    scripted_session(session.server);
    session_connect(&session);
    session_finish(&session);
}

static void every_failure_is_told(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "host", "/nonexistent/a,no-such-host.invalid,/nonexistent/c");
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_CONNECT);
    assert_non_null(strstr(session.err.message, "cannot connect to /nonexistent/a/"));
    assert_non_null(strstr(session.err.message, "\"no-such-host.invalid\""));
    assert_non_null(strstr(session.err.message, "; cannot connect to /nonexistent/c/"));
    assert_non_null(strstr(session.err.hint, "unix_socket_directories"));
    session_finish(&session);
}

static void more_failures_than_fit_are_counted(void **state)
{
    struct buffer hosts = {0};
    struct session session;

    (void)state;
    session_prepare(&session);
    for (int i = 0; i < 40; i++)
        assert_true(
            buffer_printf(&hosts, &session.err, "%s/nonexistent/%02d", i > 0 ? "," : "", i));
    session_set(&session, "host", buffer_text(&hosts));
    session_connect_fails(&session);
    assert_non_null(strstr(session.err.message, "/nonexistent/00/"));
    assert_non_null(strstr(session.err.message, " more); cannot connect to /nonexistent/39/"));
    buffer_free(&hosts);
    session_finish(&session);
}

/* ---- target_session_attrs ---- */

/* A session of version 18 or 13, of which only the former reports what it is. */
static void script_server(struct scripted_server *server, int version, bool standby, bool read_only)
{
    struct buffer reply = {0};

    scripted_accept(server);
    scripted_expect_startup(server, "\0\3\0\0", 4);
    scripted_authentication_ok(&reply);
    scripted_parameter(&reply, "server_version", version == 18 ? "18.1" : "13.22");
    if (version == 18) {
        scripted_parameter(&reply, "in_hot_standby", standby ? "on" : "off");
        scripted_parameter(&reply, "default_transaction_read_only", read_only ? "on" : "off");
    }
    scripted_ready(&reply, 'I');
    scripted_reply_buffer(server, &reply);
    buffer_free(&reply);
}

static void script_query(struct scripted_server *server, const char *sql, const char *value)
{
    static const char *const names[] = {"x"};
    struct buffer reply = {0};

    scripted_expect_body(server, 'Q', sql, strlen(sql) + 1);
    scripted_row_description(&reply, 1, names);
    scripted_data_row(&reply, 1, &value);
    scripted_text_message(&reply, 'C', "SELECT 1");
    scripted_ready(&reply, 'I');
    scripted_reply_buffer(server, &reply);
    buffer_free(&reply);
}

static void sessions_are_judged_by_what_servers_report(void **state)
{
    static const struct {
        const char *target;
        bool standby, read_only, fits;
    } cases[] = {
        {"any", true, true, true},          {"read-write", false, false, true},
        {"read-write", true, false, false}, {"read-write", false, true, false},
        {"read-only", false, false, false}, {"read-only", true, false, true},
        {"read-only", false, true, true},   {"primary", false, true, true},
        {"primary", true, false, false},    {"standby", true, false, true},
        {"standby", false, false, false},   {"prefer-standby", true, false, true},
    };
    struct session session;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        session_prepare(&session);
        session_set(&session, "target_session_attrs", cases[i].target);
        script_server(session.server, 18, cases[i].standby, cases[i].read_only);
        scripted_expect_body(session.server, 'X', "", 0);
        scripted_expect_close(session.server);
        if (cases[i].fits) {
            session_connect(&session);
        } else {
            session_connect_fails(&session);
            assert_int_equal(session.err.code, ERROR_CONNECT);
            error_spell(&session.err, NULL);
            assert_non_null(strstr(session.err.message, "target_session_attrs is"));
        }
        session_finish(&session);
    }
}

static void older_servers_are_asked(void **state)
{
    static const struct {
        const char *target, *sql, *value;
        bool fits;
    } cases[] = {
        {"read-write", "SHOW transaction_read_only", "off", true},
        {"read-write", "SHOW transaction_read_only", "on", false},
        {"read-only", "SHOW transaction_read_only", "on", true},
        {"primary", "SELECT pg_catalog.pg_is_in_recovery()", "f", true},
        {"primary", "SELECT pg_catalog.pg_is_in_recovery()", "t", false},
        {"standby", "SELECT pg_catalog.pg_is_in_recovery()", "t", true},
        {"standby", "SELECT pg_catalog.pg_is_in_recovery()", "f", false},
    };
    struct session session;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        session_prepare(&session);
        session_set(&session, "target_session_attrs", cases[i].target);
        script_server(session.server, 13, false, false);
        script_query(session.server, cases[i].sql, cases[i].value);
        if (cases[i].fits)
            session_connect(&session);
        else
            session_connect_fails(&session);
        session_finish(&session);
    }
}

static void an_older_replication_session_is_asked_by_show(void **state)
{
    static const struct {
        const char *read_only, *by_default;
        bool primary, standby;
    } cases[] = {
        {"off", "off", true, false}, {"on", "off", false, true}, {"on", "on", false, false}};
    struct session session;

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        bool standby = i % 2 == 1;

        session_prepare(&session);
        session.options.kind = WIRE_SESSION_REPLICATION;
        session_set(&session, "target_session_attrs", standby ? "standby" : "primary");
        script_server(session.server, 13, false, false);
        script_query(session.server, "SHOW transaction_read_only", cases[i / 2].read_only);
        script_query(session.server, "SHOW default_transaction_read_only", cases[i / 2].by_default);
        if (standby ? cases[i / 2].standby : cases[i / 2].primary)
            session_connect(&session);
        else
            session_connect_fails(&session);
        session_finish(&session);
    }
}

static void a_session_that_does_not_fit_leads_on(void **state)
{
    struct pair pair;

    (void)state;
    pair_prepare(&pair);
    session_set(&pair.session, "target_session_attrs", "standby");
    script_server(pair.first, 18, false, false);
    scripted_expect_body(pair.first, 'X', "", 0);
    scripted_expect_close(pair.first);
    script_server(pair.session.server, 18, true, false);
    assert_reaches_second(&pair);
}

static void a_session_that_cannot_be_asked_leads_on(void **state)
{
    struct buffer reply = {0};
    struct pair pair;

    (void)state;
    pair_prepare(&pair);
    session_set(&pair.session, "target_session_attrs", "primary");
    script_server(pair.first, 13, false, false);
    scripted_expect(pair.first, 'Q');
    scripted_report(&reply, 'E', "ERROR", "42501", "no");
    scripted_ready(&reply, 'I');
    scripted_reply_buffer(pair.first, &reply);
    buffer_free(&reply);
    scripted_expect_close(pair.first);
    script_server(pair.session.server, 18, false, false);
    assert_reaches_second(&pair);
}

static void prefer_standby_takes_a_primary_in_the_end(void **state)
{
    struct pair pair;

    (void)state;
    pair_prepare(&pair);
    session_set(&pair.session, "target_session_attrs", "prefer-standby");
    for (int i = 0; i < 2; i++) {
        script_server(pair.first, 18, false, false);
        scripted_expect_body(pair.first, 'X', "", 0);
        scripted_expect_close(pair.first);
    }
    script_server(pair.session.server, 18, false, false);
    scripted_expect_close(pair.session.server);
    scripted_server_start(pair.first);
    session_connect(&pair.session);
    assert_non_null(strstr(wire_peer(pair.session.conn), scripted_server_port(pair.first)));
    wire_close(pair.session.conn);
    pair.session.conn = NULL;
    pair_finish(&pair);
}

static void the_question_is_part_of_the_attempt(void **state)
{
    int64_t begun = clock_now_ms();
    struct pair pair;

    (void)state;
    pair_prepare(&pair);
    session_set(&pair.session, "target_session_attrs", "primary");
    session_set(&pair.session, "connect_timeout", "1");
    script_server(pair.first, 13, false, false);
    scripted_expect(pair.first, 'Q');
    scripted_expect_close(pair.first);
    script_server(pair.session.server, 18, false, false);
    assert_reaches_second(&pair);
    assert_true(clock_now_ms() - begun < 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_cannot_take_connections_now_leads_on),
        cmocka_unit_test(any_other_refusal_ends_it),
        cmocka_unit_test(a_refusal_after_authentication_ends_it),
        cmocka_unit_test(a_server_that_hangs_up_ends_it),
        cmocka_unit_test(a_missing_password_ends_it),
        cmocka_unit_test(a_silent_server_leads_on_in_time),
        cmocka_unit_test(all_kinds_of_bad_places_lead_on),
        cmocka_unit_test(every_failure_is_told),
        cmocka_unit_test(more_failures_than_fit_are_counted),
        cmocka_unit_test(sessions_are_judged_by_what_servers_report),
        cmocka_unit_test(older_servers_are_asked),
        cmocka_unit_test(an_older_replication_session_is_asked_by_show),
        cmocka_unit_test(a_session_that_does_not_fit_leads_on),
        cmocka_unit_test(a_session_that_cannot_be_asked_leads_on),
        cmocka_unit_test(prefer_standby_takes_a_primary_in_the_end),
        cmocka_unit_test(the_question_is_part_of_the_attempt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
