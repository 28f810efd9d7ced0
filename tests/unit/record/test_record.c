#include "support.h"

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

static void a_name_is_percent_encoded(void **state)
{
    char out[64];

    (void)state;
    assert_true(record_path_encode("My db-1_x.y", out, sizeof(out)));
    assert_string_equal(out, "My%20db-1_x.y");
    assert_true(record_path_encode("..", out, sizeof(out)));
    assert_string_equal(out, "%2E.");
    assert_true(record_path_encode("a/\xc3\xa4%", out, sizeof(out)));
    assert_string_equal(out, "a%2F%C3%A4%25");
}

static void an_encoded_name_that_does_not_fit_is_refused(void **state)
{
    char out[4];

    (void)state;
    assert_true(record_path_encode("abc", out, sizeof(out)));
    assert_false(record_path_encode("abcd", out, sizeof(out)));
    assert_true(record_path_encode("/", out, sizeof(out)));
    assert_false(record_path_encode("/a", out, sizeof(out)));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_absolute_path_of_plain_components_is_accepted),
        cmocka_unit_test(any_other_path_is_refused),
        cmocka_unit_test(a_path_may_have_4095_bytes_and_not_one_more),
        cmocka_unit_test(a_name_is_percent_encoded),
        cmocka_unit_test(an_encoded_name_that_does_not_fit_is_refused),
        cmocka_unit_test(a_memory_reader_gives_its_content_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
