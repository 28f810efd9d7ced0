#include "kind_test.h"

#include "catalog/kinds/language.c"

#define LANGUAGE                                                                                   \
    [OID] = "20000", [NAME] = "l", [OWNER] = "alice", [TRUSTED] = "t",                             \
    [ACL_USUAL] = "{=U/alice,alice=U/alice}"
#define OF_INITDB                                                                                  \
    [HANDLER_OID] = "2", [HANDLER] = "pg_catalog.h", [INLINE_OID] = "0", [VALIDATOR_OID] = "0"

static const char *const plain[COLUMNS] = {LANGUAGE, OF_INITDB};
static const char *const whole[COLUMNS] = {
    [OID] = "20000",
    [NAME] = "My l",
    [OWNER] = "A b",
    [TRUSTED] = "f",
    [HANDLER_OID] = "30001",
    [HANDLER] = "s.\"H\"",
    [INLINE_OID] = "30002",
    [INLINE] = "s.i",
    [VALIDATOR_OID] = "9000",
    [VALIDATOR] = "pg_catalog.v",
    [ACL_USUAL] = "{=U/alice,alice=U/alice}",
};
static const char *const granted[COLUMNS] = {LANGUAGE,
                                             OF_INITDB, [ACL] = "{alice=U/alice,bob=U*/alice}"};
static const char *const untrusted[COLUMNS] = {
    [OID] = "20000",   [NAME] = "l", [OWNER] = "alice",
    [TRUSTED] = "f",   OF_INITDB,    [ACL] = "{alice=U/alice,bob=U*/alice}",
    [ACL_USUAL] = "{}"};
static const char *const left_out[COLUMNS] = {
    LANGUAGE, [HANDLER_OID] = "30003", [HANDLER] = "pg_catalog.mine", [INLINE_OID] = "0",
    [VALIDATOR_OID] = "0"};

static void with_functions(struct kind_test *test)
{
    static const struct catalog_kind kind_function = {.desc = "FUNCTION"};

    kind_test_object(test, &kind_function, CLASS_PROCEDURE, 30001, "s", "H");
    kind_test_object(test, &kind_function, CLASS_PROCEDURE, 30002, "s", "i");
}

static void a_language_names_the_functions_that_it_runs_by(void **state)
{
    static const struct kind_case cases[] = {
        {"the system's function", plain,
         "== PROCEDURAL LANGUAGE - l alice pre-data\n"
         "CREATE TRUSTED PROCEDURAL LANGUAGE l HANDLER pg_catalog.h;\n"
         "-- DROP PROCEDURAL LANGUAGE l;\n"},
        {"all three, not trusted; names in quotes", whole,
         "== PROCEDURAL LANGUAGE - My l A b pre-data\n"
         "CREATE PROCEDURAL LANGUAGE \"My l\" HANDLER s.\"H\" INLINE s.i VALIDATOR pg_catalog.v;\n"
         "-- DROP PROCEDURAL LANGUAGE \"My l\";\n"},
        {"privileges", granted,
         "== PROCEDURAL LANGUAGE - l alice pre-data\n"
         "CREATE TRUSTED PROCEDURAL LANGUAGE l HANDLER pg_catalog.h;\n"
         "-- DROP PROCEDURAL LANGUAGE l;\n"
         "== ACL - LANGUAGE l alice none\n"
         "REVOKE ALL ON LANGUAGE l FROM PUBLIC;\n"
         "GRANT ALL ON LANGUAGE l TO bob WITH GRANT OPTION;\n"
         "-- needs l\n"},
        {"privileges that GRANT does not take", untrusted,
         "== PROCEDURAL LANGUAGE - l alice pre-data\n"
         "CREATE PROCEDURAL LANGUAGE l HANDLER pg_catalog.h;\n"
         "-- DROP PROCEDURAL LANGUAGE l;\n"},
        {"a function that is left out", left_out,
         "== PROCEDURAL LANGUAGE - l alice pre-data\n"
         "CREATE OR REPLACE PROCEDURAL LANGUAGE l;\n"
         "-- DROP PROCEDURAL LANGUAGE l;\n"},
    };

    (void)state;
    for (int major = 13; major <= 18; major++)
        kind_test_cases(major, &catalog_step_language, &languages, with_functions, cases, 5);
}

static void one_without_a_handler_is_a_failure(void **state)
{
    static const char *const lost[COLUMNS] = {
        LANGUAGE, [HANDLER_OID] = "2", [INLINE_OID] = "0", [VALIDATOR_OID] = "0"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &languages, lost);
    kind_test_fails(test, &catalog_step_language, "column 7 has no value");
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_LANGUAGE, 20000,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    kind_test_row(test, &languages, plain);
    kind_test_step(test, &catalog_step_language);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_language_names_the_functions_that_it_runs_by),
        cmocka_unit_test(one_without_a_handler_is_a_failure),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
