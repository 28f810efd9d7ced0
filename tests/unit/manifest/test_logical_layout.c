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

static void each_record_of_the_other_layouts_is_one_part(void **state)
{
    static const struct {
        const char *path;
        enum logical_part part;
        uint32_t number, id;
        const char *database, *file;
    } cases[] = {
        {"/all.sql", LOGICAL_PART_SCRIPT, 0, 0, "", NULL},
        {"/00000-globals.sql", LOGICAL_PART_GLOBALS, 0, 0, "", NULL},
        {"/00001-app.dump", LOGICAL_PART_ARCHIVE, 1, 0, "app", NULL},
        {"/100000--x.dump", LOGICAL_PART_ARCHIVE, 100000, 0, "-x", NULL},
        {"/0001-app.dump", LOGICAL_PART_ARCHIVE, 0, 0, "0001-app", NULL},
        {"/00012-a b%2Fc/0.toc", LOGICAL_PART_FIRST_TOC, 12, 0, "a b%2Fc", "0.toc"},
        {"/00012-00013-x/toc.dat", LOGICAL_PART_TOC, 12, 0, "00013-x", "toc.dat"},
        {"/00001-a/3.dat", LOGICAL_PART_DATA, 1, 3, "a", "3.dat"},
        {"/00001-a/4000000000.dat.gz", LOGICAL_PART_DATA, 1, 4000000000, "a", "4000000000.dat.gz"},
        {"/00001-a/3.dat.lz4", LOGICAL_PART_DATA, 1, 3, "a", "3.dat.lz4"},
        {"/00001-a/3.dat.zst", LOGICAL_PART_DATA, 1, 3, "a", "3.dat.zst"},
        {"/00001-a/blobs.toc", LOGICAL_PART_BLOBS_TOC, 1, 0, "a", "blobs.toc"},
        {"/00001-a/blobs_7.toc", LOGICAL_PART_BLOBS_TOC, 1, 7, "a", "blobs_7.toc"},
        {"/00001-a/blob_16400.dat", LOGICAL_PART_BLOB, 1, 16400, "a", "blob_16400.dat"},
        {"/00001-a/blob_16400.dat.zst", LOGICAL_PART_BLOB, 1, 16400, "a", "blob_16400.dat.zst"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct logical_place place = logical_layout_place(LOGICAL_TABLES, cases[i].path);

        assert_int_equal(logical_layout_part(cases[i].path), cases[i].part);
        assert_int_equal(place.part, cases[i].part);
        assert_int_equal(place.number, cases[i].number);
        assert_int_equal(place.id, cases[i].id);
        assert_true(slice_equals(place.database, slice_string(cases[i].database)));
        if (cases[i].file == NULL)
            assert_null(place.file);
        else
            assert_string_equal(place.file, cases[i].file);
    }
}

static void in_a_classic_backup_a_number_is_part_of_the_name(void **state)
{
    struct logical_place place = logical_layout_place(LOGICAL_CLASSIC, "/00001-app.dump");

    (void)state;
    assert_int_equal(place.part, LOGICAL_PART_ARCHIVE);
    assert_int_equal(place.number, 0);
    assert_true(slice_equals(place.database, slice_string("00001-app")));
}

static void a_file_of_a_folder_knows_its_folder(void **state)
{
    struct logical_place place = logical_layout_place(LOGICAL_TABLES, "/00001-a/3.dat");
    char path[RECORD_PATH_MAX], folder[RECORD_PATH_MAX];

    (void)state;
    assert_true(slice_equals(place.folder, slice_string("/00001-a")));
    assert_true(logical_layout_archive_path(LOGICAL_TABLES, 1, "a", folder));
    assert_true(logical_layout_file_path(folder, "3.dat", path));
    assert_string_equal(path, "/00001-a/3.dat");
}

static void a_layout_has_a_name(void **state)
{
    enum logical_layout layout;

    (void)state;
    for (int i = LOGICAL_CLASSIC; i <= LOGICAL_TABLES; i++) {
        assert_true(logical_layout_find(logical_layout_name((enum logical_layout)i), &layout));
        assert_int_equal(layout, i);
    }
    assert_false(logical_layout_find("Classic", &layout));
}

static void what_is_called_otherwise_is_foreign(void **state)
{
    static const char *const paths[] = {
        "/",
        "/data/base/1/1259",
        "/.dump",
        "/app.dump.gz",
        "/app/app.dump",
        "/app_dump",
        "/data/globals.sql",
        "/dump",
        "/Globals.sql",
        "/00001-app",
        "/00001-/toc.dat",
        "/app/toc.dat",
        "/00000-app/toc.dat",
        "/0001-a/toc.dat",
        "/00001-a/03.dat",
        "/00001-a/.dat",
        "/00001-a/3.dat.bz2",
        "/00001-a/blobs_.toc",
        "/00001-a/blobs_7.toc.gz",
        "/00001-a/b/3.dat",
        "/00001-a/4294967296.dat",
        "/000001-a/3.dat",
        "/00001-all.sql",
        "/all.sql/x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_int_equal(logical_layout_part(paths[i]), LOGICAL_PART_FOREIGN);
}

static void an_archive_is_called_like_its_database(void **state)
{
    char path[RECORD_PATH_MAX];

    (void)state;
    assert_true(logical_layout_archive_path(LOGICAL_CLASSIC, 1, "my app", path));
    assert_string_equal(path, "/my app.dump");
    assert_true(logical_layout_archive_path(LOGICAL_CLASSIC, 1, "a/b", path));
    assert_string_equal(path, "/a%2Fb.dump");
    assert_int_equal(logical_layout_part(path), LOGICAL_PART_ARCHIVE);
    assert_true(logical_layout_archive_path(LOGICAL_CLASSIC, 1, ".hidden", path));
    assert_int_equal(logical_layout_part(path), LOGICAL_PART_ARCHIVE);
}

static void a_name_that_does_not_fit_is_refused(void **state)
{
    char database[RECORD_PATH_MAX], path[RECORD_PATH_MAX];

    (void)state;
    memset(database, 'x', sizeof(database));
    for (size_t len = RECORD_PATH_MAX - 16; len < RECORD_PATH_MAX; len++) {
        database[len] = '\0';
        if (logical_layout_archive_path(LOGICAL_CLASSIC, 1, database, path))
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
        cmocka_unit_test(each_record_of_the_other_layouts_is_one_part),
        cmocka_unit_test(in_a_classic_backup_a_number_is_part_of_the_name),
        cmocka_unit_test(a_file_of_a_folder_knows_its_folder),
        cmocka_unit_test(a_layout_has_a_name),
        cmocka_unit_test(what_is_called_otherwise_is_foreign),
        cmocka_unit_test(an_archive_is_called_like_its_database),
        cmocka_unit_test(a_name_that_does_not_fit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
