#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "cli/progress.h"

#include <string.h>

static void the_line_leaves_out_what_is_not_known(void **state)
{
    static const struct {
        uint64_t bytes, total, rate;
        const char *line;
    } cases[] = {
        {0, 0, 0, "copying"},
        {0, 1000, 0, "copying"},
        {1048576, 0, 0, "copying: 1.0 MiB"},
        {1048576, 0, 2048, "copying: 1.0 MiB, 2.0 KiB/s"},
        {1048576, 4194304, 1048576, "copying: 25%, 3s left, 1.0 MiB of 4.0 MiB, 1.0 MiB/s"},
        {3145728, 4194304, 1048576, "copying: 75%, 3.0 MiB of 4.0 MiB, 1.0 MiB/s"},
        {4194303, 4194304, 1, "copying: 99%, 3.9 MiB of 4.0 MiB, 1 B/s"},
        {4194304, 4194304, 1024, "copying: 4.0 MiB, 1.0 KiB/s"},
        {8388608, 4194304, 0, "copying: 8.0 MiB"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[PROGRESS_LINE];

        progress_format(line, "copying", cases[i].bytes, cases[i].total, cases[i].rate);
        assert_string_equal(line, cases[i].line);
    }
}

static void the_fsync_phase_counts_files(void **state)
{
    char line[PROGRESS_LINE];

    (void)state;
    progress_format_sync(line, 1000, 125615, 1250);
    assert_string_equal(line, "writing to disk: 0%, 1m39s left, 1000 of 125615 files");
    progress_format_sync(line, 5, 10, 0);
    assert_string_equal(line, "writing to disk: 50%, 5 of 10 files");
    progress_format_sync(line, 12, 10, 3);
    assert_string_equal(line, "writing to disk: 12 of 12 files");
}

static void what_is_compressed_is_measured_by_what_was_read(void **state)
{
    char line[PROGRESS_LINE];

    (void)state;
    progress_format_measured(line, "copying", 0, 0, 4194304, 0);
    assert_string_equal(line, "copying");
    progress_format_measured(line, "copying", 1024, 1048576, 4194304, 1048576);
    assert_string_equal(line, "copying: 25%, 3s left, 1.0 MiB read, 1.0 KiB written");
    progress_format_measured(line, "copying", 1024, 8388608, 4194304, 1048576);
    assert_string_equal(line, "copying: 8.0 MiB read, 1.0 KiB written");
}

/* A terminal of 40 columns shows the first 39. */
static void a_restore_counts_objects_too(void **state)
{
    char line[PROGRESS_LINE];

    (void)state;
    progress_format_restore(line, "restoring", 0, 0, 0, 0, 0);
    assert_string_equal(line, "restoring");
    progress_format_restore(line, "restoring", 0, 0, 0, 3, 20);
    assert_string_equal(line, "restoring: 3 of 20 objects");
    progress_format_restore(line, "restoring", 50, 200, 10, 7, 20);
    assert_string_equal(line, "restoring: 25%, 15s left, 50 B of 200 B, 10 B/s, 7 of 20 objects");
    progress_format_restore(line, "restoring", 300, 200, 0, 21, 20);
    assert_string_equal(line, "restoring: 300 B, 20 of 20 objects");
}

static void a_narrow_line_has_the_time_left(void **state)
{
    char line[PROGRESS_LINE];

    (void)state;
    progress_format(line, "copying", 1048576, 4194304000, 104857);
    assert_true(strstr(line, " left") != NULL && strstr(line, " left") < line + 35);
    progress_format_sync(line, 1000, 125615, 1250);
    assert_true(strstr(line, " left") < line + 35);
}

static void the_rate_is_that_of_the_last_seconds(void **state)
{
    struct rate rate = {0};
    uint64_t bytes = 0;
    int64_t ms = 0;

    (void)state;
    assert_int_equal(rate_per_second(&rate, ms, bytes), 0);
    for (; ms < 60000; ms += 100, bytes += 100) /* 1,000 a second */
        rate_note(&rate, ms, bytes);
    assert_int_equal(rate_per_second(&rate, ms, bytes), 1000);
    for (; ms < 70000; ms += 100, bytes += 1000) /* then ten times that */
        rate_note(&rate, ms, bytes);
    assert_int_equal(rate_per_second(&rate, ms, bytes), 10000);
    for (; ms < 80000; ms += 100) /* then a stall */
        rate_note(&rate, ms, bytes);
    assert_int_equal(rate_per_second(&rate, ms, bytes), 0);
}

static void a_rate_needs_half_a_second(void **state)
{
    struct rate rate = {0};

    (void)state;
    rate_note(&rate, 0, 0);
    assert_int_equal(rate_per_second(&rate, 499, 1000), 0);
    assert_int_equal(rate_per_second(&rate, 500, 1000), 2000);
}

static void the_observer_counts_bytes(void **state)
{
    struct console console;
    struct progress progress;
    struct error err;

    (void)state;
    assert_true(console_init(&console, false, &err));
    assert_true(progress_start(&progress, &console, true, "copying", &err));

    progress.observer.bytes_moved(progress.observer.context, 3);
    progress.observer.bytes_moved(progress.observer.context, 4);

    assert_int_equal(progress_bytes(&progress), 7);
    progress_stop(&progress);
    console_free(&console);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_leaves_out_what_is_not_known),
        cmocka_unit_test(the_fsync_phase_counts_files),
        cmocka_unit_test(what_is_compressed_is_measured_by_what_was_read),
        cmocka_unit_test(a_restore_counts_objects_too),
        cmocka_unit_test(a_narrow_line_has_the_time_left),
        cmocka_unit_test(the_rate_is_that_of_the_last_seconds),
        cmocka_unit_test(a_rate_needs_half_a_second),
        cmocka_unit_test(the_observer_counts_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
