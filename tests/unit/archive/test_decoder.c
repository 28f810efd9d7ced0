/* Reading custom archives: whole, split at every byte, truncated at every byte, each byte changed,
 * and made so as to mislead. */
#include "made_archive.h"

#include <stdlib.h>

static struct error err;

/* ---- Archives made by hand ---- */

static void put(struct buffer *out, const void *data, size_t len)
{
    assert_true(buffer_append(out, data, len, &err));
}

static void put_int(struct buffer *out, int64_t value)
{
    assert_true(archive_append_int(out, value, &err));
}

static void put_header(struct buffer *out, int minor, uint32_t entries)
{
    const struct archive_header header = {.minor = minor,
                                          .database = "d",
                                          .server_version = "s",
                                          .dumper_version = "t",
                                          .entry_count = entries};

    assert_true(archive_append_header(out, &header, FORMAT_CUSTOM, &err));
}

static void put_entry(struct buffer *out, int minor, const struct archive_entry *entry)
{
    assert_true(archive_append_entry(out, entry, minor, &err));
    assert_true(archive_append_offset(out, entry->has_data ? OFFSET_UNSET : OFFSET_NO_DATA, &err));
}

static void put_table(struct buffer *out, int32_t id)
{
    const struct archive_entry entry = {.dump_id = id,
                                        .has_data = true,
                                        .tag = "t",
                                        .desc = "TABLE DATA",
                                        .section = SECTION_DATA,
                                        .copy = "COPY t FROM stdin;\n"};

    put_entry(out, 14, &entry);
}

static void put_block(struct buffer *out, uint8_t type, int32_t id)
{
    put(out, &type, 1);
    put_int(out, id);
}

static void put_chunk(struct buffer *out, const char *text)
{
    put_int(out, (int64_t)strlen(text));
    put(out, text, strlen(text));
}

static void put_rows(struct buffer *out, int32_t id, const char *rows)
{
    put_block(out, BLOCK_DATA, id);
    put_chunk(out, rows);
    put_int(out, 0);
}

static void begin(struct buffer *out, size_t tables)
{
    buffer_clear(out);
    put_header(out, 14, (uint32_t)tables);
    for (size_t i = 1; i <= tables; i++)
        put_table(out, (int32_t)i);
}

static void accept(const struct buffer *archive)
{
    struct found found = {0};

    if (!decode_pieces(buffer_slice(archive), 0, &found, &err))
        fail_msg("%s", err.message);
    found_reset(&found);
}

static void refuse(const struct buffer *archive, const char *message)
{
    for (size_t piece = 0; piece < 3; piece++) {
        struct found found = {0};

        error_clear(&err);
        assert_false(decode_pieces(buffer_slice(archive), piece, &found, &err));
        if (strstr(err.message, message) == NULL)
            fail_msg("\"%s\" instead of \"%s\"", err.message, message);
        found_reset(&found);
    }
}

/* ---- What the stream makes ---- */

static const struct {
    int minor;
    enum compression compression;
} cases[] = {
    {14, COMPRESSION_NONE}, {14, COMPRESSION_GZIP}, {15, COMPRESSION_LZ4},
    {16, COMPRESSION_NONE}, {16, COMPRESSION_GZIP}, {16, COMPRESSION_ZSTD},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static void an_archive_says_what_was_written(void **state)
{
    static const char *const lines[] = {
        "header 16 gzip 1700000000 app 18.1 a test 6\n",
        "entry 1 1 0 1259 4000000000 TABLE 2 114 tag=[t] definition=[CREATE TABLE s.t (\n    a "
        "integer\n);\n] drop=[DROP TABLE s.t;\n] schema=[s] tablespace=[] method=[heap] "
        "owner=[it's \"me\"\nor you]\n",
        "entry 2 2 0 1255 5 FUNCTION 2 0 tag=[f(integer)] definition=[CREATE FUNCTION "
        "s.f(integer) …;\n] drop=[DROP FUNCTION s.f(integer);\n] schema=[s] owner=[me] 1 2 2\n",
        "entry 3 7 1 0 0 TABLE DATA 3 0 tag=[t] copy=[COPY s.t (a) FROM stdin;\n] schema=[s] "
        "owner=[me] 1\n",
        "data 7\n1\n2\n\\N\n\\.\n\n\nend 7 3\n",
        "data 6\n\\.\n\n\nend 6 0\n",
    };
    struct buffer archive = {0};
    struct found found = {0};

    (void)state;
    make_custom(16, COMPRESSION_GZIP, &archive);
    assert_true(decode_pieces(buffer_slice(&archive), 0, &found, &err));
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        if (strstr(buffer_text(&found.text), lines[i]) == NULL)
            fail_msg("%s is not in:\n%s", lines[i], buffer_text(&found.text));
    }
    found_reset(&found);
    buffer_free(&archive);
}

