#include "kind_test.h"

#include "catalog/kinds/text_search_parser.c"

static const char *const plain[COLUMNS] = {
    [OID] = "7",
    [SCHEMA] = "s",
    [NAME] = "p",
    [START] = "prsd_start",
    [GET_TOKEN] = "t.f",
    [END] = "\"E\".\"e\"",
    [LEXEME_TYPES] = "prsd_lextype",
};
static const char *const with_headline[COLUMNS] = {
    [OID] = "7",       [SCHEMA] = "My s", [NAME] = "select", [START] = "a",
    [GET_TOKEN] = "b", [END] = "c",       [HEADLINE] = "d",  [LEXEME_TYPES] = "e",
};
static const char *const without_end[COLUMNS] = {
    [OID] = "7",   [SCHEMA] = "s",    [NAME] = "p",
    [START] = "a", [GET_TOKEN] = "b", [LEXEME_TYPES] = "e"};

static void a_parser_is_its_functions_and_nobodys(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== TEXT SEARCH PARSER s p - pre-data\n"
         "CREATE TEXT SEARCH PARSER s.p (\n"
         "    START = prsd_start,\n"
         "    GETTOKEN = t.f,\n"
         "    END = \"E\".\"e\",\n"
         "    LEXTYPES = prsd_lextype );\n"
         "-- DROP TEXT SEARCH PARSER s.p;\n"},
        {"a headline, names in quotes", with_headline,
         "== TEXT SEARCH PARSER My s select - pre-data\n"
         "CREATE TEXT SEARCH PARSER \"My s\".\"select\" (\n"
         "    START = a,\n"
         "    GETTOKEN = b,\n"
         "    END = c,\n"
         "    HEADLINE = d,\n"
         "    LEXTYPES = e );\n"
         "-- DROP TEXT SEARCH PARSER \"My s\".\"select\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_text_search_parser, &parsers, NULL, cases, 2);
}

static void one_without_a_function_it_needs_is_a_failure(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &parsers, without_end);
    kind_test_fails(test, &catalog_step_text_search_parser, "column 5 has no value");
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_member(test, CLASS_TEXT_SEARCH_PARSER, 7);
    kind_test_row(test, &parsers, plain);
    kind_test_step(test, &catalog_step_text_search_parser);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parser_is_its_functions_and_nobodys),
        cmocka_unit_test(one_without_a_function_it_needs_is_a_failure),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
