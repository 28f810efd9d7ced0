#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sample.h"
#include "support/scratch.h"

#include "library/library_internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool is_readable(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};

    return poll(&wanted, 1, 0) == 1;
}

static void a_request_reaches_every_job_that_shares_it(void **state)
{
    struct pgcask_cancel *cancel = pgcask_cancel_new(NULL);
    struct sample samples[2] = {{.records = sample_backup}, {.records = sample_backup}};
    struct pgcask_source *sources[2];
    struct pgcask_control control;
    struct pgcask_record record;
    struct pgcask_error error = {.struct_size = sizeof(error)};

    (void)state;
    PGCASK_INIT(control);
    control.cancel = cancel;
    for (size_t i = 0; i < 2; i++)
        sources[i] = sample_open(&samples[i], &control);
    assert_int_equal(pgcask_source_next(sources[0], &record, NULL), PGCASK_MORE);
    assert_false(is_readable(sources[0]->job.cancel.event_fd));
    pgcask_cancel_request(cancel);
    pgcask_cancel_request(cancel);
    assert_true(pgcask_cancel_requested(cancel));
    for (size_t i = 0; i < 2; i++) {
        assert_true(is_readable(sources[i]->job.cancel.event_fd));
        assert_int_equal(pgcask_source_next(sources[i], &record, &error), PGCASK_FAILED);
        assert_int_equal(error.code, PGCASK_ERROR_CANCELLED);
        pgcask_source_close(sources[i]);
    }
    pgcask_cancel_free(cancel);
    pgcask_cancel_free(NULL);
}

/* What fails in one job requests the job's own cancel. */
static void one_jobs_end_is_not_the_others(void **state)
{
    struct pgcask_cancel *cancel = pgcask_cancel_new(NULL);
    struct sample samples[2] = {{.records = sample_backup}, {.records = sample_backup}};
    struct pgcask_source *sources[2];
    struct pgcask_control control;
    struct pgcask_record record;

    (void)state;
    PGCASK_INIT(control);
    control.cancel = cancel;
    for (size_t i = 0; i < 2; i++)
        sources[i] = sample_open(&samples[i], &control);
    cancel_request(&sources[0]->job.cancel);
    assert_true(is_readable(sources[0]->job.cancel.event_fd));
    assert_int_equal(pgcask_source_next(sources[0], &record, NULL), PGCASK_FAILED);
    assert_false(pgcask_cancel_requested(cancel));
    assert_false(is_readable(sources[1]->job.cancel.event_fd));
    assert_int_equal(pgcask_source_next(sources[1], &record, NULL), PGCASK_MORE);
    for (size_t i = 0; i < 2; i++)
        pgcask_source_close(sources[i]);
    pgcask_cancel_free(cancel);
}

struct heard {
    char phases[256];
    struct pgcask_progress last;
    unsigned calls;
    char log[256];
};

static void hear_progress(void *context, const struct pgcask_progress *progress)
{
    struct heard *heard = context;
    size_t used = strlen(heard->phases);

    if (heard->calls++ == 0 || strcmp(heard->last.phase, progress->phase) != 0)
        snprintf(heard->phases + used, sizeof(heard->phases) - used, "%s ", progress->phase);
    heard->last = *progress;
}

static void hear_log(void *context, enum pgcask_log_level level, const char *message)
{
    struct heard *heard = context;
    size_t used = strlen(heard->log);

    snprintf(heard->log + used, sizeof(heard->log) - used, "%d:%s ", (int)level, message);
}

static void progress_ends_with_everything_counted(void **state)
{
    for (int pulled = 0; pulled < 2; pulled++) {
        struct sample sample = {.records = sample_backup, .piece = 1};
        struct heard heard = {.calls = 0};
        struct pgcask_control control;
        struct pgcask_source *source;
        struct pgcask_record record;
        const void *data;
        char path[128];
        size_t len;

        PGCASK_INIT(control);
        control.context = &heard;
        control.progress = hear_progress;
        source = sample_open(&sample, &control);
        snprintf(path, sizeof(path), "%s/backup", (char *)*state);
        while (pulled == 1 && pgcask_source_next(source, &record, NULL) == PGCASK_MORE) {
            while (pgcask_source_read(source, &data, &len, NULL) == PGCASK_MORE)
                ;
        }
        if (pulled == 0)
            assert_true(pgcask_write_directory(source, path, NULL));
        assert_string_equal(heard.phases, "reading ");
        assert_int_equal(heard.last.bytes, 17);
        assert_int_equal(heard.last.files, 3);
        assert_in_range(heard.calls, 1, 10); /* of 17 bytes, a call each */
        pgcask_source_close(source);
    }
}

static void the_log_has_what_its_level_lets_through(void **state)
{
    static const char *const expected[] = {"0:a 1:b 2:c ", "1:b 2:c ", "2:c "};

    (void)state;
    for (int level = PGCASK_LOG_DEBUG; level <= PGCASK_LOG_WARNING; level++) {
        struct sample sample = {.records = sample_backup};
        struct heard heard = {.calls = 0};
        struct pgcask_control control;
        struct pgcask_source *source;

        PGCASK_INIT(control);
        control.context = &heard;
        control.log = hear_log;
        control.log_level = (enum pgcask_log_level)level;
        source = sample_open(&sample, &control);
        log_message(&source->job.log, LOG_DEBUG, "a");
        log_message(&source->job.log, LOG_INFO, "b");
        log_message(&source->job.log, LOG_WARNING, "c");
        assert_string_equal(heard.log, expected[level]);
        pgcask_source_close(source);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_reaches_every_job_that_shares_it),
        TEST(one_jobs_end_is_not_the_others),
        TEST(progress_ends_with_everything_counted),
        TEST(the_log_has_what_its_level_lets_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
