#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "restore/name_pattern.h"
#include "restore/signature.h"

static bool matches(const char *text, const char *schema, const char *name)
{
    struct name_pattern pattern;
    struct error err;
    bool does;

    assert_true(name_pattern_parse(&pattern, slice_string(text), 3, "tables", &err));
    does = name_pattern_matches(&pattern, 0, name) && name_pattern_matches(&pattern, 1, schema);
    name_pattern_free(&pattern);
    return does;
}

static void names_match_as_pg_dump_has_it(void **state)
{
    static const struct {
        const char *pattern, *schema, *name;
        bool does;
    } cases[] = {
        {"orders", "public", "orders", true},
        {"Orders", "public", "orders", true},
        {"Orders", "public", "Orders", false},
        {"\"Orders\"", "public", "Orders", true},
        {"\"a\"\"b\"", NULL, "a\"b", true},
        {"\"a.b\"", NULL, "a.b", true},
        {"\"a*\"", NULL, "ab", false},
        {"\"a*\"", NULL, "a*", true},
        {"shop.orders", "shop", "orders", true},
        {"shop.orders", "public", "orders", false},
        {"shop.orders", NULL, "orders", false},
        {"s*.o*s", "shop", "orders", true},
        {"*", "shop", "anything", true},
        {"*", "shop", "", true},
        {"?", NULL, "\xc3\xa4", true},
        {"?", NULL, "\xe4", true}, /* no UTF-8 */
        {"??", NULL, "\xc3\xa4", false},
        {"a*b*c", NULL, "axbxbxc", true},
        {"a*b*c", NULL, "axbxbx", false},
        {"*a*a*a*a*a*a*a*b", NULL, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
        {"my table", NULL, "my table", true},
        {"pre$", NULL, "pre$", true},
        {"or?ers", NULL, "orders", true},
        {"or?ers", NULL, "orers", false},
        {"line\nend", NULL, "line\nend", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool does = matches(cases[i].pattern, cases[i].schema, cases[i].name);

        if (does != cases[i].does)
            fail_msg("%s and %s", cases[i].pattern, cases[i].name);
    }
}

static void what_is_no_pattern_is_refused_by_name(void **state)
{
    static const char *const texts[] = {"",   "a.",  ".a",  "a..b", "a.b.c.d", "\"a",  "a|b",
                                        "a+", "(a)", "[a]", "a{2}", "^a",      "a\\b", "\"\""};
    struct name_pattern pattern;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        error_clear(&err);
        if (name_pattern_parse(&pattern, slice_string(texts[i]), 3, "tables", &err))
            fail_msg("%s was taken", texts[i]);
        assert_int_equal(err.code, ERROR_USAGE);
        error_spell(&err, NULL);
        assert_non_null(strstr(err.message, "tables: "));
    }
}

static void check_types(const char *typed, const char *printed)
{
    struct buffer one = {0}, other = {0};
    struct error err;

    assert_true(signature_append_types(&one, typed, &err));
    assert_true(signature_append_types(&other, printed, &err));
    assert_string_equal(buffer_text(&one), buffer_text(&other));
    buffer_free(&one);
    buffer_free(&other);
}

static void types_are_the_same_however_they_are_typed(void **state)
{
    (void)state;
    check_types("(int,text)", "(integer, text)");
    check_types("( INT4 [ ] ,  Varchar )", "(integer[], character varying)");
    check_types("(timestamp  with   time zone)", "(timestamp with time zone)");
    check_types("(timestamptz[][])", "(timestamp with time zone[][])");
    check_types("(shop . my_type)", "(shop.my_type)");
    check_types("(\"My Type\", bool)", "(\"My Type\", boolean)");
    check_types("()", "()");
}

static void a_name_ends_where_its_types_begin(void **state)
{
    (void)state;
    assert_int_equal(signature_name_length("f(integer, text)"), 1);
    assert_int_equal(signature_name_length("f()"), 1);
    assert_int_equal(signature_name_length("a(b)c(integer)"), 5);
    assert_int_equal(signature_name_length("f(\"a)\")"), 1);
    assert_int_equal(signature_name_length("a(b"), 3);
    assert_int_equal(signature_name_length("a)("), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_match_as_pg_dump_has_it),
        cmocka_unit_test(what_is_no_pattern_is_refused_by_name),
        cmocka_unit_test(types_are_the_same_however_they_are_typed),
        cmocka_unit_test(a_name_ends_where_its_types_begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
