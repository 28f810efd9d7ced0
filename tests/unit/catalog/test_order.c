#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "catalog/catalog_internal.h"

#include <stdlib.h>
#include <string.h>

static const struct catalog_kind table = {
    .desc = "TABLE", .section = SECTION_PRE_DATA, .priority = PRIORITY_RELATION};
static const struct catalog_kind view = {.desc = "MATERIALIZED VIEW",
                                         .section = SECTION_PRE_DATA,
                                         .priority = PRIORITY_RELATION,
                                         .may_postpone = true};
static const struct catalog_kind piece = {
    .desc = "DEFAULT", .section = SECTION_PRE_DATA, .priority = PRIORITY_DEFAULT, .piece_rank = 1};
static const struct catalog_kind lower_piece = {.desc = "CHECK",
                                                .section = SECTION_POST_DATA,
                                                .priority = PRIORITY_CONSTRAINT,
                                                .piece_rank = 1};
static const struct catalog_kind higher_piece = {
    .desc = "DEFAULT", .section = SECTION_PRE_DATA, .priority = PRIORITY_DEFAULT, .piece_rank = 2};
static const struct catalog_kind constraint = {
    .desc = "CONSTRAINT", .section = SECTION_POST_DATA, .priority = PRIORITY_CONSTRAINT};

static struct catalog *new_catalog(void)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));
    struct error err;

    assert_non_null(catalog);
    catalog->major = 18;
    catalog->texts = text_store_new(&err);
    return catalog;
}

static struct catalog_object *add(struct catalog *catalog, const struct catalog_kind *kind,
                                  const char *name)
{
    struct error err;
    struct catalog_object *object = catalog_add(
        catalog, kind, 1, (uint32_t)catalog_object_count(catalog) + 1, "s", name, "o", &err);

    assert_non_null(object);
    return object;
}

static void need(struct catalog *catalog, struct catalog_object *object,
                 struct catalog_object *needed)
{
    struct error err;

    assert_true(catalog_depend(catalog, object, needed, &err));
}

/* The names of all entries in order, with a space behind each. */
static void expect_order(struct catalog *catalog, const char *expected)
{
    struct buffer names = {0};
    struct error err;

    assert_true(depends_sort(catalog, &err));
    assert_true(order_objects(catalog, &err));
    for (size_t i = 0; i < catalog->slot_count; i++)
        assert_true(buffer_printf(&names, &err, "%s ", catalog->slots[i].object->name));
    assert_string_equal(buffer_text(&names), expected);
    buffer_free(&names);
    catalog_free(catalog);
}

static void what_is_needed_comes_first_and_names_decide_the_rest(void **state)
{
    struct catalog *catalog = new_catalog();
    struct catalog_object *a = add(catalog, &table, "a");
    struct catalog_object *z = add(catalog, &table, "z");

    (void)state;
    add(catalog, &table, "m");
    add(catalog, &constraint, "b");
    need(catalog, a, z);
    expect_order(catalog, "m z a b ");
}

static void a_piece_stays_in_its_host_without_a_loop(void **state)
{
    struct catalog *catalog = new_catalog();
    struct catalog_object *host = add(catalog, &table, "a");
    struct catalog_object *function = add(catalog, &table, "f");
    struct catalog_object *part = add(catalog, &piece, "p");

    (void)state;
    catalog_make_piece(part, host);
    need(catalog, part, function);
    expect_order(catalog, "f a ");
}

static void a_piece_that_closes_a_loop_is_taken_off(void **state)
{
    struct catalog *catalog = new_catalog();
    struct catalog_object *host = add(catalog, &table, "a");
    struct catalog_object *function = add(catalog, &table, "f");
    struct catalog_object *part = add(catalog, &piece, "p");

    (void)state;
    catalog_make_piece(part, host);
    need(catalog, part, function);
    need(catalog, part, host);
    need(catalog, function, host);
    expect_order(catalog, "a f p ");
}

