#include "base/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void nothing_has_failed_at_first(void **state)
{
    struct failure failure = {.failed = false};
    struct error err;

    (void)state;
    error_set(&err, ERROR_USAGE, "as before");
    assert_true(failure_check(&failure, &err));
    assert_string_equal(err.message, "as before");
}

static void the_first_failure_is_given_from_then_on(void **state)
{
    struct failure failure = {.failed = false};
    struct error err;

    (void)state;
    error_set(&err, ERROR_SERVER, "the cause");
    error_hint(&err, "What mends it.");
    assert_false(failure_keep(&failure, &err));
    error_set(&err, ERROR_CANCELLED, "a consequence");
    assert_false(failure_keep(&failure, &err));
    for (int i = 0; i < 2; i++) {
        error_clear(&err);
        assert_false(failure_check(&failure, &err));
        assert_int_equal(err.code, ERROR_SERVER);
        assert_string_equal(err.message, "the cause");
        assert_string_equal(err.hint, "What mends it.");
    }
}

/* As when what was kept is given to a caller, who lets it be kept once more. */
static void what_is_kept_can_be_kept_again(void **state)
{
    struct failure failure = {.failed = false};

    (void)state;
    error_set(&failure.error, ERROR_SERVER, "the cause");
    assert_false(failure_keep(&failure, &failure.error));
    assert_false(failure_keep(&failure, &failure.error));
    assert_false(failure_check(&failure, &failure.error));
    assert_string_equal(failure.error.message, "the cause");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_failed_at_first),
        cmocka_unit_test(the_first_failure_is_given_from_then_on),
        cmocka_unit_test(what_is_kept_can_be_kept_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
