#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/filter.h"

#include <string.h>

static struct catalog_filter *decode(const char *text)
{
    struct error err;
    struct catalog_filter *filter = catalog_filter_new(&err);

    assert_non_null(filter);
    assert_true(catalog_filter_add_file(filter, slice_string(text), "f", &err));
    return filter;
}

static void expect_one(const char *text, enum filter_list list, const char *pattern)
{
    struct catalog_filter *filter = decode(text);

    for (int i = 0; i < FILTER_LISTS; i++)
        assert_int_equal(catalog_filter_count(filter, (enum filter_list)i), i == (int)list);
    assert_string_equal(catalog_filter_text(filter, list, 0), pattern);
    catalog_filter_free(filter);
}

static void expect_error(const char *text, const char *message)
{
    struct error err;
    struct catalog_filter *filter = catalog_filter_new(&err);

    assert_false(catalog_filter_add_file(filter, slice_string(text), "f", &err));
    assert_int_equal(err.code, ERROR_USAGE);
    assert_non_null(strstr(err.message, message));
    catalog_filter_free(filter);
}

static void each_object_has_its_lists(void **state)
{
    (void)state;
    expect_one("include table a", FILTER_TABLES, "a");
    expect_one("exclude table a", FILTER_EXCLUDE_TABLES, "a");
    expect_one("include table_and_children a", FILTER_TABLES_AND_CHILDREN, "a");
    expect_one("exclude table_and_children a", FILTER_EXCLUDE_TABLES_AND_CHILDREN, "a");
    expect_one("exclude table_data a", FILTER_EXCLUDE_TABLE_DATA, "a");
    expect_one("exclude table_data_and_children a", FILTER_EXCLUDE_TABLE_DATA_AND_CHILDREN, "a");
    expect_one("include schema a", FILTER_SCHEMAS, "a");
    expect_one("exclude schema a", FILTER_EXCLUDE_SCHEMAS, "a");
    expect_one("include extension a", FILTER_EXTENSIONS, "a");
    expect_one("exclude extension a", FILTER_EXCLUDE_EXTENSIONS, "a");
    expect_one("include foreign_data a", FILTER_FOREIGN_DATA, "a");
    expect_one("INCLUDE Table a", FILTER_TABLES, "a");
}

static void comments_and_blank_lines_are_nothing(void **state)
{
    struct catalog_filter *filter = decode("");

    (void)state;
    assert_true(catalog_filter_is_empty(filter));
    catalog_filter_free(filter);
    expect_one("# a\n\n  \t\n   # include table b\ninclude table a # c\n", FILTER_TABLES, "a");
    expect_one("include table a#c", FILTER_TABLES, "a");
    expect_one("\r\ninclude table a\r\n\r\n", FILTER_TABLES, "a");
}

static void blanks_in_patterns_count_but_beside_dots(void **state)
{
    (void)state;
    expect_one("  include \t table   s . t  ", FILTER_TABLES, "s.t");
    expect_one("include table a   b", FILTER_TABLES, "a b");
    expect_one("include table \"s\" . \"t\"", FILTER_TABLES, "\"s\".\"t\"");
    expect_one("include table s*.t?[0-9]", FILTER_TABLES, "s*.t?[0-9]");
}

static void quotes_hold_anything(void **state)
{
    (void)state;
    expect_one("include table \"a # b\"", FILTER_TABLES, "\"a # b\"");
    expect_one("include table \"a\"\"b\"", FILTER_TABLES, "\"a\"\"b\"");
    expect_one("include table \"a\nb\" # c", FILTER_TABLES, "\"a\nb\"");
    expect_one("include table \"a\r\nb\"", FILTER_TABLES, "\"a\nb\"");
    expect_one("include table \"a\\nb\\\\\"", FILTER_TABLES, "\"a\nb\\\"");
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    expect_error("\n# x\nuse table a", "f, line 3: a line begins with include or exclude");
    expect_error("include", "f, line 1: what it is about is missing");
    expect_error("include table", "f, line 1: the pattern is missing");
    expect_error("include table # a", "f, line 1: the pattern is missing");
    expect_error("include index a", "f, line 1: unknown object \"index\"");
    expect_error("include table_data a", "f, line 1: include table_data is not possible");
    expect_error("exclude foreign_data a", "f, line 1: exclude foreign_data is not possible");
    expect_error("include table \"a\nb", "f, line 1: a quote is not closed");
    expect_error("include table \"a\nb\"\ninclude table a.b.c.d", "f, line 3: ");
    expect_error("include table \"a\\tb\"", "f, line 1: behind a backslash");
    expect_error("include table \"a\\", "f, line 1: behind a backslash");
}

static void a_nul_is_no_text(void **state)
{
    struct error err;
    struct catalog_filter *filter = catalog_filter_new(&err);

    (void)state;
    assert_false(catalog_filter_add_file(filter, slice_make("\0", 1), "-", &err));
    assert_non_null(strstr(err.message, "standard input is no text"));
    catalog_filter_free(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_object_has_its_lists),
        cmocka_unit_test(comments_and_blank_lines_are_nothing),
        cmocka_unit_test(blanks_in_patterns_count_but_beside_dots),
        cmocka_unit_test(quotes_hold_anything),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(a_nul_is_no_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
