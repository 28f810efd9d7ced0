#include "manifest/physical_layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void records_know_where_they_are_listed(void **state)
{
    char path[64];
    const char *name;

    (void)state;
    assert_int_equal(layout_classify("/data/base/1/1259"), LAYOUT_LISTED);
    assert_int_equal(layout_classify("/tablespaces/16384/PG_15/5/1"), LAYOUT_LISTED);
    assert_int_equal(layout_classify("/data/pg_wal/00000002.history"), LAYOUT_LISTED);
    assert_int_equal(layout_classify("/data/pg_wal/000000010000000000000001"), LAYOUT_SUMMARY);
    assert_int_equal(layout_classify("/data/backup_manifest"), LAYOUT_SUMMARY);
    assert_int_equal(layout_classify("/manifest.json"), LAYOUT_SUMMARY);
    assert_int_equal(layout_classify("/summary.json"), LAYOUT_THE_SUMMARY);
    assert_int_equal(layout_classify("/database"), LAYOUT_FOREIGN);
    assert_int_equal(layout_classify("/etc/passwd"), LAYOUT_FOREIGN);
    assert_true(layout_backup_manifest_path("/tablespaces/16384/PG_15/5/1", path, sizeof(path)));
    assert_string_equal(path, "pg_tblspc/16384/PG_15/5/1");
    assert_true(layout_backup_manifest_path("/data/base/1/1259", path, sizeof(path)));
    assert_string_equal(path, "base/1/1259");
    assert_true(layout_is_wal_segment("/data/pg_wal/000000010000000000000001", &name));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_know_where_they_are_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
