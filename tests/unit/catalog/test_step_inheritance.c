#include "kind_test.h"

#include "catalog/inheritance.c"

#include <stdio.h>

static struct column child_columns[2];

static struct relation *add_child(struct kind_test *test)
{
    struct relation *child = kind_test_relation(test, 11, 'r', "s", "Child");

    child_columns[0] = (struct column){.number = 1,
                                       .name = "a",
                                       .type = "integer",
                                       .statistics = -1,
                                       .not_null = true,
                                       .not_null_local = true};
    child_columns[1] = (struct column){
        .number = 2, .name = "b", .type = "integer", .statistics = -1, .is_local = true};
    child->columns = child_columns;
    child->column_count = 2;
    kind_test_show(test, child->object);
    return child;
}

static void a_child_names_its_parents_and_its_own_columns(void **state)
{
    static struct column parent_column = {.number = 1, .name = "a", .type = "integer"};
    static const char *const row[COLUMNS] = {[CHILD] = "11", [PARENT] = "10", [PENDING] = "f"};
    struct kind_test *test = kind_test_new(17);
    struct relation *parent = kind_test_relation(test, 10, 'r', "s", "parent");

    (void)state;
    parent->columns = &parent_column;
    parent->column_count = 1;
    add_child(test);
    kind_test_row(test, &parents_query, row);
    kind_test_step(test, &catalog_step_inheritance);
    kind_test_expect(test, "== TABLE s Child o pre-data\n"
                           "CREATE TABLE s.\"Child\" (\n"
                           "    b integer\n"
                           ")\n"
                           "INHERITS (s.parent);\n"
                           "ALTER TABLE ONLY s.\"Child\" ALTER COLUMN a SET NOT NULL;\n"
                           "-- DROP TABLE s.\"Child\";\n");
}

static void a_default_that_a_child_dropped_is_null(void **state)
{
    static struct column parent_column = {
        .number = 1, .name = "a", .type = "integer", .default_value = "5"};
    static const char *const row[COLUMNS] = {[CHILD] = "11", [PARENT] = "10", [PENDING] = "f"};
    struct kind_test *test = kind_test_new(18);
    struct relation *parent = kind_test_relation(test, 10, 'r', "s", "parent");

    (void)state;
    parent->columns = &parent_column;
    parent->column_count = 1;
    add_child(test);
    kind_test_row(test, &parents_query, row);
    kind_test_step(test, &catalog_step_inheritance);
    kind_test_expect(test, "== TABLE s Child o pre-data\n"
                           "CREATE TABLE s.\"Child\" (\n"
                           "    NOT NULL a,\n"
                           "    b integer\n"
                           ")\n"
                           "INHERITS (s.parent);\n"
                           "ALTER TABLE ONLY s.\"Child\" ALTER COLUMN a DROP DEFAULT;\n"
                           "-- DROP TABLE s.\"Child\";\n"
                           "== DEFAULT s Child a o pre-data\n"
                           "ALTER TABLE ONLY s.\"Child\" ALTER COLUMN a SET DEFAULT NULL;\n"
                           "-- ALTER TABLE s.\"Child\" ALTER COLUMN a DROP DEFAULT;\n"
                           "-- needs Child\n");
}

/* Whatever they are called: the parent is looked at first. Before 16 each has an entry. */
static void a_default_that_was_lost_is_lost_below(void **state)
{
    static struct column parent_column = {
        .number = 1, .name = "a", .type = "integer", .default_value = "5"};
    static struct column grandchild_column;
    struct error err;
    static const char *const child[COLUMNS] = {[CHILD] = "11", [PARENT] = "10", [PENDING] = "f"};
    static const char *const grandchild[COLUMNS] = {
        [CHILD] = "12", [PARENT] = "11", [PENDING] = "f"};

    (void)state;
    for (int major = 15; major <= 16; major++) {
        struct kind_test *test = kind_test_new(major);
        struct relation *below = kind_test_relation(test, 12, 'r', "s", "below");
        struct relation *parent = kind_test_relation(test, 10, 'r', "s", "parent");

        parent->columns = &parent_column;
        grandchild_column =
            (struct column){.number = 1, .name = "a", .type = "integer", .statistics = -1};
        below->columns = &grandchild_column;
        parent->column_count = below->column_count = 1;
        add_child(test);
        kind_test_row(test, &parents_query, child);
        kind_test_row(test, &parents_query, grandchild);
        kind_test_step(test, &catalog_step_inheritance);
        assert_true(catalog_step_inheritance.link(kind_test_catalog(test), &err));
        assert_true(child_columns[0].default_dropped);
        assert_int_equal(grandchild_column.default_dropped, major == 15);
        kind_test_free(test);
    }
}

