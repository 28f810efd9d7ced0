/* What the streams make of the same entries: custom, directory, plain. */
#include "made_archive.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

static struct error err;

static void contains(const struct buffer *text, const char *what)
{
    if (strstr(buffer_text(text), what) == NULL)
        fail_msg("not there:\n%s\nin:\n%s", what, buffer_text(text));
}

static void plain(const struct made_content *made, struct buffer *out)
{
    read_everything(plain_stream_new(&made->header, &made->content, PLAIN_INTO_ANY, &err), out);
}

/* ---- Plain ---- */

static void a_script_holds_definitions_rows_and_owners_in_order(void **state)
{
    static const char *const in_order[] = {
        "SET lock_timeout = 0;\n",
        "SET transaction_timeout = 0;\nSET client_encoding = 'UTF8';\nSET check_function_bodies",
        "SET row_security = off;\n\nSET search_path = \"s\", pg_catalog;\n\nSET default_tablespace "
        "= '';\n\nSET "
        "default_table_access_method "
        "= \"heap\";\n\n--\n-- Name: t; Type: TABLE; Schema: s; Owner: it's \"me\" or you\n--\n\n"
        "CREATE TABLE s.t (\n    a integer\n);\n\n\nALTER TABLE \"s\".\"t\" OWNER TO \"it's "
        "\"\"me\"\"\nor you\";\n\n",
        "ALTER FUNCTION s.f(integer) OWNER TO \"me\";\n",
        "--\n-- Data for Name: t; Type: TABLE DATA; Schema: s; Owner: me\n--\n\n",
        "COPY s.t (a) FROM stdin;\n1\n2\n\\N\n\\.\n\n\n--\n",
        "COPY s.u (a) FROM stdin;\n\\.\n\n\n",
        "GRANT SELECT ON TABLE s.t TO you;\n\n",
        "-- PostgreSQL database dump complete\n",
    };
    struct made_content made;
    struct buffer out = {0};
    const char *at;

    (void)state;
    made_content_init(&made, 16, COMPRESSION_NONE);
    plain(&made, &out);
    at = buffer_text(&out);
    for (size_t i = 0; i < sizeof(in_order) / sizeof(in_order[0]); i++) {
        at = strstr(at, in_order[i]);
        if (at == NULL)
            fail_msg("not there, or not behind what is before it:\n%s\nin:\n%s", in_order[i],
                     buffer_text(&out));
    }
    buffer_free(&out);
}

static void a_script_for_16_and_older_has_no_transaction_timeout(void **state)
{
    struct made_content made;
    struct buffer out = {0};

    (void)state;
    made_content_init(&made, 15, COMPRESSION_NONE);
    plain(&made, &out);
    assert_null(strstr(buffer_text(&out), "transaction_timeout"));
    buffer_free(&out);
}

/* Entries of one test. */
static void one_entry(struct made_content *made, const struct made_entry *entry, size_t count)
{
    made_content_init(made, 16, COMPRESSION_NONE);
    made->entries = entry;
    made->header.entry_count = (uint32_t)count;
}

static void no_name_ends_the_comment_that_it_is_in(void **state)
{
    const struct made_entry entry = {.entry = {.dump_id = 1,
                                               .tag = "a\n\\! touch /tmp/x\r--",
                                               .desc = "VIEW",
                                               .schema = "b\nDROP TABLE c;",
                                               .owner = "d\ne",
                                               .tablespace = "f\ng",
                                               .definition = "CREATE VIEW …;\n"}};
    struct made_content made;
    struct buffer out = {0};

    (void)state;
    one_entry(&made, &entry, 1);
    made.header.server_version = "1\nDROP TABLE h;";
    plain(&made, &out);
    contains(&out, "-- Name: a \\! touch /tmp/x --; Type: VIEW; Schema: b DROP TABLE c;; Owner: d "
                   "e; Tablespace: f g\n");
    contains(&out, "-- Dumped from database version 1 DROP TABLE h;\n");
    contains(&out, "SET default_tablespace = \"f\ng\";\n");
    buffer_free(&out);
}

