#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/error_names.h"
#include "catalog/filter.h"

#include <string.h>

static struct catalog_filter *filter_new(void)
{
    struct error err;
    struct catalog_filter *filter = catalog_filter_new(&err);

    assert_non_null(filter);
    return filter;
}

static void expect_text(const struct catalog_filter *filter, enum filter_list list, size_t number,
                        const char *text)
{
    assert_true(number < catalog_filter_count(filter, list));
    assert_string_equal(catalog_filter_text(filter, list, number), text);
}

static void what_is_added_is_kept_in_its_list(void **state)
{
    struct catalog_filter *filter = filter_new();
    struct error err;

    (void)state;
    assert_true(catalog_filter_is_empty(NULL));
    assert_true(catalog_filter_is_empty(filter));
    assert_true(catalog_filter_add(filter, FILTER_TABLES, "a.b", &err));
    assert_true(catalog_filter_add(filter, FILTER_TABLES, "\"C\"", &err));
    assert_true(catalog_filter_add(filter, FILTER_EXCLUDE_EXTENSIONS, "x*", &err));
    assert_false(catalog_filter_is_empty(filter));
    assert_int_equal(catalog_filter_count(filter, FILTER_TABLES), 2);
    expect_text(filter, FILTER_TABLES, 1, "\"C\"");
    expect_text(filter, FILTER_EXCLUDE_EXTENSIONS, 0, "x*");
    assert_int_equal(catalog_filter_count(filter, FILTER_SCHEMAS), 0);
    catalog_filter_free(filter);
    catalog_filter_free(NULL);
}

static void what_is_no_pattern_names_the_option(void **state)
{
    static const struct {
        enum filter_list list;
        const char *text, *option;
    } wrong[] = {
        {FILTER_SCHEMAS, "a.b.c", ERROR_OPTION("schemas")},
        {FILTER_EXTENSIONS, "a.b", ERROR_OPTION("extensions")},
        {FILTER_EXCLUDE_TABLE_DATA, "\"a", ERROR_OPTION("exclude-table-data")},
        {FILTER_FOREIGN_DATA, "", ERROR_OPTION("include-foreign-data")},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct catalog_filter *filter = filter_new();
        struct error err;

        assert_false(catalog_filter_add(filter, wrong[i].list, wrong[i].text, &err));
        assert_int_equal(err.code, ERROR_USAGE);
        assert_non_null(strstr(err.message, wrong[i].option));
        catalog_filter_free(filter);
    }
}

static void conditions_have_a_table_each(void **state)
{
    struct catalog_filter *filter = filter_new();
    struct error err;

    (void)state;
    assert_true(catalog_filter_add_where(filter, " s.t = a = ';' ;\n\"x=y\"=b; ", &err));
    assert_int_equal(catalog_filter_count(filter, FILTER_WHERE), 2);
    expect_text(filter, FILTER_WHERE, 0, "s.t");
    assert_string_equal(catalog_filter_condition(filter, 0), "a = ';'");
    expect_text(filter, FILTER_WHERE, 1, "\"x=y\"");
    assert_string_equal(catalog_filter_condition(filter, 1), "b");
    catalog_filter_free(filter);
}

static void what_is_no_condition_is_an_error(void **state)
{
    static const char *const wrong[] = {"t",          "=a",   "t=",        "t=a;u",
                                        "t=a) OR (b", "t='a", "a.b.c.d=x", "t=a;;"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct catalog_filter *filter = filter_new();
        struct error err;

        assert_false(catalog_filter_add_where(filter, wrong[i], &err));
        assert_int_equal(err.code, ERROR_USAGE);
        assert_non_null(strstr(err.message, OPTION_WHERE));
        catalog_filter_free(filter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_kept_in_its_list),
        cmocka_unit_test(what_is_no_pattern_names_the_option),
        cmocka_unit_test(conditions_have_a_table_each),
        cmocka_unit_test(what_is_no_condition_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
