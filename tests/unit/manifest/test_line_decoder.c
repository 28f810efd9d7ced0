#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "manifest/line_decoder.h"

static const char text[] = "one\n\nthird line\nrest";

static void lines_come_wherever_the_pieces_are_cut(void **state)
{
    static const char *const expected[] = {"one\n", "\n", "third line\n"};

    (void)state;
    for (size_t piece = 1; piece <= sizeof(text); piece++) {
        struct line_decoder lines = {.file = "text"};
        struct slice rest = slice_string(text), line;
        struct error err;
        size_t count = 0;

        while (rest.len > 0) {
            struct slice data = slice_take(&rest, rest.len < piece ? rest.len : piece);

            while (data.len > 0) {
                if (line_decoder_next(&lines, &data, &line, &err) != LINE_WHOLE)
                    continue;
                assert_true(count < 3);
                assert_true(line_is(line, expected[count++]));
                assert_int_equal(lines.number, count);
                assert_int_equal(line_decoder_is_inside(&lines), false);
            }
        }
        assert_int_equal(count, 3);
        assert_true(line_decoder_is_inside(&lines));
        line_decoder_reset(&lines);
    }
}

static void a_line_without_end_is_refused(void **state)
{
    static uint8_t filler[LINE_MAX_BYTES];
    struct line_decoder lines = {.file = "text"};
    struct slice data = slice_string("first\n"), line;
    struct error err;

    (void)state;
    memset(filler, 'x', sizeof(filler));
    assert_int_equal(line_decoder_next(&lines, &data, &line, &err), LINE_WHOLE);
    data = slice_make(filler, sizeof(filler));
    assert_int_equal(line_decoder_next(&lines, &data, &line, &err), LINE_NEEDS_MORE);
    data = slice_string("y");
    assert_int_equal(line_decoder_next(&lines, &data, &line, &err), LINE_FAILED);
    assert_int_equal(err.code, ERROR_CORRUPT);
    assert_string_equal(err.message, "text line 1: the line is too long");
    line_decoder_reset(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_wherever_the_pieces_are_cut),
        cmocka_unit_test(a_line_without_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