static void what_belongs_to_the_database_is_left_out(void **state)
{
    static const struct made_entry entries[] = {
        {.entry = {.dump_id = 1, .tag = "app", .desc = "DATABASE", .definition = "left out;\n"}},
        {.entry = {.dump_id = 2,
                   .tag = "app",
                   .desc = "DATABASE PROPERTIES",
                   .definition = "left out;\n"}},
        {.entry =
             {.dump_id = 3, .tag = "DATABASE app", .desc = "ACL", .definition = "left out;\n"}},
        {.entry =
             {.dump_id = 4, .tag = "DATABASE app", .desc = "COMMENT", .definition = "left out;\n"}},
        {.entry =
             {.dump_id = 5, .tag = "EVENT TRIGGER e", .desc = "COMMENT", .definition = "2;\n"}},
        {.entry = {.dump_id = 6, .tag = "v", .desc = "VIEW", .definition = "1;\n"}},
    };
    struct made_content made;
    struct buffer out = {0};

    (void)state;
    one_entry(&made, entries, sizeof(entries) / sizeof(entries[0]));
    plain(&made, &out);
    assert_null(strstr(buffer_text(&out), "left out"));
    assert_true(strstr(buffer_text(&out), "\n1;\n") < strstr(buffer_text(&out), "\n2;\n"));
    buffer_free(&out);
}

/* A table's come with its rows, those of what is made of rows once that is filled. */
static void statistics_come_behind_what_they_are_about(void **state)
{
    static const struct made_entry entries[] = {
        {.entry = {.dump_id = 1,
                   .tag = "t",
                   .desc = "STATISTICS DATA",
                   .section = SECTION_DATA,
                   .definition = "1;\n"}},
        {.entry = {.dump_id = 2,
                   .tag = "m",
                   .desc = "STATISTICS DATA",
                   .section = SECTION_POST_DATA,
                   .definition = "3;\n"}},
        {.entry = {.dump_id = 3, .tag = "TABLE t", .desc = "ACL", .definition = "2;\n"}},
    };
    struct made_content made;
    struct buffer out = {0};

    (void)state;
    one_entry(&made, entries, sizeof(entries) / sizeof(entries[0]));
    plain(&made, &out);
    contains(&out, "-- Statistics for Name: t; Type: STATISTICS DATA; Schema: -; Owner: -\n");
    assert_true(strstr(buffer_text(&out), "\n1;\n") < strstr(buffer_text(&out), "\n2;\n"));
    assert_true(strstr(buffer_text(&out), "\n2;\n") < strstr(buffer_text(&out), "\n3;\n"));
    buffer_free(&out);
}

/* ---- Databases of a script ---- */

static const struct made_entry of_database[] = {
    {.entry = {.dump_id = 1, .desc = "ENCODING", .tag = "", .definition = "SET encoding;\n"}},
    {.entry = {.dump_id = 2,
               .tag = "app",
               .desc = "DATABASE",
               .owner = "me",
               .definition = "CREATE DATABASE app;\n",
               .drop = "DROP DATABASE app;\n"}},
    {.entry = {.dump_id = 3,
               .tag = "app",
               .desc = "DATABASE PROPERTIES",
               .owner = "me",
               .definition = "ALTER DATABASE app;\n",
               .drop = "UPDATE;\n"}},
    {.entry = {.dump_id = 4, .tag = "v", .desc = "VIEW", .definition = "CREATE VIEW v;\n"}},
    {.entry = {.dump_id = 5, .tag = "DATABASE app", .desc = "ACL", .definition = "GRANT;\n"}},
};

static void script_of(const char *name, enum plain_database database, struct buffer *out)
{
    struct made_content made;

    one_entry(&made, of_database, sizeof(of_database) / sizeof(of_database[0]));
    made.header.database = name;
    read_everything(plain_stream_new(&made.header, &made.content, database, &err), out);
}

/* The texts come one behind the other, as often as they stand here. */
static void expect_in_order(const struct buffer *text, const char *const *parts, size_t count)
{
    const char *at = buffer_text(text);

    for (size_t i = 0; i < count; i++) {
        at = strstr(at, parts[i]);
        if (at == NULL)
            fail_msg("not there, or not behind what is before it:\n%s\nin:\n%s", parts[i],
                     buffer_text(text));
        at += strlen(parts[i]);
    }
}

