#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sample.h"

#include <stdlib.h>

static void records_and_their_bytes_come_as_they_were_given(void **state)
{
    struct sample sample = {.records = sample_backup, .piece = 3};
    struct pgcask_source *source = sample_open(&sample, NULL);
    struct pgcask_record record;
    const void *data;
    size_t len;

    (void)state;
    for (const struct sample_record *given = sample_backup; given->path != NULL; given++) {
        char content[64] = "";

        assert_int_equal(pgcask_source_next(source, &record, NULL), PGCASK_MORE);
        assert_int_equal(record.type, given->type);
        assert_string_equal(record.path, given->path);
        while (pgcask_source_read(source, &data, &len, NULL) == PGCASK_MORE)
            strncat(content, data, len);
        if (given->type == PGCASK_FILE)
            assert_string_equal(content, given->content);
        else
            assert_string_equal(content, "");
        if (given->type == PGCASK_LINK)
            assert_string_equal(record.link_target, given->content);
        else
            assert_null(record.link_target);
        assert_int_equal(pgcask_source_read(source, &data, &len, NULL), PGCASK_END);
    }
    assert_int_equal(pgcask_source_next(source, &record, NULL), PGCASK_END);
    assert_int_equal(pgcask_source_next(source, &record, NULL), PGCASK_END);
    assert_int_equal(sample.closed, 0);
    pgcask_source_close(source);
    assert_int_equal(sample.closed, 1);
}

static void content_need_not_be_read(void **state)
{
    struct sample sample = {.records = sample_backup, .piece = 1};
    struct pgcask_source *source = sample_open(&sample, NULL);
    struct pgcask_record record;
    size_t count = 0;

    (void)state;
    while (pgcask_source_next(source, &record, NULL) == PGCASK_MORE)
        count++;
    assert_int_equal(count, 5);
    pgcask_source_close(source);
}

static bool read_all(struct pgcask_source *source, struct pgcask_error *error)
{
    struct pgcask_record record;
    enum pgcask_step step, reading;
    const void *data;
    size_t len;

    while ((step = pgcask_source_next(source, &record, error)) == PGCASK_MORE) {
        while ((reading = pgcask_source_read(source, &data, &len, error)) == PGCASK_MORE)
            ;
        if (reading == PGCASK_FAILED)
            return false;
    }
    return step == PGCASK_END;
}

static void a_source_that_failed_once_gives_only_that_failure(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct sample sample = {.records = sample_backup, .fail_at = n};
        struct pgcask_source *source = sample_open(&sample, NULL);
        struct pgcask_error error, again;
        struct pgcask_record record;
        const void *data;
        size_t len;
        bool done = read_all(source, &error);

        if (!done) {
            assert_int_equal(error.code, PGCASK_ERROR_TIMEOUT);
            assert_non_null(strstr(error.message, "call "));
            assert_int_equal(pgcask_source_next(source, &record, &again), PGCASK_FAILED);
            assert_string_equal(again.message, error.message);
            assert_int_equal(pgcask_source_read(source, &data, &len, &again), PGCASK_FAILED);
            assert_string_equal(again.message, error.message);
            assert_int_equal(sample.calls, n);
        }
        pgcask_source_close(source);
        if (!done)
            continue;
        assert_int_equal(n, 12); /* 6 times next, and 5 times read for 3 files */
        return;
    }
}

static void a_silent_failure_names_the_function(void **state)
{
    struct sample sample = {.records = sample_backup, .fail_at = 3, .silent = true};
    struct pgcask_source *source = sample_open(&sample, NULL);
    struct pgcask_error error = {.struct_size = sizeof(error)};

    (void)state;
    assert_false(read_all(source, &error));
    assert_int_equal(error.code, PGCASK_ERROR_IO);
    assert_non_null(strstr(error.message, "\"read\""));
    pgcask_source_close(source);
}

static void records_that_make_no_sense_are_refused(void **state)
{
    static const struct sample_record bad[][2] = {
        {{PGCASK_FILE, "relative", ""}, {PGCASK_FILE, NULL, NULL}},
        {{PGCASK_FILE, "/a/../b", ""}, {PGCASK_FILE, NULL, NULL}},
        {{PGCASK_FILE, "/a//b", ""}, {PGCASK_FILE, NULL, NULL}},
        {{PGCASK_LINK, "/link", NULL}, {PGCASK_FILE, NULL, NULL}},
        {{(enum pgcask_record_type)9, "/a", NULL}, {PGCASK_FILE, NULL, NULL}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sample sample = {.records = bad[i]};
        struct pgcask_source *source = sample_open(&sample, NULL);
        struct pgcask_error error = {.struct_size = sizeof(error)};
        struct pgcask_record record;

        assert_int_equal(pgcask_source_next(source, &record, &error), PGCASK_FAILED);
        assert_int_not_equal(error.code, PGCASK_ERROR_NONE);
        pgcask_source_close(source);
    }
}

static void a_source_needs_its_functions(void **state)
{
    struct pgcask_source_callbacks callbacks;
    struct pgcask_error error = {.struct_size = sizeof(error)};

    (void)state;
    PGCASK_INIT(callbacks);
    assert_null(pgcask_source_open_callbacks(&callbacks, NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
}

static void what_is_not_there_cannot_be_opened(void **state)
{
    struct pgcask_error error = {.struct_size = sizeof(error)};

    (void)state;
    assert_null(pgcask_source_open_tar("/nowhere/backup.tar", NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_IO);
    assert_null(pgcask_source_open_directory("/nowhere/backup", NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_IO);
    assert_null(pgcask_source_open_tar("/nowhere/backup.tar", NULL, NULL));
}

static void only_a_backup_has_a_backups_report(void **state)
{
    struct sample sample = {.records = sample_backup};
    struct pgcask_source *source = sample_open(&sample, NULL);
    struct pgcask_backup_report report;
    struct pgcask_logical_report logical_report;
    struct pgcask_error error = {.struct_size = sizeof(error)};

    (void)state;
    PGCASK_INIT(report);
    assert_false(pgcask_backup_get_report(source, &report, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    PGCASK_INIT(logical_report);
    assert_false(pgcask_logical_backup_get_report(source, &logical_report, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    pgcask_source_close(source);
    pgcask_source_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_and_their_bytes_come_as_they_were_given),
        cmocka_unit_test(content_need_not_be_read),
        cmocka_unit_test(a_source_that_failed_once_gives_only_that_failure),
        cmocka_unit_test(a_silent_failure_names_the_function),
        cmocka_unit_test(records_that_make_no_sense_are_refused),
        cmocka_unit_test(a_source_needs_its_functions),
        cmocka_unit_test(what_is_not_there_cannot_be_opened),
        cmocka_unit_test(only_a_backup_has_a_backups_report),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
