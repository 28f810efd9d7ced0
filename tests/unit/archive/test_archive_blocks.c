/* The data of a custom archive pushed to a restore: all of them, one entry's, cut anywhere, and
 * blocks that are not what the table of contents says. */
#include "made_archive.h"
#include "made_data.h"

#include <stdlib.h>

static struct error err;

static const struct {
    int minor;
    enum compression compression;
} cases[] = {
    {14, COMPRESSION_NONE}, {14, COMPRESSION_GZIP}, {15, COMPRESSION_LZ4}, {16, COMPRESSION_ZSTD}};
#define CASES (sizeof(cases) / sizeof(cases[0]))

/* What the entries of made_archive.c are, by their numbers. */
#define ALL "begin 3\n1\n2\n\\N\nend 3 3\nbegin 4\nend 4 0\n"
#define LAST "begin 4\nend 4 0\n"

/* ---- Archives ---- */

static struct archive_contents *load(struct slice *archive)
{
    struct archive_contents *contents = archive_contents_new(ARCHIVE_FORM_CUSTOM, &err);
    bool complete = false;

    assert_non_null(contents);
    assert_true(archive_contents_feed(contents, archive, &complete, &err));
    assert_true(complete);
    return contents;
}

static void put_header(struct buffer *out, uint32_t count)
{
    const struct archive_header header = {.minor = 16,
                                          .database = "d",
                                          .server_version = "s",
                                          .dumper_version = "t",
                                          .entry_count = count};

    assert_true(archive_append_header(out, &header, FORMAT_CUSTOM, &err));
}

/* An entry whose data are at that place; 0: the place is not said. */
static void put_table(struct buffer *out, int32_t id, const char *desc, uint64_t place)
{
    bool objects = strcmp(desc, "BLOBS") == 0;
    const struct archive_entry entry = {.dump_id = id,
                                        .has_data = true,
                                        .tag = "t",
                                        .desc = desc,
                                        .section = SECTION_DATA,
                                        .copy = objects ? NULL : "COPY t FROM stdin;\n"};
    uint8_t offset[ARCHIVE_OFFSET_SIZE];

    archive_put_offset(offset, place == 0 ? OFFSET_UNSET : OFFSET_SET, place);
    assert_true(archive_append_entry(out, &entry, 16, &err));
    assert_true(buffer_append(out, offset, sizeof(offset), &err));
}

static void put_piece(struct buffer *out, const char *text)
{
    assert_true(archive_append_int(out, (int64_t)strlen(text), &err));
    assert_true(buffer_append_string(out, text, &err));
}

static uint64_t put_rows(struct buffer *out, int32_t id, const char *rows)
{
    uint64_t place = out->len;

    assert_true(buffer_append_byte(out, BLOCK_DATA, &err));
    assert_true(archive_append_int(out, id, &err));
    put_piece(out, rows);
    assert_true(archive_append_int(out, 0, &err));
    return place;
}

static uint64_t put_objects(struct buffer *out, int32_t id)
{
    uint64_t place = out->len;

    assert_true(buffer_append_byte(out, BLOCK_BLOBS, &err));
    assert_true(archive_append_int(out, id, &err));
    assert_true(archive_append_int(out, 7, &err));
    put_piece(out, "\\.\n\n");
    put_piece(out, "\n");
    assert_true(archive_append_int(out, 0, &err));
    assert_true(archive_append_int(out, -1294967296, &err));
    assert_true(archive_append_int(out, 0, &err));
    assert_true(archive_append_int(out, 0, &err));
    return place;
}

#define ROWS "1\n\\.\n\n\n"

/* Tables 1 and 2 and the large objects 3, in that order, at the places that are said. */
static void make(struct buffer *out, uint64_t first, uint64_t second, uint64_t third)
{
    buffer_clear(out);
    put_header(out, 3);
    put_table(out, 1, "TABLE DATA", first);
    put_table(out, 2, "TABLE DATA", second);
    put_table(out, 3, "BLOBS", third);
    put_rows(out, 1, ROWS);
    put_rows(out, 2, ROWS);
    put_objects(out, 3);
}

#define BLOCK_SIZE (1 + 5 + 5 + sizeof(ROWS) - 1 + 5) /* of a table's rows */
#define TABLES "begin 0\n1\nend 0 1\nbegin 1\n1\nend 1 1\n"
#define OBJECTS "begin 2\nobject 2 7 [\\.\n\n\n]\nobject 2 3000000000 []\nend 2 0\n"

static uint64_t contents_size(const struct buffer *archive)
{
    struct slice bytes = buffer_slice(archive);
    struct archive_contents *contents = load(&bytes);

    archive_contents_free(contents);
    return archive->len - bytes.len;
}

/* ---- Reading ---- */

