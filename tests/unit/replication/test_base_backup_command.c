#include "replication/base_backup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct base_backup_options plain = {
    .label = "it's",
    .manifest_checksums = DIGEST_CRC32C,
};

static void old_servers_get_words(void **state)
{
    struct buffer sql = {0};
    struct error err;

    (void)state;
    assert_true(base_backup_command(&sql, 140000, &plain, &err));
    assert_string_equal(buffer_text(&sql),
                        "BASE_BACKUP LABEL 'it''s' PROGRESS WAL NOWAIT MANIFEST 'yes' "
                        "MANIFEST_CHECKSUMS 'crc32c' FAST");
    buffer_free(&sql);
}

static void new_servers_get_parentheses(void **state)
{
    struct base_backup_options options = plain;
    struct buffer sql = {0};
    struct error err;

    (void)state;
    options.spread_checkpoint = true;
    options.max_rate_kib = 1024;
    options.no_verify_checksums = true;
    options.compression = COMPRESSION_ZSTD;
    options.compression_level = "3";
    assert_true(base_backup_command(&sql, 150000, &options, &err));
    assert_string_equal(buffer_text(&sql),
                        "BASE_BACKUP (LABEL 'it''s', PROGRESS, WAL, WAIT false, MANIFEST 'yes', "
                        "MANIFEST_CHECKSUMS 'crc32c', CHECKPOINT 'spread', VERIFY_CHECKSUMS "
                        "false, MAX_RATE 1024, COMPRESSION 'zstd', COMPRESSION_DETAIL '3')");
    buffer_free(&sql);
}

static void old_servers_cannot_compress(void **state)
{
    struct base_backup_options options = plain;
    struct buffer sql = {0};
    struct error err;

    (void)state;
    options.compression = COMPRESSION_GZIP;
    assert_false(base_backup_command(&sql, 130000, &options, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    buffer_free(&sql);
}

static void a_map_of_tablespaces_is_asked_for_in_both_grammars(void **state)
{
    struct base_backup_options options = plain;
    struct error err;

    (void)state;
    for (int version = 130000; version <= 180000; version += 10000) {
        struct buffer sql = {0};

        options.tablespace_map = false;
        assert_true(base_backup_command(&sql, version, &options, &err));
        assert_null(strstr(buffer_text(&sql), "TABLESPACE_MAP"));
        buffer_clear(&sql);
        options.tablespace_map = true;
        assert_true(base_backup_command(&sql, version, &options, &err));
        assert_non_null(
            strstr(buffer_text(&sql), version < 150000 ? " TABLESPACE_MAP" : ", TABLESPACE_MAP"));
        buffer_free(&sql);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_servers_get_words),
        cmocka_unit_test(new_servers_get_parentheses),
        cmocka_unit_test(old_servers_cannot_compress),
        cmocka_unit_test(a_map_of_tablespaces_is_asked_for_in_both_grammars),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
