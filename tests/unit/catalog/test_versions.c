#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/versions.h"

#include <string.h>

static void expect(const char *query, int major, const char *expected)
{
    struct buffer out = {0};
    struct error err;

    assert_true(versions_expand(query, major, &out, &err));
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void the_last_difference_that_is_not_too_new_counts(void **state)
{
    (void)state;
    for (int major = 13; major <= 18; major++) {
        expect("SELECT {attcompression}", major,
               major < 14 ? "SELECT ''" : "SELECT a.attcompression");
        expect("({table_not_null})", major,
               major < 18 ? "(false)" : "(co.contype = 'n' AND co.conrelid <> 0)");
    }
}

static void other_braces_are_the_querys_own(void **state)
{
    (void)state;
    expect("'{}' '{0}' {A} { attcompression} {", 15, "'{}' '{0}' {A} { attcompression} {");
    expect("", 15, "");
}

static void an_unknown_name_is_an_error_that_tells_it(void **state)
{
    struct buffer out = {0};
    struct error err;

    (void)state;
    assert_false(versions_expand("SELECT {nothing_of_that_name}", 15, &out, &err));
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
