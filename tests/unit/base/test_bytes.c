#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"

static void integers_are_big_endian(void **state)
{
    uint8_t bytes[8];

    (void)state;
    bytes_put_u64(bytes, 0x0102030405060708ULL);
    for (uint8_t i = 0; i < 8; i++)
        assert_int_equal(bytes[i], i + 1);
    assert_int_equal(bytes_get_u16(bytes), 0x0102);
    assert_int_equal(bytes_get_u32(bytes), 0x01020304);
    assert_true(bytes_get_u64(bytes) == 0x0102030405060708ULL);
}

static void takers_go_forward_and_stop_at_the_end(void **state)
{
    static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    struct slice in = slice_make(data, sizeof(data));
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    (void)state;
    assert_true(bytes_take_u8(&in, &u8));
    assert_true(bytes_take_u16(&in, &u16));
    assert_true(bytes_take_u32(&in, &u32));
    assert_true(bytes_take_u64(&in, &u64));
    assert_int_equal(u8, 1);
    assert_int_equal(u16, 0x0203);
    assert_int_equal(u32, 0x04050607);
    assert_true(u64 == 0x08090a0b0c0d0e0fULL);
    assert_int_equal(in.len, 0);
    assert_false(bytes_take_u8(&in, &u8));
}

static void a_taker_that_lacks_bytes_takes_none(void **state)
{
    static const uint8_t data[7] = {0};
    struct slice in = slice_make(data, sizeof(data)), out;
    uint64_t u64;

    (void)state;
    assert_false(bytes_take_u64(&in, &u64));
    assert_false(bytes_take(&in, 8, &out));
    assert_int_equal(in.len, 7);
    assert_true(bytes_take(&in, 7, &out));
    assert_int_equal(out.len, 7);
}

static void a_string_needs_its_terminator(void **state)
{
    struct slice in = slice_make("abc\0def", 7);
    const char *text;

    (void)state;
    assert_true(bytes_take_string(&in, &text));
    assert_string_equal(text, "abc");
    assert_false(bytes_take_string(&in, &text));
    assert_int_equal(in.len, 3);
    in = slice_make(NULL, 0);
    assert_false(bytes_take_string(&in, &text));
}

static void hexadecimal_goes_both_ways(void **state)
{
    static const uint8_t data[] = {0x00, 0x7f, 0xff, 0xa5};
    char text[9];
    uint8_t back[4];

    (void)state;
    bytes_to_hex(data, 4, text);
    assert_string_equal(text, "007fffa5");
    assert_true(bytes_from_hex(slice_string("007FffA5"), back, 4));
    assert_memory_equal(back, data, 4);
}

static void what_is_not_hexadecimal_is_refused(void **state)
{
    static const char *const wrong[] = {"", "0", "00112", "001122g0", "0011223", "-0112233"};
    uint8_t back[4];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(bytes_from_hex(slice_string(wrong[i]), back, 4));
}

static void decimal_numbers_are_checked(void **state)
{
    static const char *const wrong[] = {
        "", "-1", "+1", " 1", "1 ", "1a", "0x1", "18446744073709551616", "99999999999999999999"};
    uint64_t value = 5;

    (void)state;
    assert_true(bytes_parse_u64(slice_string("0"), &value));
    assert_true(value == 0);
    assert_true(bytes_parse_u64(slice_string("18446744073709551615"), &value));
    assert_true(value == UINT64_MAX);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(bytes_parse_u64(slice_string(wrong[i]), &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_big_endian),
        cmocka_unit_test(takers_go_forward_and_stop_at_the_end),
        cmocka_unit_test(a_taker_that_lacks_bytes_takes_none),
        cmocka_unit_test(a_string_needs_its_terminator),
        cmocka_unit_test(hexadecimal_goes_both_ways),
        cmocka_unit_test(what_is_not_hexadecimal_is_refused),
        cmocka_unit_test(decimal_numbers_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
