#include "kind_test.h"

#include "catalog/misplaced.c"

static const char *const a_table[COLUMNS] = {
    [KIND] = "table",        [CLASS] = "1259",  [OID] = "30",
    [NAME] = "pg_x.\"T t\"", [SCHEMA] = "pg_x", [WORD] = "TABLE",
};
static const char *const collations[COLUMNS] = {
    [KIND] = "collation",      [CLASS] = "0",           [OID] = "0",
    [NAME] = "c (and 1 more)", [SCHEMA] = "pg_catalog", [WORD] = "COLLATION",
};

static struct kind_test *test_of(const char *const *const *rows, size_t count)
{
    struct kind_test *test = kind_test_new(18);
    struct error err;
    struct sql text = {.err = &err};

    add_query(&text);
    for (size_t i = 0; i < count; i++)
        kind_test_text_row(test, sql_text(&text), rows[i]);
    assert_true(sql_end(&text));
    return test;
}

static void each_is_named_with_what_mends_it(void **state)
{
    const char *const *const rows[] = {a_table, collations};
    struct kind_test *test = test_of(rows, 2);

    (void)state;
    kind_test_step(test, &catalog_step_misplaced);
    assert_string_equal(catalog_left_out(kind_test_catalog(test), 0),
                        "table pg_x.\"T t\" is left out, because schema pg_x is the system's; move "
                        "it: ALTER TABLE … SET SCHEMA …");
    assert_string_equal(catalog_left_out(kind_test_catalog(test), 1),
                        "collation c (and 1 more) is left out, because schema pg_catalog is the "
                        "system's; move it: ALTER COLLATION … SET SCHEMA …");
    assert_null(catalog_left_out(kind_test_catalog(test), 2));
    kind_test_expect(test, "");
}

static void a_member_of_an_extension_is_not(void **state)
{
    const char *const *const rows[] = {a_table};
    struct kind_test *test = test_of(rows, 1);

    (void)state;
    kind_test_member(test, CLASS_RELATION, 30);
    kind_test_step(test, &catalog_step_misplaced);
    assert_null(catalog_left_out(kind_test_catalog(test), 0));
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_named_with_what_mends_it),
        cmocka_unit_test(a_member_of_an_extension_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
