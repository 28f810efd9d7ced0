/* Memory taken piece by piece. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    struct arena arena = {0};
    struct error err;
    uint8_t *pieces[1000];

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        pieces[i] = arena_take(&arena, i + 1, &err);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        for (size_t at = 0; at <= i; at++)
            assert_int_equal(pieces[i][at], 0);
        memset(pieces[i], (int)(i & 0xff), i + 1);
    }
    for (size_t i = 0; i < 1000; i++) {
        for (size_t at = 0; at <= i; at++)
            assert_int_equal(pieces[i][at], i & 0xff);
    }
    arena_free(&arena);
    assert_int_equal(arena.used, 0);
}

static void a_large_piece_leaves_the_rest_of_a_block_in_use(void **state)
{
    struct arena arena = {0};
    struct error err;
    uint8_t *before = arena_take(&arena, 16, &err);
    uint8_t *large = arena_take(&arena, 1000000, &err);
    uint8_t *after = arena_take(&arena, 16, &err);

    (void)state;
    assert_non_null(large);
    memset(large, 1, 1000000);
    assert_ptr_equal(after, before + 16);
    arena_free(&arena);
}

static void texts_are_copied(void **state)
{
    struct arena arena = {0};
    struct error err;
    char text[] = "public";
    const char *copy = arena_copy(&arena, text, &err);

    (void)state;
    text[0] = 'x';
    assert_string_equal(copy, "public");
    assert_null(arena_copy(&arena, NULL, &err));
    assert_string_equal(arena_copy_slice(&arena, slice_make("abc", 2), &err), "ab");
    assert_string_equal(arena_copy_slice(&arena, slice_make(NULL, 0), &err), "");
    arena_free(&arena);
}

static void what_cannot_be_had_is_an_error(void **state)
{
    struct arena arena = {0};
    struct error err;

    (void)state;
    error_clear(&err);
    assert_null(arena_take(&arena, SIZE_MAX - 3, &err));
    assert_int_equal(err.code, ERROR_MEMORY);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(a_large_piece_leaves_the_rest_of_a_block_in_use),
        cmocka_unit_test(texts_are_copied),
        cmocka_unit_test(what_cannot_be_had_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
