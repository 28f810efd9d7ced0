/* What preflight of a logical backup makes of the server's answers: findings and their remedies. */
#include "backup/job_internal.h"

#include "support/session.h"

#include <string.h>

/* In the order in which they are asked. NULL: the server has no row for it. */
struct answers {
    const char *version;
    const char *const *role;     /* oid, inherits, is a member of pg_read_all_data */
    const char *const *catalogs; /* count, first names, all */
    const char *const *rights;   /* tables, sequences, schemas, filtered: count and names; … */
    const char *const *objects;
    const char *const *locks; /* relations, held, room, setting, wanted, is small */
    const char *denied;       /* in place of the answer about rights */
};

#define ROLE_COLUMNS 3
#define CATALOGS_COLUMNS 3
#define RIGHTS_COLUMNS 10
#define OBJECTS_COLUMNS 3
#define LOCKS_COLUMNS 6

static const char *const quiet_role[] = {"10", "t", "f"};
static const char *const no_catalogs[] = {"0", NULL, NULL};
static const char *const all_rights[] = {"0", NULL, "0", NULL, "0", NULL, "0", NULL, NULL, NULL};
static const char *const no_objects[] = {NULL, NULL, NULL};
static const char *const room_enough[] = {"5", "1", "6400", "64", "3", "f"};

static struct answers quiet(const char *version)
{
    return (struct answers){
        .version = version,
        .role = quiet_role,
        .catalogs = no_catalogs,
        .rights = all_rights,
        .objects = no_objects,
        .locks = room_enough,
    };
}

static void answer(struct session *session, size_t columns, const char *const *values)
{
    static const char *const names[RIGHTS_COLUMNS] = {"a", "b", "c", "d", "e",
                                                      "f", "g", "h", "i", "j"};

    scripted_expect(session->server, 'Q');
    scripted_row_description(&session->reply, columns, names);
    if (values != NULL)
        scripted_data_row(&session->reply, columns, values);
    scripted_text_message(&session->reply, 'C', values == NULL ? "SELECT 0" : "SELECT 1");
    session_script_ready(session, 'T');
}

/* All that a finding is about is asked for by itself. */
static const char *const named[] = {"table \"it\""};

static bool has_names(const struct answers *answers)
{
    return answers->denied == NULL &&
           (answers->catalogs != no_catalogs || answers->rights != all_rights ||
            answers->objects != no_objects);
}

static void answer_names(struct session *session, bool asked)
{
    if (asked)
        answer(session, 1, named);
}

static void acknowledge(struct session *session)
{
    scripted_expect(session->server, 'Q');
    scripted_text_message(&session->reply, 'C', "SET");
    session_script_ready(session, 'T');
}

static void refuse(struct session *session, const char *message)
{
    scripted_expect(session->server, 'Q');
    scripted_report(&session->reply, 'E', "ERROR", "42501", message);
    session_script_ready(session, 'E');
    acknowledge(session); /* back to the savepoint */
}

static void script(struct session *session, const struct answers *answers)
{
    static const char *const name[] = {"\"the role\"", "the role"};
    static const char *const sizes[] = {"8000", "4000"};
    static const char *const told_pid[] = {"0"};

    session_prepare(session);
    scripted_accept(session->server);
    scripted_expect_startup(session->server, "\0\3\0\0", 4);
    scripted_authentication_ok(&session->reply);
    scripted_parameter(&session->reply, "server_version", answers->version);
    scripted_parameter(&session->reply, "client_encoding", "SQL_ASCII");
    session_script_ready(session, 'I');
    acknowledge(session); /* BEGIN and settings */
    answer(session, 2, name);
    answer(session, 3, NULL); /* no standby */
    answer(session, 1, told_pid);
    answer(session, 2, name);
    answer(session, ROLE_COLUMNS, answers->role);
    answer(session, CATALOGS_COLUMNS, answers->catalogs);
    answer_names(session, answers->catalogs != no_catalogs);
    if (answers->denied != NULL)
        refuse(session, answers->denied);
    else
        answer(session, RIGHTS_COLUMNS, answers->rights);
    answer_names(session, answers->rights != all_rights);
    answer(session, OBJECTS_COLUMNS, answers->objects);
    answer_names(session, answers->objects != no_objects);
    answer(session, 3, NULL); /* no locks that stay */
    answer(session, LOCKS_COLUMNS, answers->locks);
    answer(session, 2, sizes);
    scripted_expect_until(session->server, 'Q', 'X');
    scripted_server_start(session->server);
}

