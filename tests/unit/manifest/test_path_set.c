#include "manifest/path_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void many_paths_are_all_found_and_no_other(void **state)
{
    struct error err;
    struct path_set *set = path_set_new(&err);
    char path[32];

    (void)state;
    assert_non_null(set);
    assert_false(path_set_has(set, slice_string("/data")));
    for (unsigned i = 0; i < 20000; i += 2) {
        snprintf(path, sizeof(path), "/data/%u", i);
        assert_true(path_set_add(set, slice_string(path), &err));
        assert_true(path_set_add(set, slice_string(path), &err));
    }
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(path, sizeof(path), "/data/%u", i);
        assert_int_equal(path_set_has(set, slice_string(path)), i % 2 == 0);
    }
    path_set_free(set);
}

static void the_empty_path_is_one_too(void **state)
{
    struct error err;
    struct path_set *set = path_set_new(&err);

    (void)state;
    assert_false(path_set_has(set, slice_string("")));
    assert_true(path_set_add(set, slice_string(""), &err));
    assert_true(path_set_has(set, slice_string("")));
    path_set_free(set);
    path_set_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_paths_are_all_found_and_no_other),
        cmocka_unit_test(the_empty_path_is_one_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