static void a_script_that_creates_its_database_goes_on_in_it(void **state)
{
    static const char *const parts[] = {
        "SET row_security",
        "CREATE DATABASE app;\n\n\nALTER DATABASE \"app\" OWNER TO \"me\";\n\n",
        "\\connect app\n\nSET default_transaction_read_only = off;\nSET statement_timeout = 0;\n",
        "SET encoding;\n",
        "ALTER DATABASE app;\n\n\n\\connect app\n\nSET default_transaction_read_only = off;\n",
        "SET encoding;\n",
        "CREATE VIEW v;\n",
        "GRANT;\n",
    };
    struct buffer out = {0};

    (void)state;
    script_of("app", PLAIN_CREATES, &out);
    expect_in_order(&out, parts, sizeof(parts) / sizeof(parts[0]));
    assert_null(strstr(strstr(buffer_text(&out), "OWNER TO") + 1, "OWNER TO"));
    buffer_free(&out);
}

static void a_script_for_a_database_that_is_there_only_goes_there(void **state)
{
    static const char *const parts[] = {
        "\n\\connect app\n\nSET default_transaction_read_only = off;\nSET statement_timeout = 0;\n",
        "ALTER DATABASE \"app\" OWNER TO \"me\";\n\n",
        "ALTER DATABASE app;\n\n\n\\connect app\n",
        "CREATE VIEW v;\n",
        "GRANT;\n",
    };
    struct buffer out = {0};

    (void)state;
    script_of("app", PLAIN_INTO_ITS_OWN, &out);
    expect_in_order(&out, parts, sizeof(parts) / sizeof(parts[0]));
    assert_null(strstr(buffer_text(&out), "CREATE DATABASE"));
    buffer_free(&out);
}

/* ---- What is wished beside it ---- */

static const struct made_entry there[] = {
    {.entry = {.dump_id = 1, .desc = "STDSTRINGS", .tag = "", .definition = "x = 'off';\n"}},
    {.entry = {.dump_id = 2,
               .tag = "app",
               .desc = "DATABASE",
               .definition = "CREATE DATABASE app;\n",
               .drop = "DROP DATABASE app;\n"}},
    {.entry = {.dump_id = 3,
               .tag = "v",
               .desc = "VIEW",
               .definition = "CREATE VIEW v;\n",
               .drop = "DROP VIEW v;\n"}},
    {.entry = {.dump_id = 4,
               .tag = "t c",
               .desc = "CHECK CONSTRAINT",
               .definition = "CHECK;\n",
               .drop = "ALTER TABLE ONLY t DROP CONSTRAINT c;\n"}},
    {.entry = {.dump_id = 5, .tag = "w", .desc = "VIEW", .drop = "DROP VIEW w;\n"}},
};

static void script_of_wishes(const struct plain_wishes *wishes, struct buffer *out)
{
    struct made_content made;

    one_entry(&made, there, sizeof(there) / sizeof(there[0]));
    made.header.database = "app";
    read_everything(plain_stream_of_wishes(&made.header, &made.content, wishes, &err), out);
}

static void what_is_there_is_dropped_last_first(void **state)
{
    static const char drops[] = "SET row_security = on;\n\n"
                                "ALTER TABLE IF EXISTS ONLY t DROP CONSTRAINT IF EXISTS c;\n"
                                "DROP VIEW IF EXISTS v;\n--\n";
    static const char *const parts[] = {
        "\n\\restrict xyz\n\n",
        "\n\nBEGIN;\n\n",
        "SET standard_conforming_strings = off;\nSET ROLE \"a \"\"role\";\n",
        drops,
        "CREATE VIEW v;\n\n\n",
        "CHECK;\n\n\n",
        "COMMIT;\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict xyz\n\n",
    };
    const struct plain_wishes wishes = {.drops = true,
                                        .one_transaction = true,
                                        .row_security = true,
                                        .role = "a \"role",
                                        .restrict_word = "xyz"};
    struct buffer out = {0};

    (void)state;
    script_of_wishes(&wishes, &out);
    expect_in_order(&out, parts, sizeof(parts) / sizeof(parts[0]));
    assert_null(strstr(buffer_text(&out), "DATABASE app"));
    buffer_free(&out);
}

static void of_a_database_that_is_made_it_alone_is_dropped(void **state)
{
    static const char *const parts[] = {
        "\n\\restrict xyz\n\n",   "off;\n\nDROP DATABASE IF EXISTS app;\n--\n",
        "CREATE DATABASE app;\n", "\\unrestrict xyz\n\\connect app\n\\restrict xyz\n\n",
        "CREATE VIEW v;\n",       "complete\n--\n\n\\unrestrict xyz\n",
    };
    const struct plain_wishes wishes = {
        .database = PLAIN_CREATES, .drops = true, .restrict_word = "xyz"};
    struct buffer out = {0};

    (void)state;
    script_of_wishes(&wishes, &out);
    expect_in_order(&out, parts, sizeof(parts) / sizeof(parts[0]));
    assert_null(strstr(buffer_text(&out), "DROP VIEW"));
    buffer_free(&out);
}

