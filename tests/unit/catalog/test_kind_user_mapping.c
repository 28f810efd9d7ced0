#include "kind_test.h"

#include "catalog/catalog_internal.h"
#include "catalog/kinds/user_mapping.c"

#define MAPPING [OID] = "7", [SERVER_OID] = "5", [OWNER] = "alice"

static const char *const of_all[COLUMNS] = {
    MAPPING, [USER] = "public", [SERVER] = "s", [HIDDEN] = "f"};
static const char *const with_options[COLUMNS] = {
    MAPPING, [USER] = "A b", [SERVER] = "user", [OPTIONS] = "password 'it''s',\n    \"user\" 'u'",
    [HIDDEN] = "f"};
static const char *const hidden[COLUMNS] = {
    MAPPING, [USER] = "bob", [SERVER] = "s", [HIDDEN] = "t"};
static const char *const hidden_too[COLUMNS] = {
    [OID] = "8", [USER] = "carol", [SERVER] = "s", [OWNER] = "alice", [HIDDEN] = "t"};
static const char *const nobodys[COLUMNS] = {MAPPING, [SERVER] = "s", [HIDDEN] = "f"};

static const char *const all_may_be_read[READABLE_COLUMNS] = {"t", "postgres"};
static const char *const view_only[READABLE_COLUMNS] = {"f", "\"Back up\""};

static void a_mapping_is_known_by_its_role_and_server(void **state)
{
    static const struct {
        const char *const *row;
        const char *entries;
    } cases[] = {
        {of_all, "== USER MAPPING - USER MAPPING public SERVER s alice pre-data\n"
                 "CREATE USER MAPPING FOR public SERVER s;\n"
                 "-- DROP USER MAPPING FOR public SERVER s;\n"},
        {with_options, "== USER MAPPING - USER MAPPING A b SERVER user alice pre-data\n"
                       "CREATE USER MAPPING FOR \"A b\" SERVER \"user\" OPTIONS (\n"
                       "    password 'it''s',\n"
                       "    \"user\" 'u'\n"
                       ");\n"
                       "-- DROP USER MAPPING FOR \"A b\" SERVER \"user\";\n"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct kind_test *test = kind_test_new(18);

        kind_test_row(test, &readable_query, all_may_be_read);
        kind_test_row(test, &mappings, cases[i].row);
        kind_test_step(test, &catalog_step_user_mapping);
        assert_null(catalog_left_out(kind_test_catalog(test), 0));
        kind_test_expect(test, cases[i].entries);
    }
}

static void options_that_are_hidden_are_told_of(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &readable_query, view_only);
    kind_test_row(test, &shown_mappings, hidden);
    kind_test_row(test, &shown_mappings, hidden_too);
    kind_test_step(test, &catalog_step_user_mapping);
    assert_string_equal(catalog_left_out(kind_test_catalog(test), 0),
                        "options of 2 user mappings may not be read by this role, and are left "
                        "out, passwords too: GRANT SELECT ON pg_catalog.pg_user_mapping TO "
                        "\"Back up\"; or set them after a restore: ALTER USER MAPPING FOR bob "
                        "SERVER s OPTIONS (…)");
    assert_null(catalog_left_out(kind_test_catalog(test), 1));
    kind_test_expect(test, "== USER MAPPING - USER MAPPING bob SERVER s alice pre-data\n"
                           "CREATE USER MAPPING FOR bob SERVER s;\n"
                           "-- DROP USER MAPPING FOR bob SERVER s;\n"
                           "== USER MAPPING - USER MAPPING carol SERVER s alice pre-data\n"
                           "CREATE USER MAPPING FOR carol SERVER s;\n"
                           "-- DROP USER MAPPING FOR carol SERVER s;\n");
}

static void one_of_a_role_that_is_gone_is_a_failure(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &readable_query, all_may_be_read);
    kind_test_row(test, &mappings, nobodys);
    kind_test_fails(test, &catalog_step_user_mapping, "column 1 has no value");
}

static void on_an_extensions_server_it_takes_the_place_of_the_extensions(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_member(test, CLASS_FOREIGN_SERVER, 5);
    kind_test_row(test, &readable_query, all_may_be_read);
    kind_test_row(test, &mappings, of_all);
    kind_test_step(test, &catalog_step_user_mapping);
    kind_test_expect(test, "== USER MAPPING - USER MAPPING public SERVER s alice pre-data\n"
                           "DROP USER MAPPING IF EXISTS FOR public SERVER s;\n"
                           "CREATE USER MAPPING FOR public SERVER s;\n"
                           "-- DROP USER MAPPING FOR public SERVER s;\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapping_is_known_by_its_role_and_server),
        cmocka_unit_test(options_that_are_hidden_are_told_of),
        cmocka_unit_test(one_of_a_role_that_is_gone_is_a_failure),
        cmocka_unit_test(on_an_extensions_server_it_takes_the_place_of_the_extensions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
