#include "kind_test.h"

#include "catalog/kinds/cast.c"

static const char *const plain[COLUMNS] = {
    [OID] = "20000", [SOURCE] = "s.t", [TARGET] = "integer", [HOW] = "WITH INOUT", [CONTEXT] = ""};
static const char *const quoted[COLUMNS] = {[OID] = "20000",
                                            [SOURCE] = "\"My s\".\"T\"[]",
                                            [TARGET] = "\"char\"",
                                            [HOW] =
                                                "WITH FUNCTION s.\"F\"(\"My s\".\"T\"[], integer)",
                                            [CONTEXT] = " AS ASSIGNMENT"};

static void a_cast_is_named_by_its_types(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== CAST - CAST (s.t AS integer) - pre-data\n"
         "CREATE CAST (s.t AS integer) WITH INOUT;\n"
         "-- DROP CAST (s.t AS integer);\n"},
        {"by a function, for assignments; names in quotes", quoted,
         "== CAST - CAST (\"My s\".\"T\"[] AS \"char\") - pre-data\n"
         "CREATE CAST (\"My s\".\"T\"[] AS \"char\") WITH FUNCTION s.\"F\"(\"My s\".\"T\"[], "
         "integer) AS ASSIGNMENT;\n"
         "-- DROP CAST (\"My s\".\"T\"[] AS \"char\");\n"},
    };

    (void)state;
    for (int major = 13; major <= 18; major++)
        kind_test_cases(major, &catalog_step_cast, &casts, NULL, cases, 2);
}

static void one_whose_function_is_gone_is_a_failure(void **state)
{
    static const char *const lost[COLUMNS] = {
        [OID] = "20000", [SOURCE] = "s.t", [TARGET] = "integer", [CONTEXT] = ""};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &casts, lost);
    kind_test_fails(test, &catalog_step_cast, "column 4 has no value");
}

static void a_context_that_is_not_known_is_a_failure(void **state)
{
    static const char *const odd[COLUMNS] = {
        [OID] = "20000", [SOURCE] = "s.t", [TARGET] = "integer", [HOW] = "WITH INOUT"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &casts, odd);
    kind_test_fails(test, &catalog_step_cast, "column 5 has no value");
}

/* What has a function of the target's is only taken when the type leads there. */
static void those_without_a_function_come_first(void **state)
{
    static const char *const binary[COLUMNS] = {
        [OID] = "20001", [SOURCE] = "s.t",           [TARGET] = "text",
        [BINARY] = "t",  [HOW] = "WITHOUT FUNCTION", [CONTEXT] = " AS IMPLICIT"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &casts, plain);
    kind_test_row(test, &casts, binary);
    kind_test_step(test, &catalog_step_cast);
    kind_test_expect(test, "== CAST - CAST (s.t AS text) - pre-data\n"
                           "CREATE CAST (s.t AS text) WITHOUT FUNCTION AS IMPLICIT;\n"
                           "-- DROP CAST (s.t AS text);\n"
                           "== CAST - CAST (s.t AS integer) - pre-data\n"
                           "CREATE CAST (s.t AS integer) WITH INOUT;\n"
                           "-- DROP CAST (s.t AS integer);\n");
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_CAST, 20000,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    kind_test_row(test, &casts, plain);
    kind_test_step(test, &catalog_step_cast);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cast_is_named_by_its_types),
        cmocka_unit_test(one_whose_function_is_gone_is_a_failure),
        cmocka_unit_test(a_context_that_is_not_known_is_a_failure),
        cmocka_unit_test(those_without_a_function_come_first),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