static void an_archive_may_be_split_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct buffer archive = {0};
        struct found whole = {0};

        make_custom(cases[i].minor, cases[i].compression, &archive);
        assert_true(decode_pieces(buffer_slice(&archive), 0, &whole, &err));
        for (size_t piece = 1; piece < archive.len; piece++) {
            struct found parts = {0};

            assert_true(decode_pieces(buffer_slice(&archive), piece, &parts, &err));
            assert_string_equal(buffer_text(&whole.text), buffer_text(&parts.text));
            found_reset(&parts);
        }
        found_reset(&whole);
        buffer_free(&archive);
    }
}

static void an_archive_cut_anywhere_is_not_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct buffer archive = {0};

        make_custom(cases[i].minor, cases[i].compression, &archive);
        for (size_t len = 0; len < archive.len; len++) {
            struct found found = {0};

            error_clear(&err);
            assert_false(decode_pieces(slice_make(archive.data, len), 64, &found, &err));
            assert_int_equal(err.code, ERROR_CORRUPT);
            found_reset(&found);
        }
        buffer_free(&archive);
    }
}

/* It may be that nothing is wrong with it: an archive has no checksum. */
static void a_changed_byte_does_no_harm(void **state)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff};

    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct buffer archive = {0};

        make_custom(cases[i].minor, cases[i].compression, &archive);
        for (size_t at = 0; at < archive.len * sizeof(changes); at++) {
            struct found whole = {0}, parts = {0};
            bool done;

            archive.data[at / sizeof(changes)] ^= changes[at % sizeof(changes)];
            error_clear(&err);
            done = decode_pieces(buffer_slice(&archive), 0, &whole, &err);
            assert_true(done || err.message[0] != '\0');
            assert_int_equal(decode_pieces(buffer_slice(&archive), 7, &parts, &err), done);
            archive.data[at / sizeof(changes)] ^= changes[at % sizeof(changes)];
            found_reset(&whole);
            found_reset(&parts);
        }
        buffer_free(&archive);
    }
}

static void the_size_of_the_contents_is_where_the_data_begin(void **state)
{
    const struct archive_handler handler = {.context = NULL};
    struct archive_decoder *decoder = archive_decoder_new(&handler, &err);
    struct buffer archive = {0};
    size_t contents;

    (void)state;
    begin(&archive, 2);
    contents = archive.len;
    put_rows(&archive, 1, "1\n" ARCHIVE_COPY_END);
    for (size_t i = 0; i < archive.len; i++) {
        assert_int_equal(archive_decoder_contents_size(decoder), i < contents ? 0 : contents);
        assert_true(archive_decoder_feed(decoder, slice_make(archive.data + i, 1), &err));
    }
    assert_int_equal(archive_decoder_rows(decoder), 1);
    archive_decoder_free(decoder);
    buffer_free(&archive);
}

/* ---- Large objects ---- */

/* Up to 1.15 one entry for all; since then one for each group. Their numbers are signed there. */
static void put_large_objects(struct buffer *out, int minor)
{
    const struct archive_entry entry = {.dump_id = 3,
                                        .has_data = true,
                                        .tag = minor < 16 ? "BLOBS" : "7..3000000000",
                                        .desc = "BLOBS",
                                        .section = SECTION_DATA,
                                        .owner = minor < 16 ? NULL : "me"};

    put_header(out, minor, 1);
    put_entry(out, minor, &entry);
    put_block(out, BLOCK_BLOBS, 3);
    put_int(out, 7);
    put_chunk(out, "content");
    put_chunk(out, "more");
    put_int(out, 0);
    put_int(out, 3000000000 - ((int64_t)1 << 32));
    put_int(out, 0); /* empty */
    put_int(out, 0); /* the end of the block */
}

static void large_objects_are_read(void **state)
{
    (void)state;
    for (int minor = 14; minor <= 16; minor++) {
        struct buffer archive = {0};
        struct found found = {0};

        put_large_objects(&archive, minor);
        assert_true(decode_pieces(buffer_slice(&archive), 0, &found, &err));
        assert_non_null(strstr(buffer_text(&found.text), "data 3\ncontentmoreend 3 0\n"));
        found_reset(&found);
        for (size_t len = 0; len < archive.len; len++) {
            assert_false(decode_pieces(slice_make(archive.data, len), 1, &found, &err));
            found_reset(&found);
        }
        buffer_free(&archive);
    }
}

/* ---- Misleading ---- */

