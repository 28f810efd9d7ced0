/* What stands around a folder that is written or read: names too long, parents that are none,
 * things that come and go during the work. */
#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error err;

static const struct sample backup[] = {
    {.path = "/data", .content = "x"},
    {.path = "/summary.json", .content = "{\"complete\": true}"},
};

static const struct store_options options = {.last_path = "/summary.json"};

static bool store(const char *directory, const struct store_options *with)
{
    struct record_source *source = sample_source_new(backup, 2);
    bool done;

    error_clear(&err);
    done = directory_store_write(directory, source, with, &err);
    source_close(source);
    return done;
}

static void a_target_with_too_long_a_path_is_refused(void **state)
{
    char path[RECORD_PATH_MAX + 100];
    uint64_t free_bytes;

    (void)state;
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_false(store(path, &options));
    assert_mentions(err.message, "is longer than 4095 bytes");
    memcpy(path + sizeof(path) - 3, "/x", 3);
    assert_false(directory_store_check(path, &free_bytes, &err));
    assert_mentions(err.message, "is longer than 4095 bytes");
}

static void a_target_in_the_working_folder_needs_no_slash(void **state)
{
    int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t free_bytes;

    assert_true(before >= 0);
    assert_int_equal(chdir(*state), 0);
    assert_true(directory_store_check("backup", &free_bytes, &err));
    if (!store("backup/", &options))
        fail_msg("%s", err.message);
    assert_int_equal(fchdir(before), 0);
    close(before);
    assert_true(exists(in_folder(state, "backup/summary.json")));
}

static void a_parent_that_is_a_file_is_refused(void **state)
{
    uint64_t free_bytes;

    write_file(in_folder(state, "file"), "", 0);
    assert_false(directory_store_check(in_folder(state, "file/backup"), &free_bytes, &err));
    assert_int_equal(access(in_folder(state, "file"), F_OK), 0);
    assert_false(store(in_folder(state, "file/backup"), &options));
}

static void make_target(void *context, const struct record *record)
{
    (void)record;
    mkdir(context, 0700);
}

static void a_target_that_comes_into_being_meanwhile_is_left_alone(void **state)
{
    char target[RECORD_PATH_MAX];
    struct record_observer observer = {.context = target, .record_begun = make_target};
    struct store_options watched = options;

    snprintf(target, sizeof(target), "%s", in_folder(state, "backup"));
    watched.observer = &observer;
    assert_false(store(target, &watched));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_mentions(err.message, "came into being during the work");
    assert_false(exists(in_folder(state, "backup/summary.json")));
    assert_false(exists(in_folder(state, "backup.partial")));
}

/* Of a folder that is filled in place. */
static void fill_target(void *context, const struct record *record)
{
    if (strcmp(record->path, "/summary.json") == 0)
        write_file(context, "", 0);
}

static void a_file_put_into_the_target_meanwhile_is_not_overwritten(void **state)
{
    char file[RECORD_PATH_MAX];
    struct record_observer observer = {.context = file, .record_begun = fill_target};
    struct store_options watched = options;

    assert_int_equal(mkdir(in_folder(state, "backup"), 0700), 0);
    snprintf(file, sizeof(file), "%s", in_folder(state, "backup/summary.json"));
    watched.observer = &observer;
    assert_false(store(in_folder(state, "backup"), &watched));
    assert_false(exists(in_folder(state, "backup/data")));
}

/* mkdir -p with folders of 250 letters, beyond what any path can say. */
static void make_deep(const char *root, unsigned depth)
{
    char name[251];
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    memset(name, 'd', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (unsigned i = 0; i < depth; i++) {
        int deeper;

        assert_int_equal(mkdirat(fd, name, 0700), 0);
        deeper = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(deeper >= 0);
        close(fd);
        fd = deeper;
    }
    close(fd);
}

static void a_path_that_no_record_can_have_is_an_error(void **state)
{
    const char *deep = in_folder(state, "deep");
    const char *const remove[] = {"rm", "-r", deep, NULL};
    struct buffer text;

    assert_int_equal(mkdir(deep, 0700), 0);
    make_deep(deep, 17);
    text = describe(directory_source_new(deep, NULL, NULL, &err), false);
    assert_mentions(buffer_text(&text), "is longer than 4095 bytes");
    buffer_free(&text);
    assert_int_equal(run(remove), 0);
}

static void a_writer_needs_its_root(void **state)
{
    const struct directory_writer_options plain = {.no_sync = true};
    const struct sample file = {.path = "/file/below", .content = "x"};
    struct record_source *source = sample_source_new(&file, 1);
    struct directory_writer *writer;
    struct record record;

    assert_null(directory_writer_new(in_folder(state, "missing"), &plain, &err));
    assert_int_equal(err.code, ERROR_IO);
    write_file(in_folder(state, "file"), "", 0);
    writer = directory_writer_new(*state, &plain, &err);
    assert_non_null(writer);
    assert_int_equal(source_next(source, &record, &err), SOURCE_RECORD);
    assert_false(directory_writer_add(writer, &record, NULL, &err));
    assert_mentions(err.message, "/file");
    reader_close(record.reader);
    directory_writer_free(writer);
    source_close(source);
}

static void a_root_that_is_gone_is_removed_with_an_error(void **state)
{
    assert_false(directory_remove_tree(in_folder(state, "missing"), true, &err));
    assert_int_equal(err.code, ERROR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_target_with_too_long_a_path_is_refused),
        TEST(a_target_in_the_working_folder_needs_no_slash),
        TEST(a_parent_that_is_a_file_is_refused),
        TEST(a_target_that_comes_into_being_meanwhile_is_left_alone),
        TEST(a_file_put_into_the_target_meanwhile_is_not_overwritten),
        TEST(a_path_that_no_record_can_have_is_an_error),
        TEST(a_writer_needs_its_root),
        TEST(a_root_that_is_gone_is_removed_with_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
