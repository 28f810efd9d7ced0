#include "kind_test.h"

#include "catalog/kinds/conversion.c"

#define CONVERSION [OID] = "7", [SCHEMA] = "s", [NAME] = "c", [OWNER] = "alice"

static const char *const plain[COLUMNS] = {
    CONVERSION, [DEFAULT] = "f", [FOR] = "LATIN1", [TO] = "UTF8", [FUNCTION] = "iso8859_1_to_utf8"};
static const char *const usual[COLUMNS] = {
    [OID] = "7",     [SCHEMA] = "My s", [NAME] = "C",    [OWNER] = "A b",
    [DEFAULT] = "t", [FOR] = "UTF8",    [TO] = "WIN866", [FUNCTION] = "\"My s\".f"};

static void a_conversion_may_be_the_usual_one(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== CONVERSION s c alice pre-data\n"
         "CREATE CONVERSION s.c FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;\n"
         "-- DROP CONVERSION s.c;\n"},
        {"the usual one; names in quotes", usual,
         "== CONVERSION My s C A b pre-data\n"
         "CREATE DEFAULT CONVERSION \"My s\".\"C\" FOR 'UTF8' TO 'WIN866' FROM \"My s\".f;\n"
         "-- DROP CONVERSION \"My s\".\"C\";\n"},
    };

    (void)state;
    for (int major = 13; major <= 18; major++)
        kind_test_cases(major, &catalog_step_conversion, &conversions, NULL, cases, 2);
}

static void one_whose_function_is_gone_is_a_failure(void **state)
{
    static const char *const lost[COLUMNS] = {
        CONVERSION, [DEFAULT] = "f", [FOR] = "LATIN1", [TO] = "UTF8"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &conversions, lost);
    kind_test_fails(test, &catalog_step_conversion, "column 7 has no value");
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_CONVERSION, 7,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    kind_test_row(test, &conversions, plain);
    kind_test_step(test, &catalog_step_conversion);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conversion_may_be_the_usual_one),
        cmocka_unit_test(one_whose_function_is_gone_is_a_failure),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
