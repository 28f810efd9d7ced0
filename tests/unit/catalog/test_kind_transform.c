#include "kind_test.h"

#include "catalog/kinds/transform.c"

static const char *const both[COLUMNS] = {[OID] = "20000",
                                          [TYPE] = "s.t",
                                          [LANGUAGE] = "plpgsql",
                                          [FROM_SQL] = "FROM SQL WITH FUNCTION s.f(internal)",
                                          [TO_SQL] = "TO SQL WITH FUNCTION s.g(internal)"};
static const char *const first[COLUMNS] = {[OID] = "20000",
                                           [TYPE] = "\"My s\".\"T\"",
                                           [LANGUAGE] = "My l",
                                           [FROM_SQL] = "FROM SQL WITH FUNCTION s.f(internal)",
                                           [TO_SQL] = ""};
static const char *const second[COLUMNS] = {[OID] = "20000",
                                            [TYPE] = "s.t",
                                            [LANGUAGE] = "plpgsql",
                                            [FROM_SQL] = "",
                                            [TO_SQL] = "TO SQL WITH FUNCTION s.g(internal)"};

static void a_transform_has_one_function_or_two(void **state)
{
    static const struct kind_case cases[] = {
        {"two", both,
         "== TRANSFORM - TRANSFORM FOR s.t LANGUAGE plpgsql - pre-data\n"
         "CREATE TRANSFORM FOR s.t LANGUAGE plpgsql (FROM SQL WITH FUNCTION s.f(internal), "
         "TO SQL WITH FUNCTION s.g(internal));\n"
         "-- DROP TRANSFORM FOR s.t LANGUAGE plpgsql;\n"},
        {"the first; names in quotes", first,
         "== TRANSFORM - TRANSFORM FOR \"My s\".\"T\" LANGUAGE \"My l\" - pre-data\n"
         "CREATE TRANSFORM FOR \"My s\".\"T\" LANGUAGE \"My l\" "
         "(FROM SQL WITH FUNCTION s.f(internal));\n"
         "-- DROP TRANSFORM FOR \"My s\".\"T\" LANGUAGE \"My l\";\n"},
        {"the second", second,
         "== TRANSFORM - TRANSFORM FOR s.t LANGUAGE plpgsql - pre-data\n"
         "CREATE TRANSFORM FOR s.t LANGUAGE plpgsql (TO SQL WITH FUNCTION s.g(internal));\n"
         "-- DROP TRANSFORM FOR s.t LANGUAGE plpgsql;\n"},
    };

    (void)state;
    for (int major = 13; major <= 18; major++)
        kind_test_cases(major, &catalog_step_transform, &transforms, NULL, cases, 3);
}

static void one_whose_function_is_gone_is_a_failure(void **state)
{
    static const char *const lost[COLUMNS] = {
        [OID] = "20000", [TYPE] = "s.t", [LANGUAGE] = "plpgsql", [TO_SQL] = ""};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &transforms, lost);
    kind_test_fails(test, &catalog_step_transform, "column 3 has no value");
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_TRANSFORM, 20000,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    kind_test_row(test, &transforms, both);
    kind_test_step(test, &catalog_step_transform);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transform_has_one_function_or_two),
        cmocka_unit_test(one_whose_function_is_gone_is_a_failure),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
