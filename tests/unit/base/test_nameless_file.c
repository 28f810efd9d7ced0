/* Temporary files without a name. */
#include "base/nameless_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void a_file_is_there_and_has_no_name(void **state)
{
    struct error err = {0};
    struct stat before;
    int fd = nameless_file_open("/tmp", &err);
    char back[3] = "";

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &before), 0);
    assert_int_equal(before.st_nlink, 0);
    assert_int_equal(before.st_mode & 07777, 0600);
    assert_int_equal(pwrite(fd, "ab", 2, 0), 2);
    assert_int_equal(pread(fd, back, 2, 0), 2);
    assert_string_equal(back, "ab");
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    close(fd);
}

static void it_lies_where_is_said_or_in_tmpdir(void **state)
{
    (void)state;
    assert_string_equal(nameless_file_directory("/there"), "/there");
    setenv("TMPDIR", "/var/tmp", 1);
    assert_string_equal(nameless_file_directory(NULL), "/var/tmp");
    setenv("TMPDIR", "", 1);
    assert_string_equal(nameless_file_directory(NULL), "/tmp");
    unsetenv("TMPDIR");
    assert_string_equal(nameless_file_directory(NULL), "/tmp");
}

static void a_directory_that_is_not_there_is_named(void **state)
{
    struct error err = {0};

    (void)state;
    assert_int_equal(nameless_file_open("/not there", &err), -1);
    assert_non_null(strstr(err.message, "\"/not there\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_there_and_has_no_name),
        cmocka_unit_test(it_lies_where_is_said_or_in_tmpdir),
        cmocka_unit_test(a_directory_that_is_not_there_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
