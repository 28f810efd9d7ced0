#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sample.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- Functions that write down how they were called ---- */

struct recorder {
    char calls[1024];
    unsigned count, fail_at;
    bool silent;
};

static bool note(struct recorder *recorder, const char *what, const char *which, size_t len,
                 struct pgcask_error *error)
{
    size_t used = strlen(recorder->calls);

    snprintf(recorder->calls + used, sizeof(recorder->calls) - used, "%s%s%.*s\n", what,
             len > 0 ? " " : "", (int)len, which);
    if (++recorder->count != recorder->fail_at)
        return true;
    return recorder->silent
               ? false
               : pgcask_error_set(error, PGCASK_ERROR_REFUSED, "no more after %s", what);
}

static bool record_begin(void *context, const struct pgcask_record *record,
                         struct pgcask_error *error)
{
    return note(context, "begin", record->path, strlen(record->path), error);
}

static bool record_bytes(void *context, const void *data, size_t len, struct pgcask_error *error)
{
    return note(context, "bytes", data, len, error);
}

static bool record_end(void *context, struct pgcask_error *error)
{
    return note(context, "end", "", 0, error);
}

static bool record_finish(void *context, struct pgcask_error *error)
{
    return note(context, "finish", "", 0, error);
}

static void record_abort(void *context)
{
    note(context, "abort", "", 0, NULL);
}

static bool write_recorded(struct sample *sample, struct recorder *recorder,
                           struct pgcask_error *error)
{
    struct pgcask_store_callbacks callbacks;
    struct pgcask_source *source = sample_open(sample, NULL);
    bool done;

    PGCASK_INIT(callbacks);
    callbacks.context = recorder;
    callbacks.begin = record_begin;
    callbacks.bytes = record_bytes;
    callbacks.end = record_end;
    callbacks.finish = record_finish;
    callbacks.abort = record_abort;
    done = pgcask_write_callbacks(source, &callbacks, error);
    pgcask_source_close(source);
    return done;
}

static void functions_are_called_in_order(void **state)
{
    struct sample sample = {.records = sample_backup, .piece = 8};
    struct recorder recorder = {.calls = ""};

    (void)state;
    assert_true(write_recorded(&sample, &recorder, NULL));
    assert_string_equal(recorder.calls, "begin /data\nend\n"
                                        "begin /data/first\nbytes the firs\nbytes t file\nend\n"
                                        "begin /data/empty\nend\n"
                                        "begin /data/link\nend\n"
                                        "begin /summary.json\nbytes all\nend\n"
                                        "finish\n");
}

static void whichever_function_fails_its_words_arrive_and_abort_is_called_once(void **state)
{
    unsigned n;

    (void)state;
    for (n = 1;; n++) {
        struct sample sample = {.records = sample_backup};
        struct recorder recorder = {.fail_at = n, .silent = n % 2 == 0};
        struct pgcask_error error = {.struct_size = sizeof(error)};
        const char *aborted;

        if (write_recorded(&sample, &recorder, &error))
            break;
        assert_int_equal(error.code, n % 2 == 0 ? PGCASK_ERROR_IO : PGCASK_ERROR_REFUSED);
        assert_non_null(strstr(error.message, n % 2 == 0 ? "failed" : "no more after"));
        aborted = strstr(recorder.calls, "abort\n");
        assert_non_null(aborted);
        assert_string_equal(aborted, "abort\n");
        assert_int_equal(recorder.count, n + 1);
        assert_int_equal(sample.closed, 1);
    }
    assert_int_equal(n, 14);
}

static void a_failing_source_aborts_too(void **state)
{
    unsigned n;

    (void)state;
    for (n = 1;; n++) {
        struct sample sample = {.records = sample_backup, .fail_at = n};
        struct recorder recorder = {.calls = ""};
        struct pgcask_error error = {.struct_size = sizeof(error)};

        if (write_recorded(&sample, &recorder, &error))
            break;
        assert_int_equal(error.code, PGCASK_ERROR_TIMEOUT);
        assert_null(strstr(recorder.calls, "finish"));
        assert_non_null(strstr(recorder.calls, "abort"));
    }
    assert_int_equal(n, 12);
}

static void without_a_summary_or_with_a_wrong_size_nothing_is_finished(void **state)
{
    static const struct sample_record no_summary[] = {{PGCASK_FILE, "/data/a", "a"},
                                                      {PGCASK_FILE, NULL, NULL}};
    struct sample samples[] = {
        {.records = no_summary},
        {.records = sample_backup, .lie = 1},
        {.records = sample_backup, .lie = -1},
    };

    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        struct recorder recorder = {.calls = ""};
        struct pgcask_error error = {.struct_size = sizeof(error)};
        char path[128];
        struct pgcask_source *source;

        assert_false(write_recorded(&samples[i], &recorder, &error));
        assert_int_equal(error.code, i == 2 ? error.code : PGCASK_ERROR_CORRUPT);
        assert_null(strstr(recorder.calls, "finish"));
        samples[i].next = 0;
        snprintf(path, sizeof(path), "%s/backup", (char *)*state);
        source = sample_open(&samples[i], NULL);
        assert_false(pgcask_write_directory(source, path, &error));
        assert_int_not_equal(access(path, F_OK), 0);
        pgcask_source_close(source);
    }
}

