#include "support/session.h"

#include "wire/auth_scram_internal.h"

#include <stdio.h>
#include <string.h>

static void assert_prepared(const char *password, const char *expected)
{
    struct buffer out = {0};
    struct error err;

    assert_true(scram_prepare_password(slice_string(password), &out, &err));
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(out.data, expected, out.len);
    buffer_free(&out);
}

static void assert_taken_as_it_is(const char *password)
{
    assert_prepared(password, password);
}

/* The examples of RFC 4013, section 3. */
static void the_examples_of_rfc_4013_come_out(void **state)
{
    (void)state;
    assert_prepared("I\xc2\xadX", "IX"); /* soft hyphen */
    assert_prepared("user", "user");
    assert_prepared("USER", "USER");
    assert_prepared("\xc2\xaa", "a");      /* feminine ordinal */
    assert_prepared("\xe2\x85\xa8", "IX"); /* Roman numeral nine */
    assert_taken_as_it_is("\x07");         /* prohibited */
    assert_taken_as_it_is("\xd8\xa7\x31"); /* Arabic that ends with a digit */
    assert_prepared("\xd8\xa7\x31\xd8\xa8", "\xd8\xa7\x31\xd8\xa8"); /* one inside is fine */
}

static void blanks_become_spaces_and_what_is_nothing_vanishes(void **state)
{
    (void)state;
    assert_prepared("a\xc2\xa0"
                    "b",
                    "a b"); /* no-break space */
    assert_prepared("a\xe3\x80\x80"
                    "b",
                    "a b"); /* ideographic space */
    assert_prepared("a\xe2\x80\x8b"
                    "b",
                    "a b"); /* zero width space is a space here */
    assert_prepared("a\xe2\x80\x8d"
                    "b",
                    "ab"); /* zero width joiner */
    assert_prepared("\xef\xbb\xbf"
                    "ab",
                    "ab");             /* byte order mark */
    assert_taken_as_it_is("\xc2\xad"); /* nothing would be left */
}

static void text_is_normalised_by_nfkc(void **state)
{
    (void)state;
    assert_prepared("\xef\xac\x81sh", "fish");                    /* ligature */
    assert_prepared("\xef\xbc\xb0\xef\xbd\x97", "Pw");            /* full-width letters */
    assert_prepared("gru\xcc\x88\xc3\x9f", "gr\xc3\xbc\xc3\x9f"); /* u and a diaeresis */
    assert_prepared("\xe1\x84\x80\xe1\x85\xa1", "\xea\xb0\x80");  /* Hangul syllable */
    assert_taken_as_it_is("a\xcd\x80"); /* U+0340 is prohibited before NFKC mends it */
    assert_prepared("q\xcc\x87\xcc\xa3", "q\xcc\xa3\xcc\x87"); /* marks in their order */
    assert_taken_as_it_is("gr\xc3\xbc\xc3\x9f");
}

static void a_password_in_two_directions_is_taken_as_it_is(void **state)
{
    (void)state;
    assert_taken_as_it_is("\xd7\x90"
                          "a");
    assert_taken_as_it_is("\xd7\x90"
                          "a\xd7\x91");
    assert_taken_as_it_is("a\xc2\xa0\xd7\x90"); /* not even mapped */
    assert_prepared("\xd7\x90\xc2\xa0\xd7\x91", "\xd7\x90 \xd7\x91");
    /* U+2135, Alef for mathematicians, is from left to right; what NFKC makes of it is not. */
    assert_taken_as_it_is("\xe2\x84\xb5\xd7\x90");
    /* Braille had no direction in Unicode 3.2. */
    assert_prepared("\xd7\x90\xe2\xa0\x81\xc2\xa0\xd7\x91", "\xd7\x90\xe2\xa0\x81 \xd7\x91");
}

static void code_points_that_unicode_3_2_did_not_have_are_not_touched(void **state)
{
    (void)state;
    assert_taken_as_it_is("\xf0\x9f\x94\x91");             /* an emoji */
    assert_taken_as_it_is("\xef\xac\x81\xf0\x9f\x94\x91"); /* the ligature beside it neither */
    assert_taken_as_it_is("\xe3\x8b\xbf");     /* U+32FF, though NFKC makes something old of it */
    assert_taken_as_it_is("\xc8\xa1\xc2\xa0"); /* U+0221, the table's first */
    assert_taken_as_it_is("\xcc\x80\xcd\x90"); /* U+0350 */
    assert_prepared("\xf0\x9d\x90\x80", "A");  /* U+1D400 it had */
}

static void what_is_not_utf_8_is_taken_as_it_is(void **state)
{
    (void)state;
    assert_taken_as_it_is("\xff\xfe");
    assert_taken_as_it_is("a\xc2\xa0\xc3"); /* cut short */
    assert_taken_as_it_is("\xc0\xaf");      /* overlong */
    assert_taken_as_it_is("\xe0\x80\xaf");
    assert_taken_as_it_is("\xed\xa0\x80");     /* a surrogate */
    assert_taken_as_it_is("\xf4\x90\x80\x80"); /* beyond Unicode */
    assert_taken_as_it_is("gr\xfc\xdf");       /* Latin-1 */
}

static void prohibited_code_points_leave_the_password_as_it_is(void **state)
{
    const char *const prohibited[] = {
        "\x07",
        "\x7f",
        "\xc2\x85",
        "\xdb\x9d",
        "\xe2\x80\x8e",
        "\xe2\x80\xa8",
        "\xe2\x81\xa1",
        "\xe2\xbf\xb0",
        "\xee\x80\x80",
        "\xef\xb7\x90",
        "\xef\xbf\xbd",
        "\xef\xbf\xbf",
        "\xf0\x9d\x85\xb3",
        "\xf3\xa0\x80\x81",
        "\xf3\xb0\x80\x80",
        "\xf4\x8f\xbf\xbf",
    };
    char password[16];

    (void)state;
    for (size_t i = 0; i < sizeof(prohibited) / sizeof(prohibited[0]); i++) {
        snprintf(password, sizeof(password), "\xef\xac\x81%s", prohibited[i]);
        assert_taken_as_it_is(password);
    }
}

static void a_long_password_is_prepared_whole(void **state)
{
    struct buffer password = {0}, out = {0};
    struct error err;

    (void)state;
    for (int i = 0; i < 20000; i++)
        assert_true(buffer_append_string(&password, "\xef\xb7\xba", &err)); /* becomes 18 letters */
    assert_true(scram_prepare_password(buffer_slice(&password), &out, &err));
    assert_int_equal(out.len, 20000 * 33);
    buffer_free(&password);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_rfc_4013_come_out),
        cmocka_unit_test(blanks_become_spaces_and_what_is_nothing_vanishes),
        cmocka_unit_test(text_is_normalised_by_nfkc),
        cmocka_unit_test(a_password_in_two_directions_is_taken_as_it_is),
        cmocka_unit_test(code_points_that_unicode_3_2_did_not_have_are_not_touched),
        cmocka_unit_test(what_is_not_utf_8_is_taken_as_it_is),
        cmocka_unit_test(prohibited_code_points_leave_the_password_as_it_is),
        cmocka_unit_test(a_long_password_is_prepared_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
