/* A table of contents that is held: loaded in pieces, asked in any order, and made so as to
 * mislead. */
#include "made_archive.h"

#include "archive/archive_contents.h"

#include <stdio.h>
#include <stdlib.h>

static struct error err;

/* ---- Archives made by hand ---- */

static void put_header(struct buffer *out, int minor, enum archive_format format, uint32_t count)
{
    const struct archive_header header = {.minor = minor,
                                          .database = "d",
                                          .server_version = "s",
                                          .dumper_version = NULL,
                                          .entry_count = count};

    assert_true(archive_append_header(out, &header, format, &err));
}

static void put_entry(struct buffer *out, int minor, const struct archive_entry *entry)
{
    assert_true(archive_append_entry(out, entry, minor, &err));
    assert_true(archive_append_offset(out, entry->has_data ? OFFSET_UNSET : OFFSET_NO_DATA, &err));
}

static void put_file_entry(struct buffer *out, int minor, const struct archive_entry *entry)
{
    assert_true(archive_append_entry(out, entry, minor, &err));
    assert_true(archive_append_string(out, entry->file, &err));
}

/* Loads in pieces; *left is what was not taken. */
static struct archive_contents *load(enum archive_form form, struct slice archive, size_t piece,
                                     size_t *left)
{
    struct archive_contents *contents = archive_contents_new(form, &err);
    bool complete = false;

    assert_non_null(contents);
    while (!complete && archive.len > 0) {
        size_t len = piece == 0 || piece > archive.len ? archive.len : piece;
        uint8_t *alone = malloc(len);
        struct slice bytes = slice_make(alone, len);
        bool done;

        assert_non_null(alone);
        memcpy(alone, archive.data, len);
        done = archive_contents_feed(contents, &bytes, &complete, &err);
        slice_take(&archive, len - bytes.len);
        free(alone);
        if (!done) {
            archive_contents_free(contents);
            return NULL;
        }
    }
    *left = archive.len;
    if (complete)
        return contents;
    archive_contents_free(contents);
    error_set(&err, ERROR_CORRUPT, "it ends too early");
    return NULL;
}

static void refuse(const struct buffer *archive, enum archive_form form, const char *message)
{
    for (size_t piece = 0; piece < 3; piece++) {
        size_t left;

        error_clear(&err);
        assert_null(load(form, buffer_slice(archive), piece, &left));
        if (strstr(err.message, message) == NULL)
            fail_msg("\"%s\" instead of \"%s\"", err.message, message);
    }
}

/* ---- Loading ---- */

static void everything_is_found_again_wherever_it_was_cut(void **state)
{
    struct made_content made;
    struct buffer archive = {0};

    (void)state;
    make_custom(16, COMPRESSION_GZIP, &archive);
    made_content_init(&made, 16, COMPRESSION_GZIP);
    for (size_t piece = 0; piece < archive.len; piece++) {
        size_t left = 0;
        struct archive_contents *contents =
            load(ARCHIVE_FORM_CUSTOM, buffer_slice(&archive), piece, &left);

        assert_non_null(contents);
        assert_int_equal(archive_contents_size(contents), archive.len - left);
        assert_int_equal(archive_contents_count(contents), made.header.entry_count);
        assert_string_equal(archive_contents_header(contents)->database, "app");
        for (uint32_t i = archive_contents_count(contents); i-- > 0;) {
            const struct archive_entry *expected = &made.entries[i].entry;
            const struct contents_node node = archive_contents_node(contents, i);
            struct archive_entry entry;
            uint32_t number;

            assert_true(archive_contents_entry(contents, i, &entry, &err));
            assert_int_equal(entry.dump_id, expected->dump_id);
            assert_int_equal(node.dump_id, expected->dump_id);
            assert_int_equal(entry.object_oid, expected->object_oid);
            assert_string_equal(entry.tag, expected->tag);
            assert_int_equal(entry.definition == NULL, expected->definition == NULL);
            if (entry.definition != NULL)
                assert_string_equal(entry.definition, expected->definition);
            assert_int_equal(entry.tablespace == NULL, expected->tablespace == NULL);
            assert_int_equal(entry.relkind, expected->relkind);
            assert_int_equal(node.has_data, expected->has_data);
            assert_int_equal(node.has_copy, expected->copy != NULL);
            assert_string_equal(entry_kind_name(node.kind), expected->desc);
            assert_int_equal(node.dependency_count, expected->dependency_count);
            assert_int_equal(node.data_bytes, 0);
            assert_true(archive_contents_find(contents, expected->dump_id, &number));
            assert_int_equal(number, i);
        }
        archive_contents_free(contents);
    }
    buffer_free(&archive);
}

