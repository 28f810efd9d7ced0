#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error err;

static const struct sample backup[] = {
    {.path = "/manifest.json", .content = "{}"},
    {.type = RECORD_DIRECTORY, .path = "/data", .mode = 0750},
    {.path = "/data/PG_VERSION", .content = "17\n", .mode = 0640},
    {.type = RECORD_DIRECTORY, .path = "/data/base"},
    {.path = "/data/base/1", .content = "0123456789abcdef", .repeat = 99999, .piece = 70001},
    {.path = "/data/empty", .unknown_size = true},
    {.path = "/data/unknown", .content = "abc", .repeat = 20, .piece = 5, .unknown_size = true},
    {.type = RECORD_LINK, .path = "/data/link", .target = "../elsewhere"},
    {.path = "/summary.json", .content = "{\"complete\": true}"},
};
#define BACKUP_COUNT (sizeof(backup) / sizeof(backup[0]))

static const struct store_options options = {.last_path = "/summary.json"};

static struct record_source *backup_source(void)
{
    return sample_source_new(backup, BACKUP_COUNT);
}

static bool store(const char *directory, struct record_source *source,
                  const struct store_options *with)
{
    bool done;

    error_clear(&err);
    done = directory_store_write(directory, source, with, &err);
    source_close(source);
    assert_int_equal(done, err.code == ERROR_NONE);
    return done;
}

static bool same_content_as_backup(const char *directory)
{
    static const char *const first[] = {"/manifest.json", NULL};
    static const char *const last[] = {"/summary.json", NULL};
    struct buffer actual = describe(directory_source_new(directory, first, last, &err), true);
    bool whole = true;

    for (size_t i = 0; i < BACKUP_COUNT; i++)
        whole = whole && strstr(buffer_text(&actual), backup[i].path) != NULL;
    buffer_free(&actual);
    return whole;
}

/* ---- Writing ---- */

static void a_backup_comes_back_as_it_was(void **state)
{
    const char *target = in_folder(state, "backup");
    static const struct sample sorted[] = {
        {.type = RECORD_DIRECTORY, .path = "/data", .mode = 0750},
        {.path = "/data/PG_VERSION", .content = "17\n", .mode = 0640},
        {.type = RECORD_DIRECTORY, .path = "/data/base"},
        {.path = "/data/base/1", .content = "0123456789abcdef", .repeat = 99999},
        {.path = "/data/empty"},
        {.type = RECORD_LINK, .path = "/data/link", .target = "../elsewhere"},
        {.path = "/data/unknown", .content = "abc", .repeat = 20},
        {.path = "/manifest.json", .content = "{}"},
        {.path = "/summary.json", .content = "{\"complete\": true}"},
    };
    struct buffer expected, actual;

    assert_true(store(target, backup_source(), &options));
    expected = describe(sample_source_new(sorted, sizeof(sorted) / sizeof(sorted[0])), true);
    actual = describe(directory_source_new(target, NULL, NULL, &err), true);
    assert_same_text(&actual, &expected);
    assert_false(exists(in_folder(state, "backup.partial")));
    buffer_free(&expected);
    buffer_free(&actual);
}

