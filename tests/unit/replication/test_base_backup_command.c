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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_servers_get_words),
        cmocka_unit_test(new_servers_get_parentheses),
        cmocka_unit_test(old_servers_cannot_compress),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
