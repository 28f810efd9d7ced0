/* Large objects in each format, by bytes and as they are read back. */
#include "made_archive.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define PLAIN_SIZE 150000 /* of a large one: two chunks and a rest */

struct made_object {
    uint32_t oid;
    const char *bytes; /* NULL: `size` of them, by a rule */
    size_t size;
};

/* An archive of entries, one of which has these. */
struct objects {
    const struct archive_entry *entries;
    const struct made_object *objects;
    size_t object_count;
    struct archive_header header;
    struct archive_content content;
    size_t piece; /* bytes that data come in */
    uint32_t next;
    size_t given;
    uint8_t *large;
};

static struct error err;

static bool give_entry(void *context, uint32_t number, struct archive_entry *entry,
                       struct error *error)
{
    (void)error;
    *entry = ((const struct objects *)context)->entries[number];
    return true;
}

static bool give_data(void *context, uint32_t number, struct slice *bytes, struct error *error)
{
    struct objects *made = context;
    const struct made_object *object = &made->objects[made->next];
    struct slice all =
        object->bytes != NULL ? slice_string(object->bytes) : slice_make(made->large, object->size);

    (void)number;
    (void)error;
    assert_true(made->next < made->object_count);
    slice_take(&all, made->given);
    *bytes = slice_make(all.data, made->piece > 0 && all.len > made->piece ? made->piece : all.len);
    made->given += bytes->len;
    if (bytes->len == 0) {
        made->next++;
        made->given = 0;
    }
    return true;
}

static bool give_object(void *context, uint32_t number, uint32_t index, uint32_t *oid,
                        struct error *error)
{
    const struct objects *made = context;

    (void)number;
    (void)error;
    *oid = index < made->object_count ? made->objects[index].oid : 0;
    return true;
}

static const struct made_object three[] = {
    {5000, "hello", 0}, {5001, "", 0}, {3000000000, NULL, PLAIN_SIZE}};

static const struct archive_entry only_blobs[] = {{.dump_id = 9,
                                                   .has_data = true,
                                                   .tag = "BLOBS",
                                                   .desc = "BLOBS",
                                                   .section = SECTION_DATA,
                                                   .owner = ""}};

static void init(struct objects *made, int minor, enum compression compression,
                 const struct archive_entry *entries, size_t entry_count,
                 const struct made_object *objects, size_t object_count)
{
    *made = (struct objects){
        .entries = entries,
        .objects = objects,
        .object_count = object_count,
        .header = {.minor = minor,
                   .compression = compression,
                   .database = "app",
                   .server_version = "18.1",
                   .dumper_version = "a test",
                   .entry_count = (uint32_t)entry_count},
        .content = {made, give_entry, give_data, give_object},
    };
    made->large = malloc(PLAIN_SIZE);
    assert_non_null(made->large);
    for (size_t i = 0; i < PLAIN_SIZE; i++)
        made->large[i] = (uint8_t)(i * i >> 7);
}

static void custom(struct objects *made, struct buffer *out)
{
    read_everything(
        custom_stream_new(&made->header, &made->content, COMPRESSION_LEVEL_DEFAULT, &err), out);
    free(made->large);
}

/* ---- Custom ---- */

static void put_int(struct buffer *out, int64_t value)
{
    assert_true(archive_append_int(out, value, &err));
}

static void put_chunk(struct buffer *out, const void *bytes, size_t len)
{
    put_int(out, (int64_t)len);
    assert_true(buffer_append(out, bytes, len, &err));
}

static void a_block_has_numbers_chunks_and_ends(void **state)
{
    struct objects made;
    struct buffer archive = {0}, block = {0};
    const uint8_t *large;

    (void)state;
    init(&made, 15, COMPRESSION_NONE, only_blobs, 1, three, COUNT(three));
    large = made.large;
    assert_true(buffer_append_byte(&block, BLOCK_BLOBS, &err));
    put_int(&block, 9);
    put_int(&block, 5000);
    put_chunk(&block, "hello", 5);
    put_int(&block, 0);
    put_int(&block, 5001);
    put_int(&block, 0);
    assert_true(buffer_append(&block, "\1\0\xa2\x2f\x4d", 5, &err)); /* -1294967296 */
    put_chunk(&block, large, 65536);
    put_chunk(&block, large + 65536, 65536);
    put_chunk(&block, large + 131072, PLAIN_SIZE - 131072);
    put_int(&block, 0);
    put_int(&block, 0);
    custom(&made, &archive);
    assert_true(archive.len > block.len);
    assert_memory_equal(archive.data + archive.len - block.len, block.data, block.len);
    buffer_free(&archive);
    buffer_free(&block);
}

