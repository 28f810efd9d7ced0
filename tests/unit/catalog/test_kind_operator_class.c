#include "kind_test.h"

#include "catalog/kinds/operator_class.c"

#define BY_NAME                                                                                    \
    [OID] = "20", [SCHEMA] = "s", [NAME] = "c", [OWNER] = "alice", [METHOD] = "btree",             \
    [TYPE] = "s.t", [FAMILY] = "s.c"

static const char *const plain[COLUMNS] = {BY_NAME, [DEFAULT] = "f"};
static const char *const stored[COLUMNS] = {
    [OID] = "20",         [SCHEMA] = "My s",  [NAME] = "C",
    [OWNER] = "A b",      [METHOD] = "My am", [TYPE] = "s.t",
    [FAMILY] = "f.\"F\"", [DEFAULT] = "t",    [STORAGE] = "integer",
};
static const char *const members[MEMBERS_COLUMNS] = {
    [MEMBERS_HOLDER] = "20",
    [MEMBERS_SCHEMA] = "s",
    [MEMBERS_NAME] = "c",
    [MEMBERS_METHOD] = "btree",
    [MEMBERS_LIST] = "OPERATOR 1 s.<(s.t,s.t) ,\n    FUNCTION 1 (s.t, s.t) s.f(s.t,s.t)",
    [MEMBERS_OPERATORS] = "31 32",
    [MEMBERS_FUNCTIONS] = "33"};

/* What a test expects, of a class with these rows. */
static void expect(const char *const *row, const char *const *of_it, const char *entries)
{
    struct kind_test *test = kind_test_new(18);

    kind_test_row(test, &classes, row);
    if (of_it != NULL)
        kind_test_row(test, &operator_members_of_classes, of_it);
    kind_test_step(test, &catalog_step_operator_class);
    kind_test_expect(test, entries);
}

static void a_class_lists_what_it_stores_and_its_members(void **state)
{
    (void)state;
    expect(plain, members,
           "== OPERATOR CLASS s c alice pre-data\n"
           "CREATE OPERATOR CLASS s.c\n"
           "    FOR TYPE s.t USING btree FAMILY s.c AS\n"
           "    OPERATOR 1 s.<(s.t,s.t) ,\n"
           "    FUNCTION 1 (s.t, s.t) s.f(s.t,s.t);\n"
           "-- DROP OPERATOR CLASS s.c USING btree;\n");
    expect(stored, members,
           "== OPERATOR CLASS My s C A b pre-data\n"
           "CREATE OPERATOR CLASS \"My s\".\"C\"\n"
           "    DEFAULT FOR TYPE s.t USING \"My am\" FAMILY f.\"F\" AS\n"
           "    STORAGE integer ,\n"
           "    OPERATOR 1 s.<(s.t,s.t) ,\n"
           "    FUNCTION 1 (s.t, s.t) s.f(s.t,s.t);\n"
           "-- DROP OPERATOR CLASS \"My s\".\"C\" USING \"My am\";\n");
}

static void one_without_members_stores_something_at_least(void **state)
{
    (void)state;
    expect(plain, NULL,
           "== OPERATOR CLASS s c alice pre-data\n"
           "CREATE OPERATOR CLASS s.c\n"
           "    FOR TYPE s.t USING btree FAMILY s.c AS\n"
           "    STORAGE s.t;\n"
           "-- DROP OPERATOR CLASS s.c USING btree;\n");
    expect(stored, NULL,
           "== OPERATOR CLASS My s C A b pre-data\n"
           "CREATE OPERATOR CLASS \"My s\".\"C\"\n"
           "    DEFAULT FOR TYPE s.t USING \"My am\" FAMILY f.\"F\" AS\n"
           "    STORAGE integer;\n"
           "-- DROP OPERATOR CLASS \"My s\".\"C\" USING \"My am\";\n");
}

