#include "kind_test.h"

#include "catalog/kinds/foreign_server.c"

static const char *const plain[COLUMNS] = {
    [OID] = "7", [NAME] = "s", [OWNER] = "alice", [WRAPPER] = "w", [ACL_USUAL] = "{alice=U/alice}"};
static const char *const with_all[COLUMNS] = {
    [OID] = "7",
    [NAME] = "user",
    [OWNER] = "A b",
    [TYPE] = "",
    [VERSION] = "it's \\",
    [WRAPPER] = "W w",
    [OPTIONS] = "host 'x'",
    [ACL] = "{\"=U/\\\"A b\\\"\",\"\\\"A b\\\"=U/\\\"A b\\\"\"}",
    [ACL_USUAL] = "{\"\\\"A b\\\"=U/\\\"A b\\\"\"}"};
static const char *const lost[COLUMNS] = {[OID] = "7", [NAME] = "s", [OWNER] = "alice"};

static void a_server_is_of_a_wrapper(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== SERVER - s alice pre-data\n"
         "CREATE SERVER s FOREIGN DATA WRAPPER w;\n"
         "-- DROP SERVER s;\n"},
        {"all of it, names in quotes", with_all,
         "== SERVER - user A b pre-data\n"
         "CREATE SERVER \"user\" TYPE '' VERSION 'it''s \\' FOREIGN DATA WRAPPER \"W w\" OPTIONS "
         "(\n"
         "    host 'x'\n"
         ");\n"
         "-- DROP SERVER \"user\";\n"
         "== ACL - FOREIGN SERVER \"user\" A b none\n"
         "GRANT ALL ON FOREIGN SERVER \"user\" TO PUBLIC;\n"
         "-- needs user\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_foreign_server, &servers, NULL, cases, 2);
}

static void one_without_its_wrapper_is_a_failure(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &servers, lost);
    kind_test_fails(test, &catalog_step_foreign_server, "column 5 has no value");
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_member(test, CLASS_FOREIGN_SERVER, 7);
    kind_test_row(test, &servers, plain);
    kind_test_step(test, &catalog_step_foreign_server);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_of_a_wrapper),
        cmocka_unit_test(one_without_its_wrapper_is_a_failure),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
