#include "support/session.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

static void a_session_starts_and_reports_its_parameters(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    scripted_accept(session.server);
    scripted_expect_startup(session.server,
                            "\0\3\0\0user\0maria\0database\0shop\0application_name\0pgcask\0", 54);
    scripted_authentication_ok(&session.reply);
    scripted_parameter(&session.reply, "server_version", "15.20 (Debian 15.20-0+deb12u1)");
    scripted_parameter(&session.reply, "in_hot_standby", "off");
    scripted_parameter(&session.reply, "in_hot_standby", "on");
    scripted_backend_key(&session.reply, 4711, "\1\2\3\4", 4);
    scripted_ready(&session.reply, 'I');
    session_script_reply_slowly(&session);
    scripted_expect_body(session.server, 'X', "", 0);
    scripted_expect_close(session.server);
    session_connect(&session);
    assert_int_equal(wire_server_version(session.conn), 150020);
    assert_string_equal(wire_parameter(session.conn, "in_hot_standby"), "on");
    assert_null(wire_parameter(session.conn, "TimeZone"));
    assert_int_equal(wire_backend_pid(session.conn), 4711);
    assert_false(wire_uses_tls(session.conn));
    assert_memory_equal(wire_peer(session.conn), "127.0.0.1:", 10);
    session_finish(&session);
}

static void replication_sessions_say_so(void **state)
{
    const struct {
        enum wire_session_kind kind;
        const char *startup;
        size_t len;
    } kinds[] = {
        {WIRE_SESSION_REPLICATION, "\0\3\0\0user\0maria\0replication\0true\0", 32},
        {WIRE_SESSION_REPLICATION_DATABASE,
         "\0\3\0\0user\0maria\0database\0shop\0replication\0database\0", 50},
    };
    struct session session;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        session_prepare(&session);
        session.options.kind = kinds[i].kind;
        scripted_accept(session.server);
        scripted_expect_startup(session.server, kinds[i].startup, kinds[i].len);
        scripted_authentication_ok(&session.reply);
        session_script_ready(&session, 'I');
        session_connect(&session);
        session_finish(&session);
    }
}

static void versions_become_numbers(void **state)
{
    const struct {
        const char *text;
        int number;
    } versions[] = {{"18beta1", 180000},
                    {"13.23", 130023},
                    {"9.6.24", 90624},
                    {"17.10 (x)", 170010},
                    {"nonsense", 0}};
    struct session session;

    (void)state;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        session_prepare(&session);
        scripted_accept(session.server);
        scripted_expect_startup(session.server, "", 0);
        scripted_authentication_ok(&session.reply);
        scripted_parameter(&session.reply, "server_version", versions[i].text);
        session_script_ready(&session, 'I');
        session_connect(&session);
        assert_int_equal(wire_server_version(session.conn), versions[i].number);
        session_finish(&session);
    }
}

static void an_older_protocol_version_than_was_asked_for_is_accepted(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "max_protocol_version", "latest");
    scripted_accept(session.server);
    scripted_expect_startup(session.server, "\0\3\0\2", 4);
    scripted_message(&session.reply, 'v', "\0\3\0\0\0\0\0\0", 8);
    scripted_authentication_ok(&session.reply);
    session_script_ready(&session, 'I');
    session_connect(&session);
    session_finish(&session);
}

/* Connects to a server that answers the startup message with these bytes and closes. */
static void connect_to_reply(struct session *session)
{
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "", 0);
    session_script_reply(session);
    scripted_close(session->server);
    session_connect_fails(session);
}

static void another_protocol_version_is_refused(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    scripted_message(&session.reply, 'v', "\0\4\0\0\0\0\0\0", 8);
    connect_to_reply(&session);
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    session_finish(&session);
}

