#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "manifest/json_writer.h"

struct fixture {
    struct buffer out;
    struct json_writer writer;
    struct error err;
};

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    json_writer_init(&fixture->writer, &fixture->out);
}

static void end(struct fixture *fixture, const char *expected)
{
    assert_string_equal(buffer_text(&fixture->out), expected);
    buffer_free(&fixture->out);
}

static void empty_containers_take_no_lines(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_true(json_writer_open(&f.writer, NULL, '{', &f.err));
    assert_true(json_writer_open(&f.writer, "list", '[', &f.err));
    assert_true(json_writer_close(&f.writer, ']', &f.err));
    assert_true(json_writer_open(&f.writer, "object", '{', &f.err));
    assert_true(json_writer_close(&f.writer, '}', &f.err));
    assert_true(json_writer_close(&f.writer, '}', &f.err));
    end(&f, "{\n  \"list\": [],\n  \"object\": {}\n}");
}

static void values_are_indented_to_the_depth_they_stand_at(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    json_t *value = json_pack("{s:[i,b],s:{s:n}}", "a", 1, 1, "b", "c");
    assert_true(json_writer_open(&f.writer, NULL, '{', &f.err));
    assert_true(json_writer_open(&f.writer, "list", '[', &f.err));
    assert_true(json_writer_value(&f.writer, NULL, value, &f.err));
    assert_true(json_writer_value(&f.writer, NULL, value, &f.err));
    assert_true(json_writer_close(&f.writer, ']', &f.err));
    assert_true(json_writer_take(&f.writer, "after", json_integer(-1), &f.err));
    assert_true(json_writer_close(&f.writer, '}', &f.err));
    json_decref(value);
#define OBJECT                                                                                     \
    "    {\n      \"a\": [\n        1,\n        true\n      ],\n"                                  \
    "      \"b\": {\n        \"c\": null\n      }\n    }"
    end(&f, "{\n  \"list\": [\n" OBJECT ",\n" OBJECT "\n  ],\n  \"after\": -1\n}");
}

static void strings_are_escaped_as_json_and_stay_utf8(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_true(json_writer_open(&f.writer, NULL, '{', &f.err));
    assert_true(json_writer_text(&f.writer, "a", "\"\\\n\x01 \xc3\xa9", &f.err));
    assert_true(json_writer_text(&f.writer, "b", "\xe9", &f.err));
    assert_true(json_writer_close(&f.writer, '}', &f.err));
    end(&f, "{\n  \"a\": \"\\\"\\\\\\n\\u0001 \xc3\xa9\",\n  \"b\": \"\\\\xe9\"\n}");
}

static void the_output_may_be_taken_away_between_pieces(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_true(json_writer_open(&f.writer, NULL, '[', &f.err));
    assert_true(json_writer_take(&f.writer, NULL, json_true(), &f.err));
    assert_string_equal(buffer_text(&f.out), "[\n  true");
    buffer_clear(&f.out);
    assert_true(json_writer_take(&f.writer, NULL, json_false(), &f.err));
    assert_true(json_writer_close(&f.writer, ']', &f.err));
    end(&f, ",\n  false\n]");
}

static void a_missing_value_is_out_of_memory(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    assert_false(json_writer_take(&f.writer, NULL, NULL, &f.err));
    assert_int_equal(f.err.code, ERROR_MEMORY);
    buffer_free(&f.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_containers_take_no_lines),
        cmocka_unit_test(values_are_indented_to_the_depth_they_stand_at),
        cmocka_unit_test(strings_are_escaped_as_json_and_stay_utf8),
        cmocka_unit_test(the_output_may_be_taken_away_between_pieces),
        cmocka_unit_test(a_missing_value_is_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
