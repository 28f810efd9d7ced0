#include "manifest/json_values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static size_t values_of(const char *text)
{
    return json_values_at_most(slice_string(text), 1000);
}

static void values_and_keys_count(void **state)
{
    (void)state;
    assert_int_equal(values_of(""), 0);
    assert_int_equal(values_of("1"), 1);
    assert_int_equal(values_of("[1, 2, 3]"), 4);
    assert_int_equal(values_of("{\"a\": [], \"b\": {}}"), 7);
}

static void what_stands_in_strings_does_not_count(void **state)
{
    (void)state;
    assert_int_equal(values_of("\",,,[[[{{{:::\""), 1);
    assert_int_equal(values_of("[\"\\\",,,\", \"\\\\\", 3]"), 4);
}

static void counting_stops_above_the_most(void **state)
{
    (void)state;
    assert_int_equal(json_values_at_most(slice_string("[1, 2, 3, 4, 5]"), 3), 4);
    assert_int_equal(json_values_at_most(slice_string("[1, 2]"), 3), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_keys_count),
        cmocka_unit_test(what_stands_in_strings_does_not_count),
        cmocka_unit_test(counting_stops_above_the_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