static void a_cancel_key_fits_the_protocol_version(void **state)
{
    const struct {
        const char *asked;
        size_t len;
        bool accepted;
    } keys[] = {{"3.0", 4, true},     {"3.0", 32, false},    {"latest", 4, true},
                {"latest", 32, true}, {"latest", 256, true}, {"latest", 3, false}};
    static const char key[256];

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct session session;

        session_prepare(&session);
        session_set(&session, "max_protocol_version", keys[i].asked);
        scripted_accept(session.server);
        scripted_expect_startup(session.server, "", 0);
        scripted_authentication_ok(&session.reply);
        scripted_backend_key(&session.reply, 1, key, keys[i].len);
        session_script_ready(&session, 'I');
        if (keys[i].accepted) {
            session_connect(&session);
        } else {
            session_connect_fails(&session);
            assert_int_equal(session.err.code, ERROR_PROTOCOL);
        }
        session_finish(&session);
    }
}

static void a_version_is_settled_once_and_before_authentication(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "max_protocol_version", "latest");
    scripted_message(&session.reply, 'v', "\0\3\0\0\0\0\0\0", 8);
    scripted_message(&session.reply, 'v', "\0\3\0\0\0\0\0\0", 8);
    connect_to_reply(&session);
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    session_finish(&session);

    session_prepare(&session);
    session_set(&session, "max_protocol_version", "latest");
    scripted_authentication_ok(&session.reply);
    scripted_message(&session.reply, 'v', "\0\3\0\0\0\0\0\0", 8);
    connect_to_reply(&session);
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    session_finish(&session);
}

static void a_rejection_by_pg_hba_gives_the_line_to_add(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    scripted_report(&session.reply, 'E', "FATAL", "28000",
                    "no pg_hba.conf entry for host \"10.1.2.3\", user \"maria\", database "
                    "\"shop\", no encryption");
    connect_to_reply(&session);
    assert_int_equal(session.err.code, ERROR_SERVER);
    assert_string_equal(session.err.sqlstate, "28000");
    assert_non_null(strstr(session.err.message, "127.0.0.1:"));
    /* The session's sslmode is disable: that comes first; the line is good for both. */
    error_spell(&session.err, NULL);
    assert_non_null(strstr(session.err.hint, "set sslmode=require"));
    assert_true(strstr(session.err.hint, "host shop maria 10.1.2.3/32 scram-sha-256") >
                strstr(session.err.hint, "sslmode"));
    session_finish(&session);
}

static void a_rejected_replication_session_gives_its_own_line(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session.options.kind = WIRE_SESSION_REPLICATION;
    scripted_report(&session.reply, 'E', "FATAL", "28000",
                    "kein pg_hba.conf-Eintrag"); /* without an address */
    connect_to_reply(&session);
    assert_non_null(strstr(session.err.hint, "host replication maria 127.0.0.1/32"));
    session_finish(&session);
}

static void refusals_come_with_a_hint(void **state)
{
    const struct {
        const char *sqlstate;
        enum wire_session_kind kind;
        const char *hint;
        const char *message;
    } refusals[] = {
        {"28P01", WIRE_SESSION_SQL, "ALTER ROLE \"maria\" PASSWORD", "no"},
        {"28000", WIRE_SESSION_SQL, "CREATE ROLE \"maria\" LOGIN ", "no"},
        {"28000", WIRE_SESSION_REPLICATION, "LOGIN REPLICATION", "no"},
        {"28000", WIRE_SESSION_SQL, "sslcert", "connection requires a valid client certificate"},
        {"28000", WIRE_SESSION_SQL, "common name",
         "certificate authentication failed for user \"maria\""},
        {"28000", WIRE_SESSION_SQL, "pg_ident.conf",
         "Peer authentication failed for user \"maria\""},
        {"28000", WIRE_SESSION_SQL, "CREATE ROLE \"maria\" LOGIN ", "role \"x\" does not exist"},
        {"28000", WIRE_SESSION_SQL, "ALTER ROLE \"maria\" LOGIN;",
         "role \"x\" is not permitted to log in"},
        {"3D000", WIRE_SESSION_SQL, "pg_database", "no"},
        {"53300", WIRE_SESSION_SQL, "max_connections", "no"},
        {"53300", WIRE_SESSION_SQL, "ALTER ROLE \"maria\" CONNECTION LIMIT",
         "too many connections for role \"maria\""},
        {"53300", WIRE_SESSION_SQL, "ALTER DATABASE \"shop\" CONNECTION LIMIT",
         "too many connections for database \"shop\""},
        {"53300", WIRE_SESSION_REPLICATION, "max_wal_senders", "no"},
        {"55000", WIRE_SESSION_SQL, "ALTER DATABASE \"shop\" ALLOW_CONNECTIONS", "no"},
        {"22023", WIRE_SESSION_SQL, "PGOPTIONS", "no"},
        {"42704", WIRE_SESSION_SQL, "PGOPTIONS", "no"},
        {"42501", WIRE_SESSION_REPLICATION, "ALTER ROLE \"maria\" REPLICATION;", "no"},
        {"57P03", WIRE_SESSION_SQL, "try again", "no"},
    };
    struct session session;

    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        session_prepare(&session);
        session.options.kind = refusals[i].kind;
        scripted_report(&session.reply, 'E', "FATAL", refusals[i].sqlstate, refusals[i].message);
        connect_to_reply(&session);
        assert_string_equal(session.err.sqlstate, refusals[i].sqlstate);
        assert_non_null(strstr(session.err.hint, refusals[i].hint));
        session_finish(&session);
    }
}