/* The only finding, or none where message is NULL. */
static void expect(const struct answers *answers, bool fatal, const char *message,
                   const char *remedy)
{
    struct session session;
    struct preflight_report report = {0};
    struct cancel cancel;
    struct backup_request request = {.cancel = &cancel};
    char *problem;

    assert_true(cancel_init(&cancel, &session.err));
    script(&session, answers);
    request.settings = session.settings;
    if (!logical_preflight(&request, &report, &session.err))
        fail_msg("%s", session.err.message);
    assert_int_equal(report.count, message == NULL ? 0 : 1);
    if (message != NULL) {
        assert_string_equal(report.findings[0].message, message);
        assert_string_equal(report.findings[0].remedy, remedy);
        assert_int_equal(report.findings[0].fatal, fatal);
        assert_int_equal(report.findings[0].object_count, has_names(answers) ? 1 : 0);
        if (has_names(answers))
            assert_string_equal(report.findings[0].objects[0], named[0]);
    }
    assert_int_equal(report.estimated_bytes, 8000);
    assert_int_equal(report.least_bytes, 500);
    preflight_reset(&report);
    problem = scripted_server_finish(session.server);
    if (problem != NULL)
        fail_msg("%s", problem);
    wire_settings_free(session.settings);
    buffer_free(&session.reply);
    cancel_reset(&cancel);
}

static void nothing_is_said_where_nothing_is_missing(void **state)
{
    struct answers answers = quiet("18.4");

    (void)state;
    expect(&answers, false, NULL, NULL);
}

static const char *const some_rights[] = {"6",    "a, b", "1",  "s",          "2",
                                          "x, y", "0",    NULL, "x, \"y z\"", NULL};

#define MISSING                                                                                    \
    "the role \"the role\" may not read 6 tables (a, b, …), 1 sequence (s), 2 schemas (x, y)"

static void one_right_covers_all_from_14_on(void **state)
{
    static const char *const member[] = {"10", "t", "t"}, *const apart[] = {"10", "f", "f"};
    struct answers answers = quiet("15.4");

    (void)state;
    answers.rights = some_rights;
    expect(&answers, true, MISSING, "GRANT pg_read_all_data TO \"the role\";");
    answers.role = apart;
    expect(&answers, true, MISSING,
           "ALTER ROLE \"the role\" INHERIT;  GRANT pg_read_all_data TO \"the role\";");
    answers.version = "16.1";
    expect(&answers, true, MISSING, "GRANT pg_read_all_data TO \"the role\" WITH INHERIT TRUE;");
    answers.role = member;
    expect(&answers, true, MISSING, "GRANT pg_read_all_data TO \"the role\" WITH INHERIT TRUE;");
}

static void before_it_goes_by_schemas(void **state)
{
    struct answers answers = quiet("13.23");

    (void)state;
    answers.rights = some_rights;
    expect(&answers, true, MISSING,
           "GRANT USAGE ON SCHEMA x, \"y z\" TO \"the role\";  "
           "GRANT SELECT ON ALL TABLES IN SCHEMA x, \"y z\" TO \"the role\";  "
           "GRANT SELECT ON ALL SEQUENCES IN SCHEMA x, \"y z\" TO \"the role\";");
}

