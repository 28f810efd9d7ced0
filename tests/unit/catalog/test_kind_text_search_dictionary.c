#include "kind_test.h"

#include "catalog/kinds/text_search_dictionary.c"

static const char *const plain[COLUMNS] = {[OID] = "7",
                                           [SCHEMA] = "s",
                                           [NAME] = "d",
                                           [OWNER] = "alice",
                                           [TEMPLATE_SCHEMA] = "pg_catalog",
                                           [TEMPLATE] = "simple"};
static const char *const with_options[COLUMNS] = {[OID] = "7",
                                                  [SCHEMA] = "S",
                                                  [NAME] = "d d",
                                                  [OWNER] = "A b",
                                                  [TEMPLATE_SCHEMA] = "My s",
                                                  [TEMPLATE] = "select",
                                                  [OPTIONS] = "language = 'german', n = 7"};
static const char *const lost[COLUMNS] = {
    [OID] = "7", [SCHEMA] = "s", [NAME] = "d", [OWNER] = "alice"};

static void a_dictionary_is_a_template_and_the_servers_list(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== TEXT SEARCH DICTIONARY s d alice pre-data\n"
         "CREATE TEXT SEARCH DICTIONARY s.d (\n"
         "    TEMPLATE = pg_catalog.simple );\n"
         "-- DROP TEXT SEARCH DICTIONARY s.d;\n"},
        {"options, names in quotes", with_options,
         "== TEXT SEARCH DICTIONARY S d d A b pre-data\n"
         "CREATE TEXT SEARCH DICTIONARY \"S\".\"d d\" (\n"
         "    TEMPLATE = \"My s\".\"select\",\n"
         "    language = 'german', n = 7 );\n"
         "-- DROP TEXT SEARCH DICTIONARY \"S\".\"d d\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_text_search_dictionary, &dictionaries, NULL, cases, 2);
}

static void one_without_its_template_is_a_failure(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &dictionaries, lost);
    kind_test_fails(test, &catalog_step_text_search_dictionary, "column 4 has no value");
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_member(test, CLASS_TEXT_SEARCH_DICTIONARY, 7);
    kind_test_row(test, &dictionaries, plain);
    kind_test_step(test, &catalog_step_text_search_dictionary);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dictionary_is_a_template_and_the_servers_list),
        cmocka_unit_test(one_without_its_template_is_a_failure),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
