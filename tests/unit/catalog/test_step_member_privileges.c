#include "kind_test.h"

#include "catalog/member_privileges.c"

static const struct catalog_kind kind_extension = {
    .desc = "EXTENSION", .section = SECTION_PRE_DATA, .priority = PRIORITY_EXTENSION};

static const char *const of_system[COLUMNS] = {[CLASS] = "1259",
                                               [OID] = "1260",
                                               [SCHEMA] = "pg_catalog",
                                               [NAME] = "pg_authid",
                                               [OWNER] = "o",
                                               [ON] = "TABLE",
                                               [TYPE] = "r",
                                               [ACL] = "{o=r/o,bob=r/o}",
                                               [ACL_BASE] = "{o=r/o}"};
static const char *const of_routine[COLUMNS] = {[CLASS] = "1255",  [OID] = "20",
                                                [SCHEMA] = "ext",  [NAME] = "f",
                                                [OWNER] = "o",     [ON] = "FUNCTION",
                                                [TYPE] = "f",      [ARGUMENTS] = "a integer",
                                                [ACL] = "{o=X/o}", [ACL_BASE] = "{=X/o,o=X/o}"};
static const char *const of_column[COLUMNS] = {
    [CLASS] = "1259",     [OID] = "1260",       [SCHEMA] = "pg_catalog",
    [NAME] = "pg_authid", [OWNER] = "o",        [ON] = "TABLE",
    [TYPE] = "c",         [COLUMN] = "rolname", [ACL] = "{bob=r/o}",
    [ACL_BASE] = "{}"};

static void add_row(struct kind_test *test, const char *const *values)
{
    struct error err;
    struct sql text = {.err = &err};
    struct catalog_query query = {.columns = columns, .count = COLUMNS};

    add_from(&text);
    query.from = sql_text(&text);
    kind_test_row(test, &query, values);
    assert_true(sql_end(&text));
}

static void a_table_of_the_system_and_its_columns_are_one(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_row(test, of_system);
    add_row(test, of_column);
    kind_test_step(test, &catalog_step_member_privileges);
    kind_test_expect(test, "== ACL pg_catalog TABLE pg_authid o none\n"
                           "GRANT SELECT ON TABLE pg_catalog.pg_authid TO bob;\n"
                           "== ACL pg_catalog COLUMN pg_authid.rolname o none\n"
                           "GRANT SELECT(rolname) ON TABLE pg_catalog.pg_authid TO bob;\n"
                           "-- needs TABLE pg_authid\n");
}

static void a_routine_is_named_with_its_arguments(void **state)
{
    struct kind_test *test = kind_test_new(13);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_PROCEDURE, 20,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    add_row(test, of_routine);
    kind_test_step(test, &catalog_step_member_privileges);
    kind_test_expect(test, "== ACL ext FUNCTION f(a integer) o none\n"
                           "REVOKE ALL ON FUNCTION ext.f(a integer) FROM PUBLIC;\n");
}

static void what_has_an_entry_has_its_privileges_there(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_relation(test, 1260, 'r', "s", "t");
    add_row(test, of_system);
    kind_test_step(test, &catalog_step_member_privileges);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_of_the_system_and_its_columns_are_one),
        cmocka_unit_test(a_routine_is_named_with_its_arguments),
        cmocka_unit_test(what_has_an_entry_has_its_privileges_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
