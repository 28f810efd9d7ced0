/* Arrays that grow. */
#include "base/array.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

static void items_stay_while_an_array_grows(void **state)
{
    uint32_t *items = NULL;
    size_t capacity = 0;
    struct error err;

    (void)state;
    for (uint32_t count = 0; count < 1000; count++) {
        if (count == capacity) {
            items = array_grow(items, &capacity, sizeof(*items), &err);
            assert_non_null(items);
            assert_true(capacity >= 2 * count);
        }
        items[count] = count;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(items[i], i);
    free(items);
}

static void more_than_there_can_be_is_refused_and_changes_nothing(void **state)
{
    size_t capacity = SIZE_MAX / 16;
    uint8_t item[8];
    struct error err;

    (void)state;
    assert_null(array_grow(item, &capacity, sizeof(item), &err));
    assert_int_equal(err.code, ERROR_MEMORY);
    assert_true(capacity == SIZE_MAX / 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_stay_while_an_array_grows),
        cmocka_unit_test(more_than_there_can_be_is_refused_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
