/* The tar store and the tar source: on files, on pipes, with GNU tar on the other side. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static struct error err;

#define LONG_NAME                                                                                  \
    "/a-folder-with-a-name-of-fifty-bytes-0123456789-012345/another-one-01234567890123456789/"     \
    "a-file-whose-name-alone-has-more-than-one-hundred-bytes-0123456789012345678901234567890123"   \
    "456789012345678901234567890123456789"

static const struct sample backup[] = {
    {.path = "/manifest.json", .content = "{}"},
    {.type = RECORD_DIRECTORY, .path = "/data", .mode = 0750},
    {.path = "/data/PG_VERSION", .content = "17\n", .mode = 0640},
    {.path = "/data/large", .content = "0123456789abcdef", .repeat = 99999, .piece = 70001},
    {.path = "/data/block", .content = "0123456789abcdef", .repeat = 31},
    {.path = "/data/empty"},
    {.path = LONG_NAME, .content = "long"},
    {.type = RECORD_LINK, .path = "/data/link", .target = "../elsewhere"},
    {.path = "/summary.json", .content = "{\"complete\": true}"},
};
#define BACKUP_COUNT (sizeof(backup) / sizeof(backup[0]))

/* Two parts and a bit, as much as fits one, nothing; and names that look like parts. */
static const struct sample unknown[] = {
    {.path = "/a",
     .content = "0123456789abcdef",
     .repeat = 1100000,
     .piece = 99999,
     .unknown_size = true},
    {.path = "/b", .content = "0123456789abcdef", .repeat = 524287, .unknown_size = true},
    {.path = "/c", .unknown_size = true},
    {.path = "/d.part000001", .content = "like a part"},
    {.path = "/d.part000002", .content = "unknown, too", .unknown_size = true},
    {.path = "/d", .content = "d"},
    {.path = "/e.part000000", .content = "not a part"},
    {.path = "/summary.json", .content = "{}"},
};
#define UNKNOWN_COUNT (sizeof(unknown) / sizeof(unknown[0]))

static const struct store_options options = {.last_path = "/summary.json"};

static bool store_file(const char *file, struct record_source *source,
                       const struct store_options *with)
{
    bool done;

    error_clear(&err);
    done = tar_store_write_file(file, source, with, &err);
    source_close(source);
    assert_int_equal(done, err.code == ERROR_NONE);
    return done;
}

/* Standard output redirected to a file looks like a descriptor that need not seek. */
static bool store_fd(const char *file, struct record_source *source)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0600);
    bool done = tar_store_write_fd(fd, source, &options, &err);

    source_close(source);
    close(fd);
    return done;
}

static void assert_gives(struct record_source *source, const struct sample *samples, size_t count)
{
    struct buffer actual = describe(source, true);
    struct buffer expected = describe(sample_source_new(samples, count), true);

    assert_same_text(&actual, &expected);
    buffer_free(&actual);
    buffer_free(&expected);
}

/* ---- Round trips ---- */

static void a_file_comes_back_as_it_was(void **state)
{
    const char *file = in_folder(state, "backup.tar");

    assert_true(store_file(file, sample_source_new(backup, BACKUP_COUNT), &options));
    assert_gives(tar_source_new_file(file, &err), backup, BACKUP_COUNT);
    assert_false(exists(in_folder(state, "backup.tar.partial")));
}

static void sizes_are_filled_in_afterwards_in_a_file(void **state)
{
    const char *file = in_folder(state, "backup.tar");
    struct record_source *source;
    struct record record;

    assert_true(store_file(file, sample_source_new(unknown, UNKNOWN_COUNT), &options));
    assert_gives(tar_source_new_file(file, &err), unknown, UNKNOWN_COUNT);
    source = tar_source_new_file(file, &err);
    assert_int_equal(source_next(source, &record, &err), SOURCE_RECORD);
    assert_int_equal(record.size, 17600016);
    reader_close(record.reader);
    source_close(source);
}

