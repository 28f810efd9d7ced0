/* Sums of rows: whatever pieces and order they come in, and whatever zone a point in time has. */
#include "made_archive.h"

#include "archive/content_sums.h"
#include "archive/instant_text.h"

#include <stdlib.h>

static struct error err;

/* ---- Points in time ---- */

static void assert_utc(const char *text, const char *expected)
{
    struct buffer out = {0};
    bool changed;

    assert_true(instant_text_to_utc(slice_string(text), &out, &changed, &err));
    assert_int_equal(changed, strcmp(text, expected) != 0);
    if (changed) {
        assert_true(buffer_append_byte(&out, '\0', &err));
        assert_string_equal(buffer_text(&out), expected);
    }
    buffer_free(&out);
}

static void test_instants_are_put_into_utc(void **state)
{
    (void)state;
    assert_utc("2026-01-31 23:59:59.5+05:30", "2026-01-31 18:29:59.5+00");
    assert_utc("2024-02-29 23:30:00-01", "2024-03-01 00:30:00+00");
    assert_utc("2026-01-01 00:00:00+01", "2025-12-31 23:00:00+00");
    assert_utc("1890-01-01 00:00:00+00:53:28", "1889-12-31 23:06:32+00");
    assert_utc("0001-01-01 00:00:00+01", "0001-12-31 23:00:00+00 BC");
    assert_utc("0001-12-31 23:30:00-01 BC", "0001-01-01 00:30:00+00");
    assert_utc("0044-03-15 12:00:00+01 BC", "0044-03-15 11:00:00+00 BC");
    assert_utc("4714-11-24 00:53:28+00:53:28 BC", "4714-11-24 00:00:00+00 BC");
    assert_utc("294276-12-31 23:59:59.999999-01", "294277-01-01 00:59:59.999999+00");
}

static void test_instants_are_found_wherever_they_stand(void **state)
{
    (void)state;
    assert_utc("1\t[\"2026-01-31 12:00:00+01\",\"2026-01-31 13:00:00-01\")\tx\n",
               "1\t[\"2026-01-31 11:00:00+00\",\"2026-01-31 14:00:00+00\")\tx\n");
    assert_utc("{\"2026-01-31 12:00:00+01\",NULL}", "{\"2026-01-31 11:00:00+00\",NULL}");
}

