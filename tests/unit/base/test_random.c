#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_order_comes(void **state)
{
    bool seen[27] = {false};
    size_t orders = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        char items[][5] = {"a...", "b...", "c..."};
        size_t order = 0;
        struct error err;

        assert_true(random_shuffle(items, 3, sizeof(items[0]), &err));
        for (size_t k = 0; k < 3; k++) {
            order = order * 3 + (size_t)(items[k][0] - 'a');
            assert_string_equal(items[k] + 1, "...");
        }
        orders += !seen[order];
        seen[order] = true;
    }
    assert_int_equal(orders, 6);
}

static void what_has_one_order_stays(void **state)
{
    char item[] = "only";
    struct error err;

    (void)state;
    assert_true(random_shuffle(item, 1, sizeof(item), &err));
    assert_string_equal(item, "only");
    assert_true(random_shuffle(NULL, 0, 1, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_comes),
        cmocka_unit_test(what_has_one_order_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
