#include "kind_test.h"

#include "catalog/kinds/access_method.c"

static const char *const of_indexes[COLUMNS] = {
    [OID] = "20000", [NAME] = "tree", [TYPE] = "INDEX", [HANDLER] = "bthandler"};
static const char *const of_tables[COLUMNS] = {
    [OID] = "20000", [NAME] = "My heap", [TYPE] = "TABLE", [HANDLER] = "s.\"H\""};

static void an_access_method_is_one_of_indexes_or_of_tables(void **state)
{
    static const struct kind_case cases[] = {
        {"of indexes", of_indexes,
         "== ACCESS METHOD - tree - pre-data\n"
         "CREATE ACCESS METHOD tree TYPE INDEX HANDLER bthandler;\n"
         "-- DROP ACCESS METHOD tree;\n"},
        {"of tables; names in quotes", of_tables,
         "== ACCESS METHOD - My heap - pre-data\n"
         "CREATE ACCESS METHOD \"My heap\" TYPE TABLE HANDLER s.\"H\";\n"
         "-- DROP ACCESS METHOD \"My heap\";\n"},
    };

    (void)state;
    for (int major = 13; major <= 18; major++)
        kind_test_cases(major, &catalog_step_access_method, &access_methods, NULL, cases, 2);
}

static void one_that_is_neither_is_a_failure(void **state)
{
    static const char *const odd[COLUMNS] = {
        [OID] = "20000", [NAME] = "tree", [HANDLER] = "bthandler"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &access_methods, odd);
    kind_test_fails(test, &catalog_step_access_method, "column 2 has no value");
}

static void one_whose_handler_is_gone_is_a_failure(void **state)
{
    static const char *const lost[COLUMNS] = {[OID] = "20000", [NAME] = "tree", [TYPE] = "INDEX"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &access_methods, lost);
    kind_test_fails(test, &catalog_step_access_method, "column 3 has no value");
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_ACCESS_METHOD, 20000,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    kind_test_row(test, &access_methods, of_tables);
    kind_test_step(test, &catalog_step_access_method);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_access_method_is_one_of_indexes_or_of_tables),
        cmocka_unit_test(one_that_is_neither_is_a_failure),
        cmocka_unit_test(one_whose_handler_is_gone_is_a_failure),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