static void a_store_needs_its_functions(void **state)
{
    struct sample sample = {.records = sample_backup};
    struct pgcask_source *source = sample_open(&sample, NULL);
    struct pgcask_store_callbacks callbacks;
    struct pgcask_error error = {.struct_size = sizeof(error)};

    (void)state;
    PGCASK_INIT(callbacks);
    assert_false(pgcask_write_callbacks(source, &callbacks, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    assert_int_equal(sample.calls, 0);
    pgcask_source_close(source);
}

/* ---- Stores of the library ---- */

static void assert_same_backup(struct pgcask_source *source)
{
    struct pgcask_record record;
    size_t found = 0;

    assert_non_null(source);
    while (pgcask_source_next(source, &record, NULL) == PGCASK_MORE) {
        for (const struct sample_record *given = sample_backup; given->path != NULL; given++) {
            const void *data;
            size_t len;

            if (strcmp(given->path, record.path) != 0)
                continue;
            found++;
            assert_int_equal(record.type, given->type);
            if (given->type == PGCASK_LINK)
                assert_string_equal(record.link_target, given->content);
            if (given->type == PGCASK_FILE && given->content[0] != '\0') {
                assert_int_equal(pgcask_source_read(source, &data, &len, NULL), PGCASK_MORE);
                assert_int_equal(len, strlen(given->content));
                assert_memory_equal(data, given->content, len);
            }
        }
    }
    assert_int_equal(found, 5);
    pgcask_source_close(source);
}

static void what_was_written_is_read_back(void **state)
{
    struct pgcask_source *source;
    char path[128];
    int fd;

    for (int i = 0; i < 3; i++) {
        struct sample sample = {.records = sample_backup};

        snprintf(path, sizeof(path), "%s/backup-%d", (char *)*state, i);
        source = sample_open(&sample, NULL);
        if (i == 0)
            assert_true(pgcask_write_directory(source, path, NULL));
        if (i == 1)
            assert_true(pgcask_write_tar(source, path, NULL));
        fd = i == 2 ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
        if (i == 2)
            assert_true(pgcask_write_tar_fd(source, fd, NULL));
        pgcask_source_close(source);
        if (i == 2)
            lseek(fd, 0, SEEK_SET);
        assert_same_backup(i == 0   ? pgcask_source_open_directory(path, NULL, NULL)
                           : i == 1 ? pgcask_source_open_tar(path, NULL, NULL)
                                    : pgcask_source_open_tar_fd(fd, NULL, NULL));
        if (i == 2)
            close(fd);
    }
}

static void a_source_is_given_as_a_whole_only_once(void **state)
{
    struct sample sample = {.records = sample_backup};
    struct pgcask_source *source = sample_open(&sample, NULL);
    struct pgcask_record record;
    struct pgcask_error error = {.struct_size = sizeof(error)};
    char path[128];

    snprintf(path, sizeof(path), "%s/backup", (char *)*state);
    assert_int_equal(pgcask_source_next(source, &record, NULL), PGCASK_MORE);
    assert_false(pgcask_write_directory(source, path, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    assert_false(pgcask_write_tar(source, path, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    assert_false(pgcask_verify(source, NULL, NULL, NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    assert_false(pgcask_restore(source, path, NULL, NULL, &error));
    assert_int_equal(error.code, PGCASK_ERROR_USAGE);
    assert_int_not_equal(access(path, F_OK), 0);
    pgcask_source_close(source);
}

static sigset_t blocked_now(void)
{
    sigset_t set;

    pthread_sigmask(SIG_SETMASK, NULL, &set);
    return set;
}

/* With the signal's default action in place, which would end this program. */
static void a_pipe_without_a_reader_is_an_error_and_no_signal(void **state)
{
    struct sample sample = {.records = sample_backup};
    struct pgcask_source *source = sample_open(&sample, NULL);
    struct pgcask_error error = {.struct_size = sizeof(error)};
    sigset_t set, pending;
    int fds[2];

    (void)state;
    signal(SIGPIPE, SIG_DFL);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    close(fds[0]);
    assert_false(pgcask_write_tar_fd(source, fds[1], &error));
    assert_int_equal(error.code, PGCASK_ERROR_IO);
    set = blocked_now();
    assert_int_equal(sigismember(&set, SIGPIPE), 0);
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    close(fds[1]);
    pgcask_source_close(source);
}

static void a_file_that_may_not_grow_is_an_error_and_no_signal(void **state)
{
    const struct rlimit small = {1024, RLIM_INFINITY};
    struct sample sample = {.records = sample_backup};
    struct pgcask_source *source = sample_open(&sample, NULL);
    struct pgcask_error error = {.struct_size = sizeof(error)};
    struct rlimit before;
    char path[128];
    bool done;

    snprintf(path, sizeof(path), "%s/backup.tar", (char *)*state);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    done = pgcask_write_tar(source, path, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_false(done);
    assert_int_equal(error.code, PGCASK_ERROR_IO);
    assert_int_not_equal(access(path, F_OK), 0);
    pgcask_source_close(source);
}

static void a_signal_that_was_pending_before_stays(void **state)
{
    struct sample sample = {.records = sample_backup};
    struct pgcask_source *source = sample_open(&sample, NULL);
    sigset_t set, before, pending;
    int fds[2], number;

    (void)state;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    pthread_kill(pthread_self(), SIGPIPE);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    close(fds[0]);
    assert_false(pgcask_write_tar_fd(source, fds[1], NULL));
    sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 1);
    sigwait(&set, &number);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(fds[1]);
    pgcask_source_close(source);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(functions_are_called_in_order),
        TEST(whichever_function_fails_its_words_arrive_and_abort_is_called_once),
        TEST(a_failing_source_aborts_too),
        TEST(without_a_summary_or_with_a_wrong_size_nothing_is_finished),
        TEST(a_store_needs_its_functions),
        TEST(what_was_written_is_read_back),
        TEST(a_source_is_given_as_a_whole_only_once),
        TEST(a_pipe_without_a_reader_is_an_error_and_no_signal),
        TEST(a_file_that_may_not_grow_is_an_error_and_no_signal),
        TEST(a_signal_that_was_pending_before_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
