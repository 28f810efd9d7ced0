/* What an entry says, in a form in which two servers that mean the same say the same. */
#include "trial/trial_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct error err;

static struct archive_entry entry(const char *desc, const char *definition)
{
    return (struct archive_entry){.desc = desc, .tag = "t", .definition = definition};
}

static bool says_the_same(const char *desc, const char *one, const char *other)
{
    struct archive_entry first = entry(desc, one), second = entry(desc, other);
    struct buffer a = {0}, b = {0};
    bool same;

    assert_true(trial_append_definition(&a, &first, &err));
    assert_true(trial_append_definition(&b, &second, &err));
    same = a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
    buffer_free(&a);
    buffer_free(&b);
    return same;
}

static void test_columns_of_a_child_have_no_order(void **state)
{
    static const char one[] =
        "CREATE TABLE s.t (\n    a integer,\n    b text\n)\nINHERITS (s.p);\n";
    static const char other[] =
        "CREATE TABLE s.t (\n    b text,\n    a integer\n)\nINHERITS (s.p);\n";
    static const char third[] =
        "CREATE TABLE s.t (\n    b text,\n    a bigint\n)\nINHERITS (s.p);\n";

    (void)state;
    assert_true(says_the_same("TABLE", one, other));
    assert_false(says_the_same("TABLE", one, third));
    assert_false(says_the_same("VIEW", one, other));
}

static void test_columns_of_any_other_table_have_one(void **state)
{
    (void)state;
    assert_false(says_the_same("TABLE", "CREATE TABLE s.t (\n    a integer,\n    b text\n);\n",
                               "CREATE TABLE s.t (\n    b text,\n    a integer\n);\n"));
}

static void test_no_definition_is_the_same_as_none(void **state)
{
    (void)state;
    assert_true(says_the_same("ACL", NULL, NULL));
    assert_false(says_the_same("ACL", NULL, "GRANT ALL ON TABLE s.t TO a;\n"));
}

static void test_sql_that_is_printed_is_known(void **state)
{
    static const struct {
        const char *desc, *definition;
        bool printed;
    } cases[] = {
        {"VIEW", "CREATE VIEW v AS SELECT 1;\n", true},
        {"MATERIALIZED VIEW", "CREATE MATERIALIZED VIEW v AS SELECT 1;\n", true},
        {"RULE", "CREATE RULE r AS ON INSERT TO t DO NOTHING;\n", true},
        {"FUNCTION", "CREATE FUNCTION f()\n    BEGIN ATOMIC\n SELECT 1;\nEND;\n", true},
        {"PROCEDURE", "CREATE PROCEDURE f()\n    AS $$ SELECT 1 $$;\n", false},
        {"TABLE", "CREATE TABLE t ();\n", false},
        {"ACL", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct archive_entry made = entry(cases[i].desc, cases[i].definition);

        assert_int_equal(trial_is_printed(&made), cases[i].printed);
    }
}

static void test_names_and_versions(void **state)
{
    const struct archive_entry made = {.desc = "TABLE", .schema = "s", .tag = "a b"};
    const struct archive_entry schema = {.desc = "SCHEMA", .tag = "s"};
    char name[TRIAL_OBJECT_SIZE];

    (void)state;
    trial_object_name(&made, name);
    assert_string_equal(name, "TABLE s.a b");
    trial_object_name(&schema, name);
    assert_string_equal(name, "SCHEMA s");
    assert_int_equal(trial_major("15.18 (Debian 15.18-0+deb12u1)"), 15);
    assert_int_equal(trial_major("9.6.24"), 9);
    assert_int_equal(trial_major("pgcask 1.0"), 0);
    assert_int_equal(trial_major(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_of_a_child_have_no_order),
        cmocka_unit_test(test_columns_of_any_other_table_have_one),
        cmocka_unit_test(test_no_definition_is_the_same_as_none),
        cmocka_unit_test(test_sql_that_is_printed_is_known),
        cmocka_unit_test(test_names_and_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