/* b needs a by its piece p, a needs b by its piece q. */
static void add_pair(struct catalog *catalog, const struct catalog_kind *p_kind,
                     const struct catalog_kind *q_kind)
{
    struct catalog_object *a = add(catalog, &table, "a"), *b = add(catalog, &table, "b");
    struct catalog_object *p = add(catalog, p_kind, "p"), *q = add(catalog, q_kind, "q");

    catalog_make_piece(p, b);
    catalog_make_piece(q, a);
    need(catalog, p, a);
    need(catalog, q, b);
    need(catalog, p, b);
    need(catalog, q, a);
}

static void one_piece_of_a_loop_is_enough_the_one_of_the_lowest_rank(void **state)
{
    struct catalog *catalog = new_catalog();

    (void)state;
    add_pair(catalog, &lower_piece, &higher_piece);
    expect_order(catalog, "b a p ");
}

static void of_equal_pieces_that_of_the_oldest_is_taken_off(void **state)
{
    struct catalog *catalog = new_catalog();

    (void)state;
    add_pair(catalog, &piece, &piece);
    expect_order(catalog, "a b q ");
}

static void a_piece_is_taken_off_for_what_comes_later_before_loops_are_broken(void **state)
{
    struct catalog *catalog = new_catalog();
    struct catalog_object *a = add(catalog, &table, "a"), *b = add(catalog, &table, "b");
    struct catalog_object *key = add(catalog, &constraint, "k");
    struct catalog_object *p = add(catalog, &lower_piece, "p"), *q = add(catalog, &piece, "q");

    (void)state;
    catalog_make_piece(q, b);
    catalog_make_piece(p, a);
    need(catalog, p, b);
    need(catalog, q, a);
    need(catalog, q, b);
    need(catalog, q, key);
    expect_order(catalog, "b a k q ");
}

static void what_needs_the_end_is_postponed_with_all_that_needs_it(void **state)
{
    struct catalog *catalog = new_catalog();
    struct catalog_object *of_key = add(catalog, &view, "a");
    struct catalog_object *above = add(catalog, &view, "b");
    struct catalog_object *key = add(catalog, &constraint, "k");
    struct catalog_object *base = add(catalog, &table, "t");

    (void)state;
    need(catalog, of_key, key);
    need(catalog, above, of_key);
    need(catalog, key, base);
    expect_order(catalog, "t k a b ");
}

static void a_loop_of_nothing_but_hosts_is_cut(void **state)
{
    struct catalog *catalog = new_catalog();
    struct catalog_object *a = add(catalog, &table, "a");
    struct catalog_object *b = add(catalog, &table, "b");
    struct catalog_object *c = add(catalog, &table, "c");

    (void)state;
    need(catalog, a, b);
    need(catalog, b, c);
    need(catalog, c, a);
    expect_order(catalog, "a c b ");
}

static void edges_added_since_the_sort_are_not_found_yet(void **state)
{
    struct catalog *catalog = new_catalog();
    struct catalog_object *a = add(catalog, &table, "a");
    struct catalog_object *b = add(catalog, &table, "b");
    struct error err;
    size_t count;

    (void)state;
    need(catalog, b, a);
    assert_true(depends_sort(catalog, &err));
    need(catalog, a, b);
    (void)depends_of(catalog, a, &count);
    assert_int_equal(count, 0);
    (void)depends_of(catalog, b, &count);
    assert_int_equal(count, 1);
    catalog_free(catalog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_needed_comes_first_and_names_decide_the_rest),
        cmocka_unit_test(a_piece_stays_in_its_host_without_a_loop),
        cmocka_unit_test(a_piece_that_closes_a_loop_is_taken_off),
        cmocka_unit_test(one_piece_of_a_loop_is_enough_the_one_of_the_lowest_rank),
        cmocka_unit_test(of_equal_pieces_that_of_the_oldest_is_taken_off),
        cmocka_unit_test(a_piece_is_taken_off_for_what_comes_later_before_loops_are_broken),
        cmocka_unit_test(what_needs_the_end_is_postponed_with_all_that_needs_it),
        cmocka_unit_test(a_loop_of_nothing_but_hosts_is_cut),
        cmocka_unit_test(edges_added_since_the_sort_are_not_found_yet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
