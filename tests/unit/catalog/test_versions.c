#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/versions.h"

#include <string.h>

static const struct version_difference own[] = {
    {"column", 0, "''"},
    {"column", 14, "a.column"},
    {"condition", 0, "false"},
    {"condition", 18, "c = 'n' AND d <> 0"},
    {0},
};

static void expect(const char *query, int major, const char *expected)
{
    struct buffer out = {0};
    struct error err;

    assert_true(versions_expand(query, own, major, &out, &err));
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void the_last_difference_that_is_not_too_new_counts(void **state)
{
    (void)state;
    for (int major = 13; major <= 18; major++) {
        expect("SELECT {column}", major, major < 14 ? "SELECT ''" : "SELECT a.column");
        expect("({condition})", major, major < 18 ? "(false)" : "(c = 'n' AND d <> 0)");
        expect("{attstattarget}", major,
               major < 17 ? "NULLIF(a.attstattarget, -1)" : "a.attstattarget");
    }
}

static void other_braces_are_the_querys_own(void **state)
{
    (void)state;
    expect("'{}' '{0}' {A} { column} {", 15, "'{}' '{0}' {A} { column} {");
    expect("", 15, "");
}

static void an_unknown_name_is_an_error_that_tells_it(void **state)
{
    struct buffer out = {0};
    struct error err;

    (void)state;
    assert_false(versions_expand("SELECT {nothing_of_that_name}", NULL, 15, &out, &err));
    assert_non_null(strstr(err.message, "nothing_of_that_name"));
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_difference_that_is_not_too_new_counts),
        cmocka_unit_test(other_braces_are_the_querys_own),
        cmocka_unit_test(an_unknown_name_is_an_error_that_tells_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
