#include "kind_test.h"

#include "catalog/kinds/function.c"

#define ROUTINE_                                                                                   \
    [OID] = "7", [SCHEMA] = "s", [NAME] = "f", [OWNER] = "alice", [LANGUAGE] = "sql",              \
    [OWN_NEEDS] = "23"
#define TAKES_INTEGER                                                                              \
    [IDENTITY_ARGUMENTS] = "a integer", [ARGUMENT_TYPES] = "integer",                              \
    [ARGUMENTS] = "a integer DEFAULT 1"

static const char *const plain[COLUMNS] = {
    ROUTINE_,          TAKES_INTEGER,         [KIND] = "f", [RESULT] = "integer",
    [ATTRIBUTES] = "", [SOURCE] = "SELECT $1"};
static const char *const with_all[COLUMNS] = {
    ROUTINE_,
    TAKES_INTEGER,
    [KIND] = "f",
    [RESULT] = "SETOF text",
    [TRANSFORMS] = "FOR TYPE s.t",
    [ATTRIBUTES] = " STABLE STRICT COST 5",
    [SETTINGS] = "search_path=\"$user\", a b\x1ework_mem=1MB\x1e",
    [SOURCE] = "SELECT '$$'",
    [ACL] = "{alice=X/alice}",
    [ACL_USUAL] = "{=X/alice,alice=X/alice}",
};
static const char *const in_c[COLUMNS] = {TAKES_INTEGER,
                                          [OID] = "7",
                                          [SCHEMA] = "S",
                                          [NAME] = "F g",
                                          [OWNER] = "alice",
                                          [LANGUAGE] = "c",
                                          [OWN_NEEDS] = "23",
                                          [KIND] = "w",
                                          [RESULT] = "integer",
                                          [ATTRIBUTES] = " WINDOW",
                                          [OBJECT_FILE] = "$libdir/x",
                                          [SOURCE] = "sym'bol"};
static const char *const procedure[COLUMNS] = {ROUTINE_,
                                               TAKES_INTEGER,
                                               [KIND] = "p",
                                               [ATTRIBUTES] = "",
                                               [SOURCE] = "",
                                               [ACL] = "{alice=X/alice,bob=X/alice}",
                                               [ACL_USUAL] = "{alice=X/alice}"};
static const char *const parsed[COLUMNS] = {
    ROUTINE_,
    TAKES_INTEGER,
    [KIND] = "f",
    [RESULT] = "integer",
    [ATTRIBUTES] = "",
    [SQL_BODY] = "RETURN a",
    [STAND_IN] = "SELECT NULL::integer LIMIT 1",
};
static const char *const of_itself[COLUMNS] = {
    ROUTINE_,
    TAKES_INTEGER,
    [KIND] = "f",
    [RESULT] = "integer",
    [ATTRIBUTES] = "",
    [SQL_BODY] = "RETURN s.f(a)",
    [STAND_IN] = "SELECT NULL::integer LIMIT 1",
    [NEEDS_ITSELF] = "t",
    [BARE_ARGUMENTS] = "a integer DEFAULT NULL",
};

static void a_routine_is_its_head_and_its_body(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== FUNCTION s f(integer) alice pre-data\n"
         "CREATE FUNCTION s.f(a integer DEFAULT 1) RETURNS integer\n"
         "    LANGUAGE sql\n"
         "    AS $_$SELECT $1$_$;\n"
         "-- DROP FUNCTION s.f(a integer);\n"},
        {"transforms, attributes, settings, privileges, a body with $$", with_all,
         "== FUNCTION s f(integer) alice pre-data\n"
         "CREATE FUNCTION s.f(a integer DEFAULT 1) RETURNS SETOF text\n"
         "    LANGUAGE sql TRANSFORM FOR TYPE s.t STABLE STRICT COST 5\n"
         "    SET search_path TO '$user', 'a b'\n"
         "    SET work_mem TO '1MB'\n"
         "    AS $_$SELECT '$$'$_$;\n"
         "-- DROP FUNCTION s.f(a integer);\n"
         "== ACL s FUNCTION f(a integer) alice none\n"
         "REVOKE ALL ON FUNCTION s.f(a integer) FROM PUBLIC;\n"
         "-- needs f(integer)\n"},
        {"names in quotes, of a library", in_c,
         "== FUNCTION S F g(integer) alice pre-data\n"
         "CREATE FUNCTION \"S\".\"F g\"(a integer DEFAULT 1) RETURNS integer\n"
         "    LANGUAGE c WINDOW\n"
         "    AS '$libdir/x', 'sym''bol';\n"
         "-- DROP FUNCTION \"S\".\"F g\"(a integer);\n"},
        {"a procedure", procedure,
         "== PROCEDURE s f(integer) alice pre-data\n"
         "CREATE PROCEDURE s.f(a integer DEFAULT 1)\n"
         "    LANGUAGE sql\n"
         "    AS $$$$;\n"
         "-- DROP PROCEDURE s.f(a integer);\n"
         "== ACL s PROCEDURE f(a integer) alice none\n"
         "GRANT ALL ON PROCEDURE s.f(a integer) TO bob;\n"
         "-- needs f(integer)\n"},
        {"a body that was parsed", parsed,
         "== FUNCTION s f(integer) alice pre-data\n"
         "CREATE FUNCTION s.f(a integer DEFAULT 1) RETURNS integer\n"
         "    LANGUAGE sql\n"
         "    RETURN a;\n"
         "-- DROP FUNCTION s.f(a integer);\n"},
        {"one that needs itself comes twice", of_itself,
         "== FUNCTION s f(integer) alice pre-data\n"
         "CREATE FUNCTION s.f(a integer DEFAULT NULL) RETURNS integer\n"
         "    LANGUAGE sql\n"
         "    AS $$SELECT NULL::integer LIMIT 1$$;\n"
         "-- DROP FUNCTION s.f(a integer);\n"
         "== FUNCTION s f(integer) - pre-data\n"
         "CREATE OR REPLACE FUNCTION s.f(a integer DEFAULT 1) RETURNS integer\n"
         "    LANGUAGE sql\n"
         "    RETURN s.f(a);\n"
         "-- \n"
         "-- needs f(integer)\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_function, &functions, NULL, cases, 6);
}

static void settings_without_an_end_are_a_failure(void **state)
{
    static const char *const torn[COLUMNS] = {ROUTINE_,
                                              TAKES_INTEGER,
                                              [KIND] = "f",
                                              [RESULT] = "integer",
                                              [ATTRIBUTES] = "",
                                              [SOURCE] = "",
                                              [SETTINGS] = "work_mem=1MB"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &functions, torn);
    kind_test_fails(test, &catalog_step_function, "a function's settings have no end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_routine_is_its_head_and_its_body),
        cmocka_unit_test(settings_without_an_end_are_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