static bool feed(struct archive_blocks *blocks, struct slice bytes, size_t piece)
{
    while (bytes.len > 0 && !archive_blocks_over(blocks)) {
        size_t len = piece == 0 || piece > bytes.len ? bytes.len : piece;
        uint8_t *alone = malloc(len);
        bool done;

        assert_non_null(alone);
        memcpy(alone, slice_take(&bytes, len).data, len);
        done = archive_blocks_feed(blocks, slice_make(alone, len), &err);
        free(alone);
        if (!done)
            return false;
    }
    return archive_blocks_finish(blocks, &err);
}

static bool read_all(struct slice archive, size_t piece, struct pushed *pushed)
{
    struct archive_contents *contents = load(&archive);
    const struct archive_data_handler handler = pushed_handler(pushed);
    struct archive_blocks *blocks = archive_blocks_new(contents, &handler, &err);
    bool done;

    assert_non_null(blocks);
    done = feed(blocks, archive, piece);
    if (!done) { /* it stays so */
        struct error again;

        assert_false(archive_blocks_finish(blocks, &again));
        assert_string_equal(again.message, err.message);
    }
    archive_blocks_free(blocks);
    archive_contents_free(contents);
    return done;
}

/* Where the data are: by the offsets, or by going over the blocks in pieces. */
static bool locate(struct archive_contents *contents, struct slice archive, size_t piece)
{
    uint64_t at = archive_contents_size(contents);
    struct archive_skim *skim;
    bool all, done = true;

    if (!archive_contents_locate(contents, archive.len, &all, &err))
        return false;
    if (all)
        return true;
    skim = archive_skim_new(contents, archive.len, &err);
    assert_non_null(skim);
    while (done && at < archive.len) {
        uint64_t skip, left = archive.len - at;
        size_t len = piece == 0 || piece > left ? (size_t)left : piece;

        done = archive_skim_feed(skim, slice_make(archive.data + at, len), &skip, &err);
        at += len + skip;
        assert_true(!done || at <= archive.len);
    }
    done = done && archive_skim_finish(skim, &err);
    archive_skim_free(skim);
    return done;
}

static bool read_one(struct slice archive, uint32_t number, size_t piece, struct pushed *pushed)
{
    struct slice rest = archive;
    struct archive_contents *contents = load(&rest);
    const struct archive_data_handler handler = pushed_handler(pushed);
    struct data_checker checker;
    struct archive_blocks *blocks = NULL;
    uint64_t at = 0;
    bool done;

    assert_true(data_checker_init(&checker, archive_contents_header(contents)->compression, &err));
    done = locate(contents, archive, piece) && archive_contents_position(contents, number, &at);
    if (done) {
        uint64_t bytes = archive_contents_node(contents, number).data_bytes;

        assert_true(bytes > 0 && at + bytes <= archive.len);
        blocks = archive_blocks_new_one(contents, number, &handler, &checker, &err);
        done = feed(blocks, slice_make(archive.data + at, (size_t)bytes), piece);
    }
    archive_blocks_free(blocks);
    data_checker_reset(&checker);
    archive_contents_free(contents);
    return done;
}

static void accept(const struct buffer *archive, const char *expected)
{
    for (size_t piece = 0; piece < archive->len; piece++) {
        struct pushed pushed = {.unwanted = UINT32_MAX};

        if (!read_all(buffer_slice(archive), piece, &pushed))
            fail_msg("%s", err.message);
        assert_string_equal(buffer_text(&pushed.text), expected);
        pushed_reset(&pushed);
    }
}

static void accept_one(const struct buffer *archive, uint32_t number, const char *expected)
{
    for (size_t piece = 0; piece < archive->len; piece++) {
        struct pushed pushed = {.unwanted = UINT32_MAX};

        if (!read_one(buffer_slice(archive), number, piece, &pushed))
            fail_msg("%s", err.message);
        assert_string_equal(buffer_text(&pushed.text), expected);
        pushed_reset(&pushed);
    }
}

static void check_message(const char *message)
{
    if (strstr(err.message, message) == NULL)
        fail_msg("\"%s\" instead of \"%s\"", err.message, message);
}

static void refuse(const struct buffer *archive, const char *message)
{
    for (size_t piece = 0; piece < 3; piece++) {
        struct pushed pushed = {.unwanted = UINT32_MAX};

        error_clear(&err);
        assert_false(read_all(buffer_slice(archive), piece, &pushed));
        check_message(message);
        pushed_reset(&pushed);
    }
}

static void refuse_one(const struct buffer *archive, uint32_t number, const char *message)
{
    for (size_t piece = 0; piece < 3; piece++) {
        struct pushed pushed = {.unwanted = UINT32_MAX};

        error_clear(&err);
        assert_false(read_one(buffer_slice(archive), number, piece, &pushed));
        check_message(message);
        pushed_reset(&pushed);
    }
}

