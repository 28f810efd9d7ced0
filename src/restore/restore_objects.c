/*
 * A large object is small most of the time: many go in one statement, as two arrays, and beside
 * it one by one, should it fail. One that is large goes in pieces, in a transaction of its own, so
 * that it is there as a whole or not at all. Bytes are hexadecimal digits: so they need no quoting,
 * whatever the session takes a backslash for.
 */
#include "restore/restore_objects.h"

#include <inttypes.h>

/* Of a group, in bytes of objects; and of a piece of one that is larger. */
#define GROUP_BYTES ((size_t)128 * 1024)
#define GROUP_OBJECTS 1000
#define PIECE_BYTES ((size_t)512 * 1024)

static bool append_hex(struct buffer *out, struct slice bytes, struct error *err)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t *to;

    if (!buffer_reserve(out, 2 * bytes.len + 1, err))
        return false;
    to = out->data + out->len;
    for (size_t i = 0; i < bytes.len; i++) {
        *to++ = (uint8_t)digits[bytes.data[i] >> 4];
        *to++ = (uint8_t)digits[bytes.data[i] & 15];
    }
    *to = 0;
    out->len += 2 * bytes.len;
    return true;
}

static bool append_put(struct buffer *out, uint32_t oid, uint64_t offset, struct slice bytes,
                       struct error *err)
{
    return buffer_printf(out, err,
                         "SELECT pg_catalog.lo_put(%" PRIu32 ", %" PRIu64 ", "
                         "pg_catalog.decode('",
                         oid, offset) &&
           append_hex(out, bytes, err) && buffer_append_string(out, "', 'hex'))", err);
}

static bool execute(struct restore_data *data, const char *text, const struct buffer *parts,
                    struct error *err)
{
    struct target_statement statement = {
        .text = text, .object = buffer_text(&data->label), .subject = data->number};

    if (parts != NULL) {
        statement.parts = buffer_text(parts);
        statement.parts_len = parts->len;
    }
    return target_execute(data->sql->session, &statement, err);
}

/* ---- Groups ---- */

bool restore_objects_flush(struct restore_data *data, struct error *err)
{
    struct buffer text = {0};
    bool done;

    if (data->grouped == 0)
        return true;
    done = buffer_append_string(&text,
                                "SELECT pg_catalog.lo_put(o, 0, pg_catalog.decode(b, 'hex')) "
                                "FROM unnest('{",
                                err) &&
           buffer_append(&text, data->numbers.data, data->numbers.len, err) &&
           buffer_append_string(&text, "}'::pg_catalog.oid[], '{", err) &&
           buffer_append(&text, data->values.data, data->values.len, err) &&
           buffer_append_string(&text, "}'::pg_catalog.text[]) AS u (o, b)", err) &&
           execute(data, buffer_text(&text), &data->parts, err);
    buffer_free(&text);
    data->grouped = 0;
    buffer_clear(&data->numbers);
    buffer_clear(&data->values);
    buffer_clear(&data->parts);
    return done;
}

static bool add_to_group(struct restore_data *data, struct error *err)
{
    const char *comma = data->grouped == 0 ? "" : ",";

    data->grouped++;
    return buffer_printf(&data->numbers, err, "%s%" PRIu32, comma, data->oid) &&
           buffer_append_string(&data->values, comma, err) &&
           append_hex(&data->values, buffer_slice(&data->object), err) &&
           append_put(&data->parts, data->oid, 0, buffer_slice(&data->object), err) &&
           buffer_append_byte(&data->parts, 0, err);
}

/* ---- Pieces ---- */

static bool put_piece(struct restore_data *data, struct error *err)
{
    struct buffer text = {0};
    bool done = append_put(&text, data->oid, data->offset, buffer_slice(&data->object), err) &&
                execute(data, buffer_text(&text), NULL, err);

    buffer_free(&text);
    data->offset += data->object.len;
    buffer_clear(&data->object);
    return done;
}

/* What was queued before it is awaited there. */
static bool begin_unit(struct restore_data *data, struct error *err)
{
    if (data->in_unit)
        return true;
    if (!restore_objects_flush(data, err) || !target_unit_begin(data->sql->session, err))
        return false;
    data->in_unit = true;
    return true;
}

/* ---- Objects ---- */

bool restore_object_begin(struct restore_data *data, uint32_t oid, struct error *err)
{
    (void)err;
    data->oid = oid;
    data->offset = 0;
    data->skipping = data->lacks != NULL && data->lacks(data->context, oid);
    buffer_clear(&data->object);
    return true;
}

bool restore_object_bytes(struct restore_data *data, struct slice bytes, struct error *err)
{
    while (!data->skipping && bytes.len > 0) {
        size_t room = PIECE_BYTES - data->object.len;
        struct slice taken = slice_take(&bytes, bytes.len < room ? bytes.len : room);

        if (!buffer_append(&data->object, taken.data, taken.len, err))
            return false;
        if (data->object.len == PIECE_BYTES && (!begin_unit(data, err) || !put_piece(data, err)))
            return false;
    }
    return true;
}

bool restore_object_end(struct restore_data *data, struct error *err)
{
    bool kept;

    if (data->skipping)
        return true;
    data->large_objects++;
    if (data->in_unit) {
        if (data->object.len > 0 && !put_piece(data, err))
            return false;
        data->in_unit = false;
        return target_unit_end(data->sql->session, &kept, err);
    }
    if (data->object.len == 0)
        return true;
    if (data->object.len >= GROUP_BYTES) {
        struct buffer text = {0};
        bool done = restore_objects_flush(data, err) &&
                    append_put(&text, data->oid, 0, buffer_slice(&data->object), err) &&
                    execute(data, buffer_text(&text), NULL, err);

        buffer_free(&text);
        return done;
    }
    if (!add_to_group(data, err))
        return false;
    return data->grouped < GROUP_OBJECTS && data->values.len < 2 * GROUP_BYTES
               ? true
               : restore_objects_flush(data, err);
}