static void a_server_of_another_kind_is_recognised(void **state)
{
    const char *const greetings[] = {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n",
                                     "220 mail ESMTP\r\n", "R\x7f\xff\xff\xff....",
                                     "EFATAL: too old\n"};
    struct session session;

    (void)state;
    for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
        session_prepare(&session);
        scripted_message(&session.reply, 'x', "", 0);
        buffer_clear(&session.reply);
        assert_true(buffer_append_string(&session.reply, greetings[i], &session.err));
        connect_to_reply(&session);
        assert_int_equal(session.err.code, ERROR_PROTOCOL);
        assert_non_null(strstr(session.err.hint, "PostgreSQL server"));
        session_finish(&session);
    }
}

static void messages_before_authentication_are_refused(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    scripted_ready(&session.reply, 'I');
    connect_to_reply(&session);
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    session_finish(&session);
}

static void ok_in_the_middle_of_scram_is_refused(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "password", "secret");
    scripted_accept(session.server);
    scripted_expect_startup(session.server, "", 0);
    scripted_message(&session.reply, 'R', "\0\0\0\012SCRAM-SHA-256\0\0", 19);
    session_script_reply(&session);
    scripted_expect(session.server, 'p');
    scripted_authentication_ok(&session.reply);
    session_script_ready(&session, 'I');
    scripted_expect_close(session.server);
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_AUTHENTICATION);
    session_finish(&session);
}

static void a_password_is_sent_when_asked_for(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "password", "secret");
    scripted_accept(session.server);
    scripted_expect_startup(session.server, "", 0);
    scripted_message(&session.reply, 'R', "\0\0\0\3", 4);
    session_script_reply(&session);
    scripted_expect_body(session.server, 'p', "secret", 7);
    scripted_authentication_ok(&session.reply);
    session_script_ready(&session, 'I');
    session_connect(&session);
    session_finish(&session);
}

static void a_silent_server_ends_the_attempt_in_time(void **state)
{
    struct session session;
    int64_t begun = clock_now_ms();

    (void)state;
    session_prepare(&session);
    session_set(&session, "connect_timeout", "1");
    scripted_accept(session.server);
    scripted_expect_close(session.server);
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_TIMEOUT);
    assert_true(clock_now_ms() - begun < 5000);
    session_finish(&session);
}

static void cancel_ends_the_attempt(void **state)
{
    struct session session;
    struct cancel cancel;

    (void)state;
    session_prepare(&session);
    assert_true(cancel_init(&cancel, &session.err));
    cancel_request(&cancel);
    session.options.cancel = &cancel;
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_CANCELLED);
    session_finish(&session);
    cancel_reset(&cancel);
}

static void a_closed_port_is_refused_with_a_hint(void **state)
{
    struct session session;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = sizeof(address);
    char port[8];

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0); /* bound, not listening */
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    snprintf(port, sizeof(port), "%d", ntohs(address.sin_port));
    session_prepare(&session);
    session_set(&session, "port", port);
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_CONNECT);
    assert_non_null(strstr(session.err.message, port));
    assert_non_null(strstr(session.err.hint, "listen_addresses"));
    session_finish(&session);
    close(fd);
}

