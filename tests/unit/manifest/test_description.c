#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "manifest/description.h"

static const char manifest[] =
    "{\"version\": 2, \"server_version\": \"PostgreSQL 15.18\", \"in_recovery\": false,"
    " \"tablespaces\": [{\"name\": \"fast\", \"owner\": \"o\", \"location\": \"/srv/fast\"}],"
    " \"databases\": ["
    "  {\"name\": \"app\", \"relations\": ["
    "   {\"name\": \"t\", \"kind\": \"r\", \"row_estimate\": 100, \"columns\": [{\"kind\": "
    "\"c\"}]},"
    "   {\"name\": \"v\", \"kind\": \"v\", \"row_estimate\": 0},"
    "   {\"name\": \"s\", \"kind\": \"S\", \"row_estimate\": 1},"
    "   {\"name\": \"n\", \"kind\": \"r\", \"row_estimate\": -1},"
    "   {\"name\": \"u\", \"row_estimate\": 23, \"kind\": \"m\"}]},"
    "  {\"name\": \"new\", \"relations\": ["
    "   {\"name\": \"n\", \"kind\": \"r\", \"row_estimate\": -1},"
    "   {\"name\": \"s\", \"kind\": \"S\", \"row_estimate\": 1}]},"
    "  {\"name\": \"empty\", \"is_template\": false, \"allow_conn\": true},"
    "  {\"name\": \"template1\", \"is_template\": true, \"allow_conn\": true},"
    "  {\"name\": \"unasked\", \"is_template\": false}],"
    " \"unavailable\": [{\"field\": \"roles\", \"reason\": \"no right\"},"
    "  {\"field\": \"databases[unasked]\", \"reason\": \"no answer\"}]}";

static const char *text_at(const json_t *list, size_t index, const char *name)
{
    return json_string_value(json_object_get(json_array_get(list, index), name));
}

static json_int_t number_at(const json_t *list, size_t index, const char *name)
{
    return json_integer_value(json_object_get(json_array_get(list, index), name));
}

static void a_manifest_is_counted_not_held(void **state)
{
    struct description description;
    const json_t *databases;
    struct error err;

    (void)state;
    assert_true(description_init(&description, &err));
    for (size_t i = 0; i + 1 < sizeof(manifest); i++)
        assert_true(description_feed_manifest(&description, slice_make(manifest + i, 1), &err));
    assert_true(description_finish_manifest(&description, &err));

    databases = json_object_get(description.object, "databases");
    assert_int_equal(json_array_size(databases), 5);
    assert_string_equal(text_at(databases, 0, "name"), "app");
    assert_int_equal(number_at(databases, 0, "relations"), 5);
    assert_int_equal(number_at(databases, 0, "tables"), 3);
    assert_int_equal(number_at(databases, 0, "tables_not_analysed"), 1);
    assert_int_equal(number_at(databases, 0, "row_estimate"), 123);
    assert_int_equal(number_at(databases, 1, "tables_not_analysed"), 1);
    assert_null(json_object_get(json_array_get(databases, 1), "row_estimate"));
    assert_string_equal(text_at(databases, 2, "name"), "empty");
    assert_true(json_is_integer(json_object_get(json_array_get(databases, 2), "relations")));
    assert_int_equal(number_at(databases, 2, "relations"), 0);
    assert_string_equal(text_at(databases, 3, "name"), "template1");
    assert_null(json_object_get(json_array_get(databases, 3), "relations"));
    assert_null(json_object_get(json_array_get(databases, 4), "relations"));
    assert_int_equal(number_at(databases, 2, "row_estimate"), 0);
    assert_string_equal(text_at(json_object_get(description.object, "tablespaces"), 0, "location"),
                        "/srv/fast");
    assert_string_equal(text_at(json_object_get(description.object, "unavailable"), 0, "reason"),
                        "no right");
    assert_string_equal(json_string_value(json_object_get(description.object, "server_version")),
                        "PostgreSQL 15.18");
    assert_true(json_is_false(json_object_get(description.object, "in_recovery")));
    description_reset(&description);
}

static void a_truncated_manifest_is_an_error(void **state)
{
    struct description description;
    struct error err;

    (void)state;
    assert_true(description_init(&description, &err));
    assert_true(
        description_feed_manifest(&description, slice_make(manifest, sizeof(manifest) / 2), &err));
    assert_false(description_finish_manifest(&description, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    description_reset(&description);
}

static void what_is_no_number_of_rows_is_none(void **state)
{
    static const struct {
        const char *estimate;
        int not_analysed;
        bool told;
    } cases[] = {
        {"1e999", 1, false}, {"-1e999", 1, false}, {"1e300", 0, false},
        {"9e18", 0, false},  {"8e18", 0, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct description description;
        const json_t *databases, *rows;
        struct error err;
        char text[200];

        snprintf(text, sizeof(text),
                 "{\"databases\": [{\"name\": \"a\", \"relations\": [{\"kind\": \"r\", "
                 "\"row_estimate\": %s}]}]}",
                 cases[i].estimate);
        assert_true(description_init(&description, &err));
        assert_true(description_feed_manifest(&description, slice_make(text, strlen(text)), &err));
        assert_true(description_finish_manifest(&description, &err));
        databases = json_object_get(description.object, "databases");
        assert_int_equal(number_at(databases, 0, "tables"), 1);
        assert_int_equal(number_at(databases, 0, "tables_not_analysed"), cases[i].not_analysed);
        rows = json_object_get(json_array_get(databases, 0), "row_estimate");
        assert_true((rows != NULL) == cases[i].told);
        description_reset(&description);
    }
}

static void the_head_of_a_summary_is_kept(void **state)
{
    struct summary_writer *writer;
    struct description description;
    struct slice content;
    struct error err;

    (void)state;
    writer = summary_writer_new(DIGEST_XXH3_128, &err);
    assert_non_null(writer);
    assert_true(
        summary_writer_finish(writer, json_pack("{s:s}", "kind", "physical"), &content, &err));
    assert_true(description_init(&description, &err));

    assert_true(description_feed_summary(&description, content, &err));
    assert_true(description_finish_summary(&description, &err));

    assert_string_equal(
        json_string_value(json_object_get(json_object_get(description.object, "summary"), "kind")),
        "physical");
    description_reset(&description);
    summary_writer_free(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_is_counted_not_held),
        cmocka_unit_test(a_truncated_manifest_is_an_error),
        cmocka_unit_test(what_is_no_number_of_rows_is_none),
        cmocka_unit_test(the_head_of_a_summary_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
