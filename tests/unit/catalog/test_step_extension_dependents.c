#include "kind_test.h"

#include "catalog/extension_dependents.c"

static void what_goes_with_an_extension_says_so(void **state)
{
    static const struct catalog_kind kind_function = {
        .desc = "FUNCTION", .section = SECTION_PRE_DATA, .priority = PRIORITY_FUNCTION};
    static const char *const one[] = {[CLASS] = "1255", [OID] = "10", [EXTENSION] = "hstore"};
    static const char *const two[] = {[CLASS] = "1255", [OID] = "10", [EXTENSION] = "uuid-ossp"};
    struct kind_test *test = kind_test_new(18);
    struct catalog_object *function =
        kind_test_object(test, &kind_function, CLASS_PROCEDURE, 10, "s", "f");
    struct error err;

    (void)state;
    assert_true(catalog_put_text(kind_test_catalog(test), "CREATE FUNCTION s.f() …;\n",
                                 &function->definition, &err));
    kind_test_show(test, function);
    kind_test_row(test, &dependents, one);
    kind_test_row(test, &dependents, two);
    kind_test_step(test, &catalog_step_extension_dependents);
    kind_test_expect(test, "== FUNCTION s f o pre-data\n"
                           "CREATE FUNCTION s.f() …;\n"
                           "ALTER FUNCTION s.f DEPENDS ON EXTENSION hstore;\n"
                           "ALTER FUNCTION s.f DEPENDS ON EXTENSION \"uuid-ossp\";\n"
                           "-- DROP FUNCTION s.f;\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_with_an_extension_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
