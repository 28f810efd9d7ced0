/* What may be a tar or something else: its first bytes are looked at before that is decided. */
#include "support.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static struct error err;

static const struct sample sample = {.path = "/file", .content = "content"};

static void write_tar(const char *path)
{
    static const struct store_options options = {.last_path = "/file", .no_sync = true};
    struct record_source *source = sample_source_new(&sample, 1);

    if (!tar_store_write_file(path, source, &options, &err))
        fail_msg("%s", err.message);
    source_close(source);
}

static void a_tar_that_was_looked_at_is_read_as_ever(void **state)
{
    struct record_source *source;
    struct buffer text, expected = describe(sample_source_new(&sample, 1), false);
    struct slice bytes;

    write_tar(in_folder(state, "t.tar"));
    source = tar_source_new_file(in_folder(state, "t.tar"), &err);
    assert_non_null(source);
    assert_true(tar_source_peek(source, 5, &bytes, &err));
    assert_true(bytes.len >= 5);
    assert_memory_equal(bytes.data, "file", 5);
    assert_true(tar_source_peek(source, TAR_BLOCK, &bytes, &err));
    assert_true(bytes.len >= TAR_BLOCK);
    text = describe(source, false);
    assert_same_text(&text, &expected);
    buffer_free(&text);
    buffer_free(&expected);
}

/* Everything, from the first byte. */
static void check_raw(struct record_source *source, const char *expected)
{
    struct reader *reader = tar_source_raw_reader(source);
    struct buffer all = {0};
    struct record record;
    struct slice data;
    enum reader_status status;

    while ((status = reader_next(reader, &data, &err)) == READER_DATA)
        assert_true(buffer_append(&all, data.data, data.len, &err));
    assert_int_equal(status, READER_END);
    assert_string_equal(buffer_text(&all), expected);
    assert_int_equal(source_next(source, &record, &err), SOURCE_FAILED);
    reader_close(reader);
    buffer_free(&all);
}

static void what_is_no_tar_can_be_read_raw(void **state)
{
    struct record_source *source;
    struct slice bytes;

    write_file(in_folder(state, "f"), "PGDMP and so on", 15);
    source = tar_source_new_file(in_folder(state, "f"), &err);
    assert_true(tar_source_peek(source, 512, &bytes, &err)); /* it is shorter: that is no error */
    assert_int_equal(bytes.len, 15);
    check_raw(source, "PGDMP and so on");
    source_close(source);
}

static void *write_slowly(void *argument)
{
    const int *fd = argument;
    static const char text[] = "PGDMP through a pipe";

    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        if (write(*fd, text + i, 1) != 1)
            break;
        usleep(500);
    }
    close(*fd);
    return NULL;
}

static void a_pipe_is_waited_for(void **state)
{
    struct record_source *source;
    struct slice bytes;
    pthread_t thread;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    source = tar_source_new_fd(fds[0], &err);
    assert_non_null(source);
    assert_int_equal(pthread_create(&thread, NULL, write_slowly, &fds[1]), 0);
    assert_true(tar_source_peek(source, 5, &bytes, &err));
    assert_true(bytes.len >= 5);
    assert_memory_equal(bytes.data, "PGDMP", 5);
    check_raw(source, "PGDMP through a pipe");
    source_close(source);
    pthread_join(thread, NULL);
    close(fds[0]);
}

static void an_input_that_cannot_be_read_is_an_error(void **state)
{
    int folder = open(*state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct record_source *source = tar_source_new_fd(folder, &err);
    struct slice bytes;

    assert_non_null(source);
    assert_false(tar_source_peek(source, 5, &bytes, &err));
    assert_int_equal(err.code, ERROR_IO);
    source_close(source);
    close(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tar_that_was_looked_at_is_read_as_ever),
        TEST(what_is_no_tar_can_be_read_raw),
        TEST(a_pipe_is_waited_for),
        TEST(an_input_that_cannot_be_read_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
