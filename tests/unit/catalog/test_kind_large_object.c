#include "kind_test.h"

#include "catalog/kinds/large_object.c"

static const char *const readable[RIGHT_COLUMNS] = {
    [DIRECTLY] = "t", [FREELY] = "f", [PAGE_SIZE] = "2048"};
static const char *const first[COLUMNS] = {[OID] = "5000", [OWNER] = "A b"};
static const char *const shared[COLUMNS] = {[OID] = "5001",
                                            [OWNER] = "bob",
                                            [ACL] = "{bob=rw/bob,\"A b=r*/bob\",you=r/A\\ b}",
                                            [USUAL] = "{bob=rw/bob}"};
static const char *const hidden[COLUMNS] = {
    [OID] = "5003", [OWNER] = "bob", [ACL] = "{}", [USUAL] = "{bob=rw/bob}"};
static const char *const usual[COLUMNS] = {
    [OID] = "5004", [OWNER] = "bob", [ACL] = "{bob=rw/bob}", [USUAL] = "{bob=rw/bob}"};
static const char *const highest[COLUMNS] = {[OID] = "4294967295", [OWNER] = "A b"};

static const char *const remark[COMMENT_COLUMNS] = {[COMMENTED] = "5003", [COMMENT] = "it's"};
static const char *const other_remark[COMMENT_COLUMNS] = {[COMMENTED] = "4999", [COMMENT] = "x"};
static const char *const label_a[LABEL_COLUMNS] = {
    [LABELLED] = "5003", [PROVIDER] = "p", [LABEL] = "secret"};
static const char *const label_b[LABEL_COLUMNS] = {
    [LABELLED] = "5003", [PROVIDER] = "Q q", [LABEL] = "o'pen"};

static struct kind_test *with(int major, const char *const *const *rows, size_t count)
{
    struct kind_test *test = kind_test_new(major);

    for (size_t i = 0; i < count; i++)
        kind_test_row(test, &large_objects, rows[i]);
    kind_test_row(test, &rights_query, readable);
    return test;
}

static void up_to_16_each_has_an_entry_and_all_have_one_for_their_bytes(void **state)
{
    static const char *const *const rows[] = {first, shared, hidden, usual, highest};

    (void)state;
    for (int major = 13; major <= 16; major++) {
        struct kind_test *test = with(major, rows, 5);

        kind_test_row(test, &comments, other_remark);
        kind_test_row(test, &comments, remark);
        kind_test_row(test, &labels, label_a);
        kind_test_row(test, &labels, label_b);
        kind_test_step(test, &catalog_step_large_object);
        kind_test_expect(test, "== BLOB - 5000 A b pre-data\n"
                               "SELECT pg_catalog.lo_create('5000');\n"
                               "-- SELECT pg_catalog.lo_unlink('5000');\n"
                               "== BLOB - 5001 bob pre-data\n"
                               "SELECT pg_catalog.lo_create('5001');\n"
                               "-- SELECT pg_catalog.lo_unlink('5001');\n"
                               "== ACL - LARGE OBJECT 5001 bob none\n"
                               "GRANT SELECT ON LARGE OBJECT 5001 TO \"A b\" WITH GRANT OPTION;\n"
                               "SET SESSION AUTHORIZATION \"A b\";\n"
                               "GRANT SELECT ON LARGE OBJECT 5001 TO you;\n"
                               "RESET SESSION AUTHORIZATION;\n"
                               "-- needs 5001\n"
                               "== BLOB - 5003 bob pre-data\n"
                               "SELECT pg_catalog.lo_create('5003');\n"
                               "-- SELECT pg_catalog.lo_unlink('5003');\n"
                               "== COMMENT - LARGE OBJECT 5003 bob none\n"
                               "COMMENT ON LARGE OBJECT 5003 IS 'it''s';\n"
                               "-- needs 5003\n"
                               "== SECURITY LABEL - LARGE OBJECT 5003 bob none\n"
                               "SECURITY LABEL FOR p ON LARGE OBJECT 5003 IS 'secret';\n"
                               "SECURITY LABEL FOR \"Q q\" ON LARGE OBJECT 5003 IS 'o''pen';\n"
                               "-- needs 5003\n"
                               "== ACL - LARGE OBJECT 5003 bob none\n"
                               "REVOKE ALL ON LARGE OBJECT 5003 FROM bob;\n"
                               "-- needs 5003\n"
                               "== BLOB - 5004 bob pre-data\n"
                               "SELECT pg_catalog.lo_create('5004');\n"
                               "-- SELECT pg_catalog.lo_unlink('5004');\n"
                               "== BLOB - 4294967295 A b pre-data\n"
                               "SELECT pg_catalog.lo_create('4294967295');\n"
                               "-- SELECT pg_catalog.lo_unlink('4294967295');\n"
                               "== BLOBS - BLOBS  data\n"
                               "-- bytes of 5000 5001 5003 5004 4294967295\n");
    }
}

