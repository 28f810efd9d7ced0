#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "restore/folder.h"

static void set_failure(struct error *err)
{
    error_clear(err);
    error_set(err, ERROR_IO, "cannot go on");
}

static void a_folder_that_was_just_made_is_unmade(void **state)
{
    char path[] = "/tmp/pgcask-folder.XXXXXX";
    struct stat info;
    struct error err;

    (void)state;
    assert_non_null(mkdtemp(path));
    set_failure(&err);
    folder_unmake(path, &err);
    assert_int_not_equal(stat(path, &info), 0);
    assert_string_equal(err.detail, "");
}

static void what_came_into_it_since_stays_without_a_word(void **state)
{
    char path[] = "/tmp/pgcask-folder.XXXXXX", inner[64];
    struct stat info;
    struct error err;

    (void)state;
    assert_non_null(mkdtemp(path));
    snprintf(inner, sizeof(inner), "%s/theirs", path);
    assert_int_equal(mkdir(inner, 0700), 0);
    set_failure(&err);
    folder_unmake(path, &err);
    assert_int_equal(stat(inner, &info), 0);
    assert_string_equal(err.detail, "");
    rmdir(inner);
    rmdir(path);
}

static void what_cannot_be_removed_again_is_told_beside_the_error(void **state)
{
    char path[] = "/tmp/pgcask-folder.XXXXXX";
    int fd = mkstemp(path); /* rmdir(2) takes no file: as good as any failure */
    struct error err;

    (void)state;
    assert_true(fd >= 0);
    set_failure(&err);
    folder_unmake(path, &err);
    assert_string_equal(err.message, "cannot go on");
    assert_non_null(strstr(err.detail, "could not be removed again"));
    assert_non_null(strstr(err.detail, path));
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_that_was_just_made_is_unmade),
        cmocka_unit_test(what_came_into_it_since_stays_without_a_word),
        cmocka_unit_test(what_cannot_be_removed_again_is_told_beside_the_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
