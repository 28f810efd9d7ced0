#include "support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error err;

static struct directory_writer *new_writer(void **state, bool private_modes)
{
    const struct directory_writer_options options = {.private_modes = private_modes};
    struct directory_writer *writer = directory_writer_new(*state, &options, &err);

    assert_non_null(writer);
    return writer;
}

static bool add(struct directory_writer *writer, enum record_type type, const char *path,
                const char *target)
{
    const struct sample sample = {.type = type, .path = path, .content = "x", .target = target};
    struct record_source *source = sample_source_new(&sample, 1);
    struct record record;
    bool done;

    assert_int_equal(source_next(source, &record, &err), SOURCE_RECORD);
    if (type == RECORD_FILE)
        record.mode = 06755;
    error_clear(&err);
    done = directory_writer_add(writer, &record, NULL, &err);
    reader_close(record.reader);
    source_close(source);
    return done;
}

static mode_t mode_of(void **state, const char *name)
{
    struct stat st;

    assert_int_equal(lstat(in_folder(state, name), &st), 0);
    return st.st_mode & 07777;
}

static void missing_parents_are_made(void **state)
{
    struct directory_writer *writer = new_writer(state, false);

    assert_true(add(writer, RECORD_FILE, "/a/b/c/d", NULL));
    assert_true(add(writer, RECORD_FILE, "/a/e", NULL));
    assert_true(add(writer, RECORD_LINK, "/x/y/link", "../z"));
    assert_true(directory_writer_sync(writer, &err));
    assert_int_equal(mode_of(state, "a/b/c"), 0700);
    assert_true(exists(in_folder(state, "a/b/c/d")));
    assert_true(exists(in_folder(state, "a/e")));
    assert_true(exists(in_folder(state, "x/y/link")));
    directory_writer_free(writer);
}

static void a_folder_may_be_recorded_after_what_lies_in_it_but_once(void **state)
{
    struct directory_writer *writer = new_writer(state, false);

    assert_true(add(writer, RECORD_FILE, "/a/b", NULL));
    assert_true(add(writer, RECORD_DIRECTORY, "/a", NULL));
    assert_false(add(writer, RECORD_DIRECTORY, "/a", NULL));
    assert_mentions(err.message, "came twice");
    directory_writer_free(writer);
}

static void a_path_written_twice_is_an_error(void **state)
{
    static const enum record_type types[] = {RECORD_FILE, RECORD_DIRECTORY, RECORD_LINK};

    for (size_t first = 0; first < 3; first++) {
        for (size_t second = 0; second < 3; second++) {
            struct directory_writer *writer = new_writer(state, false);
            bool done = add(writer, types[first], "/same", "target") &&
                        add(writer, types[second], "/same", "target") &&
                        directory_writer_sync(writer, &err);

            assert_false(done);
            assert_int_equal(err.code, ERROR_CORRUPT);
            directory_writer_free(writer);
            assert_true(directory_remove_tree(*state, false, &err));
        }
    }
}

static void nothing_is_written_through_a_link(void **state)
{
    struct directory_writer *writer;

    assert_int_equal(mkdir(in_folder(state, "outside"), 0700), 0);
    assert_int_equal(symlink("outside", in_folder(state, "link")), 0);
    assert_int_equal(symlink("outside/made", in_folder(state, "file")), 0);
    writer = new_writer(state, false);
    assert_false(add(writer, RECORD_FILE, "/link/a", NULL));
    assert_false(add(writer, RECORD_DIRECTORY, "/link/d", NULL));
    assert_false(add(writer, RECORD_FILE, "/link/deeper/a", NULL));
    assert_false(add(writer, RECORD_FILE, "/file", NULL));
    assert_false(exists(in_folder(state, "outside/a")));
    assert_false(exists(in_folder(state, "outside/d")));
    assert_false(exists(in_folder(state, "outside/deeper")));
    assert_false(exists(in_folder(state, "outside/made")));
    directory_writer_free(writer);
}

static void a_link_of_the_backup_is_not_there_until_all_is_written(void **state)
{
    struct directory_writer *writer = new_writer(state, false);

    assert_true(add(writer, RECORD_DIRECTORY, "/real", NULL));
    assert_true(add(writer, RECORD_LINK, "/link", "real"));
    assert_false(exists(in_folder(state, "link")));
    /* This makes a folder of the link's name, so that the link cannot be made afterwards. */
    assert_true(add(writer, RECORD_FILE, "/link/a", NULL));
    assert_false(directory_writer_sync(writer, &err));
    assert_false(exists(in_folder(state, "real/a")));
    directory_writer_free(writer);
}

static void links_are_made_once_even_by_two_syncs(void **state)
{
    struct directory_writer *writer = new_writer(state, false);

    assert_true(add(writer, RECORD_LINK, "/link", "../target"));
    assert_true(directory_writer_sync(writer, &err));
    assert_true(add(writer, RECORD_FILE, "/late", NULL));
    assert_true(directory_writer_sync(writer, &err));
    assert_true(exists(in_folder(state, "link")));
    directory_writer_free(writer);
}

static void bad_paths_are_refused(void **state)
{
    static const char *const bad[] = {"", "a", "/", "/..", "/a/../b", "/a//b", "/./a", "/a/"};
    struct directory_writer *writer = new_writer(state, false);

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(add(writer, RECORD_FILE, bad[i], NULL));
    directory_writer_free(writer);
}

static void set_id_bits_are_dropped(void **state)
{
    struct directory_writer *writer = new_writer(state, false);

    assert_true(add(writer, RECORD_FILE, "/a", NULL));
    assert_int_equal(mode_of(state, "a"), 0755);
    directory_writer_free(writer);
}

