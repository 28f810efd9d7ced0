#include "kind_test.h"

#include "catalog/kinds/statistics.c"

#define STATISTICS                                                                                 \
    [OID] = "20", [SCHEMA] = "s", [OWNER] = "alice", [RELATION] = "10",                            \
    [DEFINITION] = "CREATE STATISTICS s.x ON a, b FROM s.t"

static const char *const plain[COLUMNS] = {STATISTICS, [NAME] = "x"};
static const char *const with_target[COLUMNS] = {STATISTICS, [NAME] = "X", [TARGET] = "0"};

static void add_table(struct kind_test *test)
{
    kind_test_relation(test, 10, 'r', "s", "t");
}

static void statistics_are_the_servers_statement_and_a_target(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== STATISTICS s x alice post-data\n"
         "CREATE STATISTICS s.x ON a, b FROM s.t;\n"
         "-- DROP STATISTICS s.x;\n"},
        {"a target, a name in quotes", with_target,
         "== STATISTICS s X alice post-data\n"
         "CREATE STATISTICS s.x ON a, b FROM s.t;\n"
         "ALTER STATISTICS s.\"X\" SET STATISTICS 0;\n"
         "-- DROP STATISTICS s.\"X\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_statistics, &statistics, add_table, cases, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_are_the_servers_statement_and_a_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
