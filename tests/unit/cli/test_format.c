#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/format.h"

#include <string.h>

static void sizes_have_three_digits_and_a_unit(void **state)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {102399, "99.9 KiB"},
        {102400, "100 KiB"},
        {1048575, "1023 KiB"},
        {1048576, "1.0 MiB"},
        {5368709120ULL, "5.0 GiB"},
        {UINT64_MAX, "15.9 EiB"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[FORMAT_SIZE];

        format_size(cases[i].bytes, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void durations_have_two_units(void **state)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } cases[] = {
        {0, "0s"},       {59, "59s"},       {60, "1m00s"},    {3599, "59m59s"},
        {3720, "1h02m"}, {86399, "23h59m"}, {97200, "1d03h"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[FORMAT_SIZE];

        format_duration(cases[i].seconds, text);
        assert_string_equal(text, cases[i].text);
    }
}

static void check_escape(const char *text, size_t len, enum format_escape what,
                         const char *expected)
{
    struct buffer out = {0};
    struct error err;

    assert_true(format_escape(&out, slice_make(text, len), what, &err));
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void control_characters_do_not_reach_a_terminal(void **state)
{
    (void)state;
    check_escape("a\033[2Jb\r\x7f\tc\n", 11, FORMAT_FOR_TERMINAL, "a\\x1b[2Jb\\x0d\\x7f\\x09c\n");
    check_escape("\0", 1, FORMAT_FOR_TERMINAL, "\\x00");
    check_escape("\xc2\x9b", 2, FORMAT_FOR_TERMINAL, "\\xc2\\x9b");          /* CSI */
    check_escape("\xe2\x80\xae", 3, FORMAT_FOR_TERMINAL, "\\xe2\\x80\\xae"); /* turns text */
    check_escape("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, FORMAT_FOR_TERMINAL,
                 "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

static void bytes_that_are_no_utf8_are_escaped(void **state)
{
    static const struct {
        const char *text;
        const char *expected;
    } cases[] = {
        {"\xe9", "\\xe9"},
        {"\xc3", "\\xc3"},
        {"\xc0\xaf", "\\xc0\\xaf"},                   /* overlong */
        {"\xe0\x80\x80", "\\xe0\\x80\\x80"},          /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* a surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond the last */
        {"\xe2\x82z", "\\xe2\\x82z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_escape(cases[i].text, strlen(cases[i].text), FORMAT_FOR_JSON, cases[i].expected);
        check_escape(cases[i].text, strlen(cases[i].text), FORMAT_FOR_TERMINAL, cases[i].expected);
    }
    check_escape("a\033\n", 3, FORMAT_FOR_JSON, "a\033\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_have_three_digits_and_a_unit),
        cmocka_unit_test(durations_have_two_units),
        cmocka_unit_test(control_characters_do_not_reach_a_terminal),
        cmocka_unit_test(bytes_that_are_no_utf8_are_escaped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
