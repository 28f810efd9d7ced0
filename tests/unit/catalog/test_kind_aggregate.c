#include "kind_test.h"

#include "catalog/kinds/aggregate.c"

#define AGGREGATE                                                                                  \
    [OID] = "7", [SCHEMA] = "s", [NAME] = "total", [OWNER] = "alice",                              \
    [ITEMS] = "SFUNC = int4pl,\n    STYPE = integer"
#define OF_INTEGER                                                                                 \
    [IDENTITY_ARGUMENTS] = "integer", [ARGUMENT_TYPES] = "integer", [ARGUMENTS] = "integer"

static const char *const plain[COLUMNS] = {AGGREGATE, OF_INTEGER};
static const char *const of_nothing[COLUMNS] = {
    AGGREGATE, [IDENTITY_ARGUMENTS] = "", [ARGUMENT_TYPES] = "", [ARGUMENTS] = ""};
static const char *const granted[COLUMNS] = {
    AGGREGATE,
    [IDENTITY_ARGUMENTS] = "integer ORDER BY text",
    [ARGUMENT_TYPES] = "integer, text",
    [ARGUMENTS] = "integer ORDER BY text",
    [ACL] = "{alice=X/alice}",
    [ACL_USUAL] = "{=X/alice,alice=X/alice}",
};
static const char *const quoted[COLUMNS] = {
    OF_INTEGER,     [OID] = "7",       [SCHEMA] = "S",
    [NAME] = "a.b", [OWNER] = "alice", [ITEMS] = "SFUNC = \"S\".\"f g\",\n    STYPE = integer",
};

static void an_aggregate_is_known_by_its_arguments(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== AGGREGATE s total(integer) alice pre-data\n"
         "CREATE AGGREGATE s.total(integer) (\n"
         "    SFUNC = int4pl,\n"
         "    STYPE = integer\n"
         ");\n"
         "-- DROP AGGREGATE s.total(integer);\n"},
        {"* for no arguments", of_nothing,
         "== AGGREGATE s total(*) alice pre-data\n"
         "CREATE AGGREGATE s.total(*) (\n"
         "    SFUNC = int4pl,\n"
         "    STYPE = integer\n"
         ");\n"
         "-- DROP AGGREGATE s.total(*);\n"},
        {"GRANT knows functions by all types", granted,
         "== AGGREGATE s total(integer, text) alice pre-data\n"
         "CREATE AGGREGATE s.total(integer ORDER BY text) (\n"
         "    SFUNC = int4pl,\n"
         "    STYPE = integer\n"
         ");\n"
         "-- DROP AGGREGATE s.total(integer ORDER BY text);\n"
         "== ACL s FUNCTION total(integer, text) alice none\n"
         "REVOKE ALL ON FUNCTION s.total(integer, text) FROM PUBLIC;\n"
         "-- needs total(integer, text)\n"},
        {"names in quotes", quoted,
         "== AGGREGATE S a.b(integer) alice pre-data\n"
         "CREATE AGGREGATE \"S\".\"a.b\"(integer) (\n"
         "    SFUNC = \"S\".\"f g\",\n"
         "    STYPE = integer\n"
         ");\n"
         "-- DROP AGGREGATE \"S\".\"a.b\"(integer);\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_aggregate, &aggregates, NULL, cases, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_aggregate_is_known_by_its_arguments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
