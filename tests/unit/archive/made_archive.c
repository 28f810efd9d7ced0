#include "made_archive.h"

#include <inttypes.h>
#include <stdlib.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const int32_t after_first[] = {1, 2, 2};

static const struct made_entry entries[] = {
    {.entry = {.dump_id = 10,
               .tag = "ENCODING",
               .desc = "ENCODING",
               .section = SECTION_PRE_DATA,
               .definition = "SET client_encoding = 'UTF8';\n"}},
    {.entry = {.dump_id = 1,
               .catalog_oid = 1259,
               .object_oid = 4000000000,
               .tag = "t",
               .desc = "TABLE",
               .section = SECTION_PRE_DATA,
               .definition = "CREATE TABLE s.t (\n    a integer\n);\n",
               .drop = "DROP TABLE s.t;\n",
               .schema = "s",
               .tablespace = "",
               .access_method = "heap",
               .relkind = 'r',
               .owner = "it's \"me\"\nor you"}},
    {.entry = {.dump_id = 2,
               .catalog_oid = 1255,
               .object_oid = 5,
               .tag = "f(integer)",
               .desc = "FUNCTION",
               .section = SECTION_PRE_DATA,
               .definition = "CREATE FUNCTION s.f(integer) …;\n",
               .drop = "DROP FUNCTION s.f(integer);\n",
               .schema = "s",
               .owner = "me",
               .dependencies = after_first,
               .dependency_count = COUNT(after_first)}},
    {.entry = {.dump_id = 7,
               .has_data = true,
               .tag = "t",
               .desc = "TABLE DATA",
               .section = SECTION_DATA,
               .copy = "COPY s.t (a) FROM stdin;\n",
               .schema = "s",
               .owner = "me",
               .dependencies = after_first,
               .dependency_count = 1},
     .rows = "1\n2\n\\N\n"},
    {.entry = {.dump_id = 6,
               .has_data = true,
               .tag = "u",
               .desc = "TABLE DATA",
               .section = SECTION_DATA,
               .copy = "COPY s.u (a) FROM stdin;\n",
               .schema = "s",
               .owner = "me"},
     .rows = ""},
    {.entry = {.dump_id = 8,
               .tag = "TABLE t",
               .desc = "ACL",
               .section = SECTION_NONE,
               .definition = "GRANT SELECT ON TABLE s.t TO you;\n",
               .schema = "s",
               .owner = "me"}},
};

static bool give_entry(void *context, uint32_t number, struct archive_entry *entry,
                       struct error *err)
{
    const struct made_content *made = context;

    (void)err;
    assert_true(number < made->header.entry_count);
    *entry = made->entries[number].entry;
    return true;
}

static bool give_data(void *context, uint32_t number, struct slice *bytes, struct error *err)
{
    struct made_content *made = context;

    if (made->fails)
        return error_set(err, ERROR_CONNECTION_LOST, "the server went away");
    if (made->left == NULL || made->number != number)
        made->left = made->entries[number].rows;
    made->number = number;
    *bytes = slice_string(made->left);
    if (made->piece > 0 && bytes->len > made->piece)
        bytes->len = made->piece;
    made->left = bytes->len == 0 ? NULL : made->left + bytes->len;
    return true;
}

void made_content_init(struct made_content *made, int minor, enum compression compression)
{
    *made = (struct made_content){.entries = entries};
    made->header = (struct archive_header){
        .minor = minor,
        .compression = compression,
        .created = 1700000000,
        .database = "app",
        .server_version = "18.1",
        .dumper_version = "a test",
        .entry_count = COUNT(entries),
    };
    made->content = (struct archive_content){made, give_entry, give_data, NULL};
}

void read_everything(struct reader *reader, struct buffer *out)
{
    struct error err;
    struct slice bytes;
    enum reader_status status;

    assert_non_null(reader);
    while ((status = reader_next(reader, &bytes, &err)) == READER_DATA) {
        assert_true(bytes.len > 0);
        assert_true(buffer_append(out, bytes.data, bytes.len, &err));
    }
    assert_int_equal(status, READER_END);
    assert_int_equal(reader_next(reader, &bytes, &err), READER_END);
    reader_close(reader);
}

