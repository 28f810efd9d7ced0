#include "kind_test.h"

#include "catalog/kinds/operator_family.c"

static const char *const plain[COLUMNS] = {
    [OID] = "20", [SCHEMA] = "s", [NAME] = "f", [OWNER] = "alice", [METHOD] = "btree"};
static const char *const quoted[COLUMNS] = {
    [OID] = "21", [SCHEMA] = "My s", [NAME] = "F", [OWNER] = "A b", [METHOD] = "My am"};
static const char *const members[MEMBERS_COLUMNS] = {[MEMBERS_HOLDER] = "20",
                                                     [MEMBERS_SCHEMA] = "s",
                                                     [MEMBERS_NAME] = "f",
                                                     [MEMBERS_METHOD] = "btree",
                                                     [MEMBERS_LIST] = "OPERATOR 3 s.=(s.t,s.t)",
                                                     [MEMBERS_OPERATORS] = "31"};
static const char *const members_of_system[MEMBERS_COLUMNS] = {
    [MEMBERS_HOLDER] = "1976",
    [MEMBERS_SCHEMA] = "pg_catalog",
    [MEMBERS_NAME] = "integer_ops",
    [MEMBERS_METHOD] = "btree",
    [MEMBERS_LIST] = "FUNCTION 1 (s.t, integer) s.f(s.t,integer)",
    [MEMBERS_FUNCTIONS] = "32"};

static const struct catalog_kind kind_type = {.desc = "TYPE", .section = SECTION_PRE_DATA};

static void a_family_comes_with_its_own_members(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &families, plain);
    kind_test_row(test, &families, quoted);
    kind_test_row(test, &operator_members_of_families, members);
    kind_test_step(test, &catalog_step_operator_family);
    kind_test_expect(test, "== OPERATOR FAMILY My s F A b pre-data\n"
                           "CREATE OPERATOR FAMILY \"My s\".\"F\" USING \"My am\";\n"
                           "-- DROP OPERATOR FAMILY \"My s\".\"F\" USING \"My am\";\n"
                           "== OPERATOR FAMILY s f alice pre-data\n"
                           "CREATE OPERATOR FAMILY s.f USING btree;\n"
                           "ALTER OPERATOR FAMILY s.f USING btree ADD\n"
                           "    OPERATOR 3 s.=(s.t,s.t);\n"
                           "-- DROP OPERATOR FAMILY s.f USING btree;\n");
}

/* A range that is made by a class of the family, which has operators over the range. */
static void members_that_need_what_needs_the_family_come_behind_it(void **state)
{
    struct kind_test *test = kind_test_new(18);
    struct catalog *catalog = kind_test_catalog(test);
    const struct catalog_object *range =
        kind_test_object(test, &kind_type, CLASS_TYPE, 9, "s", "r");
    struct error err;

    (void)state;
    kind_test_row(test, &families, plain);
    kind_test_row(test, &operator_members_of_families, members);
    kind_test_step(test, &catalog_step_operator_family);
    assert_true(
        catalog_depend(catalog, range, catalog_find(catalog, CLASS_OPERATOR_FAMILY, 20), &err));
    assert_true(
        catalog_depend(catalog, catalog_find(catalog, CLASS_OPERATOR_MEMBER, 31), range, &err));
    kind_test_expect(test, "== OPERATOR FAMILY s f alice pre-data\n"
                           "CREATE OPERATOR FAMILY s.f USING btree;\n"
                           "-- DROP OPERATOR FAMILY s.f USING btree;\n"
                           "== OPERATOR FAMILY s f - pre-data\n"
                           "ALTER OPERATOR FAMILY s.f USING btree ADD\n"
                           "    OPERATOR 3 s.=(s.t,s.t);\n"
                           "-- needs r, f\n");
}

static void what_was_added_to_a_family_of_the_system_is_an_entry(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &operator_members_of_families, members_of_system);
    kind_test_step(test, &catalog_step_operator_family);
    kind_test_expect(test, "== OPERATOR FAMILY pg_catalog integer_ops - pre-data\n"
                           "ALTER OPERATOR FAMILY pg_catalog.integer_ops USING btree ADD\n"
                           "    FUNCTION 1 (s.t, integer) s.f(s.t,integer);\n");
}

static void what_was_added_to_a_family_of_an_extension_needs_that(void **state)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_OPERATOR_FAMILY, 20,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    kind_test_row(test, &families, plain);
    kind_test_row(test, &operator_members_of_families, members);
    kind_test_step(test, &catalog_step_operator_family);
    kind_test_expect(test, "== OPERATOR FAMILY s f - pre-data\n"
                           "ALTER OPERATOR FAMILY s.f USING btree ADD\n"
                           "    OPERATOR 3 s.=(s.t,s.t);\n"
                           "-- needs e\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_comes_with_its_own_members),
        cmocka_unit_test(members_that_need_what_needs_the_family_come_behind_it),
        cmocka_unit_test(what_was_added_to_a_family_of_the_system_is_an_entry),
        cmocka_unit_test(what_was_added_to_a_family_of_an_extension_needs_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