static void policies_are_lifted_by_the_owner_or_passed_by(void **state)
{
    static const char *const rights[] = {"0", NULL, "0", NULL, "0", NULL, "1", "s.t", NULL, NULL};
    static const char *const forced[] = {
        "0",  NULL, "0",   NULL, "0",
        NULL, "1",  "s.t", NULL, "ALTER TABLE s.t NO FORCE ROW LEVEL SECURITY;"};
    struct answers answers = quiet("18.4");

    (void)state;
    answers.rights = rights;
    expect(&answers, true, "policies would hide rows of 1 table (s.t) from the role \"the role\"",
           "ALTER ROLE \"the role\" BYPASSRLS;");
    answers.rights = forced;
    expect(&answers, true, "policies would hide rows of 1 table (s.t) from the role \"the role\"",
           "ALTER ROLE \"the role\" BYPASSRLS;  or, as its owner:  ALTER TABLE s.t NO FORCE ROW "
           "LEVEL SECURITY;");
}

static void few_large_objects_are_granted_by_number(void **state)
{
    static const char *const few[] = {"2", "7, 8", "7, 8"}, *const many[] = {"13", "1, 2", "1, 2"};
    struct answers answers = quiet("13.23");

    (void)state;
    answers.objects = few;
    expect(&answers, true, "the role \"the role\" may not read 2 large objects (7, 8)",
           "GRANT SELECT ON LARGE OBJECT 7, 8 TO \"the role\";");
    answers.objects = many;
    expect(&answers, true, "the role \"the role\" may not read 13 large objects (1, 2, …)",
           "GRANT SELECT ON pg_catalog.pg_largeobject TO \"the role\";");
    answers.version = "14.1";
    expect(&answers, true, "the role \"the role\" may not read 13 large objects (1, 2, …)",
           "GRANT pg_read_all_data TO \"the role\";");
}

static void closed_catalogs_are_granted_by_name(void **state)
{
    static const char *const closed[] = {"2", "pg_am, pg_enum",
                                         "pg_catalog.pg_am, pg_catalog.pg_enum"};
    struct answers answers = quiet("18.4");

    (void)state;
    answers.catalogs = closed;
    expect(&answers, true, "the role \"the role\" may not read 2 catalogs (pg_am, pg_enum)",
           "GRANT SELECT ON pg_catalog.pg_am, pg_catalog.pg_enum TO \"the role\";");
}

static void the_number_of_locks_is_told(void **state)
{
    static const char *const small[] = {"20000", "10", "6400", "64", "0", "t"};
    struct answers answers = quiet("18.4");

    (void)state;
    answers.locks = small;
    expect(&answers, false,
           "the backup locks 20000 tables, views and sequences at the same time, others hold 10 "
           "locks, and the server is set to have room for 6400 (max_locks_per_transaction is 64)",
           "ALTER SYSTEM SET max_locks_per_transaction = 203;  and restart the server");
}

static void a_number_of_locks_that_is_not_told_is_no_finding(void **state)
{
    static const char *const unknown[] = {"20000", "10", NULL, "64", "0", "t"};
    struct answers answers = quiet("18.4");

    (void)state;
    answers.locks = unknown;
    expect(&answers, false, NULL, NULL);
}

static void a_question_that_is_refused_is_a_finding(void **state)
{
    struct answers answers = quiet("18.4");

    (void)state;
    answers.denied = "permission denied for table pg_class";
    expect(&answers, true, "permission denied for table pg_class",
           "GRANT SELECT ON pg_catalog.pg_class TO \"maria\";");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_where_nothing_is_missing),
        cmocka_unit_test(one_right_covers_all_from_14_on),
        cmocka_unit_test(before_it_goes_by_schemas),
        cmocka_unit_test(policies_are_lifted_by_the_owner_or_passed_by),
        cmocka_unit_test(few_large_objects_are_granted_by_number),
        cmocka_unit_test(closed_catalogs_are_granted_by_name),
        cmocka_unit_test(the_number_of_locks_is_told),
        cmocka_unit_test(a_number_of_locks_that_is_not_told_is_no_finding),
        cmocka_unit_test(a_question_that_is_refused_is_a_finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
