#include "base/lsn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void an_lsn_is_read_and_written(void **state)
{
    uint64_t lsn = 0;
    char text[LSN_TEXT_SIZE];

    (void)state;
    assert_true(lsn_parse("16/B374D848", &lsn));
    assert_true(lsn == UINT64_C(0x16B374D848));
    lsn_format(lsn, text);
    assert_string_equal(text, "16/B374D848");
}

static void what_is_no_lsn_is_refused(void **state)
{
    static const char *const wrong[] = {"",     "/",   "1/",          "/1",         "1/2/3",
                                        "1/2 ", "G/1", "123456789/0", "0/123456789"};
    uint64_t lsn;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(lsn_parse(wrong[i], &lsn));
}

static void wal_files_are_named_by_timeline_and_segment(void **state)
{
    char name[WAL_FILE_NAME_LEN + 1];

    (void)state;
    wal_file_name(2, UINT64_C(0x1FF000028), 16 << 20, name);
    assert_string_equal(name, "0000000200000001000000FF");
    assert_true(wal_file_name_is_segment(name));
    assert_false(wal_file_name_is_segment("00000002.history"));
    assert_false(wal_file_name_is_segment("0000000200000001000000FF.partial"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_lsn_is_read_and_written),
        cmocka_unit_test(what_is_no_lsn_is_refused),
        cmocka_unit_test(wal_files_are_named_by_timeline_and_segment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