static void from_17_on_those_that_are_alike_share_theirs(void **state)
{
    static const char *const private[COLUMNS] = {
        [OID] = "5005", [OWNER] = "bob", [ACL] = "{}", [USUAL] = "{bob=rw/bob}"};
    static const char *const *const rows[] = {first, hidden, usual, private, highest};

    (void)state;
    for (int major = 17; major <= 18; major++) {
        struct kind_test *test = with(major, rows, 5);

        kind_test_row(test, &comments, remark);
        kind_test_step(test, &catalog_step_large_object);
        kind_test_expect(test, "== BLOB METADATA - 5000..4294967295 A b data\n"
                               "5000\n4294967295\n"
                               "-- -- dummy"
                               "== BLOB METADATA - 5003..5005 bob data\n"
                               "5003\n5005\n"
                               "-- -- dummy"
                               "== COMMENT - LARGE OBJECT 5003 bob none\n"
                               "COMMENT ON LARGE OBJECT 5003 IS 'it''s';\n"
                               "-- needs 5003..5005\n"
                               "== ACL - LARGE OBJECTS 5003..5005 bob none\n"
                               "REVOKE ALL ON LARGE OBJECT 5003 FROM bob;\n"
                               "-- needs 5003..5005\n"
                               "== BLOB METADATA - 5004 bob data\n"
                               "5004\n"
                               "-- -- dummy"
                               "== BLOBS - 5000..4294967295 A b data\n"
                               "-- bytes of 5000 4294967295\n"
                               "-- needs 5000..4294967295\n"
                               "== BLOBS - 5003..5005 bob data\n"
                               "-- bytes of 5003 5005\n"
                               "-- needs 5003..5005\n"
                               "== BLOBS - 5004 bob data\n"
                               "-- bytes of 5004\n"
                               "-- needs 5004\n");
    }
}

static void where_there_are_none_nothing_is_asked_or_made(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_step(test, &catalog_step_large_object);
    kind_test_expect(test, "");
}

/* They come behind all that is made before the data, and before what comes after. */
static void entries_stand_in_their_sections(void **state)
{
    static const struct catalog_kind before = {.desc = "SCHEMA", .section = SECTION_PRE_DATA},
                                     after = {.desc = "INDEX", .section = SECTION_POST_DATA};
    static const char *const *const rows[] = {first};
    struct kind_test *test = with(13, rows, 1);

    (void)state;
    kind_test_show(test, kind_test_object(test, &after, CLASS_RELATION, 8, NULL, "i"));
    kind_test_show(test, kind_test_object(test, &before, CLASS_SCHEMA, 9, NULL, "s"));
    kind_test_step(test, &catalog_step_large_object);
    kind_test_expect(test, "== SCHEMA - s o pre-data\n"
                           "-- DROP SCHEMA s;\n"
                           "== BLOB - 5000 A b pre-data\n"
                           "SELECT pg_catalog.lo_create('5000');\n"
                           "-- SELECT pg_catalog.lo_unlink('5000');\n"
                           "== BLOBS - BLOBS  data\n"
                           "-- bytes of 5000\n"
                           "== INDEX - i o post-data\n"
                           "-- DROP INDEX i;\n");
}

