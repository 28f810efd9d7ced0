/* How a session that only reads begins. */
#include "copy/snapshot.h"

#include "support/session.h"

#include <string.h>

/* The settings of a server 13, which come behind BEGIN; `first` before them, `last` behind. */
#define SETTINGS_13(first, last)                                                                   \
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;" first                                       \
    "SELECT pg_catalog.set_config('search_path', '', false);"                                      \
    "SET datestyle = ISO;SET intervalstyle = POSTGRES;SET timezone = 'UTC';"                       \
    "SET bytea_output = hex;SET extra_float_digits = 3;SET xmlbinary = base64;"                    \
    "SET synchronize_seqscans = off;SET standard_conforming_strings = on;"                         \
    "SET quote_all_identifiers = off;SET idle_in_transaction_session_timeout = 0;"                 \
    "SET row_security = off;SET jit = off;"                                                        \
    "SELECT pg_catalog.set_config(name, 'view, foreign-table', false) "                            \
    "FROM pg_catalog.pg_settings WHERE name = 'restrict_nonsystem_relation_kind';" last

static void begin_session(struct session *session, const char *version, const char *encoding)
{
    session_prepare(session);
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "\0\3\0\0", 4);
    scripted_authentication_ok(&session->reply);
    scripted_parameter(&session->reply, "server_version", version);
    scripted_parameter(&session->reply, "client_encoding", encoding);
    session_script_ready(session, 'I');
}

static void script_answer(struct session *session, char transaction_status)
{
    scripted_text_message(&session->reply, 'C', "SET");
    scripted_ready(&session->reply, transaction_status);
    session_script_reply(session);
}

static void script_refusal(struct session *session, const char *sqlstate, const char *message,
                           char transaction_status)
{
    scripted_report(&session->reply, 'E', "ERROR", sqlstate, message);
    scripted_ready(&session->reply, transaction_status);
    session_script_reply(session);
}

/* The server 13 gets this query, and agrees. */
static void expect_begin(struct session *session, const char *encoding, const char *sql,
                         const struct snapshot_options *options)
{
    begin_session(session, "13.23", encoding);
    scripted_expect_body(session->server, 'Q', sql, strlen(sql) + 1);
    script_answer(session, 'T');
    session_connect(session);
    if (!snapshot_begin(session->conn, options, &session->err))
        fail_msg("%s", session->err.message);
    session_finish(session);
}

static void all_is_said_in_the_round_trip_that_begins(void **state)
{
    const struct snapshot_options options = {0};
    struct session session;

    (void)state;
    expect_begin(&session, "UTF8",
                 SETTINGS_13("SET statement_timeout = 0; SET lock_timeout = 0;", ""), &options);
}

static void a_snapshot_is_imported_before_anything_is_asked(void **state)
{
    const struct snapshot_options options = {
        .imported = "00000003-0000001B-1' --",
        .statement_timeout_ms = 60000,
        .lock_timeout_ms = 5000,
    };
    struct session session;

    (void)state;
    expect_begin(&session, "UTF8",
                 SETTINGS_13("SET TRANSACTION SNAPSHOT '00000003-0000001B-1'' --';"
                             "SET statement_timeout = 60000; SET lock_timeout = 5000;",
                             ""),
                 &options);
}

static void what_begins_in_sql_ascii_goes_on_in_the_databases_encoding(void **state)
{
    const struct snapshot_options options = {.own_encoding = true};
    struct session session;

    (void)state;
    expect_begin(&session, "SQL_ASCII",
                 SETTINGS_13("SET statement_timeout = 0; SET lock_timeout = 0;",
                             "SELECT pg_catalog.set_config('client_encoding', "
                             "                             "
                             "pg_catalog.current_setting('server_encoding'), false);"),
                 &options);
    expect_begin(&session, "LATIN1",
                 SETTINGS_13("SET statement_timeout = 0; SET lock_timeout = 0;", ""), &options);
}

static void a_savepoint_comes_behind_it_all(void **state)
{
    const struct snapshot_options options = {.small_queries = true, .savepoint = "manifest"};
    struct session session;

    (void)state;
    expect_begin(&session, "SQL_ASCII",
                 SETTINGS_13("SET statement_timeout = 0; SET lock_timeout = 0;",
                             "SET max_parallel_workers_per_gather = 0;SET enable_seqscan = off;"
                             "SAVEPOINT \"manifest\""),
                 &options);
}

