#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buffer.h"

static void an_empty_buffer_is_an_empty_text(void **state)
{
    struct buffer buffer = {0};

    (void)state;
    assert_string_equal(buffer_text(&buffer), "");
    buffer_clear(&buffer);
    buffer_consume(&buffer, 0);
    buffer_free(&buffer);
    buffer_free_secret(&buffer);
}

static void content_is_always_terminated(void **state)
{
    struct buffer buffer = {0};
    struct error err;

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        assert_true(buffer_append_byte(&buffer, 'x', &err));
        assert_int_equal(buffer.len, i + 1);
        assert_int_equal(buffer.data[buffer.len], '\0');
    }
    buffer_clear(&buffer);
    assert_string_equal(buffer_text(&buffer), "");
    assert_true(buffer_append_string(&buffer, "again", &err));
    assert_string_equal(buffer_text(&buffer), "again");
    buffer_free(&buffer);
}

static void printf_appends(void **state)
{
    struct buffer buffer = {0};
    struct error err;

    (void)state;
    assert_true(buffer_append_string(&buffer, "a=", &err));
    assert_true(buffer_printf(&buffer, &err, "%0200d", 7));
    assert_int_equal(buffer.len, 202);
    assert_int_equal(buffer.data[201], '7');
    buffer_free(&buffer);
}

static void integers_go_in_big_endian(void **state)
{
    static const uint8_t expected[] = {1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8};
    struct buffer buffer = {0};
    struct error err;

    (void)state;
    assert_true(buffer_append_u16(&buffer, 0x0102, &err));
    assert_true(buffer_append_u32(&buffer, 0x01020304, &err));
    assert_true(buffer_append_u64(&buffer, 0x0102030405060708ULL, &err));
    assert_int_equal(buffer.len, sizeof(expected));
    assert_memory_equal(buffer.data, expected, sizeof(expected));
    buffer_free(&buffer);
}

static void consuming_keeps_the_rest(void **state)
{
    struct buffer buffer = {0};
    struct error err;

    (void)state;
    assert_true(buffer_append_string(&buffer, "headtail", &err));
    buffer_consume(&buffer, 4);
    assert_string_equal(buffer_text(&buffer), "tail");
    buffer_consume(&buffer, 4);
    assert_string_equal(buffer_text(&buffer), "");
    buffer_free(&buffer);
}

static void an_impossible_size_is_an_error(void **state)
{
    struct buffer buffer = {0};
    struct error err;

    (void)state;
    assert_false(buffer_reserve(&buffer, SIZE_MAX, &err));
    assert_int_equal(err.code, ERROR_MEMORY);
    assert_false(buffer_reserve(&buffer, SIZE_MAX / 2, &err));
    buffer_free(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_text),
        cmocka_unit_test(content_is_always_terminated),
        cmocka_unit_test(printf_appends),
        cmocka_unit_test(integers_go_in_big_endian),
        cmocka_unit_test(consuming_keeps_the_rest),
        cmocka_unit_test(an_impossible_size_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
