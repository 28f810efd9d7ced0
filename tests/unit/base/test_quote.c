#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/quote.h"

#include <string.h>

static void a_name_is_quoted_for_sql(void **state)
{
    char out[QUOTE_NAME_SIZE];

    (void)state;
    assert_string_equal(quote_identifier("backup", out, sizeof(out)), "\"backup\"");
    assert_string_equal(quote_identifier("My \"Role\"", out, sizeof(out)), "\"My \"\"Role\"\"\"");
}

static void a_path_is_quoted_for_a_shell_where_it_must_be(void **state)
{
    char out[64];

    (void)state;
    assert_string_equal(quote_shell("/srv/a-b_c.tar", out, sizeof(out)), "/srv/a-b_c.tar");
    assert_string_equal(quote_shell("/my backups", out, sizeof(out)), "'/my backups'");
    assert_string_equal(quote_shell("it's", out, sizeof(out)), "'it'\\''s'");
    assert_string_equal(quote_shell("", out, sizeof(out)), "''");
    assert_string_equal(quote_shell("$HOME", out, sizeof(out)), "'$HOME'");
}

/* A line that is indented, or a terminal that acts on it, would make another name of it. */
static void control_characters_are_written_in_ascii(void **state)
{
    char out[QUOTE_NAME_SIZE], longest[64];

    (void)state;
    assert_string_equal(quote_identifier("n\nAl", out, sizeof(out)), "U&\"n\\000AAl\"");
    assert_string_equal(quote_identifier("a\\\"\t\x7f", out, sizeof(out)),
                        "U&\"a\\\\\"\"\\0009\\007F\"");
    assert_string_equal(quote_shell("/my\nit's\\", out, sizeof(out)), "$'/my\\nit\\'s\\\\'");
    assert_string_equal(quote_shell("\033[1", out, sizeof(out)), "$'\\033[1'");
    memset(longest, '\n', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    quote_identifier(longest, out, sizeof(out));
    assert_int_equal(strlen(out), 63 * 5 + 4);
}

/* Whatever is cut off, the text ends with its quote, and a doubled quote is not cut in two. */
static void what_does_not_fit_is_cut_inside_the_quotes(void **state)
{
    char out[12];

    (void)state;
    for (size_t size = 3; size <= sizeof(out); size++) {
        size_t quotes = 0;

        quote_identifier("\"\"\"\"\"\"\"\"", out, size);
        assert_true(strlen(out) < size);
        for (const char *at = out; *at != '\0'; at++)
            quotes += *at == '"';
        assert_int_equal(quotes % 2, 0);
    }
}

/* rm -r of a part of a path would be of another folder. */
static void a_word_of_a_shell_is_never_cut(void **state)
{
    static const char *const words[] = {"/srv/backups/of/monday/and/of/tuesday",
                                        "/srv/my backups/of/monday/and/tuesday",
                                        "/srv/my\nbackups/of/monday/and/tuesday"};
    char out[64], whole[64];

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        quote_shell(words[i], whole, sizeof(whole));
        for (size_t size = sizeof(QUOTE_TOO_LONG); size < sizeof(out); size++) {
            quote_shell(words[i], out, size);
            assert_string_equal(out, size > strlen(whole) ? whole : QUOTE_TOO_LONG);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_quoted_for_sql),
        cmocka_unit_test(a_path_is_quoted_for_a_shell_where_it_must_be),
        cmocka_unit_test(control_characters_are_written_in_ascii),
        cmocka_unit_test(what_does_not_fit_is_cut_inside_the_quotes),
        cmocka_unit_test(a_word_of_a_shell_is_never_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
