#include "kind_test.h"

#include "catalog/kinds/relation.c"

#define RELATION_ [OID] = "10", [SCHEMA] = "s", [NAME] = "t", [OWNER] = "alice"
#define PLAIN [PERSISTENCE] = "p", [REPLICA_IDENTITY] = "d", [TABLESPACE] = ""

static const char *const table[COLUMNS] = {RELATION_,
                                           PLAIN, [RELKIND] = "r", [ACCESS_METHOD] = "heap"};
static const char *const with_all[COLUMNS] = {
    [OID] = "10",
    [SCHEMA] = "S s",
    [NAME] = "T",
    [OWNER] = "A b",
    [RELKIND] = "r",
    [PERSISTENCE] = "u",
    [REPLICA_IDENTITY] = "f",
    [FORCE_ROW_SECURITY] = "t",
    [TABLESPACE] = "fast",
    [ACCESS_METHOD] = "heap",
    [OPTIONS] = "fillfactor='70'",
    [OF_TYPE] = "s.type",
    [ROW_TYPE] = "11",
    [ARRAY_TYPE] = "12",
    [ACL] = "{\"\\\"A b\\\"=r/\\\"A b\\\"\"}",
    [ACL_USUAL] = "{}",
};
static const char *const view[COLUMNS] = {
    RELATION_,
    PLAIN, [RELKIND] = "v", [OPTIONS] = "security_barrier='true'", [CHECK_OPTION] = "LOCAL"};
static const char *const materialized[COLUMNS] = {
    RELATION_, PLAIN, [RELKIND] = "m", [POPULATED] = "t", [ACCESS_METHOD] = "heap"};
static const char *const sequence[COLUMNS] = {
    RELATION_, PLAIN, [RELKIND] = "S", [ACL] = "{alice=rwU/alice,bob=U/alice}",
    [ACL_USUAL] = "{alice=rwU/alice}"};
/* A server keeps nothing of a foreign table's rows. */
static const char *const foreign[COLUMNS] = {RELATION_,
                                             [RELKIND] = "f",
                                             [PERSISTENCE] = "p",
                                             [REPLICA_IDENTITY] = "n",
                                             [TABLESPACE] = "",
                                             [ACL] = "{alice=r/alice,bob=r/alice}",
                                             [ACL_USUAL] = "{alice=r/alice}"};

static void a_relation_is_what_its_kind_makes_of_it(void **state)
{
    static const struct kind_case cases[] = {
        {"a table", table,
         "== TABLE s t alice pre-data, access method heap\n"
         "CREATE TABLE s.t (\n"
         ");\n"
         "-- DROP TABLE s.t;\n"},
        {"a table with all that pg_class says, and names in quotes", with_all,
         "== TABLE S s T A b pre-data, tablespace fast, access method heap\n"
         "CREATE UNLOGGED TABLE \"S s\".\"T\" OF s.type \n"
         "WITH (fillfactor='70');\n"
         "ALTER TABLE ONLY \"S s\".\"T\" REPLICA IDENTITY FULL;\n"
         "ALTER TABLE ONLY \"S s\".\"T\" FORCE ROW LEVEL SECURITY;\n"
         "-- DROP TABLE \"S s\".\"T\";\n"
         "== ACL S s TABLE \"T\" A b none\n"
         "GRANT SELECT ON TABLE \"S s\".\"T\" TO \"A b\";\n"
         "-- needs T\n"},
        {"a view, whose query and columns come later", view,
         "== VIEW s t alice pre-data\n"
         "CREATE VIEW s.t AS\n"
         " SELECT;\n"
         "-- DROP VIEW s.t;\n"},
        {"a materialized view", materialized,
         "== MATERIALIZED VIEW s t alice pre-data, access method heap\n"
         "CREATE MATERIALIZED VIEW s.t AS\n"
         "\n"
         "  WITH NO DATA;\n"
         "-- DROP MATERIALIZED VIEW s.t;\n"},
        {"a sequence and its privileges", sequence,
         "== SEQUENCE s t alice pre-data\n"
         "-- DROP SEQUENCE s.t;\n"
         "== ACL s SEQUENCE t alice none\n"
         "GRANT USAGE ON SEQUENCE s.t TO bob;\n"
         "-- needs t\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_relation, &relations, NULL, cases, 5);
}

static void a_foreign_table_has_no_storage(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &relations, foreign);
    kind_test_step(test, &catalog_step_relation);
    relation_find(kind_test_catalog(test), 10)->server = "far"; /* foreign_table.c reads it */
    kind_test_expect(test, "== FOREIGN TABLE s t alice pre-data\n"
                           "CREATE FOREIGN TABLE s.t (\n"
                           ")\n"
                           "SERVER far;\n"
                           "-- DROP FOREIGN TABLE s.t;\n"
                           "== ACL s TABLE t alice none\n"
                           "GRANT SELECT ON TABLE s.t TO bob;\n"
                           "-- needs t\n");
}

static void its_types_stand_for_it(void **state)
{
    struct kind_test *test = kind_test_new(18);
    struct catalog *catalog = kind_test_catalog(test);

    (void)state;
    kind_test_row(test, &relations, with_all);
    kind_test_step(test, &catalog_step_relation);
    assert_ptr_equal(catalog_find(catalog, CLASS_TYPE, 11), relation_find(catalog, 10)->object);
    assert_ptr_equal(catalog_find(catalog, CLASS_TYPE, 12), relation_find(catalog, 10)->object);
    kind_test_expect(test, "== TABLE S s T A b pre-data, tablespace fast, access method heap\n"
                           "CREATE UNLOGGED TABLE \"S s\".\"T\" OF s.type \n"
                           "WITH (fillfactor='70');\n"
                           "ALTER TABLE ONLY \"S s\".\"T\" REPLICA IDENTITY FULL;\n"
                           "ALTER TABLE ONLY \"S s\".\"T\" FORCE ROW LEVEL SECURITY;\n"
                           "-- DROP TABLE \"S s\".\"T\";\n"
                           "== ACL S s TABLE \"T\" A b none\n"
                           "GRANT SELECT ON TABLE \"S s\".\"T\" TO \"A b\";\n"
                           "-- needs T\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relation_is_what_its_kind_makes_of_it),
        cmocka_unit_test(a_foreign_table_has_no_storage),
        cmocka_unit_test(its_types_stand_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
