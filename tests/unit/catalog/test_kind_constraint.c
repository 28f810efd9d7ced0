#include "kind_test.h"

#include "catalog/kinds/constraint.c"

#define CONSTRAINT [OID] = "20", [RELATION] = "10", [NAME] = "C c", [IS_LOCAL] = "t"

static const char *const check[COLUMNS] = {
    CONSTRAINT, [TYPE] = "c", [DEFINITION] = "CHECK ((a > 0))", [VALIDATED] = "t"};
static const char *const late_check[COLUMNS] = {
    CONSTRAINT, [TYPE] = "c", [DEFINITION] = "CHECK ((a > 0)) NOT VALID", [VALIDATED] = "f"};
static const char *const inherited[COLUMNS] = {
    [OID] = "20",     [RELATION] = "10", [NAME] = "c",
    [IS_LOCAL] = "f", [TYPE] = "c",      [DEFINITION] = "CHECK ((a > 0))",
    [VALIDATED] = "t"};
static const char *const not_null[COLUMNS] = {
    CONSTRAINT,        [TYPE] = "n",   [DEFINITION] = "NOT NULL a",
    [VALIDATED] = "t", [COLUMN] = "1", [NO_INHERIT] = "t"};
static const char *const late_not_null[COLUMNS] = {
    CONSTRAINT, [TYPE] = "n", [DEFINITION] = "NOT NULL a NOT VALID", [VALIDATED] = "f",
    [COLUMN] = "1"};
static const char *const key[COLUMNS] = {
    CONSTRAINT, [TYPE] = "p", [DEFINITION] = "PRIMARY KEY (a)", [VALIDATED] = "t", [INDEX] = "30"};
static const char *const deferred[COLUMNS] = {
    CONSTRAINT,        [TYPE] = "u",   [DEFINITION] = "UNIQUE (a)",
    [VALIDATED] = "t", [INDEX] = "30", [DEFERRABLE] = "t",
    [DEFERRED] = "t"};
static const char *const exclusion[COLUMNS] = {
    CONSTRAINT, [TYPE] = "x", [DEFINITION] = "EXCLUDE USING gist (a WITH &&)", [VALIDATED] = "t",
    [INDEX] = "30"};
static const char *const foreign[COLUMNS] = {
    CONSTRAINT, [TYPE] = "f", [DEFINITION] = "FOREIGN KEY (a) REFERENCES s.t(a)", [VALIDATED] = "t",
    [INDEX] = "30"};

static void prepare(struct kind_test *test)
{
    static const struct catalog_kind kind_index = {.desc = "INDEX",
                                                   .section = SECTION_POST_DATA,
                                                   .priority = PRIORITY_INDEX,
                                                   .detail = DETAIL_INDEX};
    static struct column column;
    static struct table_index index;
    struct relation *table = kind_test_relation(test, 10, 'r', "s", "T");
    struct error err;

    column = (struct column){.number = 1,
                             .name = "a",
                             .type = "integer",
                             .is_local = true,
                             .not_null = true,
                             .statistics = -1};
    table->columns = &column;
    table->column_count = 1;
    kind_test_show(test, table->object);
    index = (struct table_index){.table = table,
                                 .oid = 30,
                                 .name = "C c",
                                 .tablespace = "fast",
                                 .options = "fillfactor='70'"};
    index.object = kind_test_object(test, &kind_index, CLASS_RELATION, 30, "s", "C c");
    index.object->detail = &index;
    assert_true(catalog_put_text(kind_test_catalog(test),
                                 "ALTER TABLE s.\"T\" CLUSTER ON \"C c\";\n", &index.after, &err));
}

