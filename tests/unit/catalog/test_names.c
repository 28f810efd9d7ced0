#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/kind.h"

typedef bool appending(struct buffer *out, const char *text, struct error *err);

static void expect(appending *append, const char *text, const char *expected)
{
    struct buffer out = {0};
    struct error err;

    assert_true(append(&out, text, &err));
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void names_are_quoted_only_if_they_must_be(void **state)
{
    (void)state;
    expect(name_append, "plain_1", "plain_1");
    expect(name_append, "_x", "_x");
    expect(name_append, "1x", "\"1x\"");
    expect(name_append, "Upper", "\"Upper\"");
    expect(name_append, "a\"b", "\"a\"\"b\"");
    expect(name_append, "", "\"\"");
    expect(name_append, "a$b", "\"a$b\"");
    expect(name_append,
           "gr\xc3\xb6\xc3\x9f"
           "e",
           "\"gr\xc3\xb6\xc3\x9f"
           "e\"");
    expect(name_append, "select", "\"select\"");
    expect(name_append, "int", "\"int\"");
    expect(name_append, "system_user", "\"system_user\""); /* reserved since 16 */
    expect(name_append, "name", "name");                   /* not reserved */
    expect(name_append, " trailing ", "\" trailing \"");
}

static void dollar_quotes_never_end_early(void **state)
{
    (void)state;
    expect(dollar_quote_append, "SELECT 1", "$$SELECT 1$$");
    expect(dollar_quote_append, "", "$$$$");
    expect(dollar_quote_append, "a $ b", "$_$a $ b$_$");
    expect(dollar_quote_append, "a $$ b", "$_$a $$ b$_$");
    expect(dollar_quote_append, "a $_$ b", "$_X$a $_$ b$_X$");
    expect(dollar_quote_append, "ends in $_X", "$_XX$ends in $_X$_XX$");
}

static void settings_that_are_lists_become_lists(void **state)
{
    (void)state;
    expect(setting_append, "work_mem=1MB", "work_mem TO '1MB'");
    expect(setting_append, "DateStyle=ISO, DMY", "\"DateStyle\" TO 'ISO, DMY'");
    expect(setting_append, "search_path=\"$user\", public", "search_path TO '$user', 'public'");
    expect(setting_append, "search_path=\"a, \"\"b\", c", "search_path TO 'a, \"b', 'c'");
    expect(setting_append, "search_path=", "search_path TO ''");
    expect(setting_append, "my.Own=it's=x", "my.\"Own\" TO 'it''s=x'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_quoted_only_if_they_must_be),
        cmocka_unit_test(dollar_quotes_never_end_early),
        cmocka_unit_test(settings_that_are_lists_become_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
