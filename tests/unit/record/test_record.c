#include "support.h"

#include <stdio.h>
#include <stdlib.h>

static void an_absolute_path_of_plain_components_is_accepted(void **state)
{
    static const char *const good[] = {"/a", "/a/b", "/data/base/1/1259", "/...", "/.a", "/a..b"};
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(record_path_check(good[i], &err));
}

static void any_other_path_is_refused(void **state)
{
    static const char *const bad[] = {"",    "/",     "a",     "a/b",  "//a",  "/a//b", "/a/",
                                      "/..", "/../a", "/a/..", "/./a", "/a/.", "/."};
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(record_path_check(bad[i], &err));
        assert_int_equal(err.code, ERROR_CORRUPT);
    }
}

static void a_path_may_have_4095_bytes_and_not_one_more(void **state)
{
    char *path = malloc(RECORD_PATH_MAX + 1);
    struct error err;

    (void)state;
    memset(path, 'x', RECORD_PATH_MAX);
    path[0] = '/';
    path[RECORD_PATH_MAX] = '\0';
    assert_false(record_path_check(path, &err));
    path[RECORD_PATH_MAX - 1] = '\0';
    assert_true(record_path_check(path, &err));
    free(path);
}

/* What percent-decoding gives back. */
static void decode(const char *text, char *out)
{
    for (; *text != '\0'; text++) {
        unsigned byte = (unsigned char)*text;

        if (byte == '%') {
            assert_int_equal(sscanf(text + 1, "%2X", &byte), 1);
            text += 2;
        }
        *out++ = (char)byte;
    }
    *out = '\0';
}

static void expect_encoded(const char *name, const char *expected)
{
    char out[256], back[256], path[260];
    struct error err;

    assert_true(record_path_encode(name, out, sizeof(out)));
    assert_string_equal(out, expected);
    decode(out, back);
    assert_string_equal(back, name);
    snprintf(path, sizeof(path), "/%s", out);
    assert_true(name[0] == '\0' || record_path_check(path, &err));
}

static void a_name_stays_readable_in_a_path(void **state)
{
    (void)state;
    expect_encoded("", "");
    expect_encoded("My db-1_x.y", "My db-1_x.y");
    expect_encoded(
        "\xc3\xa4 \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x90\x98", /* an umlaut, two ideographs, an
                                                                 elephant */
        "\xc3\xa4 \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x90\x98");
    expect_encoded("$HOME `ls` \"'\\*?[]{}<>|&;:=@#!~^,+", "$HOME `ls` \"'\\*?[]{}<>|&;:=@#!~^,+");
    expect_encoded(" a ", " a ");
    expect_encoded("-rf", "-rf");
}

static void what_a_path_cannot_hold_is_percent_encoded(void **state)
{
    (void)state;
    expect_encoded(".", "%2E");
    expect_encoded("..", "%2E.");
    expect_encoded(".a.b", "%2Ea.b");
    expect_encoded("a/b%2Fc%", "a%2Fb%252Fc%25");
    expect_encoded("a\nb\x7f\x1b[m", "a%0Ab%7F%1B[m");
    expect_encoded("\xc2\x9b", "%C2%9B"); /* a control character as well */
    expect_encoded("\xc2\xa0", "\xc2\xa0");
    /* Not UTF-8: alone, cut off, overlong, a surrogate, over the top, wrongly continued. */
    expect_encoded("caf\xe9", "caf%E9");
    expect_encoded("\xe6\xbc", "%E6%BC");
    expect_encoded("\xc0\xaf", "%C0%AF");
    expect_encoded("\xed\xa0\x80", "%ED%A0%80");
    expect_encoded("\xf4\x90\x80\x80", "%F4%90%80%80");
    expect_encoded("\xc3(", "%C3(");
}

static void every_byte_comes_back(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        char alone[] = {(char)byte, '\0'}, within[] = {'a', (char)byte, 'b', '\0'};
        char code[8];
        bool plain = byte >= 0x20 && byte < 0x7f && byte != '/' && byte != '%';

        snprintf(code, sizeof(code), "%%%02X", (unsigned)byte);
        expect_encoded(alone, plain && byte != '.' ? alone : code);
        snprintf(code, sizeof(code), plain ? "a%cb" : "a%%%02Xb", (unsigned)byte);
        expect_encoded(within, code);
    }
}

static void an_encoded_name_that_does_not_fit_is_refused(void **state)
{
    char out[4];

    (void)state;
    assert_true(record_path_encode("abc", out, sizeof(out)));
    assert_false(record_path_encode("abcd", out, sizeof(out)));
    assert_true(record_path_encode("/", out, sizeof(out)));
    assert_false(record_path_encode("/a", out, sizeof(out)));
    assert_true(record_path_encode("a\xc3\xa4", out, sizeof(out)));
    assert_false(record_path_encode("ab\xc3\xa4", out, sizeof(out)));
}

static void a_memory_reader_gives_its_content_once(void **state)
{
    struct error err;
    struct slice data;
    struct reader *reader = reader_from_memory(slice_string("abc"), &err);

    (void)state;
    assert_int_equal(reader_next(reader, &data, &err), READER_DATA);
    assert_true(slice_equals(data, slice_string("abc")));
    assert_int_equal(reader_next(reader, &data, &err), READER_END);
    assert_int_equal(reader_next(reader, &data, &err), READER_END);
    reader_close(reader);
}

static void a_part_of_a_path_stands_for_one_name(void **state)
{
    static const struct {
        const char *encoded, *name;
        bool stands;
    } cases[] = {
        {"app", "app", true}, {"old app", "old app", true}, {"old%20app", "old app", true},
        {"%25", "%", true},   {"%2F", "/", true},           {"", "", true},
        {"app", "ap", false}, {"ap", "app", false},         {"%2", "%2", false},
        {"%2f", "/", false},  {"a%00", "a", false},         {"%", "%", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(record_path_stands_for(slice_string(cases[i].encoded), cases[i].name),
                         cases[i].stands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_of_a_path_stands_for_one_name),
        cmocka_unit_test(an_absolute_path_of_plain_components_is_accepted),
        cmocka_unit_test(any_other_path_is_refused),
        cmocka_unit_test(a_path_may_have_4095_bytes_and_not_one_more),
        cmocka_unit_test(a_name_stays_readable_in_a_path),
        cmocka_unit_test(what_a_path_cannot_hold_is_percent_encoded),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(an_encoded_name_that_does_not_fit_is_refused),
        cmocka_unit_test(a_memory_reader_gives_its_content_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
