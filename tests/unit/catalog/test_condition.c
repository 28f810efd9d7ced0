#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/condition.h"

#include <string.h>

/* What stands behind the condition; NULL: it is none. */
static void expect(const char *text, const char *rest)
{
    const char *end = NULL;
    struct error err;
    bool found = condition_find_end(text, &end, &err);

    assert_int_equal(found, rest != NULL);
    if (found)
        assert_string_equal(end, rest);
    else
        assert_int_equal(err.code, ERROR_USAGE);
}

static void a_condition_goes_to_a_semicolon_or_the_end(void **state)
{
    (void)state;
    expect("a > 1", "");
    expect("a > 1; b = 2", "; b = 2");
    expect("", "");
    expect(";", ";");
}

static void what_is_quoted_is_stepped_over(void **state)
{
    (void)state;
    expect("a = ';)''('; x", "; x");
    expect("\"a;)\"\"\" = 1; x", "; x");
    expect("a = $$;)$$; x", "; x");
    expect("a = $t$;$$)$t$; x", "; x");
    expect("a = $1 + 1; x", "; x");
    expect("a$b$c = 1; x", "; x"); /* a name */
    expect("a = 'back\\'; x", "; x");
    expect("a = E'it\\'s;)'; x", "; x");
    expect("a = e'\\\\'; x", "; x");
    expect("a = E'it''s \\' ;'; x", "; x");
    expect("nameE'\\'; x", "; x"); /* no string with escapes: the letter ends a name */
    expect("E'a'\n  '\\';)'; x", "; x");
    expect("E'a' -- b\n'\\';)'; x", "; x");
    expect("E'a' '\\'; x", "; x"); /* on one line it is another string */
}

static void comments_are_stepped_over(void **state)
{
    (void)state;
    expect("a -- ;)\n> 1; x", "; x");
    expect("a -- ;)", "");
    expect("a /* ; /* ) */ ; */ > 1; x", "; x");
    expect("a / 2 - 1; x", "; x");
}

static void brackets_close_what_they_open(void **state)
{
    (void)state;
    expect("a IN (1, (2)) AND b[1] = '{}'; x", "; x");
    expect("f(';'); x", "; x");
    expect("true) OR (true", NULL);
    expect("(a", NULL);
    expect("a]", NULL);
    expect("(a]", NULL);
    expect("1) TO PROGRAM 'x' --", NULL);
    expect("E'a'\n'\\'' ) UNION SELECT 1 --'", NULL);
}

static void what_is_left_open_is_an_error(void **state)
{
    (void)state;
    expect("a = 'x", NULL);
    expect("\"a = 1", NULL);
    expect("a = $x$ $y$", NULL);
    expect("a /* /* */", NULL);
    expect("a = E'\\", NULL);
}

static void brackets_have_a_limit(void **state)
{
    char text[2100];
    const char *end;
    struct error err;

    (void)state;
    memset(text, '(', 1000);
    memset(text + 1000, ')', 1000);
    text[2000] = '\0';
    assert_true(condition_find_end(text, &end, &err));
    memset(text, '(', 1001);
    assert_false(condition_find_end(text, &end, &err));
    assert_string_equal(err.message, "the condition has too many brackets");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_condition_goes_to_a_semicolon_or_the_end),
        cmocka_unit_test(what_is_quoted_is_stepped_over),
        cmocka_unit_test(comments_are_stepped_over),
        cmocka_unit_test(brackets_close_what_they_open),
        cmocka_unit_test(what_is_left_open_is_an_error),
        cmocka_unit_test(brackets_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
