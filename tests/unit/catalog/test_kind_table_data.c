#include "kind_test.h"

#include "catalog/kinds/table_data.c"

static struct column columns_of_table[] = {{.number = 1, .name = "a"},
                                           {.number = 2, .name = "B c"},
                                           {.number = 3, .name = "g", .generated = 's'}};

static struct relation *add_table(struct kind_test *test, uint32_t oid, char relkind,
                                  const char *name)
{
    struct relation *table = kind_test_relation(test, oid, relkind, "s", name);

    table->columns = columns_of_table;
    table->column_count = 3;
    return table;
}

static void the_rows_of_a_table_are_copied_without_what_is_generated(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_table(test, 10, 'r', "T");
    add_table(test, 11, 'v', "view");
    kind_test_step(test, &catalog_step_table_data);
    kind_test_expect(test, "== TABLE DATA s T o data\n"
                           "COPY s.\"T\" (a, \"B c\") FROM stdin;\n"
                           "COPY s.\"T\" (a, \"B c\") TO STDOUT\n"
                           "-- needs T\n");
}

static void rows_that_may_belong_elsewhere_are_loaded_through_the_root(void **state)
{
    static const char *const unstable[] = {[UNSTABLE] = "10"};
    static struct relation *parents[1];
    struct kind_test *test = kind_test_new(18);
    struct relation *partition;

    (void)state;
    parents[0] = add_table(test, 10, 'p', "root");
    partition = add_table(test, 11, 'r', "part");
    partition->is_partition = true;
    partition->parents = parents;
    partition->parent_count = 1;
    kind_test_row(test, &unstable_query, unstable);
    kind_test_step(test, &catalog_step_table_data);
    kind_test_expect(test, "== TABLE DATA s part o data\n"
                           "-- load via partition root s.rootCOPY s.root (a, \"B c\") FROM stdin;\n"
                           "COPY s.part (a, \"B c\") TO STDOUT\n"
                           "-- needs part\n");
}

static void a_name_does_not_end_a_comment(void **state)
{
    static const char *const unstable[] = {[UNSTABLE] = "10"};
    static struct relation *parents[1];
    struct kind_test *test = kind_test_new(18);
    struct relation *partition;

    (void)state;
    parents[0] = add_table(test, 10, 'p', "a\nb\r;");
    partition = add_table(test, 11, 'r', "part");
    partition->is_partition = true;
    partition->parents = parents;
    partition->parent_count = 1;
    kind_test_row(test, &unstable_query, unstable);
    kind_test_step(test, &catalog_step_table_data);
    kind_test_expect(test,
                     "== TABLE DATA s part o data\n"
                     "-- load via partition root s.\"a b ;\"COPY s.\"a\nb\r;\" (a, \"B c\") FROM "
                     "stdin;\nCOPY s.part (a, \"B c\") TO STDOUT\n"
                     "-- needs part\n");
}

static void a_standby_has_no_rows_of_unlogged_tables(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_table(test, 10, 'r', "here");
    add_table(test, 11, 'r', "not here")->not_here = true;
    add_table(test, 12, 'r', "nor here")->not_here = true;
    kind_test_step(test, &catalog_step_table_data);
    kind_test_expect(test, "== TABLE DATA s here o data\n"
                           "COPY s.here (a, \"B c\") FROM stdin;\n"
                           "COPY s.here (a, \"B c\") TO STDOUT\n"
                           "-- needs here\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rows_of_a_table_are_copied_without_what_is_generated),
        cmocka_unit_test(a_standby_has_no_rows_of_unlogged_tables),
        cmocka_unit_test(rows_that_may_belong_elsewhere_are_loaded_through_the_root),
        cmocka_unit_test(a_name_does_not_end_a_comment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
