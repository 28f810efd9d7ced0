#include "kind_test.h"

#include "catalog/security_labels.c"

static const struct catalog_kind kind_function_of_test = {
    .desc = "FUNCTION", .section = SECTION_PRE_DATA, .priority = PRIORITY_FUNCTION};
static const struct catalog_kind kind_type_of_test = {
    .desc = "TYPE", .section = SECTION_PRE_DATA, .priority = PRIORITY_TYPE};
static const struct catalog_kind kind_extension_of_test = {
    .desc = "EXTENSION", .section = SECTION_PRE_DATA, .priority = PRIORITY_EXTENSION};

static const char *const of_table[COLUMNS] = {
    [CLASS] = "1259", [OID] = "10", [PROVIDER] = "P", [LABEL] = "it's"};
static const char *const of_column[COLUMNS] = {
    [CLASS] = "1259", [OID] = "10", [COLUMN] = "C c", [PROVIDER] = "p", [LABEL] = "x"};
static const char *const of_function[COLUMNS] = {
    [CLASS] = "1255", [OID] = "20", [PROVIDER] = "p", [LABEL] = "y"};
static const char *const of_nothing[COLUMNS] = {
    [CLASS] = "1255", [OID] = "99", [PROVIDER] = "p", [LABEL] = "z"};
static const char *const of_type[COLUMNS] = {
    [CLASS] = "1247", [OID] = "30", [PROVIDER] = "p", [LABEL] = "t"};
static const char *const of_extension[COLUMNS] = {
    [CLASS] = "3079", [OID] = "40", [PROVIDER] = "p", [LABEL] = "e"};

static void an_object_and_its_columns_have_one_entry(void **state)
{
    struct kind_test *test = kind_test_new(18);
    struct error err;

    (void)state;
    kind_test_relation(test, 10, 'm', "s", "My t");
    assert_true(catalog_set_identity(
        kind_test_catalog(test),
        kind_test_object(test, &kind_function_of_test, CLASS_PROCEDURE, 20, "s", "f"),
        "f(a integer)", &err));
    kind_test_row(test, &labels, of_nothing);
    kind_test_row(test, &labels, of_function);
    kind_test_row(test, &labels, of_table);
    kind_test_row(test, &labels, of_column);
    kind_test_step(test, &catalog_step_security_labels);
    kind_test_expect(test, "== SECURITY LABEL s FUNCTION f(a integer) o none\n"
                           "SECURITY LABEL FOR p ON FUNCTION s.f(a integer) IS 'y';\n"
                           "-- needs f\n"
                           "== SECURITY LABEL s MATERIALIZED VIEW \"My t\" o none\n"
                           "SECURITY LABEL FOR \"P\" ON MATERIALIZED VIEW s.\"My t\" IS 'it''s';\n"
                           "SECURITY LABEL FOR p ON COLUMN s.\"My t\".\"C c\" IS 'x';\n"
                           "-- needs My t\n");
}

static void columns_of_a_composite_type_are_its_own(void **state)
{
    struct kind_test *test = kind_test_new(18);
    struct catalog_object *type =
        kind_test_object(test, &kind_type_of_test, CLASS_TYPE, 30, "s", "c");
    struct error err;

    (void)state;
    assert_true(catalog_alias(kind_test_catalog(test), CLASS_RELATION, 10, type, &err));
    kind_test_row(test, &labels, of_type);
    kind_test_row(test, &labels, of_column);
    kind_test_step(test, &catalog_step_security_labels);
    kind_test_expect(test, "== SECURITY LABEL s TYPE c o none\n"
                           "SECURITY LABEL FOR p ON TYPE s.c IS 't';\n"
                           "-- needs c\n"
                           "== SECURITY LABEL s TYPE c o none\n"
                           "SECURITY LABEL FOR p ON COLUMN s.c.\"C c\" IS 'x';\n"
                           "-- needs c\n");
}

static void what_an_extension_made_has_none(void **state)
{
    struct kind_test *test = kind_test_new(18);
    struct catalog_object *extension =
        kind_test_object(test, &kind_extension_of_test, CLASS_EXTENSION, 40, NULL, "e");
    struct error err;

    (void)state;
    assert_true(catalog_alias(kind_test_catalog(test), CLASS_RELATION, 10, extension, &err) &&
                catalog_alias(kind_test_catalog(test), CLASS_PROCEDURE, 20, extension, &err));
    kind_test_row(test, &labels, of_function);
    kind_test_row(test, &labels, of_table);
    kind_test_row(test, &labels, of_column);
    kind_test_row(test, &labels, of_extension);
    kind_test_step(test, &catalog_step_security_labels);
    kind_test_expect(test, "== SECURITY LABEL - EXTENSION e o none\n"
                           "SECURITY LABEL FOR p ON EXTENSION e IS 'e';\n"
                           "-- needs e\n");
}

static void one_without_a_provider_is_a_failure(void **state)
{
    static const char *const row[COLUMNS] = {[CLASS] = "1259", [OID] = "10", [LABEL] = "x"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_relation(test, 10, 'r', "s", "t");
    kind_test_row(test, &labels, row);
    kind_test_fails(test, &catalog_step_security_labels, "column 3 has no value");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_object_and_its_columns_have_one_entry),
        cmocka_unit_test(columns_of_a_composite_type_are_its_own),
        cmocka_unit_test(what_an_extension_made_has_none),
        cmocka_unit_test(one_without_a_provider_is_a_failure),
    };

    return cmocka_run_group_tests_name("security labels", tests, NULL, NULL);
}
