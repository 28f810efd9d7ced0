#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "restore/restore_selection.h"

/* ---- An archive ---- */

#define SQL "SELECT 1;\n"

static const int32_t on_orders[] = {10}, on_view[] = {12}, on_function[] = {9}, on_trigger[] = {17},
                     on_orders_acl[] = {10, 20}, on_index[] = {15}, on_publication[] = {18},
                     on_nothing[] = {4000};

#define ON(list) .dependencies = (list), .dependency_count = sizeof(list) / sizeof((list)[0])
#define PRE .section = SECTION_PRE_DATA, .definition = SQL
#define ROWS .section = SECTION_DATA
#define POST .section = SECTION_POST_DATA, .definition = SQL
#define BESIDE .section = SECTION_NONE, .definition = SQL

static const struct archive_entry entries[] = {
    {.dump_id = 1, .desc = "ENCODING", .tag = "ENCODING", PRE},
    {.dump_id = 2, .desc = "STDSTRINGS", .tag = "STDSTRINGS", PRE},
    {.dump_id = 3, .desc = "SEARCHPATH", .tag = "SEARCHPATH", PRE},
    {.dump_id = 4, .desc = "DATABASE", .tag = "app", PRE},
    {.dump_id = 5, .desc = "COMMENT", .tag = "DATABASE app", BESIDE},
    {.dump_id = 6, .desc = "DATABASE PROPERTIES", .tag = "app", PRE},
    {.dump_id = 7, .desc = "SCHEMA", .tag = "shop", PRE},
    {.dump_id = 8, .desc = "EXTENSION", .tag = "hstore", PRE},
    {.dump_id = 9, .desc = "FUNCTION", .tag = "f(integer, text)", .schema = "shop", PRE},
    {.dump_id = 21, .desc = "FUNCTION", .tag = "f()", .schema = "public", PRE},
    {.dump_id = 10, .desc = "TABLE", .tag = "orders", .schema = "shop", PRE},
    {.dump_id = 20, .desc = "ACL", .tag = "TABLE orders", .schema = "shop", ON(on_orders), BESIDE},
    {.dump_id = 22,
     .desc = "ACL",
     .tag = "COLUMN orders.id",
     .schema = "shop",
     ON(on_orders_acl),
     BESIDE},
    {.dump_id = 11,
     .desc = "COMMENT",
     .tag = "TABLE orders",
     .schema = "shop",
     ON(on_orders),
     BESIDE},
    {.dump_id = 12, .desc = "VIEW", .tag = "v", .schema = "public", PRE},
    {.dump_id = 23, .desc = "COMMENT", .tag = "VIEW v", .schema = "public", ON(on_view), BESIDE},
    {.dump_id = 24,
     .desc = "ACL",
     .tag = "FUNCTION f(a integer, b text)",
     .schema = "shop",
     ON(on_function),
     BESIDE},
    {.dump_id = 25,
     .desc = "ACL",
     .tag = "FUNCTION pg_sleep(double precision)",
     .schema = "pg_catalog",
     ON(on_nothing),
     BESIDE},
    {.dump_id = 26, .desc = "DEFAULT", .tag = "orders id", .schema = "shop", PRE},
    {.dump_id = 13,
     .desc = "TABLE DATA",
     .tag = "orders",
     .schema = "shop",
     .has_data = true,
     ON(on_orders),
     ROWS},
    {.dump_id = 14,
     .desc = "SEQUENCE SET",
     .tag = "orders_id_seq",
     .schema = "shop",
     .definition = SQL,
     ROWS},
    {.dump_id = 27, .desc = "BLOBS", .tag = "BLOBS", .has_data = true, ROWS},
    {.dump_id = 28, .desc = "BLOB METADATA", .tag = "7", .definition = "7\n", ROWS},
    {.dump_id = 29, .desc = "ACL", .tag = "LARGE OBJECT 7", BESIDE},
    {.dump_id = 30,
     .desc = "STATISTICS DATA",
     .tag = "orders",
     .schema = "shop",
     .definition = SQL,
     ON(on_orders),
     ROWS},
    {.dump_id = 15, .desc = "INDEX", .tag = "orders_at", .schema = "shop", POST},
    {.dump_id = 31,
     .desc = "STATISTICS DATA",
     .tag = "orders_at",
     .schema = "shop",
     ON(on_index),
     POST},
    {.dump_id = 16, .desc = "CONSTRAINT", .tag = "orders orders_pkey", .schema = "shop", POST},
    {.dump_id = 17, .desc = "TRIGGER", .tag = "orders audit", .schema = "shop", POST},
    {.dump_id = 32,
     .desc = "COMMENT",
     .tag = "TRIGGER audit ON orders",
     .schema = "shop",
     ON(on_trigger),
     BESIDE},
    {.dump_id = 18, .desc = "PUBLICATION", .tag = "p", POST},
    {.dump_id = 33, .desc = "COMMENT", .tag = "PUBLICATION p", ON(on_publication), BESIDE},
    {.dump_id = 34, .desc = "POLICY", .tag = "orders mine", .schema = "shop", POST},
    {.dump_id = 35, .desc = "EVENT TRIGGER", .tag = "e", POST},
    {.dump_id = 36, .desc = "COMMENT", .tag = "EVENT TRIGGER e", BESIDE},
    {.dump_id = 37, .desc = "DEFAULT ACL", .tag = "DEFAULT PRIVILEGES FOR TABLES", POST},
};

