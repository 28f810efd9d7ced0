/* Binary rows, a field at a time. That each row is behind the one before it is looked at here: only
 * then is nothing lost by what takes a large object for ended once another one's bytes come. */
#include "copy/object_rows_internal.h"

#include "base/bytes.h"

#include <string.h>

#define SIGNATURE_SIZE 11
#define HEADER_SIZE (SIGNATURE_SIZE + 8)

/* A large object has pages with numbers of 31 bits, each of a quarter of a block of 32 KiB at most.
 * What lies before a row and is nowhere is zeros, so that a row must not say more. */
#define PLACE_MAX ((uint64_t)INT32_MAX * 8192)

void object_rows_begin(struct object_rows *rows)
{
    *rows = (struct object_rows){0};
}

/* Whether so many bytes are held now. */
static bool hold(struct object_rows *rows, struct slice *in, size_t size)
{
    size_t wanted = size - rows->held_len;
    struct slice part = slice_take(in, in->len < wanted ? in->len : wanted);

    if (part.len > 0)
        memcpy(rows->held + rows->held_len, part.data, part.len);
    rows->held_len += part.len;
    return rows->held_len == size;
}

static enum object_rows_found broken(struct error *err, const char *what)
{
    error_set(err, ERROR_PROTOCOL, "the server's answer about large objects %s", what);
    return OBJECT_ROWS_FAILED;
}

static uint32_t u32_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Signature, flags (none matters here), and the length of an extension. */
static enum object_rows_found take_header(struct object_rows *rows, struct error *err)
{
    static const uint8_t signature[SIGNATURE_SIZE] = "PGCOPY\n\377\r\n";

    if (memcmp(rows->held, signature, SIGNATURE_SIZE) != 0)
        return broken(err, "is not in the binary format of COPY");
    rows->skip = u32_at(rows->held + SIGNATURE_SIZE + 4);
    rows->header = true;
    rows->held_len = 0;
    return OBJECT_ROWS_MORE;
}

static enum object_rows_found take_head(struct object_rows *rows, struct error *err)
{
    const uint8_t *at = rows->held + 2;
    uint32_t oid = u32_at(at + 4), len = u32_at(at + 20);
    uint64_t place = (uint64_t)u32_at(at + 12) << 32 | u32_at(at + 16);

    if (u32_at(at) != 4 || u32_at(at + 8) != 8 || len > INT32_MAX || place > PLACE_MAX)
        return broken(err, "has a row that makes no sense");
    if (rows->any && (oid < rows->oid || (oid == rows->oid && place < rows->place)))
        return broken(err, "is in no order");
    rows->any = true;
    rows->oid = oid;
    rows->place = place;
    rows->left = len;
    rows->held_len = 0;
    return OBJECT_ROWS_ROW;
}

enum object_rows_found object_rows_next(struct object_rows *rows, struct slice *in,
                                        struct error *err)
{
    if (rows->ended)
        return in->len == 0 ? OBJECT_ROWS_END : broken(err, "goes on behind its end");
    if (!rows->header &&
        (!hold(rows, in, HEADER_SIZE) || take_header(rows, err) == OBJECT_ROWS_FAILED))
        return rows->held_len == HEADER_SIZE ? OBJECT_ROWS_FAILED : OBJECT_ROWS_MORE;
    rows->skip -= (uint32_t)slice_take(in, in->len < rows->skip ? in->len : rows->skip).len;
    if (rows->skip > 0 || (rows->held_len < 2 && !hold(rows, in, 2)))
        return OBJECT_ROWS_MORE;
    if (rows->held[0] == 0xff && rows->held[1] == 0xff) {
        rows->ended = true;
        return object_rows_next(rows, in, err);
    }
    if (rows->held[0] != 0 || rows->held[1] != 3)
        return broken(err, "has rows of other columns");
    return hold(rows, in, OBJECT_ROW_HEAD) ? take_head(rows, err) : OBJECT_ROWS_MORE;
}

struct slice object_rows_take(struct object_rows *rows, struct slice *in)
{
    struct slice part = slice_take(in, in->len < rows->left ? in->len : rows->left);

    rows->left -= (uint32_t)part.len;
    rows->place += part.len;
    return part;
}
