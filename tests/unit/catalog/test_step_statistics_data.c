#include "kind_test.h"

#include "catalog/statistics_data.c"

static const char *const of_table[COLUMNS] = {
    [OID] = "10",
    [SCHEMA] = "My s",
    [RELATION] = "it's",
    [VERSION] = "180004",
    [PAGES] = "3",
    [TUPLES] = "2.5",
    [ALL_VISIBLE] = "1",
    [ALL_FROZEN] = "0",
    [ATTRIBUTE] = "C c",
    [INHERITED] = "f",
    [FIRST_VALUE] = "0.5",
    [FIRST_VALUE + 1] = "4",
    [FIRST_VALUE + 2] = "-1",
    [FIRST_VALUE + 3] = "{\"it's \\\\\"}",
    [LAST_VALUE] = "{x}",
};
static const char *const of_its_second_column[COLUMNS] = {
    [OID] = "10",      [SCHEMA] = "My s", [RELATION] = "it's", [VERSION] = "180004",
    [PAGES] = "3",     [TUPLES] = "2.5",  [ALL_VISIBLE] = "1", [ALL_FROZEN] = "0",
    [ATTRIBUTE] = "d", [INHERITED] = "t", [FIRST_VALUE] = "0",
};
static const char *const of_empty[COLUMNS] = {
    [OID] = "11",  [SCHEMA] = "s",  [RELATION] = "m",    [VERSION] = "180004",
    [PAGES] = "0", [TUPLES] = "-1", [ALL_VISIBLE] = "0", [ALL_FROZEN] = "0",
};
static const char *const of_index[COLUMNS] = {
    [OID] = "20",         [SCHEMA] = "s", [RELATION] = "i",    [VERSION] = "180004",
    [PAGES] = "2",        [TUPLES] = "7", [ALL_VISIBLE] = "0", [ALL_FROZEN] = "0",
    [ATTRIBUTE] = "expr", [NUMBER] = "2", [INHERITED] = "f",   [FIRST_VALUE] = "0",
};

#define TOO_OLD                                                                                    \
    OPTION_STATISTICS " is for servers from 18 on: before that nothing puts statistics back, "     \
                      "and this one is a 17"

static struct kind_test *new_test(int major)
{
    struct kind_test *test = kind_test_new(major);

    kind_test_catalog(test)->options.statistics = true;
    return test;
}

/* What is asked of relations with these oids and names. */
static void answer(struct kind_test *test, const char *oids, const char *names,
                   const char *const *row)
{
    struct error err;
    struct sql text = {.err = &err};

    for (size_t i = 0; i < COLUMNS; i++)
        sql_printf(&text, "%s%s", i == 0 ? "SELECT " : ",\n       ", columns[i]);
    sql_printf(&text, "\n%s%s%s%s%s", from_begin, oids, from_oids_end, names, from_end);
    kind_test_text_row(test, sql_text(&text), row);
    assert_true(sql_end(&text));
}

static void add_index(struct kind_test *test, struct relation *table)
{
    static const struct catalog_kind kind_index_of_test = {.desc = "INDEX",
                                                           .section = SECTION_POST_DATA,
                                                           .priority = PRIORITY_INDEX,
                                                           .detail = DETAIL_INDEX};
    struct error err;
    struct catalog_object *object =
        kind_test_object(test, &kind_index_of_test, CLASS_RELATION, 20, "s", "i");
    struct table_index *index =
        arena_take(catalog_arena(kind_test_catalog(test)), sizeof(*index), &err);

    assert_non_null(index);
    *index = (struct table_index){.object = object, .table = table, .oid = 20, .name = "i"};
    object->detail = index;
}