static void modes_and_times_are_exact_whatever_the_umask(void **state)
{
    const char *target = in_folder(state, "backup");
    mode_t before = umask(0077);
    struct stat st;

    assert_true(store(target, backup_source(), &options));
    umask(before);
    assert_int_equal(stat(in_folder(state, "backup/data/PG_VERSION"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_mtim.tv_sec, 1700000000);
    assert_int_equal(stat(in_folder(state, "backup/data"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(st.st_mtim.tv_sec, 1700000000);
    assert_int_equal(stat(target, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
}

static void an_empty_folder_is_filled_in_place(void **state)
{
    const char *target = in_folder(state, "backup");

    assert_int_equal(mkdir(target, 0755), 0);
    assert_true(store(in_folder(state, "backup///"), backup_source(), &options));
    assert_true(same_content_as_backup(target));
    assert_false(exists(in_folder(state, "backup/summary.json.partial")));
}

static void named_records_come_first_and_last(void **state)
{
    static const char *const first[] = {"/data/unknown", "/missing", "/manifest.json", NULL};
    static const char *const last[] = {"/data/PG_VERSION", "/data", NULL};
    const char *target = in_folder(state, "backup");
    struct record_source *source;
    struct record record;
    char order[512] = "";

    assert_true(store(target, backup_source(), &options));
    source = directory_source_new(target, first, last, &err);
    while (source_next(source, &record, &err) == SOURCE_RECORD) {
        snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s ", record.path);
        reader_close(record.reader);
    }
    source_close(source);
    assert_string_equal(order, "/data/unknown /manifest.json /data /data/base /data/base/1 "
                               "/data/empty /data/link /summary.json /data/PG_VERSION ");
}

/* ---- Refusals ---- */

static void a_folder_that_is_not_empty_is_refused(void **state)
{
    const char *target = in_folder(state, "backup");
    uint64_t room;

    assert_int_equal(mkdir(target, 0755), 0);
    write_file(in_folder(state, "backup/mine"), "x", 1);
    assert_false(store(target, backup_source(), &options));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_true(exists(in_folder(state, "backup/mine")));
    assert_false(directory_store_check(target, &room, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
}

static void a_file_or_dangling_link_in_the_place_is_refused(void **state)
{
    const char *target = in_folder(state, "backup");
    uint64_t room;

    write_file(target, "x", 1);
    assert_false(store(target, backup_source(), &options));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_int_equal(unlink(target), 0);
    assert_int_equal(symlink("nowhere", target), 0);
    assert_false(store(target, backup_source(), &options));
    assert_false(directory_store_check(target, &room, &err));
    assert_false(exists(in_folder(state, "nowhere")));
}

static void a_leftover_partial_folder_is_refused_with_the_command_that_removes_it(void **state)
{
    const char *target = in_folder(state, "backup");
    uint64_t room;

    assert_int_equal(mkdir(in_folder(state, "backup.partial"), 0755), 0);
    assert_false(store(target, backup_source(), &options));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_mentions(err.hint, "rm -r /");
    assert_mentions(err.hint, "backup.partial");
    assert_true(exists(in_folder(state, "backup.partial")));
    assert_false(directory_store_check(target, &room, &err));
    assert_mentions(err.hint, "rm -r /");
}

static void a_folder_that_another_run_is_filling_is_refused(void **state)
{
    const char *target = in_folder(state, "backup");
    int fd;

    assert_int_equal(mkdir(target, 0755), 0);
    fd = open(target, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_false(store(target, backup_source(), &options));
    assert_int_equal(err.code, ERROR_REFUSED);
    close(fd);
    assert_true(store(target, backup_source(), &options));
}

static void a_missing_parent_is_an_error_that_says_mkdir(void **state)
{
    const char *target = in_folder(state, "a/b");
    uint64_t room;

    assert_false(store(target, backup_source(), &options));
    assert_mentions(err.hint, "mkdir -p");
    assert_false(directory_store_check(target, &room, &err));
    assert_mentions(err.hint, "mkdir -p");
}

static void a_good_target_passes_the_check(void **state)
{
    uint64_t room = 0;

    assert_true(directory_store_check(in_folder(state, "new"), &room, &err));
    assert_true(room > 0);
    assert_true(directory_store_check(*state, &room, &err));
    assert_false(exists(in_folder(state, "new")));
}

/* ---- Failures leave nothing ---- */

static void assert_leaves_nothing(void **state, struct record_source *(*make)(void),
                                  const struct store_options *with)
{
    const char *target = in_folder(state, "backup");
    struct buffer left;

    assert_false(store(target, make(), with));
    assert_false(exists(target));
    assert_false(exists(in_folder(state, "backup.partial")));
    /* In place, the folder stays and is empty. */
    assert_int_equal(mkdir(target, 0755), 0);
    assert_false(store(target, make(), with));
    left = describe(directory_source_new(target, NULL, NULL, &err), false);
    assert_string_equal(buffer_text(&left), "");
    buffer_free(&left);
}

static struct record_source *source_that_fails(void)
{
    struct record_source *source = sample_source_new(backup, BACKUP_COUNT);

    sample_source_fail_at_end(source);
    return source;
}

static struct record_source *source_with_broken_reader(void)
{
    static const struct sample samples[] = {
        {.type = RECORD_DIRECTORY, .path = "/d"},
        {.path = "/d/a", .content = "abc", .piece = 1, .fails = true},
        {.path = "/summary.json"},
    };

    return sample_source_new(samples, 3);
}

static struct record_source *source_without_last_record(void)
{
    return sample_source_new(backup, BACKUP_COUNT - 1);
}

static struct record_source *source_that_lies(int64_t lie)
{
    static struct sample samples[2] = {{.path = "/a", .content = "abc"}, {.path = "/summary.json"}};

    samples[0].lie = lie;
    return sample_source_new(samples, 2);
}

static struct record_source *source_too_long(void)
{
    return source_that_lies(-1);
}

static struct record_source *source_too_short(void)
{
    return source_that_lies(1);
}

static struct record_source *source_with_duplicate(void)
{
    static const struct sample samples[] = {
        {.path = "/a"}, {.path = "/a"}, {.path = "/summary.json"}};

    return sample_source_new(samples, 3);
}

static struct record_source *source_with_bad_path(void)
{
    static const struct sample samples[] = {{.path = "/a/../b"}, {.path = "/summary.json"}};

    return sample_source_new(samples, 2);
}

static void every_failure_of_the_source_leaves_nothing(void **state)
{
    static struct record_source *(*const makers[])(void) = {
        source_that_fails, source_with_broken_reader, source_without_last_record, source_too_long,
        source_too_short,  source_with_duplicate,     source_with_bad_path};

    for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
        assert_leaves_nothing(state, makers[i], &options);
        assert_int_equal(rmdir(in_folder(state, "backup")), 0);
    }
}

static void the_error_of_the_source_is_the_error(void **state)
{
    assert_false(store(in_folder(state, "backup"), source_that_fails(), &options));
    assert_int_equal(err.code, ERROR_CONNECTION_LOST);
    assert_string_equal(err.message, "the source broke");
}

static void a_size_that_differs_is_named(void **state)
{
    assert_false(store(in_folder(state, "backup"), source_too_short(), &options));
    assert_string_equal(err.message, "\"/a\" was announced with 4 bytes but yielded 3");
    assert_false(store(in_folder(state, "backup"), source_too_long(), &options));
    assert_string_equal(err.message, "\"/a\" was announced with 2 bytes but yielded at least 3");
}

static void cancelling_leaves_nothing(void **state)
{
    struct cancel cancel;
    const struct store_options with = {.last_path = "/summary.json", .cancel = &cancel};

    assert_true(cancel_init(&cancel, &err));
    cancel_request(&cancel);
    assert_leaves_nothing(state, backup_source, &with);
    assert_false(store(in_folder(state, "other"), backup_source(), &with));
    assert_int_equal(err.code, ERROR_CANCELLED);
    cancel_reset(&cancel);
}

struct canceller {
    struct cancel cancel;
    size_t left;
};

static void cancel_after_some(void *context, size_t bytes)
{
    struct canceller *canceller = context;

    if (canceller->left <= bytes)
        cancel_request(&canceller->cancel);
    else
        canceller->left -= bytes;
}

static void cancelling_is_seen_inside_a_file(void **state)
{
    struct canceller canceller = {.left = 500000};
    const struct record_observer observer = {.context = &canceller,
                                             .bytes_moved = cancel_after_some};
    const struct store_options with = {
        .last_path = "/summary.json", .cancel = &canceller.cancel, .observer = &observer};

    assert_true(cancel_init(&canceller.cancel, &err));
    assert_false(store(in_folder(state, "backup"), backup_source(), &with));
    assert_int_equal(err.code, ERROR_CANCELLED);
    assert_false(exists(in_folder(state, "backup.partial")));
    cancel_reset(&canceller.cancel);
}

static void a_write_that_fails_names_the_file_and_leaves_nothing(void **state)
{
    struct rlimit before, small = {.rlim_cur = 1000000, .rlim_max = RLIM_INFINITY};

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_leaves_nothing(state, backup_source, &options);
    assert_int_equal(rmdir(in_folder(state, "backup")), 0);
    assert_false(store(in_folder(state, "backup"), backup_source(), &options));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(err.code, ERROR_IO);
    assert_mentions(err.message, "backup.partial/data/base/1\": File too large");
}

struct tally {
    size_t records, bytes;
};

static void count_record(void *context, const struct record *record)
{
    (void)record;
    ((struct tally *)context)->records++;
}

static void count_bytes(void *context, size_t bytes)
{
    ((struct tally *)context)->bytes += bytes;
}

static void the_observer_sees_every_record_and_byte(void **state)
{
    struct tally tally = {0};
    const struct record_observer observer = {
        .context = &tally, .record_begun = count_record, .bytes_moved = count_bytes};
    const struct store_options with = {.last_path = "/summary.json", .observer = &observer};

    assert_true(store(in_folder(state, "backup"), backup_source(), &with));
    assert_int_equal(tally.records, BACKUP_COUNT);
    assert_int_equal(tally.bytes, 2 + 3 + 1600000 + 63 + 18);
}

/* ---- The directory source ---- */

static enum reader_status read_to_end(struct reader *reader)
{
    enum reader_status status;
    struct slice data;

    do
        status = reader_next(reader, &data, &err);
    while (status == READER_DATA);
    assert_int_equal(reader_next(reader, &data, &err), status);
    reader_close(reader);
    return status;
}

static void a_file_that_changes_while_it_is_read_is_an_error(void **state)
{
    static const char *const becomes[] = {"shorte", "longer than it was", NULL};
    const char *file = in_folder(state, "file");

    for (size_t i = 0; i < 3; i++) {
        struct record_source *source;
        struct record record;

        write_file(file, "content", 7);
        source = directory_source_new(*state, NULL, NULL, &err);
        assert_int_equal(source_next(source, &record, &err), SOURCE_RECORD);
        assert_int_equal(unlink(file), 0);
        if (becomes[i] != NULL)
            write_file(file, becomes[i], strlen(becomes[i]));
        assert_int_equal(read_to_end(record.reader), READER_FAILED);
        source_close(source);
    }
}

static void a_file_replaced_by_a_link_is_not_followed(void **state)
{
    const char *file = in_folder(state, "a");
    struct record_source *source;
    struct record record;

    write_file(file, "content", 7);
    write_file(in_folder(state, "b"), "CONTENT", 7);
    source = directory_source_new(*state, NULL, NULL, &err);
    assert_int_equal(source_next(source, &record, &err), SOURCE_RECORD);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(symlink("b", file), 0);
    assert_int_equal(read_to_end(record.reader), READER_FAILED);
    source_close(source);
}

static void a_socket_or_pipe_in_the_folder_is_an_error(void **state)
{
    struct buffer text;

    assert_int_equal(mkfifo(in_folder(state, "pipe"), 0600), 0);
    text = describe(directory_source_new(*state, NULL, NULL, &err), true);
    assert_mentions(buffer_text(&text), "neither file, folder nor symbolic link");
    buffer_free(&text);
}

static void readers_may_be_read_in_any_order(void **state)
{
    struct record_source *source;
    struct record first, second;

    write_file(in_folder(state, "a"), "AAA", 3);
    write_file(in_folder(state, "b"), "BBB", 3);
    source = directory_source_new(*state, NULL, NULL, &err);
    assert_false(source->sequential);
    assert_int_equal(source_next(source, &first, &err), SOURCE_RECORD);
    assert_int_equal(source_next(source, &second, &err), SOURCE_RECORD);
    assert_int_equal(read_to_end(second.reader), READER_END);
    assert_int_equal(read_to_end(first.reader), READER_END);
    source_close(source);
}

static void a_missing_folder_is_an_error(void **state)
{
    assert_null(directory_source_new(in_folder(state, "missing"), NULL, NULL, &err));
    assert_int_equal(err.code, ERROR_IO);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_backup_comes_back_as_it_was),
        TEST(modes_and_times_are_exact_whatever_the_umask),
        TEST(an_empty_folder_is_filled_in_place),
        TEST(named_records_come_first_and_last),
        TEST(a_folder_that_is_not_empty_is_refused),
        TEST(a_file_or_dangling_link_in_the_place_is_refused),
        TEST(a_leftover_partial_folder_is_refused_with_the_command_that_removes_it),
        TEST(a_folder_that_another_run_is_filling_is_refused),
        TEST(a_missing_parent_is_an_error_that_says_mkdir),
        TEST(a_good_target_passes_the_check),
        TEST(every_failure_of_the_source_leaves_nothing),
        TEST(the_error_of_the_source_is_the_error),
        TEST(a_size_that_differs_is_named),
        TEST(cancelling_leaves_nothing),
        TEST(cancelling_is_seen_inside_a_file),
        TEST(a_write_that_fails_names_the_file_and_leaves_nothing),
        TEST(the_observer_sees_every_record_and_byte),
        TEST(a_file_that_changes_while_it_is_read_is_an_error),
        TEST(a_file_replaced_by_a_link_is_not_followed),
        TEST(a_socket_or_pipe_in_the_folder_is_an_error),
        TEST(readers_may_be_read_in_any_order),
        TEST(a_missing_folder_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
