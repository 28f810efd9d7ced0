/*
 * Large objects in an SQL script, as pg_restore prints them: made by number, given to their owner,
 * and then, in one transaction an entry, opened, written in pieces of 16 KiB and closed.
 */
#include "archive/plain_objects_internal.h"

#include <inttypes.h>

#define PIECE_SIZE ((size_t)16 * 1024)
#define LENT_SIZE ((size_t)64 * 1024)

/* ---- Statements of a group ---- */

bool plain_is_object_group(const struct archive_entry *entry)
{
    return strcmp(entry->desc, "BLOB METADATA") == 0;
}

/* Takes a line off the list; empty behind the last. */
static struct slice take_number(const char **list)
{
    size_t len = strcspn(*list, "\n");
    struct slice number = slice_make((const uint8_t *)*list, len);

    *list += len;
    *list += **list == '\n';
    return number;
}

static bool append_around(struct buffer *out, const char *before, struct slice number,
                          const char *after, struct error *err)
{
    return buffer_append_string(out, before, err) &&
           buffer_append(out, number.data, number.len, err) &&
           buffer_append_string(out, after, err);
}

bool plain_append_objects(struct buffer *out, const char *list, struct error *err)
{
    bool done = true;

    while (done && *list != '\0')
        done =
            append_around(out, "SELECT pg_catalog.lo_create('", take_number(&list), "');\n", err);
    return done;
}

bool plain_append_object_drops(struct buffer *out, const char *list, struct error *err)
{
    static const char drop[] = "SELECT pg_catalog.lo_unlink(oid) "
                               "FROM pg_catalog.pg_largeobject_metadata WHERE oid = '";
    bool done = true;

    while (done && *list != '\0')
        done = append_around(out, drop, take_number(&list), "';\n", err);
    return done;
}

bool plain_append_role(struct buffer *out, const char *name, struct error *err)
{
    bool done = buffer_append_byte(out, '"', err);

    for (; done && *name != '\0'; name++)
        done = (*name != '"' || buffer_append_byte(out, '"', err)) &&
               buffer_append_byte(out, (uint8_t)*name, err);
    return done && buffer_append_byte(out, '"', err);
}

bool plain_append_object_owners(struct buffer *out, const char *list, const char *owner,
                                struct error *err)
{
    bool done = true;

    while (done && *list != '\0')
        done = append_around(out, "ALTER LARGE OBJECT ", take_number(&list), " OWNER TO ", err) &&
               plain_append_role(out, owner, err) && buffer_append_string(out, ";\n", err);
    return done && buffer_append_string(out, "\n", err);
}

/* A tag alone does not tell: a table may be called like that. */
bool plain_is_about_group(const struct archive_entry *entry)
{
    return strcmp(entry->desc, "ACL") == 0 && strncmp(entry->tag, "LARGE OBJECTS ", 14) == 0;
}

/* A statement with its line's end, and where in it the large object's number lies: empty if it is
 * about none. What stands in quotes is a name. */
static struct slice take_statement(const char **text, struct slice *number)
{
    static const char marker[] = "LARGE OBJECT ";
    const char *start = *text, *at = start;
    bool quoted = false;

    *number = (struct slice){0};
    while (*at != '\0' && (quoted || *at != '\n')) {
        quoted = quoted != (*at == '"');
        if (!quoted && number->len == 0 && strncmp(at, marker, sizeof(marker) - 1) == 0) {
            at += sizeof(marker) - 1;
            *number = slice_make((const uint8_t *)at, strspn(at, "0123456789"));
        } else {
            at++;
        }
    }
    at += *at == '\n';
    *text = at;
    return slice_make((const uint8_t *)start, (size_t)(at - start));
}

bool plain_append_for_each(struct buffer *out, const char *statements, const char *list,
                           struct error *err)
{
    bool done = true;