static void a_constraint_is_in_its_table_or_behind_the_data(void **state)
{
    static const struct kind_case cases[] = {
        {"a check", check,
         "== TABLE s T o pre-data\n"
         "CREATE TABLE s.\"T\" (\n"
         "    a integer,\n"
         "    CONSTRAINT \"C c\" CHECK ((a > 0))\n"
         ");\n"
         "-- DROP TABLE s.\"T\";\n"},
        {"a check that was never validated", late_check,
         "== TABLE s T o pre-data\n"
         "CREATE TABLE s.\"T\" (\n"
         "    a integer\n"
         ");\n"
         "-- DROP TABLE s.\"T\";\n"
         "== CHECK CONSTRAINT s T C c o post-data\n"
         "ALTER TABLE s.\"T\" ADD CONSTRAINT \"C c\" CHECK ((a > 0)) NOT VALID;\n"
         "-- ALTER TABLE ONLY s.\"T\" DROP CONSTRAINT \"C c\";\n"},
        {"a check that the parent has", inherited,
         "== TABLE s T o pre-data\n"
         "CREATE TABLE s.\"T\" (\n"
         "    a integer\n"
         ");\n"
         "-- DROP TABLE s.\"T\";\n"},
        {"NOT NULL with a name", not_null,
         "== TABLE s T o pre-data\n"
         "CREATE TABLE s.\"T\" (\n"
         "    a integer CONSTRAINT \"C c\" NOT NULL NO INHERIT\n"
         ");\n"
         "-- DROP TABLE s.\"T\";\n"},
        {"NOT NULL that was never validated", late_not_null,
         "== TABLE s T o pre-data\n"
         "CREATE TABLE s.\"T\" (\n"
         "    a integer\n"
         ");\n"
         "-- DROP TABLE s.\"T\";\n"
         "== CONSTRAINT s T C c o post-data\n"
         "ALTER TABLE s.\"T\" ADD CONSTRAINT \"C c\" NOT NULL a NOT VALID;\n"
         "-- ALTER TABLE ONLY s.\"T\" DROP CONSTRAINT \"C c\";\n"},
        {"a primary key, and what its index needs", key,
         "== TABLE s T o pre-data\n"
         "CREATE TABLE s.\"T\" (\n"
         "    a integer\n"
         ");\n"
         "-- DROP TABLE s.\"T\";\n"
         "== CONSTRAINT s T C c o post-data, tablespace fast\n"
         "ALTER TABLE ONLY s.\"T\"\n"
         "    ADD CONSTRAINT \"C c\" PRIMARY KEY (a) WITH (fillfactor='70');\n"
         "ALTER TABLE s.\"T\" CLUSTER ON \"C c\";\n"
         "-- ALTER TABLE ONLY s.\"T\" DROP CONSTRAINT \"C c\";\n"},
        {"a unique one that is deferred", deferred,
         "== TABLE s T o pre-data\n"
         "CREATE TABLE s.\"T\" (\n"
         "    a integer\n"
         ");\n"
         "-- DROP TABLE s.\"T\";\n"
         "== CONSTRAINT s T C c o post-data, tablespace fast\n"
         "ALTER TABLE ONLY s.\"T\"\n"
         "    ADD CONSTRAINT \"C c\" UNIQUE (a) WITH (fillfactor='70') DEFERRABLE INITIALLY "
         "DEFERRED;\n"
         "ALTER TABLE s.\"T\" CLUSTER ON \"C c\";\n"
         "-- ALTER TABLE ONLY s.\"T\" DROP CONSTRAINT \"C c\";\n"},
        {"an exclusion, whose definition has the options", exclusion,
         "== TABLE s T o pre-data\n"
         "CREATE TABLE s.\"T\" (\n"
         "    a integer\n"
         ");\n"
         "-- DROP TABLE s.\"T\";\n"
         "== CONSTRAINT s T C c o post-data, tablespace fast\n"
         "ALTER TABLE ONLY s.\"T\"\n"
         "    ADD CONSTRAINT \"C c\" EXCLUDE USING gist (a WITH &&);\n"
         "ALTER TABLE s.\"T\" CLUSTER ON \"C c\";\n"
         "-- ALTER TABLE ONLY s.\"T\" DROP CONSTRAINT \"C c\";\n"},
        {"a foreign key", foreign,
         "== TABLE s T o pre-data\n"
         "CREATE TABLE s.\"T\" (\n"
         "    a integer\n"
         ");\n"
         "-- DROP TABLE s.\"T\";\n"
         "== FK CONSTRAINT s T C c o post-data\n"
         "ALTER TABLE ONLY s.\"T\"\n"
         "    ADD CONSTRAINT \"C c\" FOREIGN KEY (a) REFERENCES s.t(a);\n"
         "-- ALTER TABLE ONLY s.\"T\" DROP CONSTRAINT \"C c\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_constraint, &constraints, prepare, cases, 9);
}

static void a_check_of_a_foreign_table_is_added_as_such(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_relation(test, 10, 'f', "s", "t");
    kind_test_row(test, &constraints, late_check);
    kind_test_step(test, &catalog_step_constraint);
    kind_test_expect(test,
                     "== CHECK CONSTRAINT s t C c o post-data\n"
                     "ALTER FOREIGN TABLE s.t ADD CONSTRAINT \"C c\" CHECK ((a > 0)) NOT VALID;\n"
                     "-- ALTER TABLE ONLY s.t DROP CONSTRAINT \"C c\";\n");
}

static void a_key_without_an_index_is_a_failure(void **state)
{
    static const char *const alone[COLUMNS] = {
        CONSTRAINT, [TYPE] = "p", [DEFINITION] = "PRIMARY KEY (a)", [INDEX] = "31"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    prepare(test);
    kind_test_row(test, &constraints, alone);
    kind_test_fails(test, &catalog_step_constraint, "constraint \"C c\" ON s.\"T\" has no index");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_of_a_foreign_table_is_added_as_such),
        cmocka_unit_test(a_constraint_is_in_its_table_or_behind_the_data),
        cmocka_unit_test(a_key_without_an_index_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
