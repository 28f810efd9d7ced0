/* What the records of a logical backup are called. */
#include "manifest/logical_layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void each_record_is_one_part(void **state)
{
    (void)state;
    assert_int_equal(logical_layout_part("/manifest.json"), LOGICAL_PART_MANIFEST);
    assert_int_equal(logical_layout_part("/globals.sql"), LOGICAL_PART_GLOBALS);
    assert_int_equal(logical_layout_part("/app.dump"), LOGICAL_PART_ARCHIVE);
    assert_int_equal(logical_layout_part("/%2Edump.dump"), LOGICAL_PART_ARCHIVE);
    assert_int_equal(logical_layout_part("/summary.json"), LOGICAL_PART_SUMMARY);
}

static void what_is_called_otherwise_is_foreign(void **state)
{
    static const char *const paths[] = {
        "/",         "/data/base/1/1259", "/.dump", "/app.dump.gz", "/app/app.dump",
        "/app_dump", "/data/globals.sql", "/dump",  "/Globals.sql",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_int_equal(logical_layout_part(paths[i]), LOGICAL_PART_FOREIGN);
}

static void an_archive_is_called_like_its_database(void **state)
{
    char path[RECORD_PATH_MAX];

    (void)state;
    assert_true(logical_layout_archive_path("my app", path));
    assert_string_equal(path, "/my app.dump");
    assert_true(logical_layout_archive_path("a/b", path));
    assert_string_equal(path, "/a%2Fb.dump");
    assert_int_equal(logical_layout_part(path), LOGICAL_PART_ARCHIVE);
    assert_true(logical_layout_archive_path(".hidden", path));
    assert_int_equal(logical_layout_part(path), LOGICAL_PART_ARCHIVE);
}

static void a_name_that_does_not_fit_is_refused(void **state)
{
    char database[RECORD_PATH_MAX], path[RECORD_PATH_MAX];

    (void)state;
    memset(database, 'x', sizeof(database));
    for (size_t len = RECORD_PATH_MAX - 16; len < RECORD_PATH_MAX; len++) {
        database[len] = '\0';
        if (logical_layout_archive_path(database, path))
            assert_int_equal(strlen(path), len + strlen("/.dump"));
        else
            assert_true(len + strlen("/.dump") >= RECORD_PATH_MAX);
        database[len] = 'x';
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_record_is_one_part),
        cmocka_unit_test(what_is_called_otherwise_is_foreign),
        cmocka_unit_test(an_archive_is_called_like_its_database),
        cmocka_unit_test(a_name_that_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
