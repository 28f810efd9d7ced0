#include "kind_test.h"

#include "catalog/kinds/event_trigger.c"

#define TRIGGER                                                                                    \
    [OID] = "7", [NAME] = "e", [OWNER] = "alice", [SCHEMA] = "s", [FUNCTION] = "f",                \
    [EVENT] = "ddl_command_end"

static const char *const plain[COLUMNS] = {TRIGGER, [ENABLED] = "O"};
static const char *const disabled[COLUMNS] = {TRIGGER, [ENABLED] = "D"};
static const char *const on_replicas[COLUMNS] = {TRIGGER, [ENABLED] = "R"};
static const char *const quoted[COLUMNS] = {
    [OID] = "7",      [NAME] = "My \"e",    [OWNER] = "A b", [SCHEMA] = "My s",
    [FUNCTION] = "F", [EVENT] = "sql_drop", [ENABLED] = "A", [TAGS] = "'DROP TABLE', 'DROP VIEW'",
};

static void an_event_trigger_says_when_it_fires(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== EVENT TRIGGER - e alice post-data\n"
         "CREATE EVENT TRIGGER e ON ddl_command_end\n"
         "   EXECUTE FUNCTION s.f();\n"
         "-- DROP EVENT TRIGGER e;\n"},
        {"disabled", disabled,
         "== EVENT TRIGGER - e alice post-data\n"
         "CREATE EVENT TRIGGER e ON ddl_command_end\n"
         "   EXECUTE FUNCTION s.f();\n"
         "ALTER EVENT TRIGGER e DISABLE;\n"
         "-- DROP EVENT TRIGGER e;\n"},
        {"for replicas", on_replicas,
         "== EVENT TRIGGER - e alice post-data\n"
         "CREATE EVENT TRIGGER e ON ddl_command_end\n"
         "   EXECUTE FUNCTION s.f();\n"
         "ALTER EVENT TRIGGER e ENABLE REPLICA;\n"
         "-- DROP EVENT TRIGGER e;\n"},
        {"always, for some statements; names in quotes", quoted,
         "== EVENT TRIGGER - My \"e A b post-data\n"
         "CREATE EVENT TRIGGER \"My \"\"e\" ON sql_drop\n"
         "         WHEN TAG IN ('DROP TABLE', 'DROP VIEW')\n"
         "   EXECUTE FUNCTION \"My s\".\"F\"();\n"
         "ALTER EVENT TRIGGER \"My \"\"e\" ENABLE ALWAYS;\n"
         "-- DROP EVENT TRIGGER \"My \"\"e\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_event_trigger, &event_triggers, NULL, cases,
                    sizeof(cases) / sizeof(cases[0]));
}

static void one_without_its_function_is_an_error(void **state)
{
    static const char *const row[COLUMNS] = {
        [OID] = "7", [NAME] = "e", [OWNER] = "o", [EVENT] = "login", [ENABLED] = "O"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &event_triggers, row);
    kind_test_fails(test, &catalog_step_event_trigger, "column 5 has no value");
}

static void one_of_an_extension_is_made_by_that(void **state)
{
    static const struct catalog_kind extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(kind_test_catalog(test), CLASS_EVENT_TRIGGER, 7,
                              kind_test_object(test, &extension, CLASS_EXTENSION, 1, NULL, "ext"),
                              &err));
    kind_test_row(test, &event_triggers, plain);
    kind_test_step(test, &catalog_step_event_trigger);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_trigger_says_when_it_fires),
        cmocka_unit_test(one_without_its_function_is_an_error),
        cmocka_unit_test(one_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests_name("event triggers", tests, NULL, NULL);
}
