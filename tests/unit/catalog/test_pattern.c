#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/pattern.h"

#include <string.h>

static void expect_text(const char *given, const char *expected)
{
    if (expected == NULL)
        assert_null(given);
    else
        assert_string_equal(given, expected);
}

static void expect(enum pattern_of what, const char *text, const char *database, const char *schema,
                   const char *name)
{
    struct pattern pattern;
    struct error err;

    assert_true(pattern_parse(&pattern, text, what, &err));
    expect_text(pattern.database, database);
    expect_text(pattern.schema, schema);
    expect_text(pattern.name, name);
    pattern_free(&pattern);
}

static void expect_name(const char *text, const char *name)
{
    expect(PATTERN_OF_NAME, text, NULL, NULL, name);
}

static void expect_error(enum pattern_of what, const char *text, const char *message)
{
    struct pattern pattern;
    struct error err;

    assert_false(pattern_parse(&pattern, text, what, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_non_null(strstr(err.message, message));
    assert_null(pattern.name);
    pattern_free(&pattern);
}

static void letters_are_folded_but_for_those_in_quotes(void **state)
{
    (void)state;
    expect_name("Orders", "^(orders)$");
    expect_name("\"Orders\"", "^(Orders)$");
    expect_name("FOO\"Bar\"Baz", "^(fooBarbaz)$");
    expect_name("\xc3\x84pfel", "^(\xc3\x84pfel)$"); /* only letters of ASCII */
}

static void stars_and_question_marks_stand_for_any_text(void **state)
{
    (void)state;
    expect_name("a*", "^(a.*)$");
    expect_name("a?b", "^(a.b)$");
    expect_name("\"a*?\"", "^(a\\*\\?)$");
}

static void regular_expressions_stay_what_they_are(void **state)
{
    (void)state;
    expect_name("(a|b)[0-9]+", "^((a|b)[0-9]+)$");
    expect_name("a\\d", "^(a\\d)$");
    expect_name("x{1,2}", "^(x{1,2})$");
    expect_name("^a", "^(^a)$");
}

static void what_is_special_is_escaped_within_quotes(void **state)
{
    (void)state;
    expect_name("\"|*+?()[]{}.^\\\"", "^(\\|\\*\\+\\?\\(\\)\\[\\]\\{\\}\\.\\^\\\\)$");
    expect_name("\"a b'c\"", "^(a b'c)$");
}

static void a_dollar_is_always_a_dollar(void **state)
{
    (void)state;
    expect_name("a$", "^(a\\$)$");
    expect_name("\"a$\"", "^(a\\$)$");
}

static void two_quotes_within_quotes_are_one(void **state)
{
    (void)state;
    expect_name("\"a\"\"b\"", "^(a\"b)$");
    expect_name("\"\"\"\"", "^(\")$");
    expect_name("a\"\"b", "^(ab)$"); /* outside they are an empty quoted text */
}

static void empty_brackets_are_those_of_an_array_type(void **state)
{
    (void)state;
    expect_name("int4[]", "^(int4\\[])$");
    expect_name("[]a]", "^(\\[]a])$");
}

static void dots_part_names(void **state)
{
    (void)state;
    expect(PATTERN_OF_RELATION, "t", NULL, NULL, "^(t)$");
    expect(PATTERN_OF_RELATION, "S.t*", NULL, "^(s)$", "^(t.*)$");
    expect(PATTERN_OF_RELATION, "\"Db.1\".s.t", "Db.1", "^(s)$", "^(t)$");
    expect(PATTERN_OF_RELATION, "\"a.b\"", NULL, NULL, "^(a\\.b)$");
    expect(PATTERN_OF_RELATION, "*.*", NULL, "^(.*)$", "^(.*)$");
    expect(PATTERN_OF_RELATION, "s.", NULL, "^(s)$", "^()$");
    expect(PATTERN_OF_SCHEMA, "s*", NULL, NULL, "^(s.*)$");
    expect(PATTERN_OF_SCHEMA, "DB.s", "db", NULL, "^(s)$");
}

static void the_name_of_a_database_is_no_pattern(void **state)
{
    (void)state;
    expect(PATTERN_OF_SCHEMA, "d*?$.s", "d*?$", NULL, "^(s)$");
}

static void too_many_dots_are_an_error(void **state)
{
    (void)state;
    expect_error(PATTERN_OF_NAME, "a.b",
                 "too many names with dots between them in the pattern a.b");
    expect_error(PATTERN_OF_SCHEMA, "a.b.c", "too many names");
    expect_error(PATTERN_OF_RELATION, "a.b.c.d", "too many names");
    expect_error(PATTERN_OF_NAME, ".", "too many names");
}

static void what_is_no_pattern_is_an_error(void **state)
{
    (void)state;
    expect_error(PATTERN_OF_NAME, "", "a pattern is empty");
    expect_error(PATTERN_OF_RELATION, "s.\"t", "a quote is not closed in the pattern s.\"t");
}

static void another_database_is_an_error(void **state)
{
    struct pattern pattern;
    struct error err;

    (void)state;
    assert_true(pattern_parse(&pattern, "db.s.t", PATTERN_OF_RELATION, &err));
    assert_true(pattern_check_database(&pattern, "db.s.t", "db", &err));
    assert_false(pattern_check_database(&pattern, "db.s.t", "dbx", &err));
    assert_string_equal(
        err.message, "the pattern db.s.t names the database db, but it is dbx that is backed up");
    pattern_free(&pattern);
    assert_true(pattern_parse(&pattern, "s.t", PATTERN_OF_RELATION, &err));
    assert_true(pattern_check_database(&pattern, "s.t", "dbx", &err));
    pattern_free(&pattern);
}

static void expect_match(const char *regex, const char *expected)
{
    struct buffer sql = {0};
    struct error err;

    assert_true(pattern_append_match(&sql, "c.relname", regex, &err));
    assert_string_equal(buffer_text(&sql), expected);
    buffer_free(&sql);
}

static void a_condition_is_written_as_psql_writes_it(void **state)
{
    (void)state;
    expect_match("^(a'b\\.c)$",
                 "c.relname OPERATOR(pg_catalog.~) '^(a''b\\.c)$' COLLATE pg_catalog.default");
    expect_match("^(.*)$", "true");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_are_folded_but_for_those_in_quotes),
        cmocka_unit_test(stars_and_question_marks_stand_for_any_text),
        cmocka_unit_test(regular_expressions_stay_what_they_are),
        cmocka_unit_test(what_is_special_is_escaped_within_quotes),
        cmocka_unit_test(a_dollar_is_always_a_dollar),
        cmocka_unit_test(two_quotes_within_quotes_are_one),
        cmocka_unit_test(empty_brackets_are_those_of_an_array_type),
        cmocka_unit_test(dots_part_names),
        cmocka_unit_test(the_name_of_a_database_is_no_pattern),
        cmocka_unit_test(too_many_dots_are_an_error),
        cmocka_unit_test(what_is_no_pattern_is_an_error),
        cmocka_unit_test(another_database_is_an_error),
        cmocka_unit_test(a_condition_is_written_as_psql_writes_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