    while (done && *statements != '\0') {
        struct slice number, statement = take_statement(&statements, &number);
        const uint8_t *behind = number.data + number.len;
        const char *numbers = list;

        if (number.len == 0)
            done = buffer_append(out, statement.data, statement.len, err);
        while (done && number.len > 0 && *numbers != '\0') {
            struct slice other = take_number(&numbers);

            done =
                buffer_append(out, statement.data, (size_t)(number.data - statement.data), err) &&
                buffer_append(out, other.data, other.len, err) &&
                buffer_append(out, behind, (size_t)(statement.data + statement.len - behind), err);
        }
    }
    return done;
}

/* ---- Bytes ---- */

void plain_objects_reset(struct plain_objects *objects)
{
    buffer_free(&objects->bytes);
    *objects = (struct plain_objects){0};
}

/* What waits becomes a statement once it is as much as one takes, or was the last. */
static bool append_piece(struct buffer *waiting, struct buffer *out, struct error *err)
{
    static const char digits[] = "0123456789abcdef";
    struct slice bytes = buffer_slice(waiting);
    uint8_t *hex;

    if (!buffer_append_string(out, "SELECT pg_catalog.lowrite(0, '\\x", err) ||
        !buffer_reserve(out, 2 * bytes.len, err))
        return false;
    hex = out->data + out->len;
    for (size_t i = 0; i < bytes.len; i++) {
        hex[2 * i] = (uint8_t)digits[bytes.data[i] >> 4];
        hex[2 * i + 1] = (uint8_t)digits[bytes.data[i] & 15];
    }
    out->len += 2 * bytes.len;
    buffer_clear(waiting);
    return buffer_append_string(out, "');\n", err);
}

bool plain_object_begin(struct buffer *out, uint32_t oid, struct error *err)
{
    return buffer_printf(out, err, "SELECT pg_catalog.lo_open('%" PRIu32 "', 131072);\n", oid);
}

bool plain_object_bytes(struct buffer *waiting, struct slice bytes, struct buffer *out,
                        struct error *err)
{
    while (bytes.len > 0) {
        size_t room = PIECE_SIZE - waiting->len;
        struct slice part = slice_take(&bytes, bytes.len < room ? bytes.len : room);

        if (!buffer_append(waiting, part.data, part.len, err) ||
            (waiting->len == PIECE_SIZE && !append_piece(waiting, out, err)))
            return false;
    }
    return true;
}

bool plain_object_end(struct buffer *waiting, struct buffer *out, struct error *err)
{
    return (waiting->len == 0 || append_piece(waiting, out, err)) &&
           buffer_append_string(out, "SELECT pg_catalog.lo_close(0);\n\n", err);
}

static bool next_object(struct plain_objects *objects, const struct archive_stream *stream,
                        uint32_t number, struct buffer *out, bool *ended, struct error *err)
{
    uint32_t oid;

    if (!archive_stream_object(stream, number, objects->next++, &oid, err))
        return false;
    *ended = oid == 0;
    objects->in_object = oid != 0;
    if (*ended)
        return objects->within || buffer_append_string(out, "COMMIT;\n\n", err);
    return plain_object_begin(out, oid, err);
}

static bool next_bytes(struct plain_objects *objects, const struct archive_stream *stream,
                       uint32_t number, struct buffer *out, struct error *err)
{
    const struct archive_content *content = stream->content;
    struct slice bytes;

    if (!content->data(content->context, number, &bytes, err))
        return false;
    objects->in_object = bytes.len > 0;
    return objects->in_object ? plain_object_bytes(&objects->bytes, bytes, out, err)
                              : plain_object_end(&objects->bytes, out, err);
}

bool plain_objects_fill(struct plain_objects *objects, const struct archive_stream *stream,
                        uint32_t number, struct buffer *out, bool *ended, struct error *err)
{
    bool done = true;

    *ended = false;
    if (!objects->begun) {
        /* By itself: who is asked for the objects may have written what came before. */
        objects->begun = true;
        return objects->within || buffer_append_string(out, "BEGIN;\n\n", err);
    }
    while (done && !*ended && out->len < LENT_SIZE)
        done = objects->in_object ? next_bytes(objects, stream, number, out, err)
                                  : next_object(objects, stream, number, out, ended, err);
    if (*ended)
        plain_objects_reset(objects);
    return done;
}
