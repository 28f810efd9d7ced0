#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/arguments.h"

#include <stdio.h>
#include <string.h>

static void passwords_are_overwritten(void **state)
{
    static const struct {
        const char *typed;
        const char *shown;
    } cases[] = {
        {"postgres://u:secret@h/db", "postgres://u:******@h/db"},
        {"postgres+bin://u:s%40t@h1,h2:5433/", "postgres+bin://u:*****@h1,h2:5433/"},
        {"postgres://u:a/b@c@h/db", "postgres://u:*****@h/db"},
        {"postgres://u:p?w@h/db", "postgres://u:***@h/db"},
        {"postgres://:pw@/db", "postgres://:**@/db"},
        {"postgres://u:a-password=b@h/db", "postgres://u:************@h/db"},
        {"host=h sslkey=/k.pem user=u", "host=h sslkey=/k.pem user=u"},
        {"sslkey='-----BEGIN X' user=u", "sslkey=*************' user=u"},
        {"postgres://h/?sslkey=-----BEGIN%20X", "postgres://h/?sslkey=**************"},
        {"postgres://h/db?password=secret&sslmode=require",
         "postgres://h/db?password=******&sslmode=require"},
        {"postgres://h/?user=u&sslpassword=x y", "postgres://h/?user=u&sslpassword=***"},
        {"host=h password=secret user=u", "host=h password=****** user=u"},
        {"host=h password = 'a b\\'c' user=u", "host=h password = *******' user=u"},
        {"password=a\\ b host=h", "password=**** host=h"},
        {"host=h password=one password=two", "host=h password=*** password=***"},
        {"--to=postgres://u:pw@h", "--to=postgres://u:**@h"},
        {"postgres://u@h:5432/db", "postgres://u@h:5432/db"},
        {"postgres://h:5432/db", "postgres://h:5432/db"},
        {"--label", "--label"},
        {"a:b@c", "a:b@c"},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];

        snprintf(text, sizeof(text), "%s", cases[i].typed);
        arguments_hide_secrets(text);
        assert_string_equal(text, cases[i].shown);
    }
}

static void the_original_is_found_from_any_part_of_the_shown_word(void **state)
{
    char program[] = "pgcask", word[] = "--to=postgres://u:pw@h";
    char *argv[] = {program, word, NULL};
    struct arguments arguments;
    struct error err;

    (void)state;
    assert_true(arguments_init(&arguments, 2, argv, &err));

    assert_string_equal(word, "--to=postgres://u:**@h");
    assert_string_equal(arguments_original(&arguments, word + 5), "postgres://u:pw@h");
    assert_string_equal(arguments_original(&arguments, "elsewhere"), "elsewhere");
    arguments_free(&arguments);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passwords_are_overwritten),
        cmocka_unit_test(the_original_is_found_from_any_part_of_the_shown_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
