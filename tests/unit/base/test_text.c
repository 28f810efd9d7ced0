/* Texts that may not be there. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void none_is_the_same_as_none_alone(void **state)
{
    char copy[] = "a";

    (void)state;
    assert_true(text_same(NULL, NULL));
    assert_false(text_same(NULL, ""));
    assert_false(text_same("", NULL));
    assert_true(text_same("a", copy));
    assert_false(text_same("a", "b"));
}

static void the_nearest_is_what_was_meant(void **state)
{
    static const char *const names[] = {"tables", "triggers", "to"};

    (void)state;
    assert_string_equal(text_nearest("tabels", names, 3), "tables");
    assert_null(text_nearest("elephant", names, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_the_same_as_none_alone),
        cmocka_unit_test(the_nearest_is_what_was_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