static void how_bytes_came_does_not_matter(void **state)
{
    (void)state;
    for (int compression = COMPRESSION_NONE; compression <= COMPRESSION_ZSTD; compression++) {
        static const size_t pieces[] = {7, 65536, 65541};
        struct buffer whole = {0};
        struct objects made;

        init(&made, 16, (enum compression)compression, only_blobs, 1, three, COUNT(three));
        custom(&made, &whole);
        for (size_t i = 0; i < COUNT(pieces); i++) {
            struct buffer cut = {0};

            init(&made, 16, (enum compression)compression, only_blobs, 1, three, COUNT(three));
            made.piece = pieces[i];
            custom(&made, &cut);
            assert_true(slice_equals(buffer_slice(&whole), buffer_slice(&cut)));
            buffer_free(&cut);
        }
        buffer_free(&whole);
    }
}

struct unpacked {
    struct buffer bytes;
    unsigned ends;
};

static bool unpacked_data(void *context, int32_t dump_id, struct slice bytes, struct error *error)
{
    (void)dump_id;
    return buffer_append(&((struct unpacked *)context)->bytes, bytes.data, bytes.len, error);
}

static bool unpacked_end(void *context, int32_t dump_id, uint64_t rows, struct error *error)
{
    (void)error;
    assert_int_equal(dump_id, 9);
    assert_int_equal(rows, 0);
    ((struct unpacked *)context)->ends++;
    return true;
}

static void a_decoder_reads_what_was_written(void **state)
{
    (void)state;
    for (int compression = COMPRESSION_NONE; compression <= COMPRESSION_ZSTD; compression++) {
        struct unpacked unpacked = {.ends = 0};
        const struct archive_handler handler = {
            .context = &unpacked, .data = unpacked_data, .data_end = unpacked_end};
        struct archive_decoder *decoder = archive_decoder_new(&handler, &err);
        struct buffer archive = {0};
        struct objects made;

        init(&made, 15, (enum compression)compression, only_blobs, 1, three, COUNT(three));
        custom(&made, &archive);
        assert_true(archive_decoder_feed(decoder, buffer_slice(&archive), &err));
        assert_true(archive_decoder_finish(decoder, &err));
        assert_int_equal(unpacked.ends, 1);
        assert_int_equal(unpacked.bytes.len, 5 + PLAIN_SIZE);
        assert_memory_equal(unpacked.bytes.data, "hello", 5);
        for (size_t i = 0; i < PLAIN_SIZE; i++)
            assert_int_equal(unpacked.bytes.data[5 + i], (uint8_t)(i * i >> 7));
        archive_decoder_free(decoder);
        buffer_free(&unpacked.bytes);
        buffer_free(&archive);
    }
}

/* A million of them must not be a million steps of whoever writes it to the disk. */
static void small_ones_are_lent_many_at_once(void **state)
{
    enum { MANY = 10000 };
    struct made_object *many = calloc(MANY, sizeof(*many));
    struct reader *reader;
    struct objects made;
    struct slice bytes;
    size_t lent = 0;

    (void)state;
    assert_non_null(many);
    for (uint32_t i = 0; i < MANY; i++)
        many[i] = (struct made_object){i + 1, "0123456789", 0};
    init(&made, 14, COMPRESSION_NONE, only_blobs, 1, many, MANY);
    reader = custom_stream_new(&made.header, &made.content, COMPRESSION_LEVEL_DEFAULT, &err);
    while (reader_next(reader, &bytes, &err) == READER_DATA)
        lent++;
    assert_int_equal(made.next, MANY);
    assert_in_range(lent, 4, 12); /* 25 bytes each, 64 KiB and more at once */
    reader_close(reader);
    free(made.large);
    free(many);
}

