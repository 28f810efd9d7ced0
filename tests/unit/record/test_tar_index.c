/* Where records lie in a tar file: small and large ones, in parts, with long names, and tars that
 * are cut or have a name twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/tar.h"
#include "record/tar_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct error err;

struct made_tar {
    struct buffer bytes;
    FILE *file;
};

static void add(struct made_tar *tar, const char *path, const char *content)
{
    static const char zeros[TAR_BLOCK];
    struct tar_member member = {.type = RECORD_FILE, .mode = 0600, .size = strlen(content)};

    snprintf(member.path, sizeof(member.path), "%s", path);
    if (path[strlen(path) - 1] == '/') {
        member.type = RECORD_DIRECTORY;
        member.path[strlen(path) - 1] = '\0';
    }
    assert_true(tar_encode_header(&member, &tar->bytes, &err));
    assert_true(buffer_append(&tar->bytes, content, member.size, &err));
    assert_true(buffer_append(&tar->bytes, zeros, tar_padding(member.size), &err));
}

static struct tar_index *index_of(struct made_tar *tar, size_t len)
{
    tar->file = tmpfile();
    assert_non_null(tar->file);
    assert_int_equal(fwrite(tar->bytes.data, 1, len, tar->file), len);
    assert_int_equal(fflush(tar->file), 0);
    return tar_index_new(fileno(tar->file), "the tar", NULL, &err);
}

static void end(struct made_tar *tar)
{
    static const char zeros[TAR_TRAILER_SIZE];

    assert_true(buffer_append(&tar->bytes, zeros, sizeof(zeros), &err));
}

static void drop(struct made_tar *tar, struct tar_index *index)
{
    tar_index_free(index);
    if (tar->file != NULL)
        fclose(tar->file);
    buffer_free(&tar->bytes);
}

static void expect(const struct made_tar *tar, const struct tar_index *index, const char *path,
                   const char *content)
{
    struct buffer found = {0};
    struct tar_extent *extents;
    size_t count;

    if (!tar_index_find(index, path, &extents, &count, &err))
        fail_msg("%s", err.message);
    assert_int_equal(count > 0, content != NULL);
    for (size_t i = 0; i < count; i++) {
        assert_true(extents[i].position + extents[i].size <= tar->bytes.len);
        assert_true(buffer_append(&found, tar->bytes.data + extents[i].position,
                                  (size_t)extents[i].size, &err));
    }
    if (content != NULL)
        assert_string_equal(buffer_text(&found), content);
    buffer_free(&found);
    free(extents);
}

static void records_are_found_by_their_paths(void **state)
{
    static char large[300000], path[400];
    struct made_tar tar = {0};
    struct tar_index *index;

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    memset(path, 'p', sizeof(path) - 1);
    path[0] = path[100] = path[200] = '/';
    add(&tar, "manifest.json", "{}");
    add(&tar, "00001-app/", "");
    add(&tar, "00001-app/toc.dat", large);
    add(&tar, path + 1, "deep");
    add(&tar, "empty", "");
    add(&tar, "last", "1\n");
    end(&tar);
    index = index_of(&tar, tar.bytes.len);
    assert_non_null(index);
    expect(&tar, index, "/manifest.json", "{}");
    expect(&tar, index, "/00001-app/toc.dat", large);
    expect(&tar, index, path, "deep");
    expect(&tar, index, "/empty", "");
    expect(&tar, index, "/last", "1\n");
    expect(&tar, index, "/00001-app", NULL);
    expect(&tar, index, "/other", NULL);
    expect(&tar, index, "/", NULL);
    drop(&tar, index);
}

static void parts_are_joined_in_their_order(void **state)
{
    struct made_tar tar = {0};
    struct tar_index *index;

    (void)state;
    add(&tar, "app.dump.part000001", "one ");
    add(&tar, "app.dump.part000002", "two ");
    add(&tar, "app.dump.part000003", "three");
    add(&tar, "x.part000001.part000001", "called so");
    end(&tar);
    index = index_of(&tar, tar.bytes.len);
    expect(&tar, index, "/app.dump", "one two three");
    expect(&tar, index, "/x.part000001", "called so");
    expect(&tar, index, "/app.dump.part000001", NULL);
    drop(&tar, index);
}

static void a_tar_that_was_cut_is_refused(void **state)
{
    static char large[200000];
    struct made_tar tar = {0};

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    add(&tar, "one", "1");
    add(&tar, "large", large);
    add(&tar, "two", "2");
    end(&tar);
    for (size_t len = 0; len < tar.bytes.len - TAR_BLOCK; len += 509) {
        assert_null(index_of(&tar, len));
        assert_int_equal(err.code, ERROR_CORRUPT);
        fclose(tar.file);
    }
    tar.file = NULL;
    drop(&tar, NULL);
}

static void a_name_of_two_is_refused(void **state)
{
    struct made_tar tar = {0};
    struct tar_index *index;
    struct tar_extent *extents;
    size_t count;

    (void)state;
    add(&tar, "one", "1");
    add(&tar, "two", "2");
    add(&tar, "one", "3");
    end(&tar);
    index = index_of(&tar, tar.bytes.len);
    expect(&tar, index, "/two", "2");
    assert_false(tar_index_find(index, "/one", &extents, &count, &err));
    assert_string_equal(err.message, "the tar: \"one\" is there twice");
    assert_null(extents);
    drop(&tar, index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_found_by_their_paths),
        cmocka_unit_test(parts_are_joined_in_their_order),
        cmocka_unit_test(a_tar_that_was_cut_is_refused),
        cmocka_unit_test(a_name_of_two_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
