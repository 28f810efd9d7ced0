#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/query.h"

#include <string.h>

static void a_statement_is_what_was_added_in_that_order(void **state)
{
    struct error err;
    struct sql sql = {.err = &err};

    (void)state;
    sql_printf(&sql, "ALTER %s ", "TABLE");
    sql_qualified(&sql, "My s", "t");
    sql_add(&sql, " SET (");
    sql_name(&sql, "user");
    sql_add(&sql, " = ");
    sql_literal(&sql, "it's");
    sql_clause(&sql, ", ", NULL, "!");
    sql_clause(&sql, ", ", "x", " = 1");
    sql_add(&sql, ");");
    assert_string_equal(sql_text(&sql), "ALTER TABLE \"My s\".t SET (\"user\" = 'it''s', x = 1);");
    assert_true(sql_end(&sql));
}

static void the_first_failure_sticks(void **state)
{
    struct error err;
    struct sql sql = {.err = &err};
    struct arena arena = {0};

    (void)state;
    sql_add(&sql, "SET ");
    sql_setting(&sql, "no value");
    assert_true(sql.failed);
    assert_string_equal(err.message, "the server keeps a setting as \"no value\"");
    sql_setting(&sql, "none either");
    sql_add(&sql, "more");
    assert_string_equal(sql_text(&sql), "SET ");
    assert_string_equal(err.message, "the server keeps a setting as \"no value\"");
    assert_null(sql_copy(&sql, &arena));
    assert_false(sql_end(&sql));
    arena_free(&arena);
}

static void one_that_begins_again_has_forgotten_it(void **state)
{
    struct error err;
    struct sql sql = {.err = &err};

    (void)state;
    sql_setting(&sql, "no value");
    sql_begin_again(&sql, 0, &err);
    sql_add(&sql, "SELECT");
    assert_string_equal(sql_text(&sql), "SELECT");
    assert_true(sql_end(&sql));
}

static void a_query_joins_columns_by_their_names(void **state)
{
    enum { LAST, FIRST, COLUMNS };
    static const struct version_difference differences[] = {
        {"last", 0, "NULL"}, {"last", 15, "c.last"}, {0}};
    static const char *const columns[] = {[FIRST] = "c.first", [LAST] = "{last}"};
    static const struct catalog_query query = {
        .columns = columns,
        .count = COLUMNS,
        .from = "FROM c\nORDER BY 1",
        .with = "WITH c AS (SELECT 1)\n",
        .differences = differences,
    };
    struct error err;
    struct sql sql = {.err = &err};

    (void)state;
    assert_true(catalog_query_text(&query, 14, &sql));
    assert_string_equal(sql_text(&sql), "WITH c AS (SELECT 1)\n"
                                        "SELECT NULL,\n"
                                        "       c.first\n"
                                        "FROM c\n"
                                        "ORDER BY 1");
    sql_begin_again(&sql, 0, &err);
    assert_true(catalog_query_text(&query, 15, &sql));
    assert_non_null(strstr(sql_text(&sql), "SELECT c.last,\n"));
    assert_true(sql_end(&sql));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_is_what_was_added_in_that_order),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(one_that_begins_again_has_forgotten_it),
        cmocka_unit_test(a_query_joins_columns_by_their_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