static void a_partition_is_made_whole_and_attached(void **state)
{
    static const char *const key[] = {[KEY_OF] = "10", [KEY] = "LIST (a)"};
    static const char *const row[COLUMNS] = {
        [CHILD] = "11", [PARENT] = "10", [PENDING] = "f", [BOUND] = "FOR VALUES IN (1)"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_show(test, kind_test_relation(test, 10, 'p', "s", "Whole")->object);
    add_child(test)->is_partition = true;
    kind_test_row(test, &keys_query, key);
    kind_test_row(test, &parents_query, row);
    kind_test_step(test, &catalog_step_inheritance);
    kind_test_expect(
        test, "== TABLE s Child o pre-data\n"
              "CREATE TABLE s.\"Child\" (\n"
              "    a integer NOT NULL,\n"
              "    b integer\n"
              ");\n"
              "-- DROP TABLE s.\"Child\";\n"
              "== TABLE s Whole o pre-data\n"
              "CREATE TABLE s.\"Whole\" (\n"
              ")\n"
              "PARTITION BY LIST (a);\n"
              "-- DROP TABLE s.\"Whole\";\n"
              "== TABLE ATTACH s Child o pre-data\n"
              "ALTER TABLE ONLY s.\"Whole\" ATTACH PARTITION s.\"Child\" FOR VALUES IN (1);\n"
              "-- needs Whole, Child\n");
}

static void the_parent_may_be_no_object(void **state)
{
    static const char *const row[COLUMNS] = {
        [CHILD] = "11", [PARENT] = "10", [PENDING] = "f", [PARENT_IDENTITY] = "ext.\"T\""};
    static const char *const member[] = {
        [MEMBER_TABLE] = "10", [MEMBER_COLUMN] = "a", [MEMBER_NOT_NULL] = "t"};
    struct kind_test *test = kind_test_new(17);
    char from_ten[1000];
    const struct catalog_query members = {
        .columns = member_columns, .count = MEMBER_COLUMNS, .from = from_ten};

    (void)state;
    snprintf(from_ten, sizeof(from_ten), "%s10)", member_from);
    add_child(test);
    kind_test_row(test, &parents_query, row);
    kind_test_row(test, &members, member);
    kind_test_step(test, &catalog_step_inheritance);
    kind_test_expect(test, "== TABLE s Child o pre-data\n"
                           "CREATE TABLE s.\"Child\" (\n"
                           "    b integer\n"
                           ")\n"
                           "INHERITS (ext.\"T\");\n"
                           "-- DROP TABLE s.\"Child\";\n");
}

static void such_parents_are_found_in_whatever_order_they_came(void **state)
{
    static const char *const oids[] = {"30", "10", "40", "20"};
    const char *rows[4][COLUMNS] = {0}, *again[COLUMNS] = {0};
    struct kind_test *test = kind_test_new(17);
    char from_all[1000];
    const struct catalog_query members = {
        .columns = member_columns, .count = MEMBER_COLUMNS, .from = from_all};
    static const char *const member[] = {
        [MEMBER_TABLE] = "30", [MEMBER_COLUMN] = "a", [MEMBER_NOT_NULL] = "t"};

    (void)state;
    snprintf(from_all, sizeof(from_all), "%s10, 20, 30, 40)", member_from);
    add_child(test);
    for (size_t i = 0; i < 4; i++) {
        rows[i][CHILD] = "11";
        rows[i][PARENT] = oids[i];
        rows[i][PENDING] = "f";
        rows[i][PARENT_IDENTITY] = oids[i];
        kind_test_row(test, &parents_query, rows[i]);
    }
    memcpy(again, rows[1], sizeof(again)); /* it is known by then */
    again[PARENT_IDENTITY] = "another";
    kind_test_row(test, &parents_query, again);
    kind_test_row(test, &members, member);
    kind_test_step(test, &catalog_step_inheritance);
    kind_test_expect(test, "== TABLE s Child o pre-data\n"
                           "CREATE TABLE s.\"Child\" (\n"
                           "    b integer\n"
                           ")\n"
                           "INHERITS (30, 10, 40, 20, 10);\n"
                           "-- DROP TABLE s.\"Child\";\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_names_its_parents_and_its_own_columns),
        cmocka_unit_test(a_default_that_a_child_dropped_is_null),
        cmocka_unit_test(a_default_that_was_lost_is_lost_below),
        cmocka_unit_test(a_partition_is_made_whole_and_attached),
        cmocka_unit_test(the_parent_may_be_no_object),
        cmocka_unit_test(such_parents_are_found_in_whatever_order_they_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
