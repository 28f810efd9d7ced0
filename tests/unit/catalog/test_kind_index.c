#include "kind_test.h"

#include "catalog/kinds/index.c"

#define INDEX [OID] = "20", [TABLE] = "10", [NAME] = "i", [TABLESPACE] = ""

static const char *const plain[COLUMNS] = {INDEX, [DEFINITION] = "CREATE INDEX i ON s.t (a)"};
static const char *const quoted[COLUMNS] = {
    [OID] = "20",
    [TABLE] = "10",
    [NAME] = "An \"i\"",
    [TABLESPACE] = "fast",
    [DEFINITION] = "CREATE INDEX \"An \"\"i\"\"\" ON s.t (a)",
    [CLUSTERED] = "t",
};
static const char *const with_all[COLUMNS] = {
    INDEX,
    [DEFINITION] = "CREATE UNIQUE INDEX i ON s.t (a, lower(b))",
    [CLUSTERED] = "t",
    [REPLICA_IDENTITY] = "t",
    [STATISTICS] = "2=100,3=0",
};
static const char *const of_partition[COLUMNS] = {
    INDEX,
    [DEFINITION] = "CREATE INDEX i ON s.t (a)",
    [PARENT] = "30",
    [PARENT_SCHEMA] = "s",
    [PARENT_NAME] = "whole",
    [PARENT_OWNER] = "o",
};

static void add_table(struct kind_test *test)
{
    kind_test_relation(test, 10, 'r', "s", "t");
}

static void each_is_the_servers_statement_and_what_that_lacks(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== INDEX s i o post-data\n"
         "CREATE INDEX i ON s.t (a);\n"
         "-- DROP INDEX s.i;\n"},
        {"a name in quotes, a tablespace, the table's order", quoted,
         "== INDEX s An \"i\" o post-data, tablespace fast\n"
         "CREATE INDEX \"An \"\"i\"\"\" ON s.t (a);\n"
         "ALTER TABLE s.t CLUSTER ON \"An \"\"i\"\"\";\n"
         "-- DROP INDEX s.\"An \"\"i\"\"\";\n"},
        {"replica identity and targets of statistics", with_all,
         "== INDEX s i o post-data\n"
         "CREATE UNIQUE INDEX i ON s.t (a, lower(b));\n"
         "ALTER INDEX s.i ALTER COLUMN 2 SET STATISTICS 100;\n"
         "ALTER INDEX s.i ALTER COLUMN 3 SET STATISTICS 0;\n"
         "ALTER TABLE s.t CLUSTER ON i;\n"
         "ALTER TABLE ONLY s.t REPLICA IDENTITY USING INDEX i;\n"
         "-- DROP INDEX s.i;\n"},
        {"a part of a partitioned index goes with that", of_partition,
         "== INDEX s i o post-data\n"
         "CREATE INDEX i ON s.t (a);\n"
         "-- \n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_index, &indexes, add_table, cases, 4);
}

static void one_of_a_table_that_is_not_dumped_is_not_either(void **state)
{
    struct kind_test *test = kind_test_new(13);

    (void)state;
    kind_test_row(test, &indexes, plain);
    kind_test_step(test, &catalog_step_index);
    kind_test_expect(test, "");
}

static void those_that_lock_the_table_are_made_one_after_the_other(void **state)
{
    static const char *const other[COLUMNS] = {
        [OID] = "21",
        [TABLE] = "10",
        [NAME] = "j",
        [TABLESPACE] = "",
        [DEFINITION] = "CREATE UNIQUE INDEX j ON s.t (b)",
        [REPLICA_IDENTITY] = "t",
    };
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_table(test);
    kind_test_row(test, &indexes, with_all);
    kind_test_row(test, &indexes, other);
    kind_test_step(test, &catalog_step_index);
    kind_test_expect(test, "== INDEX s i o post-data\n"
                           "CREATE UNIQUE INDEX i ON s.t (a, lower(b));\n"
                           "ALTER INDEX s.i ALTER COLUMN 2 SET STATISTICS 100;\n"
                           "ALTER INDEX s.i ALTER COLUMN 3 SET STATISTICS 0;\n"
                           "ALTER TABLE s.t CLUSTER ON i;\n"
                           "ALTER TABLE ONLY s.t REPLICA IDENTITY USING INDEX i;\n"
                           "-- DROP INDEX s.i;\n"
                           "== INDEX s j o post-data\n"
                           "CREATE UNIQUE INDEX j ON s.t (b);\n"
                           "ALTER TABLE ONLY s.t REPLICA IDENTITY USING INDEX j;\n"
                           "-- DROP INDEX s.j;\n"
                           "-- needs i\n");
}

static void an_index_that_is_gone_has_no_parts(void **state)
{
    static const char *const of_nothing[COLUMNS] = {
        INDEX, [DEFINITION] = "CREATE INDEX i ON s.t (a)", [PARENT] = "30"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_table(test);
    kind_test_row(test, &indexes, of_nothing);
    kind_test_fails(test, &catalog_step_index, "column 9 has no value");
}

static void a_definition_that_is_gone_is_a_failure(void **state)
{
    static const char *const gone[COLUMNS] = {INDEX};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_table(test);
    kind_test_row(test, &indexes, gone);
    kind_test_fails(test, &catalog_step_index, "column 3 has no value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_the_servers_statement_and_what_that_lacks),
        cmocka_unit_test(one_of_a_table_that_is_not_dumped_is_not_either),
        cmocka_unit_test(those_that_lock_the_table_are_made_one_after_the_other),
        cmocka_unit_test(a_definition_that_is_gone_is_a_failure),
        cmocka_unit_test(an_index_that_is_gone_has_no_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
