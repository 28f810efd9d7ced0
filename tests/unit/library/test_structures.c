#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pgcask/pgcask.h>

#include "library/library_internal.h"

#include <stdio.h>

static void every_code_has_a_word_of_its_own(void **state)
{
    (void)state;
    for (int i = PGCASK_ERROR_NONE; i <= PGCASK_ERROR_REFUSED; i++) {
        assert_string_equal(pgcask_error_code_name((enum pgcask_error_code)i),
                            error_code_name((enum error_code)i));
        for (int other = PGCASK_ERROR_NONE; other < i; other++)
            assert_string_not_equal(pgcask_error_code_name((enum pgcask_error_code)i),
                                    pgcask_error_code_name((enum pgcask_error_code)other));
    }
    assert_string_equal(pgcask_error_code_name((enum pgcask_error_code)99), "unknown");
}

static void an_error_is_cut_where_it_does_not_fit(void **state)
{
    char text[3000];
    struct pgcask_error error = {.struct_size = sizeof(error)};

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memset(&error, 'y', sizeof(error));
    assert_false(pgcask_error_set(&error, PGCASK_ERROR_IO, "%s", text));
    assert_int_equal(error.code, PGCASK_ERROR_IO);
    assert_int_equal(strlen(error.message), sizeof(error.message) - 1);
    assert_string_equal(error.detail, "");
    assert_string_equal(error.hint, "");
    assert_false(pgcask_error_set(NULL, PGCASK_ERROR_IO, "nobody wants it"));
}

static void the_errors_of_the_floors_below_arrive_whole(void **state)
{
    struct error err;
    struct pgcask_error error = {.struct_size = sizeof(error)};

    (void)state;
    error_set(&err, ERROR_SERVER, "the message");
    error_detail(&err, "The detail.");
    error_hint(&err, "The hint.");
    memcpy(err.sqlstate, "42501", 6);
    assert_false(library_fail(&error, &err));
    assert_int_equal(error.code, PGCASK_ERROR_SERVER);
    assert_string_equal(error.sqlstate, "42501");
    assert_string_equal(error.message, "the message");
    assert_string_equal(error.detail, "The detail.");
    assert_string_equal(error.hint, "The hint.");
    assert_false(library_fail(NULL, &err));
}

static void a_callbacks_texts_need_not_end(void **state)
{
    struct pgcask_error error = {.struct_size = sizeof(error)};
    struct error err;

    (void)state;
    memset(&error, 'z', sizeof(error));
    assert_false(library_fail_by_callback(&err, &error, "next"));
    assert_int_equal(err.code, ERROR_IO); /* its code is none that we know */
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
    assert_int_equal(strlen(err.sqlstate), 5);
}

struct grown {
    size_t struct_size;
    int old, new;
};

static void a_shorter_structure_of_an_older_caller_is_taken_as_far_as_it_goes(void **state)
{
    struct grown theirs = {offsetof(struct grown, new), 7, 8}, ours;
    struct error err;

    (void)state;
    assert_true(library_take(&ours, sizeof(ours), &theirs, "grown", &err));
    assert_int_equal(ours.old, 7);
    assert_int_equal(ours.new, 0);

    ours = (struct grown){0, 1, 2};
    assert_true(library_give(&theirs, &ours, sizeof(ours), "grown", &err));
    assert_int_equal(theirs.struct_size, offsetof(struct grown, new));
    assert_int_equal(theirs.old, 1);
    assert_int_equal(theirs.new, 8); /* memory that is none of ours */
}

static void a_longer_structure_of_a_newer_caller_is_taken_as_far_as_it_is_known(void **state)
{
    struct grown theirs = {sizeof(theirs), 7, 8};
    struct {
        size_t struct_size;
        int old;
    } ours;
    struct error err;

    (void)state;
    assert_true(library_take(&ours, offsetof(struct grown, new), &theirs, "grown", &err));
    assert_int_equal(ours.old, 7);
}

static void a_structure_that_was_not_made_ready_is_refused(void **state)
{
    struct pgcask_control control = {0};
    struct pgcask_error error = {.struct_size = sizeof(error)};

    (void)state;
    assert_null(pgcask_source_open_directory("/tmp", &control, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    assert_non_null(strstr(error.message, "struct pgcask_control"));
    assert_non_null(strstr(error.hint, "PGCASK_INIT"));
}

static void the_version_is_that_of_the_build(void **state)
{
    char numbers[64];

    (void)state;
    assert_string_equal(pgcask_version(), PGCASK_VERSION);
    assert_string_equal(pgcask_version(), PGCASK_VERSION_STRING);
    snprintf(numbers, sizeof(numbers), "%d.%d.%d", PGCASK_VERSION_MAJOR, PGCASK_VERSION_MINOR,
             PGCASK_VERSION_PATCH);
    assert_string_equal(pgcask_version(), numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_word_of_its_own),
        cmocka_unit_test(an_error_is_cut_where_it_does_not_fit),
        cmocka_unit_test(the_errors_of_the_floors_below_arrive_whole),
        cmocka_unit_test(a_callbacks_texts_need_not_end),
        cmocka_unit_test(a_shorter_structure_of_an_older_caller_is_taken_as_far_as_it_goes),
        cmocka_unit_test(a_longer_structure_of_a_newer_caller_is_taken_as_far_as_it_is_known),
        cmocka_unit_test(a_structure_that_was_not_made_ready_is_refused),
        cmocka_unit_test(the_version_is_that_of_the_build),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
