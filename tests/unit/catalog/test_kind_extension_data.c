#include "kind_test.h"

#include "catalog/kinds/extension_data.c"

static const struct catalog_kind kind_extension = {
    .desc = "EXTENSION", .section = SECTION_PRE_DATA, .priority = PRIORITY_EXTENSION};

#define TABLE [EXTENSION] = "9", [OID] = "20", [RELKIND] = "r", [SCHEMA] = "s", [NAME] = "t"

static const char *const plain[COLUMNS] = {
    TABLE, [OWNER] = "o", [COLUMN_LIST] = "\"a\", \"B b\"", [CONDITION] = ""};
static const char *const some[COLUMNS] = {
    TABLE, [OWNER] = "o", [COLUMN_LIST] = "\"a\"", [CONDITION] = "WHERE a > 5 -- ours"};
static const char *const without_columns[COLUMNS] = {TABLE, [OWNER] = "o", [COLUMN_LIST] = ""};

static void add_extension(struct kind_test *test)
{
    kind_test_object(test, &kind_extension, CLASS_EXTENSION, 9, NULL, "e");
}

static void the_users_rows_of_a_configuration_table_are_data(void **state)
{
    static const struct kind_case cases[] = {
        {"all of them", plain,
         "== TABLE DATA s t o data\n"
         "COPY s.t (\"a\", \"B b\") FROM stdin;\n"
         "COPY s.t (\"a\", \"B b\") TO STDOUT\n"
         "-- needs e\n"},
        {"those of a condition", some,
         "== TABLE DATA s t o data\n"
         "COPY s.t (\"a\") FROM stdin;\n"
         "COPY (SELECT \"a\" FROM s.t WHERE a > 5 -- ours\n"
         ") TO STDOUT\n"
         "-- needs e\n"},
        {"of a table without columns", without_columns,
         "== TABLE DATA s t o data\n"
         "COPY s.t  FROM stdin;\n"
         "COPY s.t  TO STDOUT\n"
         "-- needs e\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_extension_data, &configurations, add_extension, cases, 3);
}

static void a_sequence_stands_somewhere_and_who_refers_comes_later(void **state)
{
    static const char *const sequence[COLUMNS] = {
        [EXTENSION] = "9", [OID] = "21",  [RELKIND] = "S",   [SCHEMA] = "s",
        [NAME] = "Seq",    [OWNER] = "o", [COLUMN_LIST] = ""};
    static const char *const other[COLUMNS] = {
        [EXTENSION] = "9", [OID] = "22",  [RELKIND] = "r",        [SCHEMA] = "s",
        [NAME] = "a",      [OWNER] = "o", [COLUMN_LIST] = "\"x\""};
    static const char *const position[] = {"21", "5", "t"};
    static const char *const reference[] = {[REFERRING] = "22", [REFERRED] = "20"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_extension(test);
    kind_test_row(test, &configurations, plain);
    kind_test_row(test, &configurations, sequence);
    kind_test_row(test, &configurations, other);
    kind_test_text_row(test, "SELECT 21, last_value, is_called FROM s.\"Seq\"", position);
    kind_test_row(test, &references, reference);
    kind_test_step(test, &catalog_step_extension_data);
    kind_test_expect(test, "== TABLE DATA s t o data\n"
                           "COPY s.t (\"a\", \"B b\") FROM stdin;\n"
                           "COPY s.t (\"a\", \"B b\") TO STDOUT\n"
                           "-- needs e\n"
                           "== TABLE DATA s a o data\n"
                           "COPY s.a (\"x\") FROM stdin;\n"
                           "COPY s.a (\"x\") TO STDOUT\n"
                           "-- needs e, t\n"
                           "== SEQUENCE SET s Seq o data\n"
                           "SELECT pg_catalog.setval('s.\"Seq\"', 5, true);\n"
                           "-- needs e\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_users_rows_of_a_configuration_table_are_data),
        cmocka_unit_test(a_sequence_stands_somewhere_and_who_refers_comes_later),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