static void parts_are_joined(void **state)
{
    const char *file = in_folder(state, "backup.tar");
    const char *list[] = {"tar",
                          "-tf",
                          file,
                          "a.part000001",
                          "a.part000002",
                          "a.part000003",
                          "b",
                          "c",
                          "d.part000001.part000001",
                          "d.part000002.part000001",
                          "d",
                          NULL};
    const char *too_many[] = {"tar", "-tf", file, "b.part000001", NULL};

    assert_true(store_fd(file, sample_source_new(unknown, UNKNOWN_COUNT)));
    assert_gives(tar_source_new_file(file, &err), unknown, UNKNOWN_COUNT);
    assert_int_equal(run(list), 0);
    assert_int_not_equal(run(too_many), 0);
}

static void records_may_be_passed_over(void **state)
{
    const char *files[] = {in_folder(state, "a.tar"), in_folder(state, "b.tar")};

    assert_true(store_file(files[0], sample_source_new(unknown, UNKNOWN_COUNT), &options));
    assert_true(store_fd(files[1], sample_source_new(unknown, UNKNOWN_COUNT)));
    for (size_t i = 0; i < 2; i++) {
        struct record_source *source = tar_source_new_file(files[i], &err);
        struct record record;
        struct slice data;
        size_t count = 0;

        while (source_next(source, &record, &err) == SOURCE_RECORD) {
            assert_string_equal(record.path, unknown[count].path);
            if (count % 2 == 0)
                assert_int_not_equal(reader_next(record.reader, &data, &err), READER_FAILED);
            reader_close(record.reader);
            count++;
        }
        assert_int_equal(count, UNKNOWN_COUNT);
        source_close(source);
    }
}

static void directory_to_tar_to_directory_is_the_same(void **state)
{
    const char *first = in_folder(state, "first"), *second = in_folder(state, "second");
    const char *file = in_folder(state, "backup.tar");
    struct record_source *source = sample_source_new(backup, BACKUP_COUNT);
    struct buffer before, after;

    assert_true(directory_store_write(first, source, &options, &err));
    source_close(source);
    assert_true(store_file(file, directory_source_new(first, NULL, NULL, &err), &options));
    source = tar_source_new_file(file, &err);
    assert_true(directory_store_write(second, source, &options, &err));
    source_close(source);
    before = describe(directory_source_new(first, NULL, NULL, &err), true);
    after = describe(directory_source_new(second, NULL, NULL, &err), true);
    assert_same_text(&after, &before);
    buffer_free(&before);
    buffer_free(&after);
}

static void the_same_records_make_the_same_bytes(void **state)
{
    const char *a = in_folder(state, "a.tar"), *b = in_folder(state, "b.tar");
    const char *compare[] = {"cmp", a, b, NULL};

    assert_true(store_file(a, sample_source_new(backup, BACKUP_COUNT), &options));
    assert_true(store_fd(b, sample_source_new(backup, BACKUP_COUNT)));
    assert_int_equal(run(compare), 0);
}

/* ---- Pipes ---- */

struct pipe_writer {
    int fd;
    bool done;
    struct error err;
};

static void *write_into_pipe(void *context)
{
    struct pipe_writer *writer = context;
    struct record_source *source = sample_source_new(unknown, UNKNOWN_COUNT);

    writer->done = tar_store_write_fd(writer->fd, source, &options, &writer->err);
    source_close(source);
    close(writer->fd);
    return NULL;
}

static void a_pipe_carries_a_backup(void **state)
{
    struct pipe_writer writer = {0};
    pthread_t thread;
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    writer.fd = fds[1];
    assert_int_equal(pthread_create(&thread, NULL, write_into_pipe, &writer), 0);
    assert_gives(tar_source_new_fd(fds[0], &err), unknown, UNKNOWN_COUNT);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(writer.done);
    close(fds[0]);
}

static void a_reader_that_goes_away_is_an_error_and_no_signal(void **state)
{
    struct pipe_writer writer = {0};
    int fds[2];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    writer.fd = fds[1];
    write_into_pipe(&writer);
    assert_false(writer.done);
    assert_int_equal(writer.err.code, ERROR_IO);
    assert_mentions(writer.err.message, "has ended");
}

static void *cancel_soon(void *context)
{
    usleep(50000);
    cancel_request(context);
    return NULL;
}

