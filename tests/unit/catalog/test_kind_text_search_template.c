#include "kind_test.h"

#include "catalog/kinds/text_search_template.c"

static const char *const plain[COLUMNS] = {[OID] = "7",
                                           [SCHEMA] = "s",
                                           [NAME] = "t",
                                           [INIT] = "dsimple_init",
                                           [LEXIZE] = "dsimple_lexize"};
static const char *const without_init[COLUMNS] = {
    [OID] = "7", [SCHEMA] = "s", [NAME] = "T t", [LEXIZE] = "public.\"L\""};

static void a_template_is_its_functions_and_nobodys(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== TEXT SEARCH TEMPLATE s t - pre-data\n"
         "CREATE TEXT SEARCH TEMPLATE s.t (\n"
         "    INIT = dsimple_init,\n"
         "    LEXIZE = dsimple_lexize );\n"
         "-- DROP TEXT SEARCH TEMPLATE s.t;\n"},
        {"no init function, a name in quotes", without_init,
         "== TEXT SEARCH TEMPLATE s T t - pre-data\n"
         "CREATE TEXT SEARCH TEMPLATE s.\"T t\" (\n"
         "    LEXIZE = public.\"L\" );\n"
         "-- DROP TEXT SEARCH TEMPLATE s.\"T t\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_text_search_template, &templates, NULL, cases, 2);
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_member(test, CLASS_TEXT_SEARCH_TEMPLATE, 7);
    kind_test_row(test, &templates, plain);
    kind_test_step(test, &catalog_step_text_search_template);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_is_its_functions_and_nobodys),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
