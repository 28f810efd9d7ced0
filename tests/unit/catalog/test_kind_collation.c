#include "kind_test.h"

#include "catalog/kinds/collation.c"

#define COLLATION                                                                                  \
    [OID] = "7", [SCHEMA] = "s", [NAME] = "c", [OWNER] = "alice", [DETERMINISTIC] = "t"
#define OF_LIBC [PROVIDER] = "libc"

static const char *const plain[COLUMNS] = {COLLATION, OF_LIBC, [COLLATE] = "C", [CTYPE] = "C"};
static const char *const halves[COLUMNS] = {COLLATION,
                                            OF_LIBC, [COLLATE] = "de_DE.utf8", [CTYPE] = "C"};
static const char *const of_icu[COLUMNS] = {
    [OID] = "7",        [SCHEMA] = "My s",     [NAME] = "C",      [OWNER] = "A b",
    [PROVIDER] = "icu", [DETERMINISTIC] = "f", [LOCALE] = "it's", [RULES] = "&a < '\\'",
};
static const char *const of_the_server[COLUMNS] = {
    COLLATION, [PROVIDER] = "builtin", [LOCALE] = "C.UTF-8"};

static void a_collation_says_what_its_provider_goes_by(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== COLLATION s c alice pre-data\n"
         "CREATE COLLATION s.c (provider = libc, locale = 'C');\n"
         "-- DROP COLLATION s.c;\n"},
        {"two locales", halves,
         "== COLLATION s c alice pre-data\n"
         "CREATE COLLATION s.c (provider = libc, lc_collate = 'de_DE.utf8', lc_ctype = 'C');\n"
         "-- DROP COLLATION s.c;\n"},
        {"ICU, not deterministic, with rules; names in quotes", of_icu,
         "== COLLATION My s C A b pre-data\n"
         "CREATE COLLATION \"My s\".\"C\" (provider = icu, deterministic = false, "
         "locale = 'it''s', rules = '&a < ''\\''');\n"
         "-- DROP COLLATION \"My s\".\"C\";\n"},
        {"the server's own provider", of_the_server,
         "== COLLATION s c alice pre-data\n"
         "CREATE COLLATION s.c (provider = builtin, locale = 'C.UTF-8');\n"
         "-- DROP COLLATION s.c;\n"},
    };

    (void)state;
    for (int major = 13; major <= 18; major++)
        kind_test_cases(major, &catalog_step_collation, &collations, NULL, cases, 4);
}

static void one_without_a_schema_is_a_failure(void **state)
{
    static const char *const lost[COLUMNS] = {
        [OID] = "7", [NAME] = "c",    [OWNER] = "alice", [DETERMINISTIC] = "t",
        OF_LIBC,     [COLLATE] = "C", [CTYPE] = "C"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &collations, lost);
    kind_test_fails(test, &catalog_step_collation, "column 1 has no value");
}

static void a_provider_that_is_not_known_is_a_failure(void **state)
{
    static const char *const odd[COLUMNS] = {COLLATION, [COLLATE] = "C", [CTYPE] = "C"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &collations, odd);
    kind_test_fails(test, &catalog_step_collation, "column 4 has no value");
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_COLLATION, 7,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    kind_test_row(test, &collations, plain);
    kind_test_step(test, &catalog_step_collation);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_collation_says_what_its_provider_goes_by),
        cmocka_unit_test(one_without_a_schema_is_a_failure),
        cmocka_unit_test(a_provider_that_is_not_known_is_a_failure),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
