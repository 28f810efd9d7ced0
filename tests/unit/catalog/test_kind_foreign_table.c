#include "kind_test.h"

#include "catalog/kinds/foreign_table.c"

static const char *const plain[COLUMNS] = {[TABLE] = "10", [SERVER] = "s"};
static const char *const with_options[COLUMNS] = {
    [TABLE] = "10", [SERVER] = "My s", [OPTIONS] = "\"A\" 'it''s',\n    b ''"};
static const char *const lost[COLUMNS] = {[TABLE] = "10"};
static const char *const of_column[COLUMN_COLUMNS] = {
    [COLUMN_OF] = "10", [NUMBER] = "2", [COLUMN_OPTIONS] = "column_name 'x'"};
static const char *const of_dropped[COLUMN_COLUMNS] = {
    [COLUMN_OF] = "10", [NUMBER] = "1", [COLUMN_OPTIONS] = "column_name 'y'"};

static struct relation *add_table(struct kind_test *test)
{
    static struct column column;
    struct relation *relation = kind_test_relation(test, 10, 'f', "s", "t");

    column = (struct column){
        .number = 2, .name = "A", .type = "integer", .statistics = 7, .is_local = true};
    relation->columns = &column;
    relation->column_count = 1;
    relation->replica_identity = 'n'; /* as every foreign table's */
    kind_test_show(test, relation->object);
    return relation;
}

static void a_foreign_table_is_of_a_server(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_table(test);
    kind_test_row(test, &tables, plain);
    kind_test_step(test, &catalog_step_foreign_table);
    kind_test_expect(test, "== FOREIGN TABLE s t o pre-data\n"
                           "CREATE FOREIGN TABLE s.t (\n"
                           "    \"A\" integer\n"
                           ")\n"
                           "SERVER s;\n"
                           "ALTER FOREIGN TABLE ONLY s.t ALTER COLUMN \"A\" SET STATISTICS 7;\n"
                           "-- DROP FOREIGN TABLE s.t;\n");
}

static void options_are_its_own_and_its_columns(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_table(test);
    kind_test_row(test, &tables, with_options);
    kind_test_row(test, &foreign_columns, of_dropped);
    kind_test_row(test, &foreign_columns, of_column);
    kind_test_step(test, &catalog_step_foreign_table);
    kind_test_expect(test, "== FOREIGN TABLE s t o pre-data\n"
                           "CREATE FOREIGN TABLE s.t (\n"
                           "    \"A\" integer\n"
                           ")\n"
                           "SERVER \"My s\"\n"
                           "OPTIONS (\n"
                           "    \"A\" 'it''s',\n"
                           "    b ''\n"
                           ");\n"
                           "ALTER FOREIGN TABLE ONLY s.t ALTER COLUMN \"A\" SET STATISTICS 7;\n"
                           "ALTER FOREIGN TABLE ONLY s.t ALTER COLUMN \"A\" OPTIONS (\n"
                           "    column_name 'x'\n"
                           ");\n"
                           "-- DROP FOREIGN TABLE s.t;\n");
}

/* ALTER cannot say it; and where a parent has another, merging the two would fail. */
static void compression_stands_in_the_column(void **state)
{
    static struct column of_parent = {.number = 1, .name = "A", .compression = 'l'};
    static struct relation *parents[1];

    (void)state;
    for (int with_parent = 0; with_parent < 2; with_parent++) {
        struct kind_test *test = kind_test_new(18);
        struct relation *table = add_table(test);

        table->columns[0].compression = 'p';
        table->columns[0].statistics = -1;
        parents[0] = kind_test_relation(test, 11, 'r', "s", "p");
        parents[0]->columns = &of_parent;
        parents[0]->column_count = 1;
        table->parents = parents;
        table->parent_count = (size_t)with_parent;
        kind_test_row(test, &tables, plain);
        kind_test_step(test, &catalog_step_foreign_table);
        kind_test_expect(test, with_parent ? "== FOREIGN TABLE s t o pre-data\n"
                                             "CREATE FOREIGN TABLE s.t (\n"
                                             "    \"A\" integer\n"
                                             ")\n"
                                             "INHERITS (s.p)\n"
                                             "SERVER s;\n"
                                             "-- DROP FOREIGN TABLE s.t;\n"
                                           : "== FOREIGN TABLE s t o pre-data\n"
                                             "CREATE FOREIGN TABLE s.t (\n"
                                             "    \"A\" integer COMPRESSION pglz\n"
                                             ")\n"
                                             "SERVER s;\n"
                                             "-- DROP FOREIGN TABLE s.t;\n");
    }
}

static void one_without_its_server_is_a_failure(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_table(test);
    kind_test_row(test, &tables, lost);
    kind_test_fails(test, &catalog_step_foreign_table, "column 1 has no value");
}

static void one_that_is_not_dumped_is_passed_over(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_member(test, CLASS_RELATION, 10);
    kind_test_row(test, &tables, with_options);
    kind_test_row(test, &foreign_columns, of_column);
    kind_test_step(test, &catalog_step_foreign_table);
    kind_test_expect(test, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_foreign_table_is_of_a_server),
        cmocka_unit_test(options_are_its_own_and_its_columns),
        cmocka_unit_test(compression_stands_in_the_column),
        cmocka_unit_test(one_without_its_server_is_a_failure),
        cmocka_unit_test(one_that_is_not_dumped_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
