#include "kind_test.h"

#include "catalog/kinds/policy.c"

#define POLICY [OID] = "20", [RELATION] = "10", [NAME] = "p"

static const char *const plain[COLUMNS] = {POLICY, [PERMISSIVE] = "t"};
static const char *const with_all[COLUMNS] = {
    POLICY,
    [PERMISSIVE] = "f",
    [COMMAND] = "UPDATE",
    [ROLES] = "alice, \"Bob\"",
    [USING] = "(a > 0)",
    [CHECK] = "(a > 1)",
};
static const char *const quoted[COLUMNS] = {
    [OID] = "20", [RELATION] = "10", [NAME] = "P \"p\"", [PERMISSIVE] = "t", [USING] = "true"};

static void add_table(struct kind_test *test)
{
    kind_test_relation(test, 10, 'r', "s", "t");
}

static void a_policy_says_who_sees_what(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== POLICY s t p o post-data\n"
         "CREATE POLICY p ON s.t;\n"
         "-- DROP POLICY p ON s.t;\n"},
        {"all of it", with_all,
         "== POLICY s t p o post-data\n"
         "CREATE POLICY p ON s.t AS RESTRICTIVE FOR UPDATE TO alice, \"Bob\" USING ((a > 0)) WITH "
         "CHECK ((a > 1));\n"
         "-- DROP POLICY p ON s.t;\n"},
        {"a name in quotes", quoted,
         "== POLICY s t P \"p\" o post-data\n"
         "CREATE POLICY \"P \"\"p\"\"\" ON s.t USING (true);\n"
         "-- DROP POLICY \"P \"\"p\"\"\" ON s.t;\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_policy, &policies, add_table, cases, 3);
}

static void row_security_of_a_table_is_an_entry(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_relation(test, 10, 'r', "s", "t")->row_security = true;
    kind_test_step(test, &catalog_step_policy);
    kind_test_expect(test, "== ROW SECURITY s t o post-data\n"
                           "ALTER TABLE s.t ENABLE ROW LEVEL SECURITY;\n"
                           "-- needs t\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_says_who_sees_what),
        cmocka_unit_test(row_security_of_a_table_is_an_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
