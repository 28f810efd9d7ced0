#include "kind_test.h"

#include "catalog/kinds/publication.c"

#define PUBLICATION                                                                                \
    [OID] = "7", [NAME] = "p", [OWNER] = "alice", [ALL_TABLES] = "f", [VIA_ROOT] = "f"

static const char *const plain[COLUMNS] = {PUBLICATION, [PUBLISH] = "insert, delete"};
static const char *const silent[COLUMNS] = {PUBLICATION, [PUBLISH] = ""};
static const char *const whole[COLUMNS] = {
    [OID] = "7",
    [NAME] = "My \"p",
    [OWNER] = "A b",
    [ALL_TABLES] = "t",
    [VIA_ROOT] = "t",
    [PUBLISH] = "insert, update, delete, truncate",
    [GENERATED] = "stored",
};

static void a_publication_says_what_it_publishes(void **state)
{
    static const struct kind_case cases[] = {
        {"an ordinary one", plain,
         "== PUBLICATION - p alice post-data\n"
         "CREATE PUBLICATION p WITH (publish = 'insert, delete');\n"
         "-- DROP PUBLICATION p;\n"},
        {"nothing", silent,
         "== PUBLICATION - p alice post-data\n"
         "CREATE PUBLICATION p WITH (publish = '');\n"
         "-- DROP PUBLICATION p;\n"},
        {"everything, every option; names in quotes", whole,
         "== PUBLICATION - My \"p A b post-data\n"
         "CREATE PUBLICATION \"My \"\"p\" FOR ALL TABLES WITH (publish = 'insert, update, delete, "
         "truncate', publish_via_partition_root = true, publish_generated_columns = stored);\n"
         "-- DROP PUBLICATION \"My \"\"p\";\n"},
    };

    (void)state;
    kind_test_cases(18, &catalog_step_publication, &publications, NULL, cases,
                    sizeof(cases) / sizeof(cases[0]));
}

#define PART(oid, of)                                                                              \
    [PART_OID] = oid, [PART_OWNER] = "alice", [PART_PUBLICATION] = "7", [PUBLICATION_NAME] = "p",  \
    [PART_SCHEMA] = "My s", [PART_OF] = of

static const char *const whole_table[TABLE_COLUMNS] = {
    PART("8", "20"), [PART_NAME] = "p T", [TABLE_NAME] = "T"};
static const char *const some_of_it[TABLE_COLUMNS] = {
    PART("8", "20"), [PART_NAME] = "p T", [TABLE_NAME] = "T", [COLUMN_NAMES] = "a, \"B b\"",
    [FILTER] = "(a > 7)"};
static const char *const no_table_of_ours[TABLE_COLUMNS] = {
    PART("8", "21"), [PART_NAME] = "p t", [TABLE_NAME] = "t"};
static const char *const whole_schema[SCHEMA_COLUMNS] = {PART("9", "30"), [PART_NAME] = "p My s"};

static const struct catalog_kind kind_schema_of_test = {
    .desc = "SCHEMA", .section = SECTION_PRE_DATA, .priority = PRIORITY_SCHEMA};
static const struct catalog_kind kind_extension_of_test = {.desc = "EXTENSION"};

static struct kind_test *test_of_parts(int major, const char *const *table)
{
    struct kind_test *test = kind_test_new(major);

    kind_test_relation(test, 20, 'r', "My s", "T");
    kind_test_object(test, &kind_schema_of_test, CLASS_SCHEMA, 30, NULL, "My s");
    kind_test_row(test, &publications, plain);
    kind_test_row(test, &publication_tables, table);
    return test;
}

#define MADE                                                                                       \
    "== PUBLICATION - p alice post-data\n"                                                         \
    "CREATE PUBLICATION p WITH (publish = 'insert, delete');\n"                                    \
    "-- DROP PUBLICATION p;\n"

static void tables_and_schemas_are_entries_of_their_own(void **state)
{
    struct kind_test *test = test_of_parts(15, whole_table);

    (void)state;
    kind_test_row(test, &publication_schemas, whole_schema);
    kind_test_step(test, &catalog_step_publication);
    kind_test_expect(test, MADE "== PUBLICATION TABLE My s p T alice post-data\n"
                                "ALTER PUBLICATION p ADD TABLE ONLY \"My s\".\"T\";\n"
                                "== PUBLICATION TABLES IN SCHEMA My s p My s alice post-data\n"
                                "ALTER PUBLICATION p ADD TABLES IN SCHEMA \"My s\";\n");
}

static void rows_and_columns_may_be_chosen(void **state)
{
    struct kind_test *test = test_of_parts(14, some_of_it);

    (void)state;
    kind_test_step(test, &catalog_step_publication);
    kind_test_expect(test, MADE "== PUBLICATION TABLE My s p T alice post-data\n"
                                "ALTER PUBLICATION p ADD TABLE ONLY \"My s\".\"T\" (a, \"B b\") "
                                "WHERE ((a > 7));\n");
}

static void what_is_not_dumped_has_no_entry(void **state)
{
    struct kind_test *test = test_of_parts(14, no_table_of_ours);

    (void)state;
    kind_test_step(test, &catalog_step_publication);
    kind_test_expect(test, MADE);
}

static void of_an_extensions_table_and_a_users_publication_there_is_one(void **state)
{
    struct kind_test *test = test_of_parts(14, no_table_of_ours);
    struct error err;
    struct catalog_object *extension =
        kind_test_object(test, &kind_extension_of_test, CLASS_EXTENSION, 1, NULL, "ext");

    (void)state;
    assert_true(catalog_alias(kind_test_catalog(test), CLASS_RELATION, 21, extension, &err));
    kind_test_step(test, &catalog_step_publication);
    kind_test_expect(test, MADE "== PUBLICATION TABLE My s p t alice post-data\n"
                                "ALTER PUBLICATION p ADD TABLE ONLY \"My s\".t;\n");
}

static void what_is_an_extensions_on_both_sides_is_made_by_that(void **state)
{
    struct kind_test *test = test_of_parts(14, no_table_of_ours);
    struct error err;
    struct catalog_object *extension =
        kind_test_object(test, &kind_extension_of_test, CLASS_EXTENSION, 1, NULL, "ext");

    (void)state;
    assert_true(catalog_alias(kind_test_catalog(test), CLASS_RELATION, 21, extension, &err) &&
                catalog_alias(kind_test_catalog(test), CLASS_PUBLICATION, 7, extension, &err));
    kind_test_step(test, &catalog_step_publication);
    kind_test_expect(test, "");
}

static void each_version_is_asked_for_what_it_has(void **state)
{
    (void)state;
    kind_test_asks(&publications, 18, 18, "pubgencols");
    kind_test_asks(&publication_tables, 15, 18, "prqual");
    kind_test_asks(&publication_tables, 15, 18, "prattrs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_publication_says_what_it_publishes),
        cmocka_unit_test(tables_and_schemas_are_entries_of_their_own),
        cmocka_unit_test(rows_and_columns_may_be_chosen),
        cmocka_unit_test(what_is_not_dumped_has_no_entry),
        cmocka_unit_test(of_an_extensions_table_and_a_users_publication_there_is_one),
        cmocka_unit_test(what_is_an_extensions_on_both_sides_is_made_by_that),
        cmocka_unit_test(each_version_is_asked_for_what_it_has),
    };

    return cmocka_run_group_tests_name("publications", tests, NULL, NULL);
}
