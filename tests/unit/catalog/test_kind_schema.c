#include "kind_test.h"

#include "catalog/kinds/schema.c"

static const char *const plain[COLUMNS] = {[OID] = "5", [NAME] = "s", [OWNER] = "alice"};
static const char *const quoted[COLUMNS] = {[OID] = "5", [NAME] = "My \"s\"", [OWNER] = "A b"};
static const char *const granted[COLUMNS] = {
    [OID] = "5",
    [NAME] = "s",
    [OWNER] = "alice",
    [ACL] = "{alice=UC/alice,bob=U/alice}",
    [ACL_USUAL] = "{alice=UC/alice}",
};
static const char *const public_of_alice[COLUMNS] = {
    [OID] = "5",
    [NAME] = "public",
    [OWNER] = "alice",
    [ACL_USUAL] = "{alice=UC/alice}",
    [PUBLIC_USUAL] = "{alice=UC/alice,=U/alice}",
};
static const char *const usual_public[COLUMNS] = {
    [OID] = "5",
    [NAME] = "public",
    [OWNER] = "pg_database_owner",
    [ACL] = "{pg_database_owner=UC/pg_database_owner,=U/pg_database_owner}",
    [ACL_USUAL] = "{pg_database_owner=UC/pg_database_owner}",
    [PUBLIC_USUAL] = "{pg_database_owner=UC/pg_database_owner,=U/pg_database_owner}",
};

static void a_schema_is_made_and_public_is_there(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== SCHEMA - s alice pre-data\n"
         "CREATE SCHEMA s;\n"
         "-- DROP SCHEMA s;\n"},
        {"names in quotes", quoted,
         "== SCHEMA - My \"s\" A b pre-data\n"
         "CREATE SCHEMA \"My \"\"s\"\"\";\n"
         "-- DROP SCHEMA \"My \"\"s\"\"\";\n"},
        {"privileges", granted,
         "== SCHEMA - s alice pre-data\n"
         "CREATE SCHEMA s;\n"
         "-- DROP SCHEMA s;\n"
         "== ACL - SCHEMA s alice none\n"
         "GRANT USAGE ON SCHEMA s TO bob;\n"
         "-- needs s\n"},
        {"public with another owner", public_of_alice,
         "== SCHEMA - public alice pre-data\n"
         "-- public is there already: initdb creates it\n"
         "-- -- public stays\n"
         "== ACL - SCHEMA public alice none\n"
         "REVOKE ALL ON SCHEMA public FROM PUBLIC;\n"
         "-- needs public\n"},
        {"public as it always is", usual_public, ""},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_schema, &schemas, NULL, cases, 5);
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_SCHEMA, 5,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    kind_test_row(test, &schemas, plain);
    kind_test_step(test, &catalog_step_schema);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_is_made_and_public_is_there),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