static void cancelling_ends_a_write_that_nobody_reads(void **state)
{
    struct cancel cancel;
    const struct store_options with = {.cancel = &cancel};
    struct record_source *source = sample_source_new(unknown, UNKNOWN_COUNT);
    pthread_t thread;
    int fds[2];

    (void)state;
    assert_true(cancel_init(&cancel, &err));
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_false(tar_store_write_fd(fds[1], source, &with, &err));
    assert_int_equal(err.code, ERROR_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
    source_close(source);
    cancel_reset(&cancel);
    close(fds[0]);
    close(fds[1]);
}

static void cancelling_ends_a_read_that_nobody_feeds(void **state)
{
    struct cancel cancel;
    struct record_source *source;
    struct record record;
    pthread_t thread;
    int fds[2];

    (void)state;
    assert_true(cancel_init(&cancel, &err));
    assert_int_equal(pipe(fds), 0);
    source = tar_source_new_fd(fds[0], &err);
    tar_source_set_cancel(source, &cancel);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &cancel), 0);
    assert_int_equal(source_next(source, &record, &err), SOURCE_FAILED);
    assert_int_equal(err.code, ERROR_CANCELLED);
    assert_int_equal(pthread_join(thread, NULL), 0);
    source_close(source);
    cancel_reset(&cancel);
    close(fds[0]);
    close(fds[1]);
}

static void a_terminal_is_refused(void **state)
{
    struct record_source *source = sample_source_new(backup, BACKUP_COUNT);
    int controller, terminal;

    (void)state;
    assert_int_equal(openpty(&controller, &terminal, NULL, NULL, NULL), 0);
    assert_false(tar_store_write_fd(terminal, source, &options, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_null(tar_source_new_fd(terminal, &err));
    assert_int_equal(err.code, ERROR_REFUSED);
    source_close(source);
    close(controller);
    close(terminal);
}

/* ---- GNU tar ---- */

static void gnu_tar_unpacks_what_we_wrote(void **state)
{
    const char *file = in_folder(state, "backup.tar"), *out = in_folder(state, "out");
    const char *reference = in_folder(state, "reference");
    const char *unpack[] = {"tar", "-xpf", file, "-C", out, NULL};
    const char *compare[] = {"diff", "-r", "--no-dereference", out, reference, NULL};
    const char *make[] = {"mkdir", out, NULL};
    struct record_source *source = sample_source_new(backup, BACKUP_COUNT);

    assert_true(store_file(file, sample_source_new(backup, BACKUP_COUNT), &options));
    assert_true(directory_store_write(reference, source, &options, &err));
    source_close(source);
    assert_int_equal(run(make), 0);
    assert_int_equal(run(unpack), 0);
    assert_int_equal(run(compare), 0);
}

static void what_gnu_tar_writes_is_read(void **state)
{
    static const char *const formats[] = {"--format=gnu", "--format=posix", "--format=ustar",
                                          "--format=oldgnu"};
    const char *folder = in_folder(state, "folder"), *file = in_folder(state, "backup.tar");
    struct record_source *source = sample_source_new(backup, BACKUP_COUNT);
    struct buffer expected;

    assert_true(directory_store_write(folder, source, &options, &err));
    source_close(source);
    expected = describe(directory_source_new(folder, NULL, NULL, &err), true);
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        const char *pack[] = {"tar", "-cf",  file, "--sort=name", formats[i],
                              "-C",  folder, ".",  NULL};
        struct buffer actual;
        /* ustar cannot hold the long name: tar leaves it out and says so by its status. */
        bool whole = run(pack) == 0;

        actual = describe(tar_source_new_file(file, &err), true);
        if (whole)
            assert_same_text(&actual, &expected);
        assert_mentions(buffer_text(&actual), "/summary.json");
        buffer_free(&actual);
    }
    buffer_free(&expected);
}

static void the_padding_of_gnu_tar_is_read_from_a_pipe(void **state)
{
    const char *folder = in_folder(state, "folder");
    struct record_source *source = sample_source_new(backup, BACKUP_COUNT);
    struct buffer text;
    char command[1024];
    FILE *packer;

    assert_true(directory_store_write(folder, source, &options, &err));
    source_close(source);
    snprintf(command, sizeof(command), "tar -cf - -b 2000 -C '%s' .", folder);
    packer = popen(command, "re");
    text = describe(tar_source_new_fd(fileno(packer), &err), true);
    assert_mentions(buffer_text(&text), "/summary.json");
    assert_int_equal(pclose(packer), 0);
    buffer_free(&text);
}

/* ---- Bad archives ---- */

static void assert_source_fails(const char *file, const char *reason)
{
    struct buffer text = describe(tar_source_new_file(file, &err), true);

    assert_mentions(buffer_text(&text), "failed: ");
    assert_mentions(buffer_text(&text), reason);
    buffer_free(&text);
}

static void write_archive(const char *file, const char *const *names, bool trailer)
{
    struct tar_member *member = calloc(1, sizeof(*member));
    struct buffer bytes = {0};
    static const uint8_t zeros[TAR_TRAILER_SIZE];

    for (; *names != NULL; names++) {
        member->size = 0;
        member->mode = 0600;
        snprintf(member->path, sizeof(member->path), "%s", *names);
        assert_true(tar_encode_header(member, &bytes, &err));
    }
    if (trailer)
        assert_true(buffer_append(&bytes, zeros, sizeof(zeros), &err));
    write_file(file, bytes.data, bytes.len);
    buffer_free(&bytes);
    free(member);
}

static void an_archive_cut_at_any_block_is_an_error(void **state)
{
    static const struct sample samples[] = {
        {.path = "/a", .content = "0123456789", .repeat = 200, .unknown_size = true},
        {.path = "/b", .content = "b"},
        {.path = "/summary.json", .content = "{}"}};
    const char *file = in_folder(state, "backup.tar"), *cut = in_folder(state, "cut.tar");
    struct buffer whole;

    assert_true(store_fd(file, sample_source_new(samples, 3)));
    whole = read_file(file);
    for (size_t len = 0; len < whole.len; len += 256) {
        struct record_source *source;
        struct record record;
        enum source_status status;

        write_file(cut, whole.data, len);
        assert_source_fails(cut, "");
        /* Also where nobody reads the content. */
        source = tar_source_new_file(cut, &err);
        while ((status = source_next(source, &record, &err)) == SOURCE_RECORD)
            reader_close(record.reader);
        assert_int_equal(status, SOURCE_FAILED);
        source_close(source);
    }
    buffer_free(&whole);
}

static void a_large_file_cut_short_is_an_error_even_if_passed_over(void **state)
{
    const char *file = in_folder(state, "backup.tar");
    struct record_source *source;
    struct record record;
    enum source_status status;

    assert_true(store_file(file, sample_source_new(unknown, UNKNOWN_COUNT), &options));
    assert_int_equal(truncate(file, 5000000), 0);
    source = tar_source_new_file(file, &err);
    while ((status = source_next(source, &record, &err)) == SOURCE_RECORD)
        reader_close(record.reader);
    assert_int_equal(status, SOURCE_FAILED);
    assert_int_equal(source_next(source, &record, &err), SOURCE_FAILED);
    source_close(source);
}

static void hostile_paths_are_refused(void **state)
{
    static const char *const bad[] = {"../etc/passwd", "/etc/passwd", "a/../../b", "a//b", ".."};
    const char *file = in_folder(state, "backup.tar");

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_archive(file, (const char *const[]){bad[i], NULL}, true);
        assert_source_fails(file, "path \"/");
    }
}