static void they_can_be_left_out_or_asked_for(void **state)
{
    static const struct {
        bool schema_only, large_objects, no_large_objects, some;
        bool wanted;
    } cases[] = {
        {.wanted = true},
        {.schema_only = true},
        {.no_large_objects = true},
        {.some = true},
        {.some = true, .large_objects = true, .wanted = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct kind_test *test = kind_test_new(18);
        struct catalog *catalog = kind_test_catalog(test);

        catalog->options.schema_only = cases[i].schema_only;
        catalog->options.large_objects = cases[i].large_objects;
        catalog->options.no_large_objects = cases[i].no_large_objects;
        catalog->selection.some = cases[i].some;
        kind_test_row(test, &large_objects, first);
        kind_test_row(test, &rights_query, readable);
        kind_test_step(test, &catalog_step_large_object);
        assert_int_equal(catalog->large_objects != NULL, cases[i].wanted);
        kind_test_free(test);
    }
}

/* ---- Failures ---- */

static void one_whose_owner_is_gone_is_named(void **state)
{
    static const char *const orphan[COLUMNS] = {[OID] = "5000", [OWNER] = "unknown (OID=4242)"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &large_objects, orphan);
    kind_test_fails(test, &catalog_step_large_object,
                    "large object 5000 has an owner that is no role: unknown (OID=4242)");
}

static void one_that_may_not_be_read_is_named(void **state)
{
    static const char *const unreadable[RIGHT_COLUMNS] = {
        [DIRECTLY] = "f", [FREELY] = "f", [PAGE_SIZE] = "2048"};
    static const char *const found[HIDDEN_COLUMNS] = {
        [HIDDEN] = "2", [HIDDEN_OID] = "5003", [ROLE] = "me"};
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &large_objects, first);
    kind_test_row(test, &rights_query, unreadable);
    kind_test_row(test, &hidden_query, found);
    kind_test_fails(test, &catalog_step_large_object, "permission denied for large object 5003");
}

static void numbers_that_do_not_ascend_are_a_failure(void **state)
{
    struct kind_test *test = kind_test_new(18);

    (void)state;
    kind_test_row(test, &large_objects, first);
    kind_test_row(test, &large_objects, first);
    kind_test_fails(test, &catalog_step_large_object,
                    "the server gave its large objects in no order");
}

/* ---- How their bytes are asked for ---- */

static const char *query_of(struct kind_test *test, uint32_t piece)
{
    const char *query;
    struct error err;

    assert_true(catalog_large_object_query(kind_test_catalog(test), piece, &query, &err));
    return query;
}

static void settle(struct kind_test *test)
{
    struct error err;

    kind_test_step(test, &catalog_step_large_object);
    assert_true(catalog_step_large_object.link(kind_test_catalog(test), &err));
}

static void pages_are_read_by_ranges_or_by_lists(void **state)
{
    static const char *const *const rows[] = {first, hidden, highest};
    struct kind_test *test = with(18, rows, 3);

    (void)state;
    settle(test);
    assert_non_null(strstr(query_of(test, 0), "pageno::pg_catalog.int8 * 2048, data\n"));
    assert_non_null(
        strstr(query_of(test, 0), "loid = ANY ('{5000,4294967295}'::pg_catalog.oid[])"));
    assert_non_null(strstr(query_of(test, 1), "loid BETWEEN 5003 AND 5003\n"));
    assert_non_null(strstr(query_of(test, 1), "ORDER BY loid, pageno) TO STDOUT (FORMAT binary)"));
    kind_test_free(test);
}

static void without_the_right_to_pages_functions_read_them(void **state)
{
    static const char *const by_functions[RIGHT_COLUMNS] = {
        [DIRECTLY] = "f", [FREELY] = "t", [PAGE_SIZE] = "2048"};
    struct kind_test *test = kind_test_new(16);

    (void)state;
    kind_test_row(test, &large_objects, first);
    kind_test_row(test, &large_objects, highest);
    kind_test_row(test, &rights_query, by_functions);
    settle(test);
    assert_null(strstr(query_of(test, 0), "pg_largeobject\n"));
    assert_non_null(strstr(query_of(test, 0), "m.oid BETWEEN 5000 AND 4294967295\n"));
    assert_non_null(strstr(query_of(test, 0), "pg_catalog.lo_get(p.oid, p.place, 262144)"));
    kind_test_free(test);
}

/* ---- Many ---- */

enum { MANY = 5003 };

/* Every third has other privileges, every hundredth a comment, and the last another owner. */
static struct kind_test *make_many(int major)
{
    struct kind_test *test = kind_test_new(major);
    struct catalog *catalog = kind_test_catalog(test);
    struct error err;