void make_custom(int minor, enum compression compression, struct buffer *out)
{
    struct made_content made;
    struct error err;

    made_content_init(&made, minor, compression);
    read_everything(custom_stream_new(&made.header, &made.content, COMPRESSION_LEVEL_DEFAULT, &err),
                    out);
}

/* ---- What is found ---- */

static bool found_header(void *context, const struct archive_header *header, struct error *err)
{
    struct found *found = context;

    return buffer_printf(&found->text, err, "header %d %s %lld %s %s %s %" PRIu32 "\n",
                         header->minor, compression_name(header->compression),
                         (long long)header->created, header->database, header->server_version,
                         header->dumper_version, header->entry_count);
}

static bool add(struct buffer *text, const char *name, const char *value, struct error *err)
{
    return value == NULL || buffer_printf(text, err, " %s=[%s]", name, value);
}

static bool found_entry(void *context, uint32_t number, const struct archive_entry *entry,
                        struct error *err)
{
    struct buffer *text = &((struct found *)context)->text;

    if (!buffer_printf(text, err,
                       "entry %" PRIu32 " %" PRId32 " %d %" PRIu32 " %" PRIu32 " %s %d %d", number,
                       entry->dump_id, entry->has_data, entry->catalog_oid, entry->object_oid,
                       entry->desc, (int)entry->section, entry->relkind) ||
        !add(text, "tag", entry->tag, err) || !add(text, "definition", entry->definition, err) ||
        !add(text, "drop", entry->drop, err) || !add(text, "copy", entry->copy, err) ||
        !add(text, "schema", entry->schema, err) ||
        !add(text, "tablespace", entry->tablespace, err) ||
        !add(text, "method", entry->access_method, err) || !add(text, "owner", entry->owner, err) ||
        !add(text, "file", entry->file, err))
        return false;
    for (size_t i = 0; i < entry->dependency_count; i++)
        buffer_printf(text, err, " %" PRId32, entry->dependencies[i]);
    return buffer_append_byte(text, '\n', err);
}

static bool found_data(void *context, int32_t dump_id, struct slice bytes, struct error *err)
{
    struct found *found = context;

    if (found->data_of != dump_id &&
        !buffer_printf(&found->text, err, "data %" PRId32 "\n", dump_id))
        return false;
    found->data_of = dump_id;
    assert_true(bytes.len > 0);
    return buffer_append(&found->text, bytes.data, bytes.len, err);
}

static bool found_end(void *context, int32_t dump_id, uint64_t rows, struct error *err)
{
    struct found *found = context;

    found->data_of = 0;
    return buffer_printf(&found->text, err, "end %" PRId32 " %" PRIu64 "\n", dump_id, rows);
}

struct archive_handler found_handler(struct found *found)
{
    return (struct archive_handler){.context = found,
                                    .header = found_header,
                                    .entry = found_entry,
                                    .data = found_data,
                                    .data_end = found_end};
}

bool decode_pieces(struct slice archive, size_t piece, struct found *found, struct error *err)
{
    const struct archive_handler handler = found_handler(found);
    struct archive_decoder *decoder = archive_decoder_new(&handler, err);
    bool done = true;

    assert_non_null(decoder);
    while (done && archive.len > 0) {
        size_t len = piece == 0 || piece > archive.len ? archive.len : piece;
        uint8_t *alone = malloc(len);

        assert_non_null(alone);
        memcpy(alone, slice_take(&archive, len).data, len);
        done = archive_decoder_feed(decoder, slice_make(alone, len), err);
        free(alone);
    }
    done = done && archive_decoder_finish(decoder, err);
    archive_decoder_free(decoder);
    return done;
}

void found_reset(struct found *found)
{
    buffer_free(&found->text);
    *found = (struct found){.data_of = 0};
}
