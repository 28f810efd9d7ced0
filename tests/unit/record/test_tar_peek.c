/* Input that may be no tar: its beginning is looked at before it is read as the one or the other.
 */
#include "support.h"

#include "record/tar.h"

#include <unistd.h>

static struct error err;

/* A pipe that holds these bytes and has ended. */
static int pipe_of(struct slice bytes)
{
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], bytes.data, bytes.len), (ssize_t)bytes.len);
    close(fds[1]);
    return fds[0];
}

static void what_is_no_tar_is_read_raw_from_its_first_byte(void **state)
{
    static const char content[] = "PGDMP and more";
    int fd = pipe_of(slice_string(content));
    struct record_source *source = tar_source_new_fd(fd, &err);
    struct buffer all = {0};
    struct slice bytes;
    struct reader *reader;

    (void)state;
    assert_true(tar_source_peek(source, 5, &bytes, &err));
    assert_true(bytes.len >= 5 && memcmp(bytes.data, "PGDMP", 5) == 0);
    reader = tar_source_raw_reader(source);
    while (reader_next(reader, &bytes, &err) == READER_DATA)
        assert_true(buffer_append(&all, bytes.data, bytes.len, &err));
    assert_string_equal(buffer_text(&all), content);
    reader_close(reader);
    source_close(source);
    close(fd);
    buffer_free(&all);
}

static void short_input_is_all_that_is_seen(void **state)
{
    int fd = pipe_of(slice_string("PG"));
    struct record_source *source = tar_source_new_fd(fd, &err);
    struct record record;
    struct slice bytes;

    (void)state;
    assert_true(tar_source_peek(source, 8, &bytes, &err));
    assert_true(slice_equals(bytes, slice_string("PG")));
    assert_int_equal(source_next(source, &record, &err), SOURCE_FAILED);
    source_close(source);
    close(fd);
}

static void a_tar_that_was_looked_at_is_read_as_ever(void **state)
{
    struct tar_member member = {.type = RECORD_FILE, .path = "toc.dat", .size = 3};
    struct buffer tar = {0};
    struct record_source *source;
    struct record record;
    struct slice bytes;
    int fd;

    (void)state;
    assert_true(tar_encode_header(&member, &tar, &err));
    assert_true(buffer_append(&tar, "abc", 3, &err));
    while (tar.len < (size_t)4 * TAR_BLOCK)
        assert_true(buffer_append_byte(&tar, 0, &err));
    fd = pipe_of(buffer_slice(&tar));
    source = tar_source_new_fd(fd, &err);
    assert_true(tar_source_peek(source, 8, &bytes, &err));
    assert_memory_equal(bytes.data, "toc.dat", 8);
    assert_int_equal(source_next(source, &record, &err), SOURCE_RECORD);
    assert_string_equal(record.path, "/toc.dat");
    assert_int_equal(reader_next(record.reader, &bytes, &err), READER_DATA);
    assert_true(slice_equals(bytes, slice_string("abc")));
    reader_close(record.reader);
    assert_int_equal(source_next(source, &record, &err), SOURCE_END);
    source_close(source);
    close(fd);
    buffer_free(&tar);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_tar_is_read_raw_from_its_first_byte),
        cmocka_unit_test(short_input_is_all_that_is_seen),
        cmocka_unit_test(a_tar_that_was_looked_at_is_read_as_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
