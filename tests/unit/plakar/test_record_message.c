#include "base/error.h"
#include "plakar/importer.pb-c.h"
#include "plakar/record_message.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct record_stamp stamp = {.backup = 99, .position = UINT64_C(0x16B374D848)};

static Importer__ImportResponse *pass(const struct record *record)
{
    struct buffer packed = {0};
    struct error err;
    Importer__ImportResponse *response;

    assert_true(record_message_append(&packed, record, &stamp, &err));
    response = importer__import_response__unpack(NULL, packed.len, packed.data);
    buffer_free(&packed);
    assert_non_null(response);
    return response;
}

static void a_file_has_its_metadata_and_the_backups_own_numbers(void **state)
{
    const struct record record = {.type = RECORD_FILE,
                                  .path = "/data/base/1/1259",
                                  .mode = 0640,
                                  .owner = 70,
                                  .group = 71,
                                  .size = INT64_C(5000000000),
                                  .modified = {.tv_sec = 1700000000, .tv_nsec = 999999999}};
    Importer__ImportResponse *response = pass(&record);
    const Connectors__FileInfo *info = response->record->file_info;

    (void)state;
    assert_string_equal(response->record->pathname, "/data/base/1/1259");
    assert_true(response->record->has_reader);
    assert_string_equal(info->name, "1259");
    assert_true(info->size == INT64_C(5000000000));
    assert_int_equal(info->mode, 0640);
    assert_int_equal(info->mod_time->seconds, 1700000000);
    assert_int_equal(info->mod_time->nanos, 999999999);
    assert_int_equal(info->uid, 70);
    assert_int_equal(info->gid, 71);
    assert_int_equal(info->nlink, 1);
    assert_int_equal(info->dev, 99);
    assert_true(info->ino == UINT64_C(0x16B374D848));
    assert_string_equal(response->record->error, "");
    importer__import_response__free_unpacked(response, NULL);
}

static void a_size_may_be_unknown(void **state)
{
    const struct record record = {.type = RECORD_FILE, .path = "/a", .size = RECORD_SIZE_UNKNOWN};
    Importer__ImportResponse *response = pass(&record);

    (void)state;
    assert_true(response->record->file_info->size == -1);
    importer__import_response__free_unpacked(response, NULL);
}

static void a_link_has_its_target(void **state)
{
    const struct record record = {.type = RECORD_LINK,
                                  .path = "/data/pg_tblspc/16384",
                                  .mode = 0777,
                                  .link_target = "../../tablespaces/16384"};
    Importer__ImportResponse *response = pass(&record);

    (void)state;
    assert_string_equal(response->record->target, "../../tablespaces/16384");
    assert_int_equal(response->record->file_info->mode, (UINT32_C(1) << 27) | 0777);
    assert_false(response->record->has_reader);
    importer__import_response__free_unpacked(response, NULL);
}

static void the_root_is_called_slash(void **state)
{
    const struct record record = {.type = RECORD_DIRECTORY, .path = "/", .mode = 0700};
    Importer__ImportResponse *response = pass(&record);

    (void)state;
    assert_string_equal(response->record->pathname, "/");
    assert_string_equal(response->record->file_info->name, "/");
    importer__import_response__free_unpacked(response, NULL);
}

static void modes_are_gos_not_unixs(void **state)
{
    struct record record = {.type = RECORD_DIRECTORY, .path = "/a", .mode = 07755};

    (void)state;
    assert_int_equal(record_message_mode(&record),
                     (UINT32_C(1) << 31) | (1U << 23) | (1U << 22) | (1U << 20) | 0755);
    record = (struct record){.type = RECORD_FILE, .path = "/a", .mode = 04000};
    assert_int_equal(record_message_mode(&record), 1U << 23);
}

static void a_name_that_is_not_utf8_is_refused_by_name(void **state)
{
    const struct record file = {.type = RECORD_FILE, .path = "/data/caf\xe9"};
    const struct record link = {.type = RECORD_LINK, .path = "/data/l", .link_target = "\xff"};
    struct buffer packed = {0};
    struct error err;

    (void)state;
    assert_false(record_message_append(&packed, &file, &stamp, &err));
    assert_non_null(strstr(err.message, "/data/caf\\xe9"));
    assert_false(record_message_append(&packed, &link, &stamp, &err));
    buffer_free(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_its_metadata_and_the_backups_own_numbers),
        cmocka_unit_test(a_size_may_be_unknown),
        cmocka_unit_test(a_link_has_its_target),
        cmocka_unit_test(the_root_is_called_slash),
        cmocka_unit_test(modes_are_gos_not_unixs),
        cmocka_unit_test(a_name_that_is_not_utf8_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
