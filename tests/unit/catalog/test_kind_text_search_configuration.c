#include "kind_test.h"

#include "catalog/catalog_internal.h"
#include "catalog/kinds/text_search_configuration.c"

#define OF_THE_SERVER [PARSER_SCHEMA] = "pg_catalog", [PARSER] = "default"

static const char *const bare[COLUMNS] = {
    [OID] = "7", [SCHEMA] = "s", [NAME] = "c", [OWNER] = "alice", OF_THE_SERVER};
static const char *const second[COLUMNS] = {
    [OID] = "8",       [SCHEMA] = "s",           [NAME] = "D d",
    [OWNER] = "alice", [PARSER_SCHEMA] = "My s", [PARSER] = "p"};

#define BARE                                                                                       \
    "== TEXT SEARCH CONFIGURATION s c alice pre-data\n"                                            \
    "CREATE TEXT SEARCH CONFIGURATION s.c (\n"                                                     \
    "    PARSER = pg_catalog.\"default\" );\n"

static void mapping(struct kind_test *test, const char *const *row)
{
    kind_test_row(test, &mappings, row);
}

static void one_without_mappings_is_its_parser(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", bare, BARE "-- DROP TEXT SEARCH CONFIGURATION s.c;\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_text_search_configuration, &configurations, NULL, cases, 1);
}

static void each_type_of_token_has_its_dictionaries_in_order(void **state)
{
    static const char *const of_first[][MAPPING_COLUMNS] = {
        {"7", "1", "asciiword", "simple"}, {"7", "22", "int", "public.\"D\", english_stem"}};
    static const char *const of_members[] = {"9", "1", "asciiword", "simple"};
    static const char *const of_second[] = {"8", "1", "asciiword", "simple"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &configurations, bare);
    kind_test_row(test, &configurations, second);
    mapping(test, of_first[0]);
    mapping(test, of_first[1]);
    mapping(test, of_second);
    mapping(test, of_members); /* nobody's here */
    kind_test_step(test, &catalog_step_text_search_configuration);
    kind_test_expect(test, "== TEXT SEARCH CONFIGURATION s D d alice pre-data\n"
                           "CREATE TEXT SEARCH CONFIGURATION s.\"D d\" (\n"
                           "    PARSER = \"My s\".p );\n"
                           "\n"
                           "ALTER TEXT SEARCH CONFIGURATION s.\"D d\"\n"
                           "    ADD MAPPING FOR asciiword WITH simple;\n"
                           "-- DROP TEXT SEARCH CONFIGURATION s.\"D d\";\n" BARE "\n"
                           "ALTER TEXT SEARCH CONFIGURATION s.c\n"
                           "    ADD MAPPING FOR asciiword WITH simple;\n"
                           "\n"
                           "ALTER TEXT SEARCH CONFIGURATION s.c\n"
                           "    ADD MAPPING FOR \"int\" WITH public.\"D\", english_stem;\n"
                           "-- DROP TEXT SEARCH CONFIGURATION s.c;\n");
}

static void a_type_without_a_name_is_left_out_and_told_of(void **state)
{
    static const char *const odd[] = {"7", "99", NULL, "simple"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &configurations, bare);
    mapping(test, odd);
    kind_test_step(test, &catalog_step_text_search_configuration);
    assert_string_equal(catalog_left_out(kind_test_catalog(test), 0),
                        "text search configuration s.c has a mapping for token type 99, which its "
                        "parser does not have: it is left out");
    kind_test_expect(test, BARE "-- DROP TEXT SEARCH CONFIGURATION s.c;\n");
}

static void a_dictionary_that_is_not_there_is_a_failure(void **state)
{
    static const char *const lost[] = {"7", "1", "asciiword", NULL};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &configurations, bare);
    mapping(test, lost);
    kind_test_fails(test, &catalog_step_text_search_configuration, "column 3 has no value");
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    static const char *const of_it[] = {"7", "1", "asciiword", "simple"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_member(test, CLASS_TEXT_SEARCH_CONFIGURATION, 7);
    kind_test_row(test, &configurations, bare);
    mapping(test, of_it);
    kind_test_step(test, &catalog_step_text_search_configuration);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_without_mappings_is_its_parser),
        cmocka_unit_test(each_type_of_token_has_its_dictionaries_in_order),
        cmocka_unit_test(a_type_without_a_name_is_left_out_and_told_of),
        cmocka_unit_test(a_dictionary_that_is_not_there_is_a_failure),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
