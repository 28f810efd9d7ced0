/* Facts of a backup that was made to hurt: too many of them. */
#include "restore/tablespace_links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void more_than_a_thousand_tablespaces_are_refused(void **state)
{
    struct tablespace_set set;
    struct error err;

    (void)state;
    memset(&set, 0, sizeof(set));
    for (uint32_t i = 0; i < 1000; i++)
        assert_true(tablespace_set_in_place(&set, 16384 + i, &err));
    assert_true(tablespace_set_in_place(&set, 16384, &err));
    assert_false(tablespace_set_in_place(&set, 1, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    tablespace_set_reset(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_a_thousand_tablespaces_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
