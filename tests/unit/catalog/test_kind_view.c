#include "kind_test.h"

#include "catalog/kinds/view.c"

static const char *const row[] = {[RELATION] = "10", [RULE] = "20", [QUERY] = " SELECT 1 AS a;"};

static struct column columns_of_view[] = {
    {.number = 1, .name = "A", .type = "text", .collation = "pg_catalog.\"C\"", .statistics = -1}};

static struct relation *add_view(struct kind_test *test, char relkind)
{
    struct relation *view = kind_test_relation(test, 10, relkind, "s", "V");

    view->columns = columns_of_view;
    view->column_count = 1;
    kind_test_show(test, view->object);
    return view;
}

static void a_view_is_its_query(void **state)
{
    struct kind_test *test = kind_test_new(18);
    struct relation *view = add_view(test, 'v');

    (void)state;
    view->reloptions = "security_barrier='true'";
    view->check_option = "CASCADED";
    kind_test_row(test, &views, row);
    kind_test_step(test, &catalog_step_view);
    kind_test_expect(test, "== VIEW s V o pre-data\n"
                           "CREATE VIEW s.\"V\" WITH (security_barrier='true') AS\n"
                           " SELECT 1 AS a\n"
                           "  WITH CASCADED CHECK OPTION;\n"
                           "-- DROP VIEW s.\"V\";\n");
}

static void a_query_that_leads_back_to_its_view_replaces_a_stand_in(void **state)
{
    static const struct catalog_kind kind_function = {
        .desc = "FUNCTION", .section = SECTION_PRE_DATA, .priority = PRIORITY_FUNCTION};
    struct kind_test *test = kind_test_new(18);
    struct catalog *catalog = kind_test_catalog(test);
    struct relation *view = add_view(test, 'v');
    struct catalog_object *function =
        kind_test_object(test, &kind_function, CLASS_PROCEDURE, 30, "s", "f");
    struct error err;

    (void)state;
    kind_test_row(test, &views, row);
    kind_test_step(test, &catalog_step_view);
    assert_true(catalog_depend(catalog, function, view->object, &err));
    assert_true(catalog_depend(catalog, view->object->pieces, function, &err));
    assert_true(catalog_depend(catalog, view->object->pieces, view->object, &err));
    kind_test_expect(test, "== VIEW s V o pre-data\n"
                           "CREATE VIEW s.\"V\" AS\n"
                           " SELECT\n"
                           "    NULL::text COLLATE pg_catalog.\"C\" AS \"A\";\n"
                           "-- DROP VIEW s.\"V\";\n"
                           "== RULE s V _RETURN o post-data\n"
                           "CREATE OR REPLACE VIEW s.\"V\" AS\n"
                           " SELECT 1 AS a;\n"
                           "-- CREATE OR REPLACE VIEW s.\"V\" AS\n"
                           " SELECT\n"
                           "    NULL::text COLLATE pg_catalog.\"C\" AS \"A\";\n"
                           "-- needs V, f\n");
}

static void a_materialized_view_is_filled_later(void **state)
{
    struct kind_test *test = kind_test_new(18);
    struct relation *view = add_view(test, 'm');

    (void)state;
    view->populated = true;
    view->reloptions = "fillfactor='70'";
    kind_test_row(test, &views, row);
    kind_test_step(test, &catalog_step_view);
    kind_test_expect(test, "== MATERIALIZED VIEW s V o pre-data\n"
                           "CREATE MATERIALIZED VIEW s.\"V\" WITH (fillfactor='70') AS\n"
                           " SELECT 1 AS a\n"
                           "  WITH NO DATA;\n"
                           "-- DROP MATERIALIZED VIEW s.\"V\";\n"
                           "== MATERIALIZED VIEW DATA s V o post-data\n"
                           "REFRESH MATERIALIZED VIEW s.\"V\";\n"
                           "-- needs V\n");
}

static void one_that_is_empty_stays_empty(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    add_view(test, 'm');
    kind_test_row(test, &views, row);
    kind_test_step(test, &catalog_step_view);
    kind_test_expect(test, "== MATERIALIZED VIEW s V o pre-data\n"
                           "CREATE MATERIALIZED VIEW s.\"V\" AS\n"
                           " SELECT 1 AS a\n"
                           "  WITH NO DATA;\n"
                           "-- DROP MATERIALIZED VIEW s.\"V\";\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_is_its_query),
        cmocka_unit_test(a_query_that_leads_back_to_its_view_replaces_a_stand_in),
        cmocka_unit_test(a_materialized_view_is_filled_later),
        cmocka_unit_test(one_that_is_empty_stays_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