static void without_a_source_of_objects_it_fails(void **state)
{
    struct objects made;
    struct reader *readers[3];

    (void)state;
    init(&made, 16, COMPRESSION_NONE, only_blobs, 1, three, COUNT(three));
    made.content.object = NULL;
    readers[0] = custom_stream_new(&made.header, &made.content, 0, &err);
    readers[1] = plain_stream_new(&made.header, &made.content, PLAIN_INTO_ANY, &err);
    readers[2] = directory_object_list_stream_new(&made.content, 0, &err);
    for (size_t i = 0; i < COUNT(readers); i++) {
        enum reader_status status;
        struct slice bytes;

        while ((status = reader_next(readers[i], &bytes, &err)) == READER_DATA)
            ;
        assert_int_equal(status, READER_FAILED);
        assert_int_equal(err.code, ERROR_UNSUPPORTED);
        reader_close(readers[i]);
    }
    free(made.large);
}

/* ---- Directory ---- */

static void feed_file(struct archive_folder *folder, const char *name, struct reader *reader)
{
    struct buffer content = {0};

    read_everything(reader, &content);
    if (!archive_folder_begin(folder, name, &err) ||
        !archive_folder_feed(folder, buffer_slice(&content), &err) ||
        !archive_folder_end(folder, &err))
        fail_msg("%s: %s", name, err.message);
    buffer_free(&content);
}

static void a_directory_has_a_file_for_each_and_a_list(void **state)
{
    (void)state;
    for (int minor = 14; minor <= 16; minor++) {
        struct unpacked unpacked = {.ends = 0};
        const struct archive_handler handler = {.context = &unpacked, .data = unpacked_data};
        struct archive_folder *folder = archive_folder_new(&handler, &err);
        struct buffer list = {0};
        struct objects made;
        char name[32];

        init(&made, minor, COMPRESSION_GZIP, only_blobs, 1, three, COUNT(three));
        feed_file(folder, "toc.dat", directory_toc_stream_new(&made.header, &made.content, &err));
        for (size_t i = 0; i < COUNT(three); i++) {
            directory_object_name(three[i].oid, COMPRESSION_GZIP, name);
            feed_file(folder, name,
                      directory_object_stream_new(&made.content, 0, COMPRESSION_GZIP,
                                                  COMPRESSION_LEVEL_DEFAULT, &err));
        }
        directory_object_list_name(9, minor, name);
        assert_string_equal(name, minor < 16 ? "blobs.toc" : "blobs_9.toc");
        feed_file(folder, name, directory_object_list_stream_new(&made.content, 0, &err));
        assert_true(archive_folder_finish(folder, &err));
        assert_int_equal(unpacked.bytes.len, 5 + PLAIN_SIZE);
        read_everything(directory_object_list_stream_new(&made.content, 0, &err), &list);
        assert_string_equal(buffer_text(&list), "5000 blob_5000.dat\n5001 blob_5001.dat\n"
                                                "3000000000 blob_3000000000.dat\n");
        archive_folder_free(folder);
        buffer_free(&unpacked.bytes);
        buffer_free(&list);
        free(made.large);
    }
}

static void the_table_of_contents_names_the_list(void **state)
{
    struct objects made;
    struct buffer toc = {0};

    (void)state;
    init(&made, 16, COMPRESSION_NONE, only_blobs, 1, three, COUNT(three));
    read_everything(directory_toc_stream_new(&made.header, &made.content, &err), &toc);
    assert_memory_equal(toc.data + toc.len - 11, "blobs_9.toc", 11);
    buffer_free(&toc);
    free(made.large);
}

static void a_file_s_name_tells_number_and_compression(void **state)
{
    char name[32];

    (void)state;
    directory_object_name(UINT32_MAX, COMPRESSION_LZ4, name);
    assert_string_equal(name, "blob_4294967295.dat.lz4");
    directory_object_list_name(INT32_MAX, 16, name);
    assert_string_equal(name, "blobs_2147483647.toc");
}

/* ---- Plain ---- */

