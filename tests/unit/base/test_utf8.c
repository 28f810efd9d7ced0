#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/utf8.h"

#include <jansson.h>

static void assert_escaped(const char *input, size_t len, enum utf8_context context,
                           bool ascii_only, const char *expected, bool expected_escaped)
{
    struct buffer out = {0};
    struct error err;
    bool escaped = false;
    assert_true(
        utf8_append_escaped(&out, slice_make(input, len), context, ascii_only, &escaped, &err));
    assert_string_equal(buffer_text(&out), expected);
    assert_int_equal(escaped, expected_escaped);
    assert_int_equal(utf8_is_clean(slice_make(input, len), ascii_only), !expected_escaped);
    buffer_free(&out);
}

#define ASSERT_KEPT(text) assert_escaped(text, sizeof text - 1, UTF8_IN_TEXT, false, text, false)
#define ASSERT_ESCAPED(text, expected)                                                             \
    assert_escaped(text, sizeof text - 1, UTF8_IN_TEXT, false, expected, true)

static void well_formed_utf8_is_kept(void **state)
{
    (void)state;
    ASSERT_KEPT("");
    ASSERT_KEPT("plain \\ \"text\"\n");
    ASSERT_KEPT("\xc2\x80 \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf");
    ASSERT_KEPT("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf");
}

static void bytes_that_are_no_utf8_are_escaped_one_by_one(void **state)
{
    (void)state;
    ASSERT_ESCAPED("caf\xe9", "caf\\xe9");
    ASSERT_ESCAPED("\x80\xbf", "\\x80\\xbf");
    ASSERT_ESCAPED("\xff\xc3\xa9\xfe", "\\xff\xc3\xa9\\xfe");
}

static void overlong_forms_surrogates_and_too_large_values_are_escaped(void **state)
{
    (void)state;
    ASSERT_ESCAPED("\xc0\xaf", "\\xc0\\xaf");
    ASSERT_ESCAPED("\xc1\xbf", "\\xc1\\xbf");
    ASSERT_ESCAPED("\xe0\x9f\xbf", "\\xe0\\x9f\\xbf");
    ASSERT_ESCAPED("\xed\xa0\x80", "\\xed\\xa0\\x80");
    ASSERT_ESCAPED("\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf");
    ASSERT_ESCAPED("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
    ASSERT_ESCAPED("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80");
}

static void a_sequence_cut_off_is_escaped(void **state)
{
    (void)state;
    ASSERT_ESCAPED("\xc3", "\\xc3");
    ASSERT_ESCAPED("\xe2\x82", "\\xe2\\x82");
    ASSERT_ESCAPED("\xf0\x9f\x98", "\\xf0\\x9f\\x98");
    ASSERT_ESCAPED("\xe2\x82z", "\\xe2\\x82z");
    ASSERT_ESCAPED("\xf0\x9f\x98\xc3\xa9", "\\xf0\\x9f\\x98\xc3\xa9");
}

static void in_json_the_backslash_of_an_escape_is_doubled(void **state)
{
    (void)state;
    assert_escaped("{\"a\":\"\xe9\"}", 9, UTF8_IN_JSON, false, "{\"a\":\"\\\\xe9\"}", true);
}

static void ascii_only_escapes_well_formed_utf8_too(void **state)
{
    (void)state;
    assert_escaped("a\xc3\xa9", 3, UTF8_IN_TEXT, true, "a\\xc3\\xa9", true);
    assert_escaped("abc", 3, UTF8_IN_TEXT, true, "abc", false);
}

static void jansson_takes_whatever_is_left(void **state)
{
    (void)state;
    /* Every pair of bytes with a third that may or may not complete a sequence. */
    struct error err;
    for (unsigned value = 0; value < 0x10000; value++) {
        uint8_t input[] = {(uint8_t)(value >> 8), (uint8_t)value, 0x80};
        if (input[0] == 0 || input[1] == 0)
            continue;
        struct buffer out = {0};
        bool escaped = false;
        assert_true(utf8_append_escaped(&out, slice_make(input, sizeof input), UTF8_IN_TEXT, false,
                                        &escaped, &err));
        json_t *json = json_stringn(buffer_text(&out), out.len); /* checks */
        assert_non_null(json);
        json_decref(json);
        buffer_free(&out);
    }
}

static void any_c_string_becomes_a_json_string(void **state)
{
    (void)state;
    json_t *clean = utf8_to_json("h\xc3\xb6st");
    json_t *dirty = utf8_to_json("h\xf6st");
    assert_string_equal(json_string_value(clean), "h\xc3\xb6st");
    assert_string_equal(json_string_value(dirty), "h\\xf6st");
    json_decref(clean);
    json_decref(dirty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_utf8_is_kept),
        cmocka_unit_test(bytes_that_are_no_utf8_are_escaped_one_by_one),
        cmocka_unit_test(overlong_forms_surrogates_and_too_large_values_are_escaped),
        cmocka_unit_test(a_sequence_cut_off_is_escaped),
        cmocka_unit_test(in_json_the_backslash_of_an_escape_is_doubled),
        cmocka_unit_test(ascii_only_escapes_well_formed_utf8_too),
        cmocka_unit_test(jansson_takes_whatever_is_left),
        cmocka_unit_test(any_c_string_becomes_a_json_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
