#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/json_walk.h"

#include "base/buffer.h"

#include <stdio.h>
#include <string.h>

/* Every event as "type path=text;". */
static void write_event(void *context, enum json_walk_type type, const char *path, const char *text)
{
    static const char *const types[] = {"{", "}", "[", "]", "s", "w"};
    struct error err;

    assert_true(buffer_printf(context, &err, "%s %s=%s;", types[type], path, text));
}

/* Walks the text in pieces of that size; the events are in *out. */
static bool walk(const char *text, size_t len, size_t piece, struct buffer *out)
{
    struct slice rest = slice_make(text, len);
    struct json_walk json;
    struct error err;

    buffer_clear(out);
    json_walk_init(&json, write_event, out);
    while (rest.len > 0) {
        if (!json_walk_feed(&json, slice_take(&rest, piece < rest.len ? piece : rest.len), &err)) {
            assert_int_equal(err.code, ERROR_CORRUPT);
            return false;
        }
    }
    return json_walk_finish(&json, &err);
}

static const char document[] =
    "{\"a\": 1, \"list\": [ {\"n\":\"x\", \"deep\":[[true],[]]},\n {\"n\": \"y\"} , 3, null ],\t"
    "\"empty\":{}, \"text\": \"q\\\"\\\\\\u00e9\\ud83d\\ude00\\n\"}";

static const char events[] =
    "{ =;w a=1;[ list=;{ list[]=;s list[].n=x;[ list[].deep=;[ list[].deep[]=;"
    "w list[].deep[][]=true;] list[].deep[]=;[ list[].deep[]=;] list[].deep[]=;] list[].deep=;"
    "} list[]=;{ list[]=;s list[].n=y;} list[]=;w list[]=3;w list[]=null;] list=;"
    "{ empty=;} empty=;s text=q\"\\\xc3\xa9\xf0\x9f\x98\x80\n;} =;";

static void values_come_with_their_paths_however_the_text_is_cut(void **state)
{
    struct buffer out = {0};

    (void)state;
    for (size_t piece = 1; piece <= sizeof(document); piece++) {
        assert_true(walk(document, strlen(document), piece, &out));
        assert_string_equal(buffer_text(&out), events);
    }
    buffer_free(&out);
}

static void a_truncated_text_is_an_error(void **state)
{
    struct buffer out = {0};

    (void)state;
    for (size_t len = 0; len < strlen(document); len++)
        assert_false(walk(document, len, 7, &out));
    buffer_free(&out);
}

static void what_is_not_json_is_an_error(void **state)
{
    static const char *const wrong[] = {
        "]",
        "}",
        "{]",
        "[}",
        "[1 2]",
        "[1,,2]",
        "{1:2}",
        "{\"a\" 1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "{} {}",
        "x",
        "{\"a\":1 \"b\"}",
        "\x01",
    };
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (walk(wrong[i], strlen(wrong[i]), 1, &out))
            fail_msg("%s was accepted", wrong[i]);
    }
    assert_false(walk("[\0]", 3, 3, &out));
    assert_false(walk("\"\\\0\"", 4, 4, &out));
    buffer_free(&out);
}

static void too_deep_a_nest_is_an_error(void **state)
{
    struct buffer out = {0};
    char text[JSON_WALK_DEPTH + 1];

    (void)state;
    memset(text, '[', sizeof(text));
    assert_false(walk(text, sizeof(text), sizeof(text), &out));
    assert_false(walk(text, JSON_WALK_DEPTH, 1, &out)); /* not at its end, but deep enough */
    buffer_free(&out);
}

static void long_names_and_texts_are_cut(void **state)
{
    struct buffer text = {0}, out = {0};
    struct error err;

    (void)state;
    assert_true(buffer_printf(&text, &err, "{\"%04000d\": \"%09000d\", \"b\": 2}", 0, 0));
    assert_true(walk(buffer_text(&text), text.len, 100, &out));
    assert_true(out.len < 5000);
    assert_non_null(strstr(buffer_text(&out), "w b=2;"));
    buffer_free(&text);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_with_their_paths_however_the_text_is_cut),
        cmocka_unit_test(a_truncated_text_is_an_error),
        cmocka_unit_test(what_is_not_json_is_an_error),
        cmocka_unit_test(too_deep_a_nest_is_an_error),
        cmocka_unit_test(long_names_and_texts_are_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