static void only_its_own_bytes_are_taken(void **state)
{
    struct buffer archive = {0};
    size_t whole, left;
    struct archive_contents *contents;

    (void)state;
    put_header(&archive, 14, FORMAT_CUSTOM, 0);
    whole = archive.len;
    assert_true(buffer_append_string(&archive, "what follows", &err));
    for (size_t piece = 0; piece < archive.len; piece++) {
        contents = load(ARCHIVE_FORM_CUSTOM, buffer_slice(&archive), piece, &left);
        assert_non_null(contents);
        assert_int_equal(archive.len - left, whole);
        assert_int_equal(archive_contents_count(contents), 0);
        assert_false(archive_contents_find(contents, 1, &(uint32_t){0}));
        archive_contents_free(contents);
    }
    for (size_t len = 0; len < whole; len++)
        assert_null(load(ARCHIVE_FORM_CUSTOM, slice_make(archive.data, len), 0, &left));
    buffer_free(&archive);
}

/* Texts of 40 MiB that do not compress well: what is not in memory comes back, too. */
static void many_texts_come_back_in_any_order(void **state)
{
    enum { COUNT = 20000, LENGTH = 2000 };
    static char text[LENGTH + 1];
    struct buffer archive = {0}, own = {0};
    struct archive_contents *contents;
    uint32_t seed = 1;
    size_t left;

    (void)state;
    put_header(&archive, 16, FORMAT_CUSTOM, COUNT);
    for (int32_t i = 1; i <= COUNT; i++) {
        const struct archive_entry entry = {.dump_id = i,
                                            .tag = "t",
                                            .desc = "TABLE",
                                            .section = SECTION_PRE_DATA,
                                            .definition = text};

        for (size_t at = 0; at < LENGTH; at++) {
            seed = seed * 1664525u + 1013904223u;
            text[at] = (char)('!' + (seed >> 24) % 90);
        }
        snprintf(text, 16, "%08d", i);
        text[8] = ' ';
        put_entry(&archive, 16, &entry);
    }
    contents = load(ARCHIVE_FORM_CUSTOM, buffer_slice(&archive), 65536, &left);
    assert_non_null(contents);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t at = i * 7919u % COUNT;
        struct archive_entry entry;

        assert_true(archive_contents_entry_into(contents, at, &own, &entry, &err));
        assert_int_equal(atoi(entry.definition), at + 1);
        assert_int_equal(strlen(entry.definition), LENGTH);
    }
    archive_contents_free(contents);
    buffer_free(&archive);
    buffer_free(&own);
}

static void kinds_have_names(void **state)
{
    (void)state;
    for (int kind = ENTRY_OTHER + 1; kind < ENTRY_KIND_COUNT; kind++) {
        const char *name = entry_kind_name((enum entry_kind)kind);

        assert_true(name[0] != '\0');
        assert_int_equal(entry_kind_of(name), kind);
    }
    assert_int_equal(entry_kind_of("TABLE  DATA"), ENTRY_OTHER);
    assert_int_equal(entry_kind_of(""), ENTRY_OTHER);
    assert_string_equal(entry_kind_name(ENTRY_OTHER), "");
}

static void an_entry_is_named_in_messages(void **state)
{
    struct buffer archive = {0};
    struct archive_contents *contents;
    char name[512];
    size_t left;

    (void)state;
    make_custom(14, COMPRESSION_NONE, &archive);
    contents = load(ARCHIVE_FORM_CUSTOM, buffer_slice(&archive), 0, &left);
    archive_contents_name(contents, 3, name, sizeof(name));
    assert_string_equal(name, "TABLE DATA s.t (entry 7)");
    archive_contents_name(contents, 0, name, sizeof(name));
    assert_string_equal(name, "ENCODING ENCODING (entry 10)");
    error_set(&err, ERROR_CORRUPT, "it is gone");
    assert_false(archive_contents_blame(contents, 3, &err));
    assert_string_equal(err.message, "TABLE DATA s.t (entry 7): it is gone");
    archive_contents_free(contents);
    buffer_free(&archive);
}