static void a_missing_socket_is_named(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "host", "/nonexistent");
    session_set(&session, "port", "5433");
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_CONNECT);
    assert_non_null(strstr(session.err.message, "/nonexistent/.s.PGSQL.5433"));
    session_finish(&session);
}

static void a_name_that_nobody_knows_is_an_error(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "host", "no-such-host.invalid");
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_CONNECT);
    assert_non_null(strstr(session.err.message, "no-such-host.invalid"));
    session_finish(&session);
}

/* ---- The request for TLS ---- */

static void a_server_without_tls_fails_sslmode_require(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "sslmode", "require");
    session_script_tls_answer(&session, "N", 1);
    scripted_expect_close(session.server);
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_TLS);
    session_finish(&session);
}

static void a_server_without_tls_is_good_for_sslmode_prefer(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "sslmode", "prefer");
    session_script_tls_answer(&session, "N", 1);
    scripted_expect_startup(session.server, "\0\3\0\0", 4);
    scripted_authentication_ok(&session.reply);
    session_script_ready(&session, 'I');
    session_connect(&session);
    session_finish(&session);
}

static void bytes_behind_the_answer_are_an_attack(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "sslmode", "require");
    session_script_tls_answer(&session, "SR\0\0\0\010\0\0\0\0", 10);
    scripted_expect_close(session.server);
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    assert_non_null(strstr(session.err.hint, "Is it a PostgreSQL server"));
    session_finish(&session);
}

static void an_unauthenticated_error_is_not_shown(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "sslmode", "prefer"); /* no reason to go on in clear either */
    session_script_tls_answer(&session, "ESFATAL\0C53300\0Mdo this\0\0", 25);
    scripted_expect_close(session.server);
    session_connect_fails(&session);
    assert_int_equal(session.err.code, ERROR_PROTOCOL);
    assert_null(strstr(session.err.message, "do this"));
    session_finish(&session);
}

static void allow_asks_for_tls_after_a_rejection(void **state)
{
    struct session session;

    (void)state;
    session_prepare(&session);
    session_set(&session, "sslmode", "allow");
    scripted_accept(session.server);
    scripted_expect_startup(session.server, "\0\3\0\0", 4);
    scripted_report(&session.reply, 'E', "FATAL", "28000", "pg_hba.conf rejects, no encryption");
    session_script_reply(&session);
    scripted_close(session.server);
    session_script_tls_answer(&session, "N", 1);
    session_connect_fails(&session);
    assert_string_equal(session.err.sqlstate, "28000");
    session_finish(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_starts_and_reports_its_parameters),
        cmocka_unit_test(replication_sessions_say_so),
        cmocka_unit_test(versions_become_numbers),
        cmocka_unit_test(an_older_protocol_version_than_was_asked_for_is_accepted),
        cmocka_unit_test(a_cancel_key_fits_the_protocol_version),
        cmocka_unit_test(a_version_is_settled_once_and_before_authentication),
        cmocka_unit_test(another_protocol_version_is_refused),
        cmocka_unit_test(a_rejection_by_pg_hba_gives_the_line_to_add),
        cmocka_unit_test(a_rejected_replication_session_gives_its_own_line),
        cmocka_unit_test(refusals_come_with_a_hint),
        cmocka_unit_test(a_server_of_another_kind_is_recognised),
        cmocka_unit_test(messages_before_authentication_are_refused),
        cmocka_unit_test(ok_in_the_middle_of_scram_is_refused),
        cmocka_unit_test(a_password_is_sent_when_asked_for),
        cmocka_unit_test(a_silent_server_ends_the_attempt_in_time),
        cmocka_unit_test(cancel_ends_the_attempt),
        cmocka_unit_test(a_closed_port_is_refused_with_a_hint),
        cmocka_unit_test(a_missing_socket_is_named),
        cmocka_unit_test(a_name_that_nobody_knows_is_an_error),
        cmocka_unit_test(a_server_without_tls_fails_sslmode_require),
        cmocka_unit_test(a_server_without_tls_is_good_for_sslmode_prefer),
        cmocka_unit_test(bytes_behind_the_answer_are_an_attack),
        cmocka_unit_test(an_unauthenticated_error_is_not_shown),
        cmocka_unit_test(allow_asks_for_tls_after_a_rejection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