static void expect_script(const struct archive_entry *entries, size_t entry_count,
                          const struct made_object *objects, size_t object_count, int minor,
                          const char *const *in_order, size_t count)
{
    struct buffer out = {0};
    struct objects made;
    const char *at;

    init(&made, minor, COMPRESSION_NONE, entries, entry_count, objects, object_count);
    read_everything(plain_stream_new(&made.header, &made.content, PLAIN_INTO_ANY, &err), &out);
    at = buffer_text(&out);
    for (size_t i = 0; i < count; i++) {
        at = strstr(at, in_order[i]);
        if (at == NULL)
            fail_msg("not there, or not behind what is before it:\n%s\nin:\n%.4000s", in_order[i],
                     buffer_text(&out));
    }
    buffer_free(&out);
    free(made.large);
}

static const struct made_object two[] = {{5, "\1\xfe", 0}, {7, "", 0}};

static void a_script_makes_each_and_writes_it_in_a_transaction(void **state)
{
    static const struct archive_entry entries[] = {
        {.dump_id = 1,
         .tag = "5",
         .desc = "BLOB",
         .section = SECTION_PRE_DATA,
         .definition = "SELECT pg_catalog.lo_create('5');\n",
         .drop = "SELECT pg_catalog.lo_unlink('5');\n",
         .owner = "me \"too\""},
        {.dump_id = 2,
         .tag = "LARGE OBJECT 5",
         .desc = "ACL",
         .section = SECTION_NONE,
         .definition = "GRANT SELECT ON LARGE OBJECT 5 TO you;\n",
         .owner = "me"},
        {.dump_id = 3, .has_data = true, .tag = "BLOBS", .desc = "BLOBS", .owner = ""},
    };
    static const char *const in_order[] = {
        "-- Name: 5; Type: BLOB; Schema: -; Owner: me \"too\"\n",
        "SELECT pg_catalog.lo_create('5');\n\n\n",
        "ALTER LARGE OBJECT 5 OWNER TO \"me \"\"too\"\"\";\n",
        "-- Data for Name: BLOBS; Type: BLOBS; Schema: -; Owner: \n",
        "BEGIN;\n\nSELECT pg_catalog.lo_open('5', 131072);\n"
        "SELECT pg_catalog.lowrite(0, '\\x01fe');\nSELECT pg_catalog.lo_close(0);\n\n"
        "SELECT pg_catalog.lo_open('7', 131072);\nSELECT pg_catalog.lo_close(0);\n\nCOMMIT;\n\n",
        "GRANT SELECT ON LARGE OBJECT 5 TO you;\n",
    };

    (void)state;
    expect_script(entries, COUNT(entries), two, COUNT(two), 14, in_order, COUNT(in_order));
}

static void what_is_said_of_a_group_is_said_of_each(void **state)
{
    static const int32_t first[] = {1};
    static const struct archive_entry entries[] = {
        {.dump_id = 1,
         .tag = "5..7",
         .desc = "BLOB METADATA",
         .section = SECTION_DATA,
         .definition = "5\n7\n",
         .drop = "-- dummy",
         .owner = "me"},
        {.dump_id = 2,
         .tag = "LARGE OBJECTS 5..7",
         .desc = "ACL",
         .section = SECTION_NONE,
         .definition = "GRANT SELECT ON LARGE OBJECT 5 TO \"a LARGE OBJECT 9\n\" WITH GRANT "
                       "OPTION;\nSET SESSION AUTHORIZATION \"LARGE OBJECT 5\";\n"
                       "GRANT SELECT ON LARGE OBJECT 5 TO you;\nRESET SESSION AUTHORIZATION;\n",
         .owner = "me",
         .dependencies = first,
         .dependency_count = 1},
        {.dump_id = 3, .has_data = true, .tag = "5..7", .desc = "BLOBS", .owner = "me"},
        {.dump_id = 4,
         .tag = "8",
         .desc = "BLOB METADATA",
         .section = SECTION_DATA,
         .definition = "8\n",
         .drop = "-- dummy",
         .owner = "you"},
    };
    static const char *const in_order[] = {
        "SELECT pg_catalog.lo_create('5');\nSELECT pg_catalog.lo_create('7');\n\n"
        "ALTER LARGE OBJECT 5 OWNER TO \"me\";\nALTER LARGE OBJECT 7 OWNER TO \"me\";\n\n",
        "BEGIN;\n\nSELECT pg_catalog.lo_open('5', 131072);\n",
        "ALTER LARGE OBJECT 8 OWNER TO \"you\";\n",
        "GRANT SELECT ON LARGE OBJECT 5 TO \"a LARGE OBJECT 9\n\" WITH GRANT OPTION;\n"
        "GRANT SELECT ON LARGE OBJECT 7 TO \"a LARGE OBJECT 9\n\" WITH GRANT OPTION;\n"
        "SET SESSION AUTHORIZATION \"LARGE OBJECT 5\";\n"
        "GRANT SELECT ON LARGE OBJECT 5 TO you;\nGRANT SELECT ON LARGE OBJECT 7 TO you;\n"
        "RESET SESSION AUTHORIZATION;\n",
    };

    (void)state;
    expect_script(entries, COUNT(entries), two, COUNT(two), 16, in_order, COUNT(in_order));
}