/* The settings of a server 14, with and without the look at the client. */
#define SETTINGS_14(client_check)                                                                  \
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"                                             \
    "SET statement_timeout = 0; SET lock_timeout = 0;"                                             \
    "SELECT pg_catalog.set_config('search_path', '', false);"                                      \
    "SET datestyle = ISO;SET intervalstyle = POSTGRES;SET timezone = 'UTC';"                       \
    "SET bytea_output = hex;SET extra_float_digits = 3;SET xmlbinary = base64;"                    \
    "SET synchronize_seqscans = off;SET standard_conforming_strings = on;"                         \
    "SET quote_all_identifiers = off;SET idle_in_transaction_session_timeout = 0;"                 \
    "SET idle_session_timeout = 0;SET row_security = off;SET jit = off;"                           \
    "SELECT pg_catalog.set_config(name, 'view, foreign-table', false) "                            \
    "FROM pg_catalog.pg_settings WHERE name = 'restrict_nonsystem_relation_kind';" client_check

/* Nothing is said outside the transaction: a pooler would give it to the session's next user. */
static void a_server_that_cannot_look_at_its_client_is_read_all_the_same(void **state)
{
    static const char with[] =
        SETTINGS_14("SET LOCAL client_connection_check_interval = '1s';SAVEPOINT \"s\"");
    static const char without[] = SETTINGS_14("SAVEPOINT \"s\"");
    const struct snapshot_options options = {.savepoint = "s"};
    struct session session;

    (void)state;
    begin_session(&session, "14.20", "UTF8");
    scripted_expect_body(session.server, 'Q', with, sizeof(with));
    script_refusal(&session, "22023",
                   "client_connection_check_interval must be set to 0 on this platform", 'E');
    scripted_expect_body(session.server, 'Q', "ROLLBACK", sizeof("ROLLBACK"));
    script_answer(&session, 'I');
    scripted_expect_body(session.server, 'Q', without, sizeof(without));
    script_answer(&session, 'T');
    session_connect(&session);
    if (!snapshot_begin(session.conn, &options, &session.err))
        fail_msg("%s", session.err.message);
    session_finish(&session);
}

static void a_snapshot_that_is_gone_is_the_servers_error(void **state)
{
    const struct snapshot_options options = {.imported = "00000003-0000001B-1"};
    struct session session;

    (void)state;
    begin_session(&session, "13.23", "UTF8");
    scripted_expect(session.server, 'Q');
    script_refusal(&session, "22023", "invalid snapshot identifier", 'E');
    session_connect(&session);
    assert_false(snapshot_begin(session.conn, &options, &session.err));
    assert_string_equal(session.err.sqlstate, "22023");
    assert_false(wire_is_broken(session.conn));
    session_finish(&session);
}

/* ---- Exporting ---- */

static bool export(const char *answer, char name[SNAPSHOT_NAME_SIZE], struct error *err)
{
    static const char *const columns[] = {"pg_export_snapshot"};
    struct session session;
    bool done;

    begin_session(&session, "13.23", "UTF8");
    scripted_expect(session.server, 'Q');
    scripted_row_description(&session.reply, 1, columns);
    if (answer != NULL)
        scripted_data_row(&session.reply, 1, &answer);
    scripted_text_message(&session.reply, 'C', "SELECT 1");
    session_script_ready(&session, 'T');
    session_connect(&session);
    done = snapshot_export(session.conn, name, err);
    session_finish(&session);
    return done;
}

static void a_snapshot_is_exported_under_a_name(void **state)
{
    char name[SNAPSHOT_NAME_SIZE];
    struct error err;

    (void)state;
    assert_true(export("00000003-0000001B-1", name, &err));
    assert_string_equal(name, "00000003-0000001B-1");
}

static void a_name_that_cannot_be_is_refused(void **state)
{
    char longer[SNAPSHOT_NAME_SIZE + 1], name[SNAPSHOT_NAME_SIZE];
    struct error err;

    (void)state;
    memset(longer, '0', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    assert_false(export(longer, name, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
    assert_false(export(NULL, name, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_said_in_the_round_trip_that_begins),
        cmocka_unit_test(a_snapshot_is_imported_before_anything_is_asked),
        cmocka_unit_test(what_begins_in_sql_ascii_goes_on_in_the_databases_encoding),
        cmocka_unit_test(a_savepoint_comes_behind_it_all),
        cmocka_unit_test(a_server_that_cannot_look_at_its_client_is_read_all_the_same),
        cmocka_unit_test(a_snapshot_that_is_gone_is_the_servers_error),
        cmocka_unit_test(a_snapshot_is_exported_under_a_name),
        cmocka_unit_test(a_name_that_cannot_be_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
