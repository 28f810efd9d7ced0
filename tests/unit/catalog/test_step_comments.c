#include "kind_test.h"

#include "catalog/comments.c"

static const char *const on_table[] = {[CLASS] = "1259", [OID] = "10", [TEXT] = "it's"};
static const char *const on_column[] = {
    [CLASS] = "1259", [OID] = "10", [COLUMN] = "A b", [TEXT] = "one"};
static const char *const on_nothing[] = {[CLASS] = "1259", [OID] = "99", [TEXT] = "x"};
static const char *const of_column[] = {
    [RELATION] = "10", [ATTRIBUTE] = "A b", [ACL] = "{bob=r/o}"};

static void add_table(struct kind_test *test)
{
    kind_test_relation(test, 10, 'r', "s", "T");
}

static void a_comment_follows_what_it_is_about(void **state)
{
    static const struct kind_case cases[] = {
        {"on a table", on_table,
         "== COMMENT s TABLE \"T\" o none\n"
         "COMMENT ON TABLE s.\"T\" IS 'it''s';\n"
         "-- needs T\n"},
        {"on a column", on_column,
         "== COMMENT s COLUMN \"T\".\"A b\" o none\n"
         "COMMENT ON COLUMN s.\"T\".\"A b\" IS 'one';\n"
         "-- needs T\n"},
        {"on what is not dumped", on_nothing, ""},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_comments, &comments, add_table, cases, 3);
}

static void privileges_of_a_column_follow_its_table(void **state)
{
    static const struct kind_case cases[] = {{"of one column", of_column,
                                              "== ACL s COLUMN \"T\".\"A b\" o none\n"
                                              "GRANT SELECT(\"A b\") ON TABLE s.\"T\" TO bob;\n"
                                              "-- needs T\n"}};

    (void)state;
    kind_test_cases(18, &catalog_step_comments, &column_privileges, add_table, cases, 1);
}

static void the_index_behind_a_constraint_has_its_own(void **state)
{
    static const struct catalog_kind kind_key = {.desc = "CONSTRAINT",
                                                 .section = SECTION_POST_DATA,
                                                 .priority = PRIORITY_CONSTRAINT,
                                                 .detail = DETAIL_INDEX};
    static struct table_index index = {.name = "Index i"};
    static const char *const on_index[] = {[CLASS] = "1259", [OID] = "30", [TEXT] = "fast"};
    struct kind_test *test = kind_test_new(18);
    struct catalog_object *key =
        kind_test_object(test, &kind_key, CLASS_CONSTRAINT, 20, "s", "key");
    struct error err;

    (void)state;
    key->detail = &index;
    assert_true(catalog_alias(kind_test_catalog(test), CLASS_RELATION, 30, key, &err));
    kind_test_row(test, &comments, on_index);
    kind_test_step(test, &catalog_step_comments);
    kind_test_expect(test, "== COMMENT s INDEX \"Index i\" o none\n"
                           "COMMENT ON INDEX s.\"Index i\" IS 'fast';\n"
                           "-- needs key\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comment_follows_what_it_is_about),
        cmocka_unit_test(privileges_of_a_column_follow_its_table),
        cmocka_unit_test(the_index_behind_a_constraint_has_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