static void test_what_is_no_instant_stays(void **state)
{
    static const char *const texts[] = {"",
                                        ":",
                                        "::::::",
                                        "12:00:00+01",
                                        "2026-01-31 12:00:00",
                                        "2026-01-31 12:00:00+00",
                                        "2026-13-31 12:00:00+01",
                                        "226-01-31 12:00:00+01",
                                        "2026-01-31 12:00:0",
                                        "2026-01-31 12:00:00+",
                                        "2026-01-31 12:00:00+0",
                                        "2026-01-31T12:00:00+01",
                                        " 1-31 12:00:00+01"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_utc(texts[i], texts[i]);
}

/* ---- Sums ---- */

static struct archive_contents *contents_of_rows(void)
{
    const struct archive_header header = {
        .minor = 14, .database = "d", .server_version = "s", .entry_count = 3};
    const struct archive_entry rows = {.dump_id = 1,
                                       .has_data = true,
                                       .tag = "t",
                                       .desc = "TABLE DATA",
                                       .section = SECTION_DATA,
                                       .copy = "COPY s.t (a) FROM stdin;\n",
                                       .schema = "s"};
    const struct archive_entry objects = {
        .dump_id = 2, .has_data = true, .tag = "BLOBS", .desc = "BLOBS", .section = SECTION_DATA};
    struct archive_entry inserts = rows;
    struct archive_contents *contents = archive_contents_new(ARCHIVE_FORM_CUSTOM, &err);

    inserts.dump_id = 3;
    inserts.copy = NULL;
    assert_non_null(contents);
    assert_true(archive_contents_begin(contents, &header, &err));
    assert_true(archive_contents_add(contents, &rows, &err));
    assert_true(archive_contents_add(contents, &objects, &err));
    assert_true(archive_contents_add(contents, &inserts, &err));
    return contents;
}

static struct content_sum sum_of(uint32_t number, const char *rows, size_t piece, uint64_t key)
{
    struct archive_contents *contents = contents_of_rows();
    struct content_sums *sums = content_sums_new(contents, key, &err);
    struct content_summer *summer = content_summer_new(sums, &err);
    struct content_sum found;
    size_t len = strlen(rows);

    assert_true(content_summer_begin(summer, number, &err));
    for (size_t at = 0; at < len; at += piece) {
        size_t part = len - at < piece ? len - at : piece;
        uint8_t *alone = malloc(part);

        memcpy(alone, rows + at, part);
        assert_true(content_summer_bytes(summer, slice_make(alone, part), &err));
        free(alone);
    }
    content_summer_end(summer);
    found = *content_sums_of(sums, number);
    content_summer_free(summer);
    content_sums_free(sums);
    archive_contents_free(contents);
    return found;
}

static struct content_sum sum(const char *rows, size_t piece, uint64_t key)
{
    return sum_of(0, rows, piece, key);
}

static bool same(struct content_hash one, struct content_hash other)
{
    return one.low == other.low && one.high == other.high;
}

static void test_a_sum_depends_on_the_rows_alone(void **state)
{
    static const char rows[] = "1\tone\n2\ttwo\n\n3\tthree\n";
    const struct content_sum whole = sum(rows, sizeof(rows), 1);

    (void)state;
    assert_true(whole.known && !whole.statements);
    assert_int_equal(whole.count, 4);
    for (size_t piece = 1; piece < sizeof(rows); piece++)
        assert_true(same(whole.text, sum(rows, piece, 1).text));
    assert_true(same(whole.text, sum("3\tthree\n\n1\tone\n2\ttwo\n", 100, 1).text));
    assert_false(same(whole.text, sum("1\ttwo\n2\tone\n\n3\tthree\n", 100, 1).text));
    assert_false(same(whole.text, sum("1\tone\n1\tone\n\n3\tthree\n", 100, 1).text));
    assert_false(same(whole.text, sum(rows, 100, 2).text));
}

static void test_a_long_row_is_summed_as_it_comes(void **state)
{
    size_t len = (size_t)600 * 1024;
    char *row = malloc(len + 1);
    struct content_sum whole;

    (void)state;
    memset(row, 'x', len);
    memcpy(row + len - 3, "\ny\n", 4);
    whole = sum(row, len, 1);
    assert_int_equal(whole.count, 2);
    for (size_t piece = 1000; piece < len; piece += 99991)
        assert_true(same(whole.text, sum(row, piece, 1).text));
    row[300 * 1024] = 'z';
    assert_false(same(whole.text, sum(row, 65536, 1).text));
    free(row);
}

static void test_the_time_zone_is_no_difference(void **state)
{
    const struct content_sum berlin = sum("1\t2026-01-31 12:00:00+01\n2\tx\n", 7, 1);
    const struct content_sum utc = sum("2\tx\n1\t2026-01-31 11:00:00+00\n", 9, 1);

    (void)state;
    assert_false(same(berlin.text, utc.text));
    assert_true(same(berlin.instants, utc.instants));
    assert_true(same(utc.text, utc.instants));
}

/* ---- INSERTs ---- */

static void test_inserts_are_the_rows_that_copy_has(void **state)
{
    static const char inserts[] =
        "INSERT INTO s.t VALUES (1, 'it''s; (x), \\ here\n\tthere', NULL, true, -1.5e-10);\n"
        "INSERT INTO s.\"a \"\"VALUES (1)\" (\"b)\", c) OVERRIDING SYSTEM VALUE VALUES\n"
        "\t(DEFAULT, 2, '', 'NaN', B'0101', false),\n\t(3, 'x', '{a,\"b\"}', NULL, 'y')\n"
        "ON CONFLICT DO NOTHING;\n-- a comment; INSERT\nINSERT INTO s.t DEFAULT VALUES;\n\n";
    static const char copied[] = "1\tit's; (x), \\\\ here\\n\\tthere\t\\N\tt\t-1.5e-10\n"
                                 "2\t\tNaN\t0101\tf\n3\tx\t{a,\"b\"}\t\\N\ty\n\n";
    const struct content_sum rows = sum(copied, 1000, 1);

    (void)state;
    for (size_t piece = 1; piece <= sizeof(inserts); piece++) {
        const struct content_sum found = sum_of(2, inserts, piece, 1);

        assert_true(found.known && !found.statements && !found.uncounted);
        assert_int_equal(found.count, 4);
        assert_true(same(found.text, rows.text));
    }
    assert_false(same(sum_of(2, "INSERT INTO t VALUES (1);", 9, 1).text,
                      sum_of(2, "INSERT INTO t VALUES ('2');", 9, 1).text));
}

static void test_what_is_no_constant_is_counted_alone(void **state)
{
    static const char *const odd[] = {
        "INSERT INTO t VALUES (now(), 'a'), (lower('),('), 2);",
        "INSERT INTO t VALUES (ARRAY[(1), 2], 'a'), (E'\\'' || 'x)', 2);",
        "INSERT INTO t VALUES ('a'::text), (NULLS);",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        const struct content_sum found = sum_of(2, odd[i], 1 + i, 1);

        assert_true(found.known && found.statements && !found.uncounted);
        assert_int_equal(found.count, 2);
    }
    assert_true(sum_of(2, "INSERT INTO t SELECT 1;", 4, 1).uncounted);
    assert_true(sum_of(2, "DELETE FROM t; INSERT INTO t VALUES (1);", 4, 1).uncounted);
}

static struct content_sum sum_objects(uint32_t oid, const char *first, const char *second)
{
    struct archive_contents *contents = contents_of_rows();
    struct content_sums *sums = content_sums_new(contents, 1, &err);
    struct content_summer *summer = content_summer_new(sums, &err);
    struct content_sum found;

    assert_true(content_summer_begin(summer, 1, &err));
    content_summer_object(summer, oid);
    assert_true(content_summer_bytes(summer, slice_string(first), &err));
    assert_true(content_summer_bytes(summer, slice_string(second), &err));
    content_summer_object_end(summer);
    content_summer_end(summer);
    found = *content_sums_of(sums, 1);
    content_summer_free(summer);
    content_sums_free(sums);
    archive_contents_free(contents);
    return found;
}

static void test_large_objects_have_their_numbers(void **state)
{
    const struct content_sum whole = sum_objects(7, "a\nb", "c");

    (void)state;
    assert_int_equal(whole.count, 1);
    assert_true(same(whole.text, sum_objects(7, "a\n", "bc").text));
    assert_false(same(whole.text, sum_objects(8, "a\n", "bc").text));
    assert_false(same(whole.text, sum_objects(7, "a\n", "b").text));
}

static void test_sums_are_added(void **state)
{
    struct content_sum one = sum("1\n2\n", 10, 1), other = sum("3\n", 10, 1);
    const struct content_sum both = sum("3\n1\n2\n", 10, 1), unknown = {0};

    (void)state;
    content_sum_add(&one, &other);
    assert_true(one.known);
    assert_int_equal(one.count, 3);
    assert_true(same(one.text, both.text));
    content_sum_add(&one, &unknown);
    assert_false(one.known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instants_are_put_into_utc),
        cmocka_unit_test(test_instants_are_found_wherever_they_stand),
        cmocka_unit_test(test_what_is_no_instant_stays),
        cmocka_unit_test(test_a_sum_depends_on_the_rows_alone),
        cmocka_unit_test(test_a_long_row_is_summed_as_it_comes),
        cmocka_unit_test(test_the_time_zone_is_no_difference),
        cmocka_unit_test(test_large_objects_have_their_numbers),
        cmocka_unit_test(test_sums_are_added),
        cmocka_unit_test(test_inserts_are_the_rows_that_copy_has),
        cmocka_unit_test(test_what_is_no_constant_is_counted_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