static void blocks_may_come_in_any_order_but_once(void **state)
{
    struct buffer archive = {0};

    (void)state;
    begin(&archive, 3);
    put_rows(&archive, 3, ARCHIVE_COPY_END);
    put_rows(&archive, 1, "1\n" ARCHIVE_COPY_END);
    refuse(&archive, "the data of an entry is missing (entry 2)");
    put_rows(&archive, 2, ARCHIVE_COPY_END);
    accept(&archive);
    put_rows(&archive, 3, ARCHIVE_COPY_END);
    refuse(&archive, "the data of an entry comes twice (entry 3)");
    begin(&archive, 1);
    put_rows(&archive, 2, ARCHIVE_COPY_END);
    refuse(&archive, "a block belongs to no entry (entry 2)");
    begin(&archive, 1);
    put_rows(&archive, -1, ARCHIVE_COPY_END);
    refuse(&archive, "a block belongs to no entry");
    buffer_clear(&archive);
    put_header(&archive, 14, 2);
    put_table(&archive, 5);
    put_table(&archive, 5);
    refuse(&archive, "two entries have the same number (entry 5)");
    buffer_free(&archive);
}

/* What "pg_dump -Fc >file" of release 16 and later leaves: the first could not be written over. */
static void put_contents_again(struct buffer *out, int64_t tables)
{
    put_int(out, tables);
    for (int64_t i = 1; i <= tables; i++) {
        put_table(out, (int32_t)i);
        out->data[out->len - ARCHIVE_OFFSET_SIZE] = OFFSET_SET;
    }
}

static void the_table_of_contents_may_come_again_at_the_end(void **state)
{
    struct buffer archive = {0};
    size_t data_end;

    (void)state;
    begin(&archive, 2);
    put_rows(&archive, 2, "1\n\\.\n\n\n");
    put_rows(&archive, 1, "\\.\n\n\n");
    data_end = archive.len;
    put_contents_again(&archive, 2);
    for (size_t piece = 0; piece < archive.len; piece++) {
        struct found found = {0};

        assert_true(decode_pieces(buffer_slice(&archive), piece, &found, &err));
        found_reset(&found);
    }
    for (size_t len = data_end + 1; len < archive.len; len++) {
        struct buffer cut = {.data = archive.data, .len = len};

        refuse(&cut, "ends too early");
    }
    assert_true(buffer_append_byte(&archive, 0, &err));
    refuse(&archive, "something is behind the end");
    buffer_free(&archive);
}

static void another_table_of_contents_is_refused(void **state)
{
    struct buffer archive = {0};
    size_t data_end;

    (void)state;
    begin(&archive, 1);
    put_rows(&archive, 1, "\\.\n\n\n");
    data_end = archive.len;
    put_contents_again(&archive, 2);
    refuse(&archive, "neither data nor the table of contents");
    buffer_truncate(&archive, data_end);
    put_int(&archive, 1);
    put_table(&archive, 2);
    refuse(&archive, "two tables of contents");
    /* Nor is it there before the data are. */
    begin(&archive, 1);
    put_contents_again(&archive, 1);
    refuse(&archive, "missing");
    put_rows(&archive, 1, "\\.\n\n\n");
    refuse(&archive, "something is behind the end");
    buffer_free(&archive);
}

static void a_block_is_of_its_entry_s_kind(void **state)
{
    struct buffer archive = {0};

    (void)state;
    begin(&archive, 1);
    put_block(&archive, BLOCK_BLOBS, 1);
    put_int(&archive, 0);
    refuse(&archive, "a block is not of its entry's kind");
    begin(&archive, 1);
    put_block(&archive, 2, 1);
    refuse(&archive, "a block is of no known kind");
    buffer_free(&archive);
}

static void refuse_rows(const char *rows, const char *message)
{
    struct buffer archive = {0};

    begin(&archive, 1);
    put_block(&archive, BLOCK_DATA, 1);
    for (const char *at = rows; *at != '\0'; at++)
        put_chunk(&archive, (const char[]){*at, '\0'});
    put_int(&archive, 0);
    refuse(&archive, message);
    buffer_free(&archive);
}

static void rows_end_with_their_end_mark(void **state)
{
    static const char *const without[] = {"",           "1\n2\n",     "1\n\\.\n",
                                          "1\n\\.\n\n", "1\\.\n\n\n", "\n\n\n"};
    static const char *const behind[] = {"1\n\\.\n\n\n\n", "1\n\\.\n2\n\\.\n\n\n", "\\.\n\n3\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
        refuse_rows(without[i], "the rows end without their end mark");
    for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++)
        refuse_rows(behind[i], "something follows the end mark of the rows");
}

