/*
 * Brackets, commas and indentation are written here, values by jansson: a document of any length
 * takes the memory of its largest value.
 */
#include "base/utf8.h"
#include "manifest/json_writer.h"

/* What jansson's dump needs to know to write into the middle of a document. */
struct dump {
    struct buffer *out;
    unsigned depth;
    struct error *err;
    bool failed; /* for good: jansson goes on after a key that could not be written */
};

void json_writer_init(struct json_writer *writer, struct buffer *out)
{
    *writer = (struct json_writer){.out = out};
}

static bool append_line(struct buffer *out, unsigned depth, struct error *err)
{
    if (!buffer_append_byte(out, '\n', err))
        return false;
    for (unsigned i = 0; i < depth; i++) {
        if (!buffer_append(out, "  ", 2, err))
            return false;
    }
    return true;
}

/* Everything that stands between the previous item and the value of this one. */
static bool begin_item(struct json_writer *writer, const char *key, struct error *err)
{
    if (writer->started && !buffer_append_byte(writer->out, ',', err))
        return false;
    if (writer->depth > 0 && !append_line(writer->out, writer->depth, err))
        return false;
    writer->started = true;
    return key == NULL || buffer_printf(writer->out, err, "\"%s\": ", key);
}

bool json_writer_open(struct json_writer *writer, const char *key, char bracket, struct error *err)
{
    if (!begin_item(writer, key, err) || !buffer_append_byte(writer->out, (uint8_t)bracket, err))
        return false;
    writer->depth++;
    writer->started = false;
    return true;
}

bool json_writer_close(struct json_writer *writer, char bracket, struct error *err)
{
    writer->depth--;
    if (writer->started && !append_line(writer->out, writer->depth, err))
        return false;
    writer->started = true;
    return buffer_append_byte(writer->out, (uint8_t)bracket, err);
}

/* A newline in jansson's output is always structure: inside strings it is escaped. */
static int dump_piece(const char *data, size_t size, void *context)
{
    struct dump *dump = context;
    while (size > 0) {
        const char *newline = memchr(data, '\n', size);
        size_t plain = newline == NULL ? size : (size_t)(newline - data);
        dump->failed = dump->failed || !buffer_append(dump->out, data, plain, dump->err) ||
                       (newline != NULL && !append_line(dump->out, dump->depth, dump->err));
        if (dump->failed)
            return -1;
        if (newline == NULL)
            return 0;
        data += plain + 1;
        size -= plain + 1;
    }
    return 0;
}

bool json_writer_value(struct json_writer *writer, const char *key, const json_t *value,
                       struct error *err)
{
    if (!begin_item(writer, key, err))
        return false;
    struct dump dump = {writer->out, writer->depth, err, false};
    if (json_dump_callback(value, dump_piece, &dump, JSON_INDENT(2) | JSON_ENCODE_ANY) == 0 &&
        !dump.failed)
        return true;
    return dump.failed ? false : error_set_memory(err);
}

bool json_writer_take(struct json_writer *writer, const char *key, json_t *value, struct error *err)
{
    if (value == NULL)
        return error_set_memory(err);
    bool written = json_writer_value(writer, key, value, err);
    json_decref(value);
    return written;
}

bool json_writer_text(struct json_writer *writer, const char *key, const char *text,
                      struct error *err)
{
    return json_writer_take(writer, key, utf8_to_json(text), err);
}
