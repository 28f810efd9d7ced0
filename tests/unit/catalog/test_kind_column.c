#include "kind_test.h"

#include "catalog/kinds/column.c"

#define COLUMN_ [RELATION] = "10", [NUMBER] = "1", [IS_LOCAL] = "t"

static const char *const plain[COLUMNS] = {COLUMN_, [NAME] = "a", [TYPE] = "integer"};
static const char *const with_all[COLUMNS] = {
    COLUMN_,
    [NAME] = "A b",
    [TYPE] = "text",
    [COLLATION] = "pg_catalog.\"C\"",
    [NOT_NULL] = "t",
    [STORAGE] = "e",
    [COMPRESSION] = "l",
    [STATISTICS] = "50",
    [OPTIONS] = "n_distinct=5",
    [DEFAULT_OID] = "20",
    [DEFAULT] = "'x'::text",
};
static const char *const generated[COLUMNS] = {
    COLUMN_,           [NAME] = "a",         [TYPE] = "integer",
    [GENERATED] = "s", [DEFAULT_OID] = "20", [DEFAULT] = "(b * 2)"};
static const char *const virtual[COLUMNS] = {
    COLUMN_,           [NAME] = "a",         [TYPE] = "integer",
    [GENERATED] = "v", [DEFAULT_OID] = "20", [DEFAULT] = "(b * 2)"};

static void show_table(struct kind_test *test)
{
    kind_test_show(test, kind_test_relation(test, 10, 'r', "s", "t")->object);
}

static void columns_stand_in_their_table(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== TABLE s t o pre-data\n"
         "CREATE TABLE s.t (\n"
         "    a integer\n"
         ");\n"
         "-- DROP TABLE s.t;\n"},
        {"all of it", with_all,
         "== TABLE s t o pre-data\n"
         "CREATE TABLE s.t (\n"
         "    \"A b\" text COLLATE pg_catalog.\"C\" DEFAULT 'x'::text NOT NULL\n"
         ");\n"
         "ALTER TABLE ONLY s.t ALTER COLUMN \"A b\" SET STATISTICS 50;\n"
         "ALTER TABLE ONLY s.t ALTER COLUMN \"A b\" SET STORAGE EXTERNAL;\n"
         "ALTER TABLE ONLY s.t ALTER COLUMN \"A b\" SET COMPRESSION lz4;\n"
         "ALTER TABLE ONLY s.t ALTER COLUMN \"A b\" SET (n_distinct=5);\n"
         "-- DROP TABLE s.t;\n"},
        {"a generated one", generated,
         "== TABLE s t o pre-data\n"
         "CREATE TABLE s.t (\n"
         "    a integer GENERATED ALWAYS AS ((b * 2)) STORED\n"
         ");\n"
         "-- DROP TABLE s.t;\n"},
        {"one that is generated when it is read", virtual,
         "== TABLE s t o pre-data\n"
         "CREATE TABLE s.t (\n"
         "    a integer GENERATED ALWAYS AS ((b * 2))\n"
         ");\n"
         "-- DROP TABLE s.t;\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_column, &attributes, show_table, cases, 4);
}

static void the_default_of_a_view_stands_alone(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_relation(test, 10, 'v', "s", "v");
    kind_test_row(test, &attributes, with_all);
    kind_test_step(test, &catalog_step_column);
    kind_test_expect(test, "== DEFAULT s v A b o pre-data\n"
                           "ALTER VIEW s.v ALTER COLUMN \"A b\" SET DEFAULT 'x'::text;\n"
                           "-- ALTER TABLE s.v ALTER COLUMN \"A b\" DROP DEFAULT;\n");
}

static void the_default_of_a_foreign_table_stands_alone_as_such(void **state)
{
    struct kind_test *test = kind_test_new(18);
    struct relation *table = kind_test_relation(test, 10, 'f', "s", "t");

    (void)state;
    kind_test_row(test, &attributes, with_all);
    kind_test_step(test, &catalog_step_column);
    catalog_take_off(table->columns[0].default_object);
    kind_test_expect(test,
                     "== DEFAULT s t A b o pre-data\n"
                     "ALTER FOREIGN TABLE ONLY s.t ALTER COLUMN \"A b\" SET DEFAULT 'x'::text;\n"
                     "-- ALTER TABLE s.t ALTER COLUMN \"A b\" DROP DEFAULT;\n");
}

static void a_default_that_leads_back_to_its_table_stands_alone(void **state)
{
    struct kind_test *test = kind_test_new(18);
    struct catalog *catalog = kind_test_catalog(test);
    struct relation *table = kind_test_relation(test, 10, 'r', "s", "t");
    struct relation *sequence = kind_test_relation(test, 11, 'S', "s", "t_a_seq");
    struct error err;

    (void)state;
    kind_test_show(test, table->object);
    kind_test_row(test, &attributes, with_all);
    kind_test_step(test, &catalog_step_column);
    assert_true(catalog_depend(catalog, sequence->object, table->object, &err));
    assert_true(catalog_depend(catalog, table->columns[0].default_object, sequence->object, &err));
    assert_true(catalog_depend(catalog, table->columns[0].default_object, table->object, &err));
    kind_test_expect(test, "== TABLE s t o pre-data\n"
                           "CREATE TABLE s.t (\n"
                           "    \"A b\" text COLLATE pg_catalog.\"C\" NOT NULL\n"
                           ");\n"
                           "ALTER TABLE ONLY s.t ALTER COLUMN \"A b\" SET STATISTICS 50;\n"
                           "ALTER TABLE ONLY s.t ALTER COLUMN \"A b\" SET STORAGE EXTERNAL;\n"
                           "ALTER TABLE ONLY s.t ALTER COLUMN \"A b\" SET COMPRESSION lz4;\n"
                           "ALTER TABLE ONLY s.t ALTER COLUMN \"A b\" SET (n_distinct=5);\n"
                           "-- DROP TABLE s.t;\n"
                           "== DEFAULT s t A b o pre-data\n"
                           "ALTER TABLE ONLY s.t ALTER COLUMN \"A b\" SET DEFAULT 'x'::text;\n"
                           "-- ALTER TABLE s.t ALTER COLUMN \"A b\" DROP DEFAULT;\n"
                           "-- needs t, t_a_seq\n");
}

static void a_server_is_asked_for_what_it_has(void **state)
{
    (void)state;
    kind_test_asks(&attributes, 14, 18, "a.attcompression");
    kind_test_asks(&attributes, 13, 16, "NULLIF(a.attstattarget, -1)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_is_asked_for_what_it_has),
        cmocka_unit_test(columns_stand_in_their_table),
        cmocka_unit_test(the_default_of_a_view_stands_alone),
        cmocka_unit_test(the_default_of_a_foreign_table_stands_alone_as_such),
        cmocka_unit_test(a_default_that_leads_back_to_its_table_stands_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