static void lengths_are_not_believed(void **state)
{
    struct buffer archive = {0};

    (void)state;
    begin(&archive, 1);
    put_block(&archive, BLOCK_DATA, 1);
    put_int(&archive, -5);
    refuse(&archive, "negative length");
    begin(&archive, 1);
    put_block(&archive, BLOCK_DATA, 1);
    put_int(&archive, INT32_MAX);
    put(&archive, "1\n", 2);
    refuse(&archive, "the archive ends too early");
    buffer_clear(&archive);
    put_header(&archive, 14, 1);
    put_int(&archive, 1);
    put_int(&archive, 0);
    put_int(&archive, 300 << 20); /* of the next text */
    refuse(&archive, "a text is too long");
    buffer_free(&archive);
}

static void headers_are_checked(void **state)
{
    struct buffer archive = {0};

    (void)state;
    put_header(&archive, 14, 0);
    accept(&archive);
    archive.data[6] = 17;
    refuse(&archive, "the archive is of version 1.17, which is newer");
    archive.data[6] = 11;
    refuse(&archive, "the archive is of version 1.11");
    archive.data[6] = 14;
    archive.data[8] = 9;
    refuse(&archive, "impossible sizes");
    archive.data[8] = 4;
    archive.data[10] = 3;
    refuse(&archive, "the table of contents of an archive of several files");
    archive.data[10] = 5;
    refuse(&archive, "the table of contents of an archive of several files");
    archive.data[10] = 2;
    refuse(&archive, "not of the custom format");
    archive.data[0] = 'Q';
    refuse(&archive, "does not begin as");
    buffer_free(&archive);
}

static void a_text_holds_no_nul(void **state)
{
    struct buffer archive = {0};

    (void)state;
    begin(&archive, 1);
    for (size_t i = archive.len; i-- > 0;) {
        if (archive.len - i > 5 && memcmp(archive.data + i, "COPY ", 5) == 0) {
            archive.data[i] = '\0';
            break;
        }
    }
    refuse(&archive, "a text holds a NUL");
    buffer_free(&archive);
}

static void a_failure_stays(void **state)
{
    const struct archive_handler handler = {.context = NULL};
    struct archive_decoder *decoder = archive_decoder_new(&handler, &err);
    struct buffer archive = {0};

    (void)state;
    begin(&archive, 0);
    assert_false(archive_decoder_feed(decoder, slice_string("PGDUMP"), &err));
    error_clear(&err);
    assert_false(archive_decoder_feed(decoder, buffer_slice(&archive), &err));
    assert_non_null(strstr(err.message, "does not begin as"));
    assert_false(archive_decoder_finish(decoder, &err));
    archive_decoder_free(decoder);
    buffer_free(&archive);
}

/* Byte by byte: were anything looked at or moved again for each, this would not end. */
static void the_work_grows_with_the_bytes(void **state)
{
    const size_t size = (size_t)4 << 20;
    char *text = malloc(size + 1);
    struct archive_entry entry = {
        .dump_id = 1, .tag = "t", .desc = "VIEW", .section = SECTION_PRE_DATA, .definition = text};
    struct buffer archive = {0};
    struct found found = {0};

    (void)state;
    assert_non_null(text);
    memset(text, 'x', size);
    text[size] = '\0';
    entry.dependency_count = 100000;
    entry.dependencies = calloc(entry.dependency_count, sizeof(int32_t));
    assert_non_null(entry.dependencies);
    put_header(&archive, 14, 1);
    put_entry(&archive, 14, &entry);
    assert_true(decode_pieces(buffer_slice(&archive), 1, &found, &err));
    found_reset(&found);
    buffer_free(&archive);
    free((void *)(uintptr_t)entry.dependencies);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_archive_says_what_was_written),
        cmocka_unit_test(an_archive_may_be_split_anywhere),
        cmocka_unit_test(an_archive_cut_anywhere_is_not_whole),
        cmocka_unit_test(a_changed_byte_does_no_harm),
        cmocka_unit_test(the_size_of_the_contents_is_where_the_data_begin),
        cmocka_unit_test(large_objects_are_read),
        cmocka_unit_test(blocks_may_come_in_any_order_but_once),
        cmocka_unit_test(the_table_of_contents_may_come_again_at_the_end),
        cmocka_unit_test(another_table_of_contents_is_refused),
        cmocka_unit_test(a_block_is_of_its_entry_s_kind),
        cmocka_unit_test(rows_end_with_their_end_mark),
        cmocka_unit_test(lengths_are_not_believed),
        cmocka_unit_test(headers_are_checked),
        cmocka_unit_test(a_text_holds_no_nul),
        cmocka_unit_test(a_failure_stays),
        cmocka_unit_test(the_work_grows_with_the_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
