/* Files of a directory archive that stream by, in any order: whose a large object is, what is
 * missing, what comes twice. And a custom archive that a reader lends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "restore/archive_input.h"

#include <inttypes.h>
#include <stdio.h>

static struct error err;

/* ---- A table of contents ---- */

/* What it lists, by numbers: 0 and 1 are groups of large objects, 2 and 3 their bytes, 4 a table's
 * rows, 5 those of another as INSERTs. */
#define METADATA(id, oids)                                                                         \
    {                                                                                              \
        .dump_id = (id), .tag = "70001..70003", .desc = "BLOB METADATA", .section = SECTION_DATA,  \
        .definition = (oids)                                                                       \
    }

static const int32_t first_group[] = {1, 99}, second_group[] = {2};
static const struct archive_entry entries[] = {
    METADATA(1, "70001\n70003\n"),
    METADATA(2, "70002\n3000000000"),
    {.dump_id = 3,
     .has_data = true,
     .tag = "70001..70003",
     .desc = "BLOBS",
     .section = SECTION_DATA,
     .file = "blobs_3.toc",
     .dependencies = first_group,
     .dependency_count = 2},
    {.dump_id = 4,
     .has_data = true,
     .tag = "70002..3000000000",
     .desc = "BLOBS",
     .section = SECTION_DATA,
     .file = "blobs_4.toc",
     .dependencies = second_group,
     .dependency_count = 1},
    {.dump_id = 5,
     .has_data = true,
     .tag = "t",
     .desc = "TABLE DATA",
     .section = SECTION_DATA,
     .copy = "COPY t FROM stdin;\n",
     .file = "5.dat"},
    {.dump_id = 6,
     .has_data = true,
     .tag = "u",
     .desc = "TABLE DATA",
     .section = SECTION_DATA,
     .file = "6.dat"},
};
#define ENTRIES (sizeof(entries) / sizeof(entries[0]))

static bool give_entry(void *context, uint32_t number, struct archive_entry *entry,
                       struct error *failure)
{
    (void)context;
    (void)failure;
    *entry = entries[number];
    return true;
}

static void make_contents(struct buffer *out)
{
    const struct archive_header header = {.minor = 16,
                                          .database = "d",
                                          .server_version = "18.1",
                                          .dumper_version = "t",
                                          .entry_count = ENTRIES};
    const struct archive_content content = {.entry = give_entry};
    struct reader *reader = directory_toc_stream_new(&header, &content, &err);
    struct slice bytes;

    assert_non_null(reader);
    while (reader_next(reader, &bytes, &err) == READER_DATA)
        assert_true(buffer_append(out, bytes.data, bytes.len, &err));
    reader_close(reader);
}

/* ---- Files ---- */

struct made_file {
    const char *name, *content;
};

struct made_files {
    const struct made_file *files; /* up to one without a name */
    struct buffer contents;        /* of "toc.dat" and "0.toc" */
    struct reader *reader;
};

static bool next_file(void *context, const char **name, struct reader **reader,
                      struct error *failure)
{
    struct made_files *made = context;
    const struct made_file *file = made->files;

    reader_close(made->reader);
    made->reader = NULL;
    *name = file->name;
    *reader = NULL;
    if (file->name == NULL)
        return true;
    made->files++;
    *reader = made->reader = reader_from_memory(
        file->content == NULL ? buffer_slice(&made->contents) : slice_string(file->content),
        failure);
    return made->reader != NULL;
}

/* ---- What comes ---- */

static uint32_t unwanted;

static bool begin(void *context, uint32_t number, bool *wanted, struct error *failure)
{
    *wanted = number != unwanted;
    return !*wanted || buffer_printf(context, failure, "<%" PRIu32 ":", number);
}

static bool object(void *context, uint32_t number, uint32_t oid, struct error *failure)
{
    (void)number;
    return buffer_printf(context, failure, " %" PRIu32 "=", oid);
}

static bool take(void *context, uint32_t number, struct slice bytes, struct error *failure)
{
    (void)number;
    return buffer_append(context, bytes.data, bytes.len, failure);
}

static bool object_end(void *context, uint32_t number, struct error *failure)
{
    (void)number;
    return buffer_append_string(context, ";", failure);
}

static bool end(void *context, uint32_t number, uint64_t rows, struct error *failure)
{
    (void)number;
    return buffer_printf(context, failure, "%" PRIu64 ">", rows);
}

static bool read_files(const struct made_file *files, struct buffer *out)
{
    struct made_files made = {.files = files};
    const struct archive_file_source source = {&made, next_file};
    const struct archive_data_handler handler = {out, begin, object, take, object_end, end};
    struct archive_input *input;
    bool done = false;

    make_contents(&made.contents);
    input = archive_input_of_files("a stream", &source, NULL, &err);
    if (input != NULL) {
        struct error again;

        assert_false(archive_input_can_seek(input));
        assert_int_equal(archive_contents_count(archive_input_contents(input)), ENTRIES);
        assert_false(archive_input_read_entry(input, 4, &handler, NULL, &again));
        assert_int_equal(again.code, ERROR_USAGE);
        done = archive_input_read_all(input, &handler, NULL, &err);
        assert_false(archive_input_read_all(input, &handler, NULL, &again));
        assert_int_equal(again.code, ERROR_USAGE);
    }
    archive_input_free(input);
    reader_close(made.reader);
    buffer_free(&made.contents);
    return done;
}