    catalog->large_objects = large_objects_new(catalog, &err);
    assert_non_null(catalog->large_objects);
    for (uint32_t i = 0; i < MANY; i++)
        assert_true(large_objects_add(catalog->large_objects, 2 * i + 1,
                                      i == MANY - 1 ? "you" : "me", i % 3 == 0 ? "{}" : NULL,
                                      "{me=rw/me}", &err));
    for (uint32_t i = 0; i < MANY; i += 100)
        assert_true(large_objects_comment(catalog->large_objects, 2 * i + 1, "x", &err));
    assert_true(large_objects_settle(catalog->large_objects, &err));
    assert_true(order_objects(catalog, &err));
    return test;
}

static char *describe(struct catalog *catalog, uint32_t number)
{
    struct archive_entry entry;
    struct error err;
    struct sql text = {.err = &err};
    char *copy;

    assert_true(catalog_entry(catalog, number, &entry, &err));
    sql_printf(&text, "%d %s %s %s %s", (int)entry.dump_id, entry.desc, entry.tag, entry.owner,
               entry.definition == NULL ? "-" : entry.definition);
    if (entry.dependency_count > 0)
        sql_printf(&text, " needs %d", (int)entry.dependencies[0]);
    copy = strdup(sql_text(&text));
    assert_true(sql_end(&text));
    return copy;
}

static void entries_are_the_same_in_whatever_order_they_are_asked_for(void **state)
{
    static const int majors[] = {16, 17};

    (void)state;
    for (size_t m = 0; m < 2; m++) {
        struct kind_test *test = make_many(majors[m]);
        struct catalog *catalog = kind_test_catalog(test);
        uint32_t count = catalog_entry_count(catalog), at = 1;
        char **texts = calloc(count, sizeof(*texts));

        /* 1668 have privileges of their own: two groups, beside four, and one of one. */
        assert_int_equal(count, majors[m] == 16 ? MANY + 51 + 1668 + 1 : 7 + 51 + 2 + 7);
        for (uint32_t i = 0; i < count; i++)
            texts[i] = describe(catalog, i);
        for (uint32_t i = 0; i < 3000; i++, at = (uint32_t)(at * UINT64_C(48271) % 2147483647)) {
            char *again = describe(catalog, at % count);

            assert_string_equal(again, texts[at % count]);
            free(again);
        }
        for (uint32_t i = 0; i < count; i++)
            free(texts[i]);
        free(texts);
        kind_test_free(test);
    }
}

static void groups_have_a_thousand_at_most_and_every_one_is_in_one(void **state)
{
    struct kind_test *test = make_many(18);
    struct catalog *catalog = kind_test_catalog(test);
    bool seen[2 * MANY] = {false};
    uint32_t pieces = catalog_large_object_pieces(catalog);

    (void)state;
    assert_int_equal(pieces, 7);
    assert_int_equal(catalog_large_object_count(catalog), MANY);
    assert_int_equal(catalog_large_object_piece(catalog, pieces), MANY);
    for (uint32_t piece = 0; piece < pieces; piece++) {
        uint32_t begin = catalog_large_object_piece(catalog, piece), last = 0;
        uint32_t end = catalog_large_object_piece(catalog, piece + 1);

        assert_in_range(end - begin, 1, 1000);
        for (uint32_t i = begin; i < end; i++) {
            uint32_t oid = catalog_large_object_oid(catalog, i);

            assert_true(oid > last && oid < 2 * MANY && !seen[oid]);
            seen[oid] = true;
            last = oid;
        }
    }
    kind_test_free(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_to_16_each_has_an_entry_and_all_have_one_for_their_bytes),
        cmocka_unit_test(from_17_on_those_that_are_alike_share_theirs),
        cmocka_unit_test(where_there_are_none_nothing_is_asked_or_made),
        cmocka_unit_test(entries_stand_in_their_sections),
        cmocka_unit_test(they_can_be_left_out_or_asked_for),
        cmocka_unit_test(one_whose_owner_is_gone_is_named),
        cmocka_unit_test(one_that_may_not_be_read_is_named),
        cmocka_unit_test(numbers_that_do_not_ascend_are_a_failure),
        cmocka_unit_test(pages_are_read_by_ranges_or_by_lists),
        cmocka_unit_test(without_the_right_to_pages_functions_read_them),
        cmocka_unit_test(entries_are_the_same_in_whatever_order_they_are_asked_for),
        cmocka_unit_test(groups_have_a_thousand_at_most_and_every_one_is_in_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