static void a_missing_first_or_middle_part_is_an_error(void **state)
{
    const char *file = in_folder(state, "backup.tar");

    write_archive(file, (const char *const[]){"a.part000002", NULL}, true);
    assert_source_fails(file, "not preceded by part 1");
    write_archive(file, (const char *const[]){"a.part000001", "a.part000003", NULL}, true);
    assert_source_fails(file, "not preceded by part 2");
    write_archive(file, (const char *const[]){"a.part000001", "b.part000002", NULL}, true);
    assert_source_fails(file, "not preceded by part 1");
}

static void an_archive_without_trailer_is_an_error(void **state)
{
    const char *file = in_folder(state, "backup.tar");

    write_archive(file, (const char *const[]){"a", NULL}, false);
    assert_source_fails(file, "no end mark");
    write_file(file, "", 0);
    assert_source_fails(file, "no end mark");
}

static void something_else_is_not_a_tar_archive(void **state)
{
    const char *file = in_folder(state, "backup.tar");
    char noise[2048];

    memset(noise, 'x', sizeof(noise));
    write_file(file, noise, sizeof(noise));
    assert_source_fails(file, "not a tar archive");
    assert_null(tar_source_new_file(in_folder(state, "missing.tar"), &err));
}

static void a_reader_left_open_is_a_mistake_that_is_told(void **state)
{
    const char *file = in_folder(state, "backup.tar");
    struct record_source *source;
    struct record first, second;

    assert_true(store_file(file, sample_source_new(backup, BACKUP_COUNT), &options));
    source = tar_source_new_file(file, &err);
    assert_int_equal(source_next(source, &first, &err), SOURCE_RECORD);
    assert_int_equal(source_next(source, &second, &err), SOURCE_FAILED);
    assert_int_equal(err.code, ERROR_USAGE);
    reader_close(first.reader);
    source_close(source);
}