static void accept(const struct made_file *files, const char *expected)
{
    struct buffer out = {0};

    if (!read_files(files, &out))
        fail_msg("%s", err.message);
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void refuse(const struct made_file *files, const char *message)
{
    struct buffer out = {0};

    error_clear(&err);
    assert_false(read_files(files, &out));
    if (strstr(err.message, message) == NULL)
        fail_msg("\"%s\" instead of \"%s\"", err.message, message);
    buffer_free(&out);
}

#define LISTS                                                                                      \
    {"blobs_3.toc", "70001 blob_70001.dat\n70003 blob_70003.dat\n"},                               \
    {                                                                                              \
        "blobs_4.toc", "70002 blob_70002.dat\n3000000000 blob_3000000000.dat\n"                    \
    }
#define ROWS                                                                                       \
    {"5.dat", "1\n2\n\\.\n\n\n"},                                                                  \
    {                                                                                              \
        "6.dat", "INSERT INTO u VALUES (1);\n\n\n"                                                 \
    }
#define OBJECT(oid, content)                                                                       \
    {                                                                                              \
        "blob_" #oid ".dat", content                                                               \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }

/* ---- Cases ---- */

static int setup(void **state)
{
    (void)state;
    unwanted = UINT32_MAX;
    return 0;
}

static void files_come_in_any_order(void **state)
{
    const struct made_file by_entry[] = {{"toc.dat", NULL},
                                         OBJECT(70001, "a"),
                                         OBJECT(70003, ""),
                                         OBJECT(70002, "\\.\n\n\n"),
                                         OBJECT(3000000000, "d"),
                                         LISTS,
                                         ROWS,
                                         END};
    const struct made_file by_name[] = {{"0.toc", NULL},
                                        ROWS,
                                        OBJECT(3000000000, "d"),
                                        OBJECT(70001, "a"),
                                        OBJECT(70002, "b"),
                                        OBJECT(70003, "c"),
                                        LISTS,
                                        {"toc.dat", NULL},
                                        END};
    const struct made_file lists_first[] = {{"toc.dat", NULL},
                                            {"restore.sql", "\\! false\n"},
                                            LISTS,
                                            OBJECT(70003, "c"),
                                            ROWS,
                                            OBJECT(70001, "a"),
                                            OBJECT(70002, "b"),
                                            OBJECT(3000000000, "d"),
                                            END};

    (void)state;
    accept(by_entry, "<2: 70001=a; 70003=;0><3: 70002=\\.\n\n\n; 3000000000=d;0>"
                     "<4:1\n2\n2><5:INSERT INTO u VALUES (1);\n\n\n0>");
    accept(by_name, "<4:1\n2\n2><5:INSERT INTO u VALUES (1);\n\n\n0><3: 3000000000=d;0>"
                    "<2: 70001=a;0><3: 70002=b;0><2: 70003=c;0>");
    accept(lists_first, "<2: 70003=c;0><4:1\n2\n2><5:INSERT INTO u VALUES (1);\n\n\n0>"
                        "<2: 70001=a;0><3: 70002=b; 3000000000=d;0>");
    unwanted = 3;
    accept(by_name, "<4:1\n2\n2><5:INSERT INTO u VALUES (1);\n\n\n0>"
                    "<2: 70001=a;0><2: 70003=c;0>");
}

#define OBJECTS OBJECT(70001, "a"), OBJECT(70002, "b"), OBJECT(70003, "c"), OBJECT(3000000000, "d")

static void what_is_missing_or_foreign_is_refused(void **state)
{
    const struct made_file late[] = {{"5.dat", ""}, {"toc.dat", NULL}, END};
    const struct made_file no_rows[] = {
        {"toc.dat", NULL}, OBJECTS, LISTS, {"5.dat", "\\.\n\n\n"}, END};
    const struct made_file no_object[] = {{"toc.dat", NULL},
                                          OBJECT(70001, "a"),
                                          OBJECT(70002, "b"),
                                          OBJECT(70003, "c"),
                                          LISTS,
                                          ROWS,
                                          END};
    const struct made_file no_end[] = {{"toc.dat", NULL}, {"5.dat", "1\n"}, END};
    const struct made_file twice[] = {{"toc.dat", NULL}, ROWS, ROWS, END};
    const struct made_file foreign[] = {{"toc.dat", NULL}, OBJECT(70009, "x"), END};
    const struct made_file path[] = {{"toc.dat", NULL}, {"../5.dat", ""}, END};
    const struct made_file nothing[] = {END};

    (void)state;
    refuse(late, "a stream: the archive does not begin with its table of contents");
    refuse(nothing, "a stream: the archive does not begin with its table of contents");
    refuse(no_rows, "the data of an entry is missing (entry 6)");
    refuse(no_object, "the data of large object 3000000000 is missing");
    refuse(no_end, "TABLE DATA t (entry 5): a stream/5.dat: the rows end without their end mark");
    refuse(twice, "a stream/5.dat: the data of its entry comes twice");
    refuse(foreign, "a stream/blob_70009.dat: large object 70009 is of no entry");
    refuse(path, "a stream/../5.dat: an unexpected file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(files_come_in_any_order, setup),
        cmocka_unit_test_setup(what_is_missing_or_foreign_is_refused, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