/* ---- What is there ---- */

static void data_come_without_their_end_mark_wherever_they_were_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct buffer archive = {0};

        make_custom(cases[i].minor, cases[i].compression, &archive);
        accept(&archive, ALL);
        accept_one(&archive, 4, LAST);
        buffer_free(&archive);
    }
}

static void what_is_not_wanted_is_passed_over(void **state)
{
    struct buffer archive = {0};

    (void)state;
    make_custom(16, COMPRESSION_ZSTD, &archive);
    for (size_t piece = 0; piece < 9; piece++) {
        struct pushed pushed = {.unwanted = 3};

        assert_true(read_all(buffer_slice(&archive), piece, &pushed));
        assert_string_equal(buffer_text(&pushed.text), LAST);
        pushed_reset(&pushed);
    }
    /* But proved: here its rows have lost their end. */
    buffer_clear(&archive);
    put_header(&archive, 1);
    put_table(&archive, 1, "TABLE DATA", 0);
    put_rows(&archive, 1, "1\n");
    {
        struct pushed pushed = {.unwanted = 0};

        assert_false(read_all(buffer_slice(&archive), 0, &pushed));
        check_message("TABLE DATA t (entry 1): the rows end without their end mark");
        pushed_reset(&pushed);
    }
    buffer_free(&archive);
}

/* Bytes that are not compressed are handed on where they lie, and all that lie together at once. */
static void what_is_not_compressed_is_not_cut(void **state)
{
    struct buffer archive = {0};
    struct pushed pushed = {.unwanted = UINT32_MAX};

    (void)state;
    put_header(&archive, 1);
    put_table(&archive, 1, "TABLE DATA", 0);
    put_rows(&archive, 1, "1\n2\n\\N\n\\\\.\n4\n\\.\n\n\n");
    assert_true(read_all(buffer_slice(&archive), 0, &pushed));
    assert_string_equal(buffer_text(&pushed.text), "begin 0\n1\n2\n\\N\n\\\\.\n4\nend 0 5\n");
    assert_int_equal(pushed.calls, 1);
    pushed_reset(&pushed);
    buffer_free(&archive);
}

static void large_objects_come_one_by_one(void **state)
{
    struct buffer archive = {0};

    (void)state;
    make(&archive, 0, 0, 0);
    accept(&archive, TABLES OBJECTS);
    accept_one(&archive, 2, OBJECTS);
    buffer_free(&archive);
}

static void places_are_found_with_offsets_and_without(void **state)
{
    struct buffer archive = {0};
    uint64_t data;

    (void)state;
    make(&archive, 0, 0, 0);
    data = contents_size(&archive);
    accept_one(&archive, 1, "begin 1\n1\nend 1 1\n");
    make(&archive, data, data + BLOCK_SIZE, data + 2 * BLOCK_SIZE);
    accept(&archive, TABLES OBJECTS);
    accept_one(&archive, 1, "begin 1\n1\nend 1 1\n");
    make(&archive, data, 0, data + 2 * BLOCK_SIZE);
    accept_one(&archive, 2, OBJECTS);
    buffer_free(&archive);
}

/* ---- What misleads ---- */

static void an_archive_cut_anywhere_names_the_entry(void **state)
{
    struct buffer archive = {0};
    size_t data;

    (void)state;
    make(&archive, 0, 0, 0);
    data = (size_t)contents_size(&archive);
    for (size_t len = data; len < archive.len; len++) {
        static const char *const names[] = {"(entry 1)", "(entry 2)", "(entry 3)"};
        struct pushed pushed = {.unwanted = UINT32_MAX};
        size_t at = (len - data) / BLOCK_SIZE;

        error_clear(&err);
        assert_false(read_all(slice_make(archive.data, len), 0, &pushed));
        assert_int_equal(err.code, ERROR_CORRUPT);
        /* Within the head of a block nobody knows whose it is. */
        if ((len - data) % BLOCK_SIZE == 0 || (len - data) % BLOCK_SIZE > 5)
            check_message(names[at > 2 ? 2 : at]);
        pushed_reset(&pushed);
        assert_false(read_one(slice_make(archive.data, len), 2, 0, &pushed));
        pushed_reset(&pushed);
    }
    buffer_free(&archive);
}

