#include "kind_test.h"

#include "catalog/kinds/operator.c"

#define ITEMS_OF_ONE "FUNCTION = s.f,\n    LEFTARG = integer,\n    RIGHTARG = integer"

static const char *const plain[COLUMNS] = {
    [OID] = "7",       [SCHEMA] = "s",        [NAME] = "=", [ARGUMENTS] = "integer, integer",
    [OWNER] = "alice", [ITEMS] = ITEMS_OF_ONE};
static const char *const unary[COLUMNS] = {
    [OID] = "7",     [SCHEMA] = "My s",
    [NAME] = "@#-",  [ARGUMENTS] = "NONE, \"T\"",
    [OWNER] = "A b", [ITEMS] = "FUNCTION = s.f,\n    RIGHTARG = \"T\""};
static const char *const lonely[COLUMNS] = {
    [OID] = "7",       [SCHEMA] = "s",         [NAME] = "=",      [ARGUMENTS] = "integer, integer",
    [OWNER] = "alice", [ITEMS] = ITEMS_OF_ONE, [LOST] = "negator"};

static void the_name_of_an_operator_is_not_quoted(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== OPERATOR s = alice pre-data\n"
         "CREATE OPERATOR s.= (\n    " ITEMS_OF_ONE "\n);\n"
         "-- DROP OPERATOR s.= (integer, integer);\n"},
        {"of one argument; a schema in quotes", unary,
         "== OPERATOR My s @#- A b pre-data\n"
         "CREATE OPERATOR \"My s\".@#- (\n    FUNCTION = s.f,\n    RIGHTARG = \"T\"\n);\n"
         "-- DROP OPERATOR \"My s\".@#- (NONE, \"T\");\n"},
        {"whose negator was dropped", lonely,
         "== OPERATOR s = alice pre-data\n"
         "CREATE OPERATOR s.= (\n    " ITEMS_OF_ONE "\n);\n"
         "-- DROP OPERATOR s.= (integer, integer);\n"},
    };

    (void)state;
    for (int major = 13; major <= 18; major++)
        kind_test_cases(major, &catalog_step_operator, &operators, NULL, cases, 3);
}

static void a_member_of_an_extension_is_made_by_that(void **state)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_OPERATOR, 7,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    kind_test_row(test, &operators, plain);
    kind_test_step(test, &catalog_step_operator);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_of_an_operator_is_not_quoted),
        cmocka_unit_test(a_member_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
