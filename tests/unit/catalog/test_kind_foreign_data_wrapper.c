#include "kind_test.h"

#include "catalog/kinds/foreign_data_wrapper.c"

static const char *const plain[COLUMNS] = {
    [OID] = "7", [NAME] = "w", [OWNER] = "alice", [ACL_USUAL] = "{alice=U/alice}"};
static const char *const with_all[COLUMNS] = {
    [OID] = "7",
    [NAME] = "W w",
    [OWNER] = "A b",
    [HANDLER] = "public.h",
    [VALIDATOR] = "\"S\".v",
    [OPTIONS] = "a 'it''s',\n    b E'\\\\'",
    [ACL] = "{\"\\\"A b\\\"=U/\\\"A b\\\"\",\"bob=U*/\\\"A b\\\"\"}",
    [ACL_USUAL] = "{\"\\\"A b\\\"=U/\\\"A b\\\"\"}"};
static const char *const revoked[COLUMNS] = {
    [OID] = "7", [NAME] = "w", [OWNER] = "alice", [ACL] = "{}", [ACL_USUAL] = "{alice=U/alice}"};

static void a_wrapper_is_its_functions_and_options(void **state)
{
    static const struct kind_case cases[] = {
        {"one without anything", plain,
         "== FOREIGN DATA WRAPPER - w alice pre-data\n"
         "CREATE FOREIGN DATA WRAPPER w;\n"
         "-- DROP FOREIGN DATA WRAPPER w;\n"},
        {"all of it, names in quotes", with_all,
         "== FOREIGN DATA WRAPPER - W w A b pre-data\n"
         "CREATE FOREIGN DATA WRAPPER \"W w\" HANDLER public.h VALIDATOR \"S\".v OPTIONS (\n"
         "    a 'it''s',\n"
         "    b E'\\\\'\n"
         ");\n"
         "-- DROP FOREIGN DATA WRAPPER \"W w\";\n"
         "== ACL - FOREIGN DATA WRAPPER \"W w\" A b none\n"
         "GRANT ALL ON FOREIGN DATA WRAPPER \"W w\" TO bob WITH GRANT OPTION;\n"
         "-- needs W w\n"},
        {"privileges taken from its owner", revoked,
         "== FOREIGN DATA WRAPPER - w alice pre-data\n"
         "CREATE FOREIGN DATA WRAPPER w;\n"
         "-- DROP FOREIGN DATA WRAPPER w;\n"
         "== ACL - FOREIGN DATA WRAPPER w alice none\n"
         "REVOKE ALL ON FOREIGN DATA WRAPPER w FROM alice;\n"
         "-- needs w\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_foreign_data_wrapper, &wrappers, NULL, cases, 3);
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_member(test, CLASS_FOREIGN_DATA_WRAPPER, 7);
    kind_test_row(test, &wrappers, with_all);
    kind_test_step(test, &catalog_step_foreign_data_wrapper);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrapper_is_its_functions_and_options),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
