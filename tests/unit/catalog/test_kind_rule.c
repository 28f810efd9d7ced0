#include "kind_test.h"

#include "catalog/kinds/rule.c"

#define RULE [OID] = "20", [RELATION] = "10", [NAME] = "R r"

static const char *const plain[COLUMNS] = {
    RULE, [ENABLED] = "O", [DEFINITION] = "CREATE RULE \"R r\" AS ON INSERT TO s.t DO NOTHING;"};
static const char *const disabled[COLUMNS] = {
    RULE, [ENABLED] = "D", [DEFINITION] = "CREATE RULE \"R r\" AS ON INSERT TO s.t DO NOTHING;"};
static const char *const of_replicas[COLUMNS] = {
    RULE, [ENABLED] = "R", [DEFINITION] = "CREATE RULE \"R r\" AS ON INSERT TO s.t DO NOTHING;"};

static void add_table(struct kind_test *test)
{
    kind_test_relation(test, 10, 'r', "s", "t");
}

static void a_rule_is_the_servers_statement(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== RULE s t R r o post-data\n"
         "CREATE RULE \"R r\" AS ON INSERT TO s.t DO NOTHING;\n"
         "-- DROP RULE \"R r\" ON s.t;\n"},
        {"a disabled one", disabled,
         "== RULE s t R r o post-data\n"
         "CREATE RULE \"R r\" AS ON INSERT TO s.t DO NOTHING;\n"
         "ALTER TABLE s.t DISABLE RULE \"R r\";\n"
         "-- DROP RULE \"R r\" ON s.t;\n"},
        {"one for replicas", of_replicas,
         "== RULE s t R r o post-data\n"
         "CREATE RULE \"R r\" AS ON INSERT TO s.t DO NOTHING;\n"
         "ALTER TABLE s.t ENABLE REPLICA RULE \"R r\";\n"
         "-- DROP RULE \"R r\" ON s.t;\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_rule, &rules, add_table, cases, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_is_the_servers_statement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