/* Whoever may make a table may call it anything. */
static void a_table_with_the_name_of_a_group_is_written_as_it_is(void **state)
{
    static const struct archive_entry entries[] = {
        {.dump_id = 1,
         .tag = "5..7",
         .desc = "BLOB METADATA",
         .section = SECTION_DATA,
         .definition = "5\n7\n",
         .drop = "-- dummy",
         .owner = "me"},
        {.dump_id = 2,
         .tag = "LARGE OBJECTS x",
         .desc = "TABLE",
         .section = SECTION_PRE_DATA,
         .definition = "CREATE TABLE t (c text DEFAULT 'a\nLARGE OBJECT 1', d text DEFAULT '\n"
                       "\\! x\n');\n",
         .schema = "s"},
    };
    static const char *const in_order[] = {
        "CREATE TABLE t (c text DEFAULT 'a\nLARGE OBJECT 1', d text DEFAULT '\n\\! x\n');\n"};

    (void)state;
    expect_script(entries, COUNT(entries), two, COUNT(two), 16, in_order, COUNT(in_order));
    expect_script(entries + 1, 1, two, COUNT(two), 16, in_order, COUNT(in_order));
}

static void bytes_are_written_in_pieces_of_16_KiB(void **state)
{
    struct buffer out = {0};
    struct objects made;
    size_t pieces = 0;

    (void)state;
    init(&made, 16, COMPRESSION_NONE, only_blobs, 1, three, COUNT(three));
    made.piece = 1000;
    read_everything(plain_stream_new(&made.header, &made.content, PLAIN_INTO_ANY, &err), &out);
    for (const char *at = buffer_text(&out); (at = strstr(at, "lowrite(0, '\\x")) != NULL; at++) {
        size_t len = strspn(at + 14, "0123456789abcdef");

        assert_true(len == 32768 || len == 10 || len == 2 * (PLAIN_SIZE % 16384));
        pieces++;
    }
    assert_int_equal(pieces, 1 + PLAIN_SIZE / 16384 + 1);
    buffer_free(&out);
    free(made.large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_has_numbers_chunks_and_ends),
        cmocka_unit_test(how_bytes_came_does_not_matter),
        cmocka_unit_test(a_decoder_reads_what_was_written),
        cmocka_unit_test(small_ones_are_lent_many_at_once),
        cmocka_unit_test(without_a_source_of_objects_it_fails),
        cmocka_unit_test(a_directory_has_a_file_for_each_and_a_list),
        cmocka_unit_test(the_table_of_contents_names_the_list),
        cmocka_unit_test(a_file_s_name_tells_number_and_compression),
        cmocka_unit_test(a_script_makes_each_and_writes_it_in_a_transaction),
        cmocka_unit_test(what_is_said_of_a_group_is_said_of_each),
        cmocka_unit_test(a_table_with_the_name_of_a_group_is_written_as_it_is),
        cmocka_unit_test(bytes_are_written_in_pieces_of_16_KiB),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