static void its_members_stand_for_it(void **state)
{
    struct kind_test *test = kind_test_new(18);
    const struct catalog_object *class;

    (void)state;
    kind_test_row(test, &classes, plain);
    kind_test_row(test, &operator_members_of_classes, members);
    kind_test_step(test, &catalog_step_operator_class);
    class = catalog_find(kind_test_catalog(test), CLASS_OPERATOR_CLASS, 20);
    assert_non_null(class);
    assert_ptr_equal(catalog_find(kind_test_catalog(test), CLASS_OPERATOR_MEMBER, 31), class);
    assert_ptr_equal(catalog_find(kind_test_catalog(test), CLASS_OPERATOR_MEMBER, 32), class);
    assert_ptr_equal(catalog_find(kind_test_catalog(test), CLASS_FUNCTION_MEMBER, 33), class);
    kind_test_expect(test, "== OPERATOR CLASS s c alice pre-data\n"
                           "CREATE OPERATOR CLASS s.c\n"
                           "    FOR TYPE s.t USING btree FAMILY s.c AS\n"
                           "    OPERATOR 1 s.<(s.t,s.t) ,\n"
                           "    FUNCTION 1 (s.t, s.t) s.f(s.t,s.t);\n"
                           "-- DROP OPERATOR CLASS s.c USING btree;\n");
}

static void a_member_whose_operator_is_gone_is_a_failure(void **state)
{
    static const char *const lost[MEMBERS_COLUMNS] = {[MEMBERS_HOLDER] = "20",
                                                      [MEMBERS_SCHEMA] = "s",
                                                      [MEMBERS_NAME] = "c",
                                                      [MEMBERS_METHOD] = "btree"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &classes, plain);
    kind_test_row(test, &operator_members_of_classes, lost);
    kind_test_fails(test, &catalog_step_operator_class, "column 4 has no value");
}

static void one_of_an_extension_is_made_by_that(void **state)
{
    static const struct catalog_kind kind_extension = {.desc = "EXTENSION"};
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    assert_true(catalog_alias(
        kind_test_catalog(test), CLASS_OPERATOR_CLASS, 20,
        kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e"), &err));
    kind_test_row(test, &classes, plain);
    kind_test_row(test, &operator_members_of_classes, members);
    kind_test_step(test, &catalog_step_operator_class);
    kind_test_expect(test, "");
}

static void a_body_that_sorts_by_a_class_comes_behind_it(void **state)
{
    static const struct catalog_kind kind_function = {
        .desc = "FUNCTION", .section = SECTION_PRE_DATA, .priority = PRIORITY_FUNCTION};
    static const char *const sorting[SORTING_COLUMNS] = {[FUNCTION] = "9", [CLASS] = "20"};
    static const char *const of_others[SORTING_COLUMNS] = {[FUNCTION] = "8", [CLASS] = "7"};
    struct kind_test *test = kind_test_new(14);
    struct catalog_object *function =
        kind_test_object(test, &kind_function, CLASS_PROCEDURE, 9, "s", "f");
    struct error err;

    (void)state;
    kind_test_show(test, function);
    assert_true(catalog_put_text(kind_test_catalog(test), "CREATE FUNCTION s.f();\n",
                                 &function->definition, &err));
    kind_test_row(test, &classes, plain);
    kind_test_row(test, &sortings, sorting);
    kind_test_row(test, &sortings, of_others);
    kind_test_step(test, &catalog_step_operator_class);
    kind_test_expect(test, "== OPERATOR CLASS s c alice pre-data\n"
                           "CREATE OPERATOR CLASS s.c\n"
                           "    FOR TYPE s.t USING btree FAMILY s.c AS\n"
                           "    STORAGE s.t;\n"
                           "-- DROP OPERATOR CLASS s.c USING btree;\n"
                           "== FUNCTION s f o pre-data\n"
                           "CREATE FUNCTION s.f();\n"
                           "-- DROP FUNCTION s.f;\n"
                           "-- needs c\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_class_lists_what_it_stores_and_its_members),
        cmocka_unit_test(one_without_members_stores_something_at_least),
        cmocka_unit_test(its_members_stand_for_it),
        cmocka_unit_test(a_body_that_sorts_by_a_class_comes_behind_it),
        cmocka_unit_test(a_member_whose_operator_is_gone_is_a_failure),
        cmocka_unit_test(one_of_an_extension_is_made_by_that),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
