#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/columns.h"
#include "catalog/selection.h"

static void expect(const struct selection *selection, const char *text, const char *expected)
{
    struct buffer out = {0};
    struct error err;

    assert_true(selection_expand(selection, text, &out, &err));
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void without_a_filter_everything_is_wanted(void **state)
{
    const struct selection unlimited = {0};

    (void)state;
    expect(NULL, "a {schema n.oid} b", "a true b");
    expect(&unlimited, "{relation c.oid}{schemas are named}", "truefalse");
    expect(NULL, "", "");
}

static void sets_are_lists_of_oids(void **state)
{
    uint32_t oids[] = {16384, 4294967295U};
    const struct selection selection = {
        .limited = true,
        .some_schemas = true,
        .relations_limited = true,
        .schemas_limited = true,
        .relations = {.oids = oids, .count = 2},
    };

    (void)state;
    expect(&selection, "WHERE {relation c.oid} AND x",
           "WHERE c.oid IN (SELECT pg_catalog.unnest("
           "'{16384,4294967295}'::pg_catalog.oid[])) AND x");
    expect(&selection, "{schema n.oid}", "false");
    expect(&selection, "{schemas are named}", "true");
    expect(&selection, "{rows o}", "true");
}

static void rows_may_be_left_out_of_some_or_all(void **state)
{
    uint32_t oids[] = {7};
    const struct selection some = {.limited = true, .no_rows = {.oids = oids, .count = 1}};
    const struct selection none = {.limited = true, .schema_only = true};

    (void)state;
    expect(&some, "{rows o}", "(NOT o IN (SELECT pg_catalog.unnest('{7}'::pg_catalog.oid[])))");
    expect(&none, "{rows o} {relation o}", "false true");
    expect(&some, "{server s}", "false");
}

static void other_braces_are_the_querys_own(void **state)
{
    (void)state;
    expect(NULL, "'{}' {a} {schema} {schema x", "'{}' {a} {schema} {schema x");
}

static void a_set_holds_each_once(void **state)
{
    struct oid_set set = {0};
    struct error err;

    (void)state;
    assert_false(oid_set_has(&set, 1));
    for (uint32_t i = 0; i < 300; i++)
        assert_true(oid_set_add(&set, (i * 7) % 100, &err));
    oid_set_sort(&set);
    assert_int_equal(set.count, 100);
    assert_true(oid_set_has(&set, 0) && oid_set_has(&set, 99) && !oid_set_has(&set, 100));
    selection_reset(&(struct selection){.tables = set});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_filter_everything_is_wanted),
        cmocka_unit_test(sets_are_lists_of_oids),
        cmocka_unit_test(rows_may_be_left_out_of_some_or_all),
        cmocka_unit_test(other_braces_are_the_querys_own),
        cmocka_unit_test(a_set_holds_each_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