static void of_what_is_dropped_large_objects_must_have_numbers(void **state)
{
    const struct archive_entry entries[] = {
        {.desc = "BLOB", .tag = "7", .drop = "x"},
        {.desc = "BLOB METADATA", .tag = "", .drop = "x", .definition = "8\n9\n"},
        {.desc = "SCHEMA", .tag = "public", .drop = "-- nothing\n"},
        {.desc = "TABLE", .tag = "t", .drop = ""},
        {.desc = "BLOB", .tag = "7'); SELECT ('", .drop = "x"},
    };
    struct buffer out = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_true(archive_append_drop(&out, &entries[i], &err));
    assert_string_equal(buffer_text(&out), "SELECT pg_catalog.lo_unlink(oid) FROM "
                                           "pg_catalog.pg_largeobject_metadata WHERE oid = '7';\n"
                                           "SELECT pg_catalog.lo_unlink(oid) FROM "
                                           "pg_catalog.pg_largeobject_metadata WHERE oid = '8';\n"
                                           "SELECT pg_catalog.lo_unlink(oid) FROM "
                                           "pg_catalog.pg_largeobject_metadata WHERE oid = '9';\n"
                                           "\n-- nothing\n");
    assert_false(archive_append_drop(&out, &entries[4], &err));
    assert_int_equal(err.code, ERROR_CORRUPT);
    buffer_free(&out);
}

static void a_script_of_rows_only_goes_to_its_database(void **state)
{
    static const char *const parts[] = {
        "\n\\connect app\n\nSET default_transaction_read_only = off;\nSET statement_timeout = 0;\n",
        "SET encoding;\n",
        "SET row_security",
        "CREATE VIEW v;\n",
        "-- PostgreSQL database dump complete",
    };
    struct buffer out = {0};

    (void)state;
    script_of("app", PLAIN_GOES_THERE, &out);
    expect_in_order(&out, parts, sizeof(parts) / sizeof(parts[0]));
    assert_null(strstr(buffer_text(&out), "DATABASE \"app\""));
    assert_null(strstr(buffer_text(&out), "DATABASE app;"));
    buffer_free(&out);
}