#define TABLE                                                                                      \
    "== STATISTICS DATA My s it's - data\n"                                                        \
    "SELECT * FROM pg_catalog.pg_restore_relation_stats(\n"                                        \
    "\t'version', '180004'::integer,\n\t'schemaname', 'My s',\n\t'relname', 'it''s',\n"            \
    "\t'relpages', '3'::integer,\n\t'reltuples', '2.5'::real,\n"                                   \
    "\t'relallvisible', '1'::integer,\n\t'relallfrozen', '0'::integer\n);\n"                       \
    "SELECT * FROM pg_catalog.pg_restore_attribute_stats(\n"                                       \
    "\t'version', '180004'::integer,\n\t'schemaname', 'My s',\n\t'relname', 'it''s',\n"            \
    "\t'attname', 'C c',\n\t'inherited', 'f'::boolean,\n\t'null_frac', '0.5'::real,\n"             \
    "\t'avg_width', '4'::integer,\n\t'n_distinct', '-1'::real,\n"                                  \
    "\t'most_common_vals', '{\"it''s \\\\\"}'::text,\n"                                            \
    "\t'range_bounds_histogram', '{x}'::text\n);\n"                                                \
    "SELECT * FROM pg_catalog.pg_restore_attribute_stats(\n"                                       \
    "\t'version', '180004'::integer,\n\t'schemaname', 'My s',\n\t'relname', 'it''s',\n"            \
    "\t'attname', 'd',\n\t'inherited', 't'::boolean,\n\t'null_frac', '0'::real\n);\n"              \
    "-- needs it's\n"

static void tables_come_before_what_is_made_of_their_rows(void **state)
{
    struct kind_test *test = new_test(18);
    struct relation *table = kind_test_relation(test, 10, 'r', "My s", "it's");

    (void)state;
    kind_test_relation(test, 11, 'm', "s", "m");
    kind_test_relation(test, 12, 'v', "s", "v");
    kind_test_relation(test, 13, 'S', "s", "q");
    add_index(test, table);
    answer(test, "10,20,11", "'it''s', 'i', 'm'", of_table);
    answer(test, "10,20,11", "'it''s', 'i', 'm'", of_its_second_column);
    answer(test, "10,20,11", "'it''s', 'i', 'm'", of_index);
    answer(test, "10,20,11", "'it''s', 'i', 'm'", of_empty);
    kind_test_step(test, &catalog_step_statistics_data);
    kind_test_expect(test, TABLE
                     "== STATISTICS DATA s i - post-data\n"
                     "SELECT * FROM pg_catalog.pg_restore_relation_stats(\n"
                     "\t'version', '180004'::integer,\n\t'schemaname', 's',\n\t'relname', 'i',\n"
                     "\t'relpages', '2'::integer,\n\t'reltuples', '7'::real,\n"
                     "\t'relallvisible', '0'::integer,\n\t'relallfrozen', '0'::integer\n);\n"
                     "SELECT * FROM pg_catalog.pg_restore_attribute_stats(\n"
                     "\t'version', '180004'::integer,\n\t'schemaname', 's',\n\t'relname', 'i',\n"
                     "\t'attnum', '2'::smallint,\n\t'inherited', 'f'::boolean,\n"
                     "\t'null_frac', '0'::real\n);\n"
                     "-- needs i\n"
                     "== STATISTICS DATA s m - post-data\n"
                     "SELECT * FROM pg_catalog.pg_restore_relation_stats(\n"
                     "\t'version', '180004'::integer,\n\t'schemaname', 's',\n\t'relname', 'm',\n"
                     "\t'relpages', '0'::integer,\n\t'reltuples', '-1'::real,\n"
                     "\t'relallvisible', '0'::integer,\n\t'relallfrozen', '0'::integer\n);\n"
                     "-- needs m\n");
}

