#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT 20000

static void put_and_get(struct text_store *store)
{
    static struct text_ref refs[COUNT];
    struct error err;
    char text[300];
    const char *found;

    assert_non_null(store);
    for (int i = 0; i < COUNT; i++) {
        snprintf(text, sizeof(text), "CREATE TABLE t_%d (a int, %0*d)", i, i % 200, i);
        assert_true(text_store_put(store, text, &refs[i], &err));
    }
    for (int i = 0; i < COUNT; i++) {
        int at = (int)((uint32_t)i * 7919U % COUNT);

        snprintf(text, sizeof(text), "CREATE TABLE t_%d (a int, %0*d)", at, at % 200, at);
        assert_true(text_store_get(store, refs[at], &found, &err));
        assert_string_equal(found, text);
    }
    text_store_free(store);
}

static void texts_come_back_in_any_order(void **state)
{
    struct error err;

    (void)state;
    put_and_get(text_store_new(&err));
}

static void what_is_too_much_comes_back_from_a_file(void **state)
{
    struct error err;

    (void)state;
    put_and_get(text_store_new_spilling(0, &err));
    put_and_get(text_store_new_spilling(10000, &err));
}

static void a_folder_that_cannot_be_written_is_an_error(void **state)
{
    static char noise[200000];
    struct error err;
    struct text_store *store = text_store_new_spilling(0, &err);
    struct text_ref ref;

    (void)state;
    memset(noise, 'x', sizeof(noise) - 1);
    setenv("TMPDIR", "/nowhere/at/all", 1);
    assert_false(text_store_put(store, noise, &ref, &err));
    assert_non_null(strstr(err.message, "cannot make a temporary file in \"/nowhere/at/all\""));
    assert_non_null(strstr(err.hint, "TMPDIR"));
    unsetenv("TMPDIR");
    assert_true(text_store_put(store, noise, &ref, &err));
    text_store_free(store);
}

static void none_and_empty_are_two_things(void **state)
{
    struct error err;
    struct text_store *store = text_store_new(&err);
    struct text_ref none, empty;
    const char *text = "";

    (void)state;
    assert_true(text_store_put(store, NULL, &none, &err));
    assert_true(text_store_put(store, "", &empty, &err));
    assert_true(text_store_get(store, none, &text, &err));
    assert_null(text);
    assert_true(text_store_get(store, empty, &text, &err));
    assert_string_equal(text, "");
    text_store_free(store);
    text_store_free(NULL);
}

static void a_text_larger_than_a_block_is_kept_whole(void **state)
{
    static char large[5 * 1024 * 1024];
    struct error err;
    struct text_store *store = text_store_new(&err);
    struct text_ref before, ref, after;
    const char *text;

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    assert_true(text_store_put(store, "before", &before, &err));
    assert_true(text_store_put(store, large, &ref, &err));
    assert_true(text_store_put(store, "after", &after, &err));
    assert_true(text_store_get(store, ref, &text, &err));
    assert_int_equal(strlen(text), sizeof(large) - 1);
    assert_true(text_store_get(store, before, &text, &err));
    assert_string_equal(text, "before");
    assert_true(text_store_get(store, after, &text, &err));
    assert_string_equal(text, "after");
    text_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back_in_any_order),
        cmocka_unit_test(what_is_too_much_comes_back_from_a_file),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_an_error),
        cmocka_unit_test(none_and_empty_are_two_things),
        cmocka_unit_test(a_text_larger_than_a_block_is_kept_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
