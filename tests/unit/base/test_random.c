#include "base/random.h"

#include <ctype.h>
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

static void a_word_is_letters_and_digits_and_another_each_time(void **state)
{
    char words[2][64];
    struct error err;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_true(random_word(words[i], sizeof(words[i]), &err));
        assert_int_equal(strlen(words[i]), 63);
        for (const char *at = words[i]; *at != '\0'; at++)
            assert_true(isalnum((unsigned char)*at));
    }
    assert_string_not_equal(words[0], words[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_comes),
        cmocka_unit_test(what_has_one_order_stays),
        cmocka_unit_test(a_word_is_letters_and_digits_and_another_each_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