/* Nothing of a name means anything to psql: what is not a plain letter is percent-encoded. */
static void a_name_to_connect_to_is_no_command(void **state)
{
    static const struct {
        const char *name, *line;
    } cases[] = {
        {"App_1.x", "\n\\connect App_1.x\n"},
        {"a b", "\n\\connect -reuse-previous=on \"postgresql:///a%20b\"\n"},
        {"-x", "\n\\connect -reuse-previous=on \"postgresql:///%2Dx\"\n"},
        {"a\n\\! x", "\n\\connect -reuse-previous=on \"postgresql:///a%0A%5C%21%20x\"\n"},
        {"\"'`:%=\xc3\xa4", "\n\\connect -reuse-previous=on "
                            "\"postgresql:///%22%27%60%3A%25%3D%C3%A4\"\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buffer out = {0};

        script_of(cases[i].name, PLAIN_CREATES, &out);
        contains(&out, cases[i].line);
        buffer_free(&out);
    }
}

static void a_partitioned_table_gets_its_access_method_afterwards(void **state)
{
    const struct made_entry entry = {.entry = {.dump_id = 1,
                                               .tag = "p",
                                               .desc = "TABLE",
                                               .schema = "s",
                                               .relkind = 'p',
                                               .access_method = "heap2",
                                               .definition = "CREATE TABLE s.p …;\n"}};
    struct made_content made;
    struct buffer out = {0};

    (void)state;
    one_entry(&made, &entry, 1);
    plain(&made, &out);
    assert_null(strstr(buffer_text(&out), "default_table_access_method"));
    contains(&out,
             "CREATE TABLE s.p …;\n\n\nALTER TABLE \"s\".\"p\" SET ACCESS METHOD \"heap2\";\n");
    buffer_free(&out);
}

static void what_cannot_be_written_as_sql_is_an_error(void **state)
{
    static const struct made_entry entries[] = {
        {.entry = {.dump_id = 1, .has_data = true, .tag = "BLOBS", .desc = "BLOBS"}},
        {.entry = {.dump_id = 1,
                   .tag = "t",
                   .desc = "NEW KIND",
                   .owner = "me",
                   .drop = "DROP NEW KIND t;\n",
                   .definition = "x;\n"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
        enum reader_status status;
        struct made_content made;
        struct reader *reader;
        struct slice bytes;

        one_entry(&made, &entries[i], 1);
        reader = plain_stream_new(&made.header, &made.content, PLAIN_INTO_ANY, &err);
        while ((status = reader_next(reader, &bytes, &err)) == READER_DATA)
            ;
        assert_int_equal(status, READER_FAILED);
        assert_int_equal(err.code, ERROR_UNSUPPORTED);
        reader_close(reader);
    }
}

static void data_without_a_copy_statement_are_sql(void **state)
{
    static const struct made_entry entry = {
        .entry = {.dump_id = 1, .has_data = true, .tag = "t", .desc = "TABLE DATA"},
        .rows = "INSERT INTO t VALUES (1);\n\n\n"};
    struct made_content made;
    struct buffer script = {0};

    (void)state;
    one_entry(&made, &entry, 1);
    read_everything(plain_stream_new(&made.header, &made.content, PLAIN_INTO_ANY, &err), &script);
    assert_non_null(strstr(buffer_text(&script), "\nINSERT INTO t VALUES (1);\n\n\n--\n"));
    assert_null(strstr(buffer_text(&script), "\\."));
    buffer_free(&script);
}

/* ---- Directory ---- */

static bool read_folder(struct made_content *made, const char *leave_out, struct found *found)
{
    const struct archive_handler handler = found_handler(found);
    struct archive_folder *folder = archive_folder_new(&handler, &err);
    bool done = true;

    for (uint32_t i = 0; done && i <= made->header.entry_count; i++) {
        char name[32] = "toc.dat";
        struct buffer content = {0};

        if (i > 0 && !made->entries[i - 1].entry.has_data)
            continue;
        if (i > 0)
            directory_data_name(made->entries[i - 1].entry.dump_id, made->header.compression, name);
        read_everything(i == 0 ? directory_toc_stream_new(&made->header, &made->content, &err)
                               : directory_data_stream_new(&made->content, i - 1,
                                                           made->header.compression,
                                                           COMPRESSION_LEVEL_DEFAULT, &err),
                        &content);
        if (leave_out == NULL || strcmp(name, leave_out) != 0) {
            done = archive_folder_begin(folder, name, &err);
            for (size_t at = 0; done && at < content.len; at++)
                done = archive_folder_feed(folder, slice_make(content.data + at, 1), &err);
            done = done && archive_folder_end(folder, &err);
        }
        buffer_free(&content);
    }
    done = done && archive_folder_finish(folder, &err);
    assert_true(!done || archive_folder_rows(folder) == 3);
    archive_folder_free(folder);
    return done;
}

static void a_directory_says_what_was_written(void **state)
{
    (void)state;
    for (int compression = COMPRESSION_NONE; compression <= COMPRESSION_ZSTD; compression++) {
        struct made_content made;
        struct found found = {0};

        made_content_init(&made, 16, (enum compression)compression);
        if (!read_folder(&made, NULL, &found))
            fail_msg("%s", err.message);
        contains(&found.text, "schema=[s] owner=[me] file=[7.dat] 1\n");
        contains(&found.text, "1\n2\n\\N\n\\.\n\n\nend 7 3\n");
        contains(&found.text, "data 6\n\\.\n\n\nend 6 0\n");
        found_reset(&found);
    }
}

static void a_file_that_is_missing_is_told(void **state)
{
    struct made_content made;
    struct found found = {0};

    (void)state;
    made_content_init(&made, 16, COMPRESSION_GZIP);
    assert_false(read_folder(&made, "6.dat.gz", &found));
    assert_non_null(strstr(err.message, "the data of an entry is missing (entry 6)"));
    found_reset(&found);
    assert_false(read_folder(&made, "toc.dat", &found));
    assert_int_equal(err.code, ERROR_CORRUPT);
    found_reset(&found);
}

/* The files as they are named, of which those in place of a table of contents have the same one but
 * for a change to its last byte. */
static bool read_contents_twice(const char *first, const char *second, bool change)
{
    const struct archive_handler handler = {.context = NULL};
    struct archive_folder *folder = archive_folder_new(&handler, &err);
    struct made_content made;
    struct buffer toc = {0};
    bool done = true;

    made_content_init(&made, 16, COMPRESSION_NONE);
    made.header.entry_count = 1; /* which has no data */
    read_everything(directory_toc_stream_new(&made.header, &made.content, &err), &toc);
    for (int i = 0; done && i < 2; i++) {
        const char *name = i == 0 ? first : second;

        if (name == NULL)
            continue;
        done = archive_folder_begin(folder, name, &err);
        for (size_t at = 0; done && at < toc.len; at++)
            done = archive_folder_feed(folder, slice_make(toc.data + at, 1), &err);
        done = done && archive_folder_end(folder, &err);
        toc.data[toc.len - 1] ^= change;
    }
    done = done && archive_folder_finish(folder, &err);
    archive_folder_free(folder);
    buffer_free(&toc);
    return done;
}

static void a_copy_of_the_contents_must_be_the_same(void **state)
{
    (void)state;
    assert_true(read_contents_twice("0.toc", "toc.dat", false));
    assert_true(read_contents_twice("toc.dat", "0.toc", false));
    assert_true(read_contents_twice(NULL, "toc.dat", false));
    assert_false(read_contents_twice("0.toc", "toc.dat", true));
    assert_non_null(strstr(err.message, "are not the same"));
    assert_false(read_contents_twice("toc.dat", "0.toc", true));
    assert_non_null(strstr(err.message, "are not the same"));
    assert_false(read_contents_twice("0.toc", NULL, false));
    assert_non_null(strstr(err.message, "no toc.dat"));
    assert_false(read_contents_twice("0.toc", "0.toc", false));
    assert_false(read_contents_twice("toc.dat", "toc.dat", false));
    assert_false(read_contents_twice("toc.dat", "toc.dat.gz", false));
}

static void the_names_of_contents_are_known(void **state)
{
    (void)state;
    assert_true(archive_folder_is_contents("0.toc"));
    assert_true(archive_folder_is_contents("toc.dat"));
    assert_true(archive_folder_is_contents("toc.dat.zst"));
    assert_false(archive_folder_is_contents("0.toc.gz"));
    assert_false(archive_folder_is_contents("1.dat"));
    assert_false(archive_folder_is_contents("blobs.toc"));
}

static void a_file_s_name_tells_its_entry_and_compression(void **state)
{
    char name[32];

    (void)state;
    directory_data_name(INT32_MAX, COMPRESSION_NONE, name);
    assert_string_equal(name, "2147483647.dat");
    directory_data_name(1, COMPRESSION_GZIP, name);
    assert_string_equal(name, "1.dat.gz");
    directory_data_name(1, COMPRESSION_LZ4, name);
    assert_string_equal(name, "1.dat.lz4");
    directory_data_name(1, COMPRESSION_ZSTD, name);
    assert_string_equal(name, "1.dat.zst");
}

static void foreign_names_are_refused(void **state)
{
    static const char *const names[] = {
        "8.dat",
        "10.dat",
        "-7.dat",
        "7.dat.bz2",
        "../7.dat",
        "dat",
        "blobs_7.toc",
        "7",
        "",
        ".dat",
        "toc.dat",
        "blob_.dat",
        "blobs_x.toc",
        "blob_4294967296.dat",
        "blobs_",
        "7.toc",
        "99999999999999999999.dat",
        "0000000000000000000000000000000000000000000000000000000000000000000000000000000007.dat",
    };
    const struct archive_handler handler = {.context = NULL};
    struct archive_folder *folder = archive_folder_new(&handler, &err);
    struct made_content made;
    struct buffer toc = {0};

    (void)state;
    made_content_init(&made, 14, COMPRESSION_NONE);
    read_everything(directory_toc_stream_new(&made.header, &made.content, &err), &toc);
    assert_false(archive_folder_begin(folder, "7.dat", &err)); /* before toc.dat */
    assert_true(archive_folder_begin(folder, "toc.dat", &err));
    assert_true(archive_folder_feed(folder, buffer_slice(&toc), &err));
    assert_true(archive_folder_end(folder, &err));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (archive_folder_begin(folder, names[i], &err))
            fail_msg("%s was taken", names[i]);
    }
    archive_folder_free(folder);
    buffer_free(&toc);
}

/* ---- All of them ---- */

static void how_rows_came_does_not_matter(void **state)
{
    (void)state;
    for (int compression = COMPRESSION_NONE; compression <= COMPRESSION_ZSTD; compression++) {
        struct made_content whole, parts;
        struct buffer first = {0}, second = {0};

        made_content_init(&whole, 16, (enum compression)compression);
        made_content_init(&parts, 16, (enum compression)compression);
        parts.piece = 1;
        read_everything(
            custom_stream_new(&whole.header, &whole.content, COMPRESSION_LEVEL_DEFAULT, &err),
            &first);
        read_everything(
            custom_stream_new(&parts.header, &parts.content, COMPRESSION_LEVEL_DEFAULT, &err),
            &second);
        assert_true(slice_equals(buffer_slice(&first), buffer_slice(&second)));
        buffer_free(&first);
        buffer_free(&second);
    }
}

static void an_archive_fails_as_its_data_do(void **state)
{
    struct made_content made;
    struct reader *readers[3];

    (void)state;
    made_content_init(&made, 16, COMPRESSION_GZIP);
    made.fails = true;
    readers[0] = custom_stream_new(&made.header, &made.content, 1, &err);
    readers[1] = plain_stream_new(&made.header, &made.content, PLAIN_INTO_ANY, &err);
    readers[2] = directory_data_stream_new(&made.content, 3, COMPRESSION_GZIP, 1, &err);
    for (size_t i = 0; i < 3; i++) {
        enum reader_status status;
        struct slice bytes;

        while ((status = reader_next(readers[i], &bytes, &err)) == READER_DATA)
            ;
        assert_int_equal(status, READER_FAILED);
        assert_int_equal(err.code, ERROR_CONNECTION_LOST);
        error_clear(&err);
        made.fails = false;
        assert_int_equal(reader_next(readers[i], &bytes, &err), READER_FAILED);
        assert_int_equal(err.code, ERROR_CONNECTION_LOST);
        made.fails = true;
        reader_close(readers[i]);
    }
}

static void compressions_that_pg_restore_does_not_know_are_refused(void **state)
{
    struct made_content made;

    (void)state;
    made_content_init(&made, 14, COMPRESSION_ZSTD);
    assert_null(custom_stream_new(&made.header, &made.content, 1, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    assert_null(directory_toc_stream_new(&made.header, &made.content, &err));
    assert_int_equal(err.code, ERROR_UNSUPPORTED);
    assert_null(directory_data_stream_new(&made.content, 3, COMPRESSION_GZIP, 10, &err));
    assert_int_equal(err.code, ERROR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_holds_definitions_rows_and_owners_in_order),
        cmocka_unit_test(a_script_for_16_and_older_has_no_transaction_timeout),
        cmocka_unit_test(no_name_ends_the_comment_that_it_is_in),
        cmocka_unit_test(what_belongs_to_the_database_is_left_out),
        cmocka_unit_test(statistics_come_behind_what_they_are_about),
        cmocka_unit_test(a_script_that_creates_its_database_goes_on_in_it),
        cmocka_unit_test(a_script_for_a_database_that_is_there_only_goes_there),
        cmocka_unit_test(a_script_of_rows_only_goes_to_its_database),
        cmocka_unit_test(what_is_there_is_dropped_last_first),
        cmocka_unit_test(of_a_database_that_is_made_it_alone_is_dropped),
        cmocka_unit_test(of_what_is_dropped_large_objects_must_have_numbers),
        cmocka_unit_test(a_name_to_connect_to_is_no_command),
        cmocka_unit_test(a_partitioned_table_gets_its_access_method_afterwards),
        cmocka_unit_test(what_cannot_be_written_as_sql_is_an_error),
        cmocka_unit_test(data_without_a_copy_statement_are_sql),
        cmocka_unit_test(a_directory_says_what_was_written),
        cmocka_unit_test(a_file_that_is_missing_is_told),
        cmocka_unit_test(a_copy_of_the_contents_must_be_the_same),
        cmocka_unit_test(the_names_of_contents_are_known),
        cmocka_unit_test(a_file_s_name_tells_its_entry_and_compression),
        cmocka_unit_test(foreign_names_are_refused),
        cmocka_unit_test(how_rows_came_does_not_matter),
        cmocka_unit_test(an_archive_fails_as_its_data_do),
        cmocka_unit_test(compressions_that_pg_restore_does_not_know_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