static void a_table_of_contents_that_lies_is_refused(void **state)
{
    struct buffer archive = {0};
    uint64_t first, second, third;

    (void)state;
    make(&archive, 0, 0, 0);
    first = contents_size(&archive);
    second = first + BLOCK_SIZE;
    third = second + BLOCK_SIZE;

    make(&archive, first, third, second); /* each other's */
    refuse(&archive, "TABLE DATA t (entry 2): its data are not where the table of contents says");
    refuse_one(&archive, 1,
               "TABLE DATA t (entry 2): the table of contents says that its data are "
               "where others are");
    refuse_one(&archive, 2,
               "BLOBS t (entry 3): the table of contents says that its data are where "
               "others are");
    make(&archive, first, first, third); /* one place of two */
    refuse(&archive, "TABLE DATA t (entry 2): its data are not where");
    refuse_one(&archive, 0,
               "TABLE DATA t (entry 2): the table of contents says that its data are "
               "where those of another entry are");
    make(&archive, first, second, (uint64_t)1 << 60);
    refuse(&archive, "BLOBS t (entry 3): its data are not where");
    refuse_one(&archive, 0,
               "BLOBS t (entry 3): the table of contents says that its data are "
               "behind the end of the archive");
    make(&archive, 20, second, third);
    refuse_one(&archive, 1,
               "TABLE DATA t (entry 1): the table of contents says that its data are "
               "where they cannot be");
    make(&archive, first, second + 3, third); /* within another's */
    refuse_one(&archive, 0, "TABLE DATA t (entry 1): its data do not end where");
    refuse_one(&archive, 1, "TABLE DATA t (entry 2): ");
    make(&archive, first, 0, second); /* one is not said */
    refuse_one(&archive, 0, "BLOBS t (entry 3): its data are not where the table of contents says");
    buffer_free(&archive);
}

/* Rows that look like the block of another entry, whose offset leads there. */
static void a_block_within_rows_is_found_out(void **state)
{
    struct buffer archive = {0}, fake = {0};
    uint64_t data;

    (void)state;
    put_rows(&fake, 2, ROWS);
    for (int round = 0; round < 2; round++) {
        uint64_t inside = round == 0 ? 1 : data + 11;

        buffer_clear(&archive);
        put_header(&archive, 2);
        put_table(&archive, 1, "TABLE DATA", round == 0 ? 1 : data);
        put_table(&archive, 2, "TABLE DATA", inside);
        data = archive.len;
        assert_true(buffer_append_byte(&archive, BLOCK_DATA, &err));
        assert_true(archive_append_int(&archive, 1, &err));
        assert_true(archive_append_int(&archive, (int64_t)fake.len, &err));
        assert_true(buffer_append(&archive, fake.data, fake.len, &err));
        put_piece(&archive, "\n\\.\n\n\n");
        assert_true(archive_append_int(&archive, 0, &err));
    }
    refuse(&archive, "TABLE DATA t (entry 1): something follows the end mark of the rows");
    refuse_one(&archive, 0, "TABLE DATA t (entry 1): its data end too early");
    refuse_one(&archive, 1, "TABLE DATA t (entry 2): its data do not end where");
    buffer_free(&archive);
    buffer_free(&fake);
}

static void blocks_are_of_their_entries(void **state)
{
    struct buffer archive = {0};

    (void)state;
    put_header(&archive, 1);
    put_table(&archive, 1, "TABLE DATA", 0);
    put_objects(&archive, 1);
    refuse(&archive, "TABLE DATA t (entry 1): its data are not of its kind");
    buffer_clear(&archive);
    put_header(&archive, 1);
    put_table(&archive, 1, "TABLE DATA", 0);
    put_rows(&archive, 1, ROWS);
    put_rows(&archive, 1, ROWS);
    refuse(&archive, "TABLE DATA t (entry 1): its data come twice");
    refuse_one(&archive, 0, "TABLE DATA t (entry 1): its data come twice");
    buffer_clear(&archive);
    put_header(&archive, 1);
    put_table(&archive, 1, "TABLE DATA", 0);
    put_rows(&archive, 2, ROWS);
    refuse(&archive, "a block belongs to no entry (entry 2)");
    refuse_one(&archive, 0, "a block belongs to no entry (entry 2)");
    buffer_clear(&archive);
    put_header(&archive, 1);
    put_table(&archive, 1, "TABLE DATA", 0);
    refuse(&archive, "TABLE DATA t (entry 1): its data are missing");
    refuse_one(&archive, 0, "TABLE DATA t (entry 1): its data are missing");
    buffer_free(&archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_come_without_their_end_mark_wherever_they_were_cut),
        cmocka_unit_test(what_is_not_wanted_is_passed_over),
        cmocka_unit_test(what_is_not_compressed_is_not_cut),
        cmocka_unit_test(large_objects_come_one_by_one),
        cmocka_unit_test(places_are_found_with_offsets_and_without),
        cmocka_unit_test(an_archive_cut_anywhere_names_the_entry),
        cmocka_unit_test(a_table_of_contents_that_lies_is_refused),
        cmocka_unit_test(a_block_within_rows_is_found_out),
        cmocka_unit_test(blocks_are_of_their_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
