#include "kind_test.h"

#include "catalog/kinds/default_privilege.c"

#define OF_ALICE [OID] = "7", [SCHEMA_OID] = "0", [ROLE] = "alice", [ROLE_OID] = "5"

static const char *const of_tables[COLUMNS] = {
    OF_ALICE,
    [OF] = "TABLES",
    [TYPE] = "r",
    [ACL] = "{alice=rw/alice,bob=r*/alice,=r/alice}",
    [ACL_USUAL] = "{alice=arwdDxtm/alice}",
};
static const char *const of_functions[COLUMNS] = {
    OF_ALICE,
    [OF] = "FUNCTIONS",
    [TYPE] = "f",
    [ACL] = "{alice=X/alice}",
    [ACL_USUAL] = "{=X/alice,alice=X/alice}",
};
static const char *const in_a_schema[COLUMNS] = {
    [OID] = "7",        [SCHEMA] = "My s",
    [SCHEMA_OID] = "9", [ROLE] = "A \"b",
    [ROLE_OID] = "5",   [OF] = "LARGE OBJECTS",
    [TYPE] = "L",       [ACL] = "{\"\\\"A \\\"\\\"b\\\"=rw/\\\"A \\\"\\\"b\\\"\"}",
    [ACL_USUAL] = "{}",
};

static void default_privileges_are_changes_of_what_there_is_by_itself(void **state)
{
    static const struct kind_case cases[] = {
        {"of tables", of_tables,
         "== DEFAULT ACL - DEFAULT PRIVILEGES FOR TABLES alice post-data\n"
         "ALTER DEFAULT PRIVILEGES FOR ROLE alice REVOKE ALL ON TABLES FROM alice;\n"
         "ALTER DEFAULT PRIVILEGES FOR ROLE alice GRANT SELECT,UPDATE ON TABLES TO alice;\n"
         "ALTER DEFAULT PRIVILEGES FOR ROLE alice GRANT SELECT ON TABLES TO bob WITH GRANT "
         "OPTION;\n"
         "ALTER DEFAULT PRIVILEGES FOR ROLE alice GRANT SELECT ON TABLES TO PUBLIC;\n"},
        {"taken from PUBLIC", of_functions,
         "== DEFAULT ACL - DEFAULT PRIVILEGES FOR FUNCTIONS alice post-data\n"
         "ALTER DEFAULT PRIVILEGES FOR ROLE alice REVOKE ALL ON FUNCTIONS FROM PUBLIC;\n"},
        {"in a schema; names in quotes", in_a_schema,
         "== DEFAULT ACL My s DEFAULT PRIVILEGES FOR LARGE OBJECTS A \"b post-data\n"
         "ALTER DEFAULT PRIVILEGES FOR ROLE \"A \"\"b\" IN SCHEMA \"My s\" GRANT ALL ON LARGE "
         "OBJECTS TO \"A \"\"b\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_default_privilege, &default_privileges, NULL, cases,
                    sizeof(cases) / sizeof(cases[0]));
}

static void a_role_or_schema_that_is_gone_is_an_error(void **state)
{
    static const char *const no_role[COLUMNS] = {
        [OID] = "7",  [SCHEMA_OID] = "0",  [ROLE_OID] = "4242", [OF] = "TYPES",
        [TYPE] = "T", [ACL] = "{=U/4242}", [ACL_USUAL] = "{}",
    };
    static const char *const no_schema[COLUMNS] = {
        [OID] = "7",    [SCHEMA_OID] = "4243", [ROLE] = "a",     [ROLE_OID] = "5",
        [OF] = "TYPES", [TYPE] = "T",          [ACL] = "{=U/a}", [ACL_USUAL] = "{}",
    };
    struct kind_test *test = kind_test_new(13);

    (void)state;
    kind_test_row(test, &default_privileges, no_role);
    kind_test_fails(test, &catalog_step_default_privilege,
                    "DEFAULT PRIVILEGES FOR TYPES have the role with OID 4242, which is not there");
    test = kind_test_new(13);
    kind_test_row(test, &default_privileges, no_schema);
    kind_test_fails(
        test, &catalog_step_default_privilege,
        "DEFAULT PRIVILEGES FOR TYPES have the schema with OID 4243, which is not there");
}

static void no_change_is_no_entry(void **state)
{
    static const char *const row[COLUMNS] = {
        OF_ALICE, [OF] = "TYPES", [TYPE] = "T", [ACL] = "{=U/alice}", [ACL_USUAL] = "{=U/alice}",
    };
    struct kind_test *test = kind_test_new(13);

    (void)state;
    kind_test_row(test, &default_privileges, row);
    kind_test_step(test, &catalog_step_default_privilege);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_privileges_are_changes_of_what_there_is_by_itself),
        cmocka_unit_test(a_role_or_schema_that_is_gone_is_an_error),
        cmocka_unit_test(no_change_is_no_entry),
    };

    return cmocka_run_group_tests_name("default privileges", tests, NULL, NULL);
}
