#include "kind_test.h"

#include "catalog/kinds/trigger.c"

#define TRIGGER [OID] = "20", [RELATION] = "10", [NAME] = "tr"

static const char *const plain[COLUMNS] = {
    TRIGGER, [ENABLED] = "O", [DEFINITION] = "CREATE TRIGGER tr BEFORE INSERT ON s.t"};
static const char *const always[COLUMNS] = {
    TRIGGER, [ENABLED] = "A", [DEFINITION] = "CREATE TRIGGER tr BEFORE INSERT ON s.t"};
static const char *const same_copy[COLUMNS] = {
    TRIGGER, [ENABLED] = "O", [PARENT] = "19", [PARENT_ENABLED] = "O"};
static const char *const other_copy[COLUMNS] = {
    TRIGGER, [ENABLED] = "D", [PARENT] = "19", [PARENT_ENABLED] = "O"};

static void add_table(struct kind_test *test)
{
    kind_test_relation(test, 10, 'r', "s", "t");
}

static void a_trigger_is_the_servers_statement(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== TRIGGER s t tr o post-data\n"
         "CREATE TRIGGER tr BEFORE INSERT ON s.t;\n"
         "-- DROP TRIGGER tr ON s.t;\n"},
        {"one that always fires", always,
         "== TRIGGER s t tr o post-data\n"
         "CREATE TRIGGER tr BEFORE INSERT ON s.t;\n"
         "ALTER TABLE s.t ENABLE ALWAYS TRIGGER tr;\n"
         "-- DROP TRIGGER tr ON s.t;\n"},
        {"a copy of its parent's is made by that", same_copy, ""},
        {"a copy that is disabled", other_copy,
         "== TRIGGER s t tr o post-data\n"
         "ALTER TABLE s.t DISABLE TRIGGER tr;\n"
         "-- \n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_trigger, &triggers, add_table, cases, 4);
}

static void on_a_foreign_table_it_is_switched_as_such(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_relation(test, 10, 'f', "s", "t");
    kind_test_row(test, &triggers, always);
    kind_test_step(test, &catalog_step_trigger);
    kind_test_expect(test, "== TRIGGER s t tr o post-data\n"
                           "CREATE TRIGGER tr BEFORE INSERT ON s.t;\n"
                           "ALTER FOREIGN TABLE s.t ENABLE ALWAYS TRIGGER tr;\n"
                           "-- DROP TRIGGER tr ON s.t;\n");
}

static void a_copy_that_is_detached_is_dropped_by_that(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_relation(test, 10, 'r', "s", "t")->detaching = true;
    kind_test_row(test, &triggers, other_copy);
    kind_test_step(test, &catalog_step_trigger);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trigger_is_the_servers_statement),
        cmocka_unit_test(on_a_foreign_table_it_is_switched_as_such),
        cmocka_unit_test(a_copy_that_is_detached_is_dropped_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