static void private_modes_leave_nothing_to_others(void **state)
{
    struct directory_writer *writer = new_writer(state, true);
    struct record folder = {.type = RECORD_DIRECTORY, .path = "/d", .mode = 0755};

    assert_true(add(writer, RECORD_FILE, "/a", NULL));
    assert_true(directory_writer_add(writer, &folder, NULL, &err));
    assert_true(directory_writer_sync(writer, &err));
    assert_int_equal(mode_of(state, "a"), 0600);
    assert_int_equal(mode_of(state, "d"), 0700);
    directory_writer_free(writer);
}

static void a_read_only_folder_can_be_filled(void **state)
{
    struct directory_writer *writer = new_writer(state, false);
    struct record folder = {.type = RECORD_DIRECTORY, .path = "/d", .mode = 0500};

    assert_true(directory_writer_add(writer, &folder, NULL, &err));
    assert_true(add(writer, RECORD_FILE, "/d/a", NULL));
    assert_true(directory_writer_sync(writer, &err));
    assert_int_equal(mode_of(state, "d"), 0500);
    assert_int_equal(chmod(in_folder(state, "d"), 0700), 0);
    directory_writer_free(writer);
}

static void another_path_can_be_given(void **state)
{
    struct directory_writer *writer = new_writer(state, false);
    struct record record = {.type = RECORD_FILE, .path = "/data/a", .mode = 0600, .size = 3};

    record.reader = reader_from_memory(slice_string("abc"), &err);
    assert_true(directory_writer_add(writer, &record, "/b", &err));
    reader_close(record.reader);
    assert_true(exists(in_folder(state, "b")));
    directory_writer_free(writer);
}

static void a_failed_add_makes_the_sync_fail(void **state)
{
    struct directory_writer *writer = new_writer(state, false);

    assert_false(add(writer, RECORD_FILE, "bad", NULL));
    assert_false(directory_writer_sync(writer, &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    directory_writer_free(writer);
}

/* A reader that lends as many slices at once as are wanted, of one byte each. */
struct crumbs {
    struct reader reader;
    struct slice left;
};

static enum reader_status crumbs_next_many(struct reader *reader, struct slice *slices, size_t max,
                                           size_t *count, struct error *error)
{
    struct crumbs *crumbs = (struct crumbs *)reader;

    (void)error;
    for (*count = 0; *count < max && crumbs->left.len > 0; (*count)++)
        slices[*count] = slice_take(&crumbs->left, 1);
    return *count > 0 ? READER_DATA : READER_END;
}

static bool add_crumbs(struct directory_writer *writer, const char *text, int64_t size)
{
    static const struct reader_ops ops = {.next_many = crumbs_next_many};
    struct crumbs crumbs = {{&ops}, slice_string(text)};
    const struct record record = {
        .type = RECORD_FILE, .path = "/crumbs", .size = size, .reader = &crumbs.reader};

    return directory_writer_add(writer, &record, NULL, &err);
}

static void slices_lent_together_are_written_in_order(void **state)
{
    static const char text[] = "more of them than are ever written at once";
    struct directory_writer *writer = new_writer(state, false);
    struct buffer content;

    assert_true(add_crumbs(writer, text, sizeof(text) - 1));
    directory_writer_free(writer);
    content = read_file(in_folder(state, "crumbs"));
    assert_true(slice_equals(buffer_slice(&content), slice_string(text)));
    buffer_free(&content);
}

static void slices_lent_together_are_counted(void **state)
{
    struct directory_writer *writer = new_writer(state, false);

    assert_false(add_crumbs(writer, "12345", 4));
    assert_mentions(err.message, "announced with 4 bytes");
    directory_writer_free(writer);
}

static void removing_a_tree_does_not_follow_links(void **state)
{
    assert_int_equal(mkdir(in_folder(state, "keep"), 0700), 0);
    write_file(in_folder(state, "keep/file"), "x", 1);
    assert_int_equal(mkdir(in_folder(state, "tree"), 0700), 0);
    assert_int_equal(mkdir(in_folder(state, "tree/sub"), 0700), 0);
    assert_int_equal(symlink("../../keep", in_folder(state, "tree/sub/link")), 0);
    write_file(in_folder(state, "tree/sub/file"), "x", 1);
    assert_true(directory_remove_tree(in_folder(state, "tree"), true, &err));
    assert_false(exists(in_folder(state, "tree")));
    assert_true(exists(in_folder(state, "keep/file")));
}

static void removing_below_a_root_keeps_the_root(void **state)
{
    assert_int_equal(mkdir(in_folder(state, "sub"), 0700), 0);
    assert_true(directory_remove_tree(*state, false, &err));
    assert_true(exists(*state));
    assert_false(exists(in_folder(state, "sub")));
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, scratch_setup, scratch_teardown)
    const struct CMUnitTest tests[] = {
        TEST(missing_parents_are_made),
        TEST(a_folder_may_be_recorded_after_what_lies_in_it_but_once),
        TEST(a_path_written_twice_is_an_error),
        TEST(nothing_is_written_through_a_link),
        TEST(a_link_of_the_backup_is_not_there_until_all_is_written),
        TEST(links_are_made_once_even_by_two_syncs),
        TEST(bad_paths_are_refused),
        TEST(set_id_bits_are_dropped),
        TEST(private_modes_leave_nothing_to_others),
        TEST(a_read_only_folder_can_be_filled),
        TEST(another_path_can_be_given),
        TEST(a_failed_add_makes_the_sync_fail),
        TEST(slices_lent_together_are_written_in_order),
        TEST(slices_lent_together_are_counted),
        TEST(removing_a_tree_does_not_follow_links),
        TEST(removing_below_a_root_keeps_the_root),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