/* ---- What misleads ---- */

static void a_number_of_two_entries_is_refused(void **state)
{
    const struct archive_entry entry = {
        .dump_id = 5, .tag = "t", .desc = "TABLE", .section = SECTION_PRE_DATA};
    struct buffer archive = {0};

    (void)state;
    put_header(&archive, 14, FORMAT_CUSTOM, 2);
    put_entry(&archive, 14, &entry);
    put_entry(&archive, 14, &entry);
    refuse(&archive, ARCHIVE_FORM_CUSTOM, "two entries have the same number (entry 5)");
    buffer_free(&archive);
}

static void a_count_that_is_too_high_takes_no_memory(void **state)
{
    struct buffer archive = {0};

    (void)state;
    put_header(&archive, 14, FORMAT_CUSTOM, INT32_MAX);
    refuse(&archive, ARCHIVE_FORM_CUSTOM, "it ends too early");
    buffer_free(&archive);
}

static void refuse_file(int minor, const char *desc, const char *file)
{
    const struct archive_entry entry = {.dump_id = 5,
                                        .has_data = true,
                                        .tag = "t",
                                        .desc = desc,
                                        .section = SECTION_DATA,
                                        .file = file};
    struct buffer archive = {0};

    put_header(&archive, minor, FORMAT_TAR, 1);
    put_file_entry(&archive, minor, &entry);
    refuse(&archive, ARCHIVE_FORM_FILES,
           "the file of an entry is not called as the entry is (entry 5)");
    buffer_free(&archive);
}

static void accept_file(int minor, const char *desc, const char *file)
{
    const struct archive_entry entry = {.dump_id = 5,
                                        .has_data = true,
                                        .tag = "t",
                                        .desc = desc,
                                        .section = SECTION_DATA,
                                        .file = file};
    struct buffer archive = {0};
    struct archive_contents *contents;
    size_t left;

    put_header(&archive, minor, FORMAT_TAR, 1);
    put_file_entry(&archive, minor, &entry);
    contents = load(ARCHIVE_FORM_FILES, buffer_slice(&archive), 0, &left);
    assert_non_null(contents);
    archive_contents_free(contents);
    buffer_free(&archive);
}

static void a_file_is_called_as_its_entry_is(void **state)
{
    static const char *const wrong[] = {NULL,      "",       "6.dat",     "../5.dat",   "/5.dat",
                                        "5.dat/x", "05.dat", "5.dat\n",   "x",          "toc.dat",
                                        ".",       "..",     "blobs.toc", "blobs_5.toc"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        refuse_file(16, "TABLE DATA", wrong[i]);
    refuse_file(16, "BLOBS", "blobs_6.toc");
    refuse_file(16, "BLOBS", "../blobs_5.toc");
    accept_file(14, "TABLE DATA", "5.dat");
    accept_file(14, "BLOBS", "blobs.toc");
    accept_file(14, "BLOBS", "5.dat");
    accept_file(16, "BLOBS", "blobs_5.toc");
}

static void one_entry_has_all_large_objects_of_an_old_archive(void **state)
{
    struct archive_entry entry = {.dump_id = 5,
                                  .has_data = true,
                                  .tag = "BLOBS",
                                  .desc = "BLOBS",
                                  .section = SECTION_DATA,
                                  .file = "blobs.toc"};
    struct buffer archive = {0};

    (void)state;
    put_header(&archive, 15, FORMAT_TAR, 2);
    put_file_entry(&archive, 15, &entry);
    entry.dump_id = 6;
    put_file_entry(&archive, 15, &entry);
    refuse(&archive, ARCHIVE_FORM_FILES, "two entries have the same large objects (entry 6)");
    buffer_free(&archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_found_again_wherever_it_was_cut),
        cmocka_unit_test(only_its_own_bytes_are_taken),
        cmocka_unit_test(many_texts_come_back_in_any_order),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(an_entry_is_named_in_messages),
        cmocka_unit_test(a_number_of_two_entries_is_refused),
        cmocka_unit_test(a_count_that_is_too_high_takes_no_memory),
        cmocka_unit_test(a_file_is_called_as_its_entry_is),
        cmocka_unit_test(one_entry_has_all_large_objects_of_an_old_archive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