#define COUNT (sizeof(entries) / sizeof(entries[0]))

static bool give_entry(void *context, uint32_t number, struct archive_entry *entry,
                       struct error *err)
{
    (void)context;
    (void)err;
    *entry = entries[number];
    return true;
}

static const struct selection_archive archive = {COUNT, "app", NULL, give_entry};

/* ---- Asking ---- */

static struct restore_request request;
static struct selection_wishes wishes;

static int begin(void **state)
{
    (void)state;
    request = (struct restore_request){0};
    wishes = (struct selection_wishes){.request = &request};
    return 0;
}

/* The ids in the order of the restore, with "d" behind those whose definition is wanted and "r"
 * behind those whose data are. */
static void check(const char *expected)
{
    struct error err;
    struct restore_selection *selection = restore_selection_new(&wishes, &archive, &err);
    char text[1024] = "";
    const uint32_t *order;
    size_t count;

    if (selection == NULL)
        fail_msg("%s", err.message);
    order = restore_selection_order(selection, &count);
    for (size_t i = 0; i < count; i++) {
        unsigned parts = restore_selection_parts(selection, order[i]);
        size_t used = strlen(text);

        snprintf(text + used, sizeof(text) - used, "%s%d%s%s", i == 0 ? "" : " ",
                 entries[order[i]].dump_id, (parts & SELECTED_DEFINITION) != 0 ? "d" : "",
                 (parts & SELECTED_DATA) != 0 ? "r" : "");
    }
    restore_selection_free(selection);
    assert_string_equal(text, expected);
}

static void check_refused(const char *words)
{
    struct error err;

    assert_null(restore_selection_new(&wishes, &archive, &err));
    assert_int_equal(err.code, ERROR_USAGE);
    error_spell(&err, NULL);
    if (strstr(err.message, words) == NULL)
        fail_msg("%s", err.message);
}

static void want(enum restore_list list, const char *text)
{
    static const char *texts[RESTORE_LISTS];

    texts[list] = text;
    request.lists[list] = (struct option_list){&texts[list], 1};
}

/* ---- What comes of it ---- */

static void everything_comes_in_three_passes(void **state)
{
    (void)state;
    check("7d 8d 9d 21d 10d 11d 12d 23d 26d 13r 14d 27r 28d 30d 15d 16d 17d 32d 18d 33d 34d "
          "20d 22d 24d 25d 29d 37d 31d 35d 36d");
}

static void a_table_brings_its_rows_privileges_and_comments_alone(void **state)
{
    (void)state;
    want(RESTORE_TABLES, "orders");
    check("10d 11d 13r 30d 20d 22d");
    want(RESTORE_TABLES, "shop.orders, v");
    check("10d 11d 12d 23d 13r 30d 20d 22d");
    want(RESTORE_TABLES, "app.shop.o*");
    check("10d 11d 13r 14d 30d 20d 22d");
}

static void other_kinds_go_by_their_own_lists(void **state)
{
    (void)state;
    want(RESTORE_FUNCTIONS, "f");
    check("9d 21d 24d");
    want(RESTORE_FUNCTIONS, "f(int,text),f()");
    check("9d 21d 24d");
    want(RESTORE_FUNCTIONS, "shop.f(int4, text)");
    check("9d 24d");
    want(RESTORE_INDEXES, "orders_*");
    check("9d 15d 24d 31d");
}

static void triggers_are_named_in_three_ways(void **state)
{
    static const char *const texts[] = {"audit", "orders.audit", "shop.orders.audit",
                                        "orders audit", "app.shop.orders.audit"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        want(RESTORE_TRIGGERS, texts[i]);
        check("17d 32d");
    }
}

static void schemas_take_what_lies_in_them(void **state)
{
    (void)state;
    want(RESTORE_SCHEMAS, "shop");
    check("9d 10d 11d 26d 13r 14d 30d 15d 16d 17d 32d 34d 20d 22d 24d 31d");
    want(RESTORE_TABLES, "orders,v"); /* v lies elsewhere, and is there */
    check("10d 11d 13r 30d 20d 22d");
    begin(NULL);
    want(RESTORE_EXCLUDE_SCHEMAS, "shop");
    check("7d 8d 21d 12d 23d 27r 28d 18d 33d 37d 35d");
}