static void a_wide_table_is_asked_for_alone(void **state)
{
    struct kind_test *test = new_test(18);
    struct relation *wide = kind_test_relation(test, 10, 'r', "My s", "it's");

    (void)state;
    wide->column_count = 1600;
    kind_test_relation(test, 11, 'r', "s", "m");
    answer(test, "10", "'it''s'", of_table);
    answer(test, "10", "'it''s'", of_its_second_column);
    answer(test, "11", "'m'", of_empty);
    kind_test_step(test, &catalog_step_statistics_data);
    kind_test_expect(test, TABLE
                     "== STATISTICS DATA s m - data\n"
                     "SELECT * FROM pg_catalog.pg_restore_relation_stats(\n"
                     "\t'version', '180004'::integer,\n\t'schemaname', 's',\n\t'relname', 'm',\n"
                     "\t'relpages', '0'::integer,\n\t'reltuples', '-1'::real,\n"
                     "\t'relallvisible', '0'::integer,\n\t'relallfrozen', '0'::integer\n);\n"
                     "-- needs m\n");
}

static void entries_may_be_asked_for_twice_and_in_any_order(void **state)
{
    struct kind_test *test = new_test(18);
    struct catalog *catalog = kind_test_catalog(test);
    struct relation *wide = kind_test_relation(test, 10, 'r', "My s", "it's");
    struct archive_entry entry;
    struct error err;
    uint32_t last;

    (void)state;
    wide->column_count = 1600;
    kind_test_relation(test, 11, 'r', "s", "m");
    answer(test, "10", "'it''s'", of_table);
    answer(test, "11", "'m'", of_empty);
    kind_test_step(test, &catalog_step_statistics_data);
    assert_true(depends_sort(catalog, &err) && order_objects(catalog, &err));
    last = catalog_entry_count(catalog) - 1;
    for (int i = 0; i < 2; i++) {
        assert_true(catalog_entry(catalog, last, &entry, &err));
        assert_string_equal(entry.tag, "m");
        assert_non_null(strstr(entry.definition, "'relname', 'm'"));
        assert_int_equal(entry.object_oid, 0);
        assert_true(catalog_entry(catalog, last - 1, &entry, &err));
        assert_non_null(strstr(entry.definition, "'relname', 'it''s'"));
    }
    catalog->major = 17; /* which frees the test */
    kind_test_fails(test, &catalog_step_statistics_data, TOO_OLD);
}

static void nobody_is_asked_without_the_option(void **state)
{
    struct kind_test *test = kind_test_new(13);

    (void)state;
    kind_test_relation(test, 10, 'r', "s", "t");
    kind_test_step(test, &catalog_step_statistics_data);
    kind_test_expect(test, "");
}

static void a_server_before_18_is_refused(void **state)
{
    struct kind_test *test = new_test(17);

    (void)state;
    kind_test_fails(test, &catalog_step_statistics_data, TOO_OLD);
}

static void what_the_server_does_not_say_is_a_failure(void **state)
{
    struct kind_test *test = new_test(18);
    struct catalog *catalog = kind_test_catalog(test);
    struct archive_entry entry;
    struct error err;

    (void)state;
    kind_test_relation(test, 10, 'r', "s", "t");
    kind_test_step(test, &catalog_step_statistics_data);
    assert_true(depends_sort(catalog, &err) && order_objects(catalog, &err));
    assert_false(catalog_entry(catalog, catalog_entry_count(catalog) - 1, &entry, &err));
    assert_string_equal(err.message, "STATISTICS DATA s.t: the server gave no statistics of it");
    catalog->major = 17; /* which frees the test */
    kind_test_fails(test, &catalog_step_statistics_data, TOO_OLD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_come_before_what_is_made_of_their_rows),
        cmocka_unit_test(a_wide_table_is_asked_for_alone),
        cmocka_unit_test(entries_may_be_asked_for_twice_and_in_any_order),
        cmocka_unit_test(nobody_is_asked_without_the_option),
        cmocka_unit_test(a_server_before_18_is_refused),
        cmocka_unit_test(what_the_server_does_not_say_is_a_failure),
    };

    return cmocka_run_group_tests_name("statistics of the planner", tests, NULL, NULL);
}