/* ---- Failures leave nothing ---- */

static void failures_leave_no_file(void **state)
{
    static const struct sample broken[] = {{.path = "/a", .content = "abc", .fails = true}};
    static const struct sample lying[] = {{.path = "/a", .content = "abc", .lie = 5},
                                          {.path = "/summary.json"}};
    const char *file = in_folder(state, "backup.tar");

    assert_false(store_file(file, sample_source_new(broken, 1), &options));
    assert_int_equal(err.code, ERROR_CONNECTION_LOST);
    assert_false(store_file(file, sample_source_new(lying, 2), &options));
    assert_false(store_file(file, sample_source_new(backup, BACKUP_COUNT - 1), &options));
    assert_mentions(err.message, "/summary.json");
    assert_false(exists(file));
    assert_false(exists(in_folder(state, "backup.tar.partial")));
}

static void a_full_disk_leaves_no_file(void **state)
{
    const char *file = in_folder(state, "backup.tar");
    struct rlimit before, small;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 1000000, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_false(store_file(file, sample_source_new(backup, BACKUP_COUNT), &options));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_mentions(err.message, "backup.tar.partial\": File too large");
    assert_false(exists(file));
    assert_false(exists(in_folder(state, "backup.tar.partial")));
}

static void an_existing_file_or_partial_file_is_refused(void **state)
{
    const char *file = in_folder(state, "backup.tar");
    const char *partial = in_folder(state, "backup.tar.partial");
    uint64_t room;

    assert_true(tar_store_check_file(file, &room, &err));
    write_file(partial, "x", 1);
    assert_false(store_file(file, sample_source_new(backup, BACKUP_COUNT), &options));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_mentions(err.hint, "rm /");
    assert_false(tar_store_check_file(file, &room, &err));
    assert_true(exists(partial));
    assert_int_equal(unlink(partial), 0);
    write_file(file, "x", 1);
    assert_false(store_file(file, sample_source_new(backup, BACKUP_COUNT), &options));
    assert_int_equal(err.code, ERROR_REFUSED);
    assert_false(tar_store_check_file(file, &room, &err));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_file_comes_back_as_it_was),
        TEST(sizes_are_filled_in_afterwards_in_a_file),
        TEST(parts_are_joined),
        TEST(records_may_be_passed_over),
        TEST(directory_to_tar_to_directory_is_the_same),
        TEST(the_same_records_make_the_same_bytes),
        TEST(a_pipe_carries_a_backup),
        TEST(a_reader_that_goes_away_is_an_error_and_no_signal),
        TEST(cancelling_ends_a_write_that_nobody_reads),
        TEST(cancelling_ends_a_read_that_nobody_feeds),
        TEST(a_terminal_is_refused),
        TEST(gnu_tar_unpacks_what_we_wrote),
        TEST(what_gnu_tar_writes_is_read),
        TEST(the_padding_of_gnu_tar_is_read_from_a_pipe),
        TEST(an_archive_cut_at_any_block_is_an_error),
        TEST(a_large_file_cut_short_is_an_error_even_if_passed_over),
        TEST(hostile_paths_are_refused),
        TEST(a_missing_first_or_middle_part_is_an_error),
        TEST(an_archive_without_trailer_is_an_error),
        TEST(something_else_is_not_a_tar_archive),
        TEST(a_reader_left_open_is_a_mistake_that_is_told),
        TEST(failures_leave_no_file),
        TEST(a_full_disk_leaves_no_file),
        TEST(an_existing_file_or_partial_file_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
