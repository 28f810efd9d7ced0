#include "process/password_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct error err;

/* expected: the words, each with a | behind it. */
static void assert_words(const char *command, const char *expected)
{
    struct command_words words;
    struct buffer text = {0};

    if (!command_words_split(&words, command, &err))
        fail_msg("%s: %s", command, err.message);
    for (size_t i = 0; i < words.count; i++)
        assert_true(buffer_printf(&text, &err, "%s|", words.words[i]));
    assert_null(words.words[words.count]);
    assert_string_equal(buffer_text(&text), expected);
    buffer_free(&text);
    command_words_free(&words);
}

static void blanks_separate_words(void **state)
{
    (void)state;
    assert_words("a", "a|");
    assert_words("  aws rds\tgenerate\n--user  me ", "aws|rds|generate|--user|me|");
    assert_words("a b c d e f", "a|b|c|d|e|f|");
}

static void quotes_keep_blanks(void **state)
{
    (void)state;
    assert_words("a 'b c' \"d e\"", "a|b c|d e|");
    assert_words("sh -c 'echo \"$X\" \\n'", "sh|-c|echo \"$X\" \\n|");
    assert_words("a'b c'd\"e f\"", "ab cde f|");
    assert_words("a '' \"\"", "a|||");
}

static void a_backslash_takes_the_next_byte(void **state)
{
    (void)state;
    assert_words("a\\ b \\\"c \\\\ \\'", "a b|\"c|\\|'|");
    assert_words("\"a\\\"b\\\\c\\d\"", "a\"b\\c\\d|");
}

static void nothing_is_expanded(void **state)
{
    (void)state;
    assert_words("$HOME ~ * `x` $(y) a;b >c | d & #e", "$HOME|~|*|`x`|$(y)|a;b|>c|||d|&|#e|");
}

static void what_is_not_closed_is_refused_without_being_shown(void **state)
{
    static const char *const bad[] = {"hunter2 'x", "hunter2 \"x", "hunter2 \\", "hunter2 \"x\\\"",
                                      "",           "  \t",        "\"hunter2"};
    struct command_words words;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(command_words_split(&words, bad[i], &err));
        assert_int_equal(err.code, ERROR_USAGE);
        assert_null(strstr(err.message, "hunter2"));
        assert_null(words.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blanks_separate_words),
        cmocka_unit_test(quotes_keep_blanks),
        cmocka_unit_test(a_backslash_takes_the_next_byte),
        cmocka_unit_test(nothing_is_expanded),
        cmocka_unit_test(what_is_not_closed_is_refused_without_being_shown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