static void parts_and_sections_are_as_pg_restore_has_them(void **state)
{
    (void)state;
    request.data_only = true;
    check("13r 14d 27r 28d 29d");
    request.data_only = false;
    request.schema_only = true;
    check("7d 8d 9d 21d 10d 11d 12d 23d 26d 15d 16d 17d 32d 18d 33d 34d 20d 22d 24d 25d 37d 35d "
          "36d");
    request.schema_only = false;
    request.sections = RESTORE_DATA;
    check("13r 14d 27r 28d 30d 29d");
    request.sections = RESTORE_POST_DATA;
    check("15d 16d 17d 32d 18d 33d 34d 37d 31d 35d 36d");
}

static void options_leave_kinds_out_with_what_is_said_of_them(void **state)
{
    (void)state;
    request.sections = RESTORE_POST_DATA;
    request.no_publications = true;
    request.no_policies = true;
    request.no_privileges = true;
    check("15d 16d 17d 32d 31d 35d 36d");
    request.no_comments = true;
    request.no_statistics = true;
    check("15d 16d 17d 35d");
}

static void the_database_itself_comes_when_it_is_made(void **state)
{
    (void)state;
    want(RESTORE_TABLES, "v");
    request.create_db = true;
    check("4d 5d 6d 12d 23d");
    request.create_db = false;
    request.existing = RESTORE_RECREATE;
    check("4d 5d 6d 12d 23d");
}

/* ---- Lists ---- */

static void a_list_says_what_and_in_what_order(void **state)
{
    (void)state;
    wishes.list = slice_string("; comment\n15; 1259 INDEX\r\n\n 10 ;x\n13\n11\n10\n20");
    check("15d 10d 13r 11d 20d");
    want(RESTORE_TABLES, "orders");
    check("10d 13r 11d 20d");
    wishes.list = slice_string("");
    check("");
}

/* A comment that stands before what it is about is not wanted, as pg_restore has it. */
static void a_list_may_put_a_comment_before_its_table(void **state)
{
    (void)state;
    want(RESTORE_TABLES, "orders");
    wishes.list = slice_string("11\n10\n");
    check("10d");
}

static void lines_that_name_nothing_are_errors(void **state)
{
    static const char *const texts[] = {"10\nx; y\n", "10\n4711\n", "10\n-5\n", "10\n10x\n",
                                        "10\n99999999999999999999\n"};

    (void)state;
    wishes.list_name = "l.txt";
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        wishes.list = slice_string(texts[i]);
        check_refused("l.txt, line 2 names no entry");
    }
}

static void what_matches_nothing_is_an_error_that_names_it(void **state)
{
    (void)state;
    want(RESTORE_TABLES, "orders,ordres");
    check_refused("tables: the pattern ordres matches nothing");
    begin(NULL);
    want(RESTORE_FUNCTIONS, "f(int, int)");
    check_refused("functions: the pattern f(int, int) matches nothing");
    begin(NULL);
    want(RESTORE_SCHEMAS, "other.shop");
    check_refused("schemas: the pattern other.shop matches nothing");
    begin(NULL);
    want(RESTORE_INDEXES, "orders"); /* a table is none */
    check_refused("indexes: the pattern orders matches nothing");
    begin(NULL);
    want(RESTORE_FUNCTIONS, "f(int");
    check_refused("brackets");
    begin(NULL);
    request.data_only = true;
    request.schema_only = true;
    check_refused("exclude each other");
}

static void data_alone_is_known_as_that(void **state)
{
    struct error err;
    struct restore_selection *selection;

    (void)state;
    request.sections = RESTORE_DATA;
    selection = restore_selection_new(&wishes, &archive, &err);
    assert_non_null(selection);
    assert_true(restore_selection_is_data_only(selection));
    restore_selection_free(selection);
    request.sections = 0;
    selection = restore_selection_new(&wishes, &archive, &err);
    assert_non_null(selection);
    assert_false(restore_selection_is_data_only(selection));
    assert_int_equal(restore_selection_left_out(selection), 0);
    restore_selection_free(selection);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(everything_comes_in_three_passes, begin),
        cmocka_unit_test_setup(a_table_brings_its_rows_privileges_and_comments_alone, begin),
        cmocka_unit_test_setup(other_kinds_go_by_their_own_lists, begin),
        cmocka_unit_test_setup(triggers_are_named_in_three_ways, begin),
        cmocka_unit_test_setup(schemas_take_what_lies_in_them, begin),
        cmocka_unit_test_setup(parts_and_sections_are_as_pg_restore_has_them, begin),
        cmocka_unit_test_setup(options_leave_kinds_out_with_what_is_said_of_them, begin),
        cmocka_unit_test_setup(the_database_itself_comes_when_it_is_made, begin),
        cmocka_unit_test_setup(a_list_says_what_and_in_what_order, begin),
        cmocka_unit_test_setup(a_list_may_put_a_comment_before_its_table, begin),
        cmocka_unit_test_setup(lines_that_name_nothing_are_errors, begin),
        cmocka_unit_test_setup(what_matches_nothing_is_an_error_that_names_it, begin),
        cmocka_unit_test_setup(data_alone_is_known_as_that, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
