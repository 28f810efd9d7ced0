/*
 * Pieces are asked for as tables are (copy_out.h), some ahead; what comes are rows in ascending
 * order, so that a large object has ended once a row of a later one comes, or none.
 *
 * The rows of a piece may be terabytes, so the server must read them in the order of its index as
 * they go, and never sort them: it is told so before the first piece. What lies in pg_largeobject
 * and belongs to no large object is passed over.
 */
#include "copy/objects_out.h"

#include "copy/object_rows_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ZEROS_SIZE 65536

struct objects_out {
    struct wire_conn *conn;
    struct objects_out_list list;
    struct copy_out copy;
    char name[80]; /* of the piece, for messages */

    uint32_t index;    /* whose turn it is */
    uint32_t piece;    /* that is being read, */
    uint32_t end;      /* and the index behind it */
    bool begun, open;  /* the session is prepared; the piece was begun, */
    bool answered;     /* and all of it has come */
    uint64_t position; /* within the large object */
    uint64_t bytes;

    struct object_rows rows;
    bool has_row;       /* one was found, and is not all taken */
    struct slice input; /* of COPY, not looked at yet */
};

/* ---- The list as copy_out has it ---- */

static bool has_rows(void *context, uint32_t number)
{
    (void)context;
    (void)number;
    return true;
}

static bool statement(void *context, uint32_t number, const char **text, struct error *err)
{
    struct objects_out *objects = context;

    return objects->list.statement(objects->list.context, number, text, err);
}

/* Rows come in order, but before what failed over one of them. */
static const char *piece_name(void *context, uint32_t number)
{
    struct objects_out *objects = context;
    uint32_t last = objects->list.piece(objects->list.context, number + 1) - 1;
    /* All of its large objects may be behind us, and only its end is not. */
    uint32_t first = objects->index < last ? objects->index : last;
    uint32_t from = objects->list.oid(objects->list.context, first);

    if (first == last)
        snprintf(objects->name, sizeof(objects->name), "large object %" PRIu32, from);
    else
        snprintf(objects->name, sizeof(objects->name),
                 "large object %" PRIu32 ", or one behind it up to %" PRIu32, from,
                 objects->list.oid(objects->list.context, last));
    return objects->name;
}

struct objects_out *objects_out_new(struct wire_conn *conn, const struct objects_out_list *list,
                                    const char *role, struct error *err)
{
    struct objects_out *objects = calloc(1, sizeof(*objects));
    const struct copy_out_list pieces = {
        .context = objects,
        .count = list->pieces,
        .has_rows = has_rows,
        .statement = statement,
        .table = piece_name,
        .large_objects = true,
    };

    if (objects == NULL) {
        error_set_memory(err);
        return NULL;
    }
    objects->conn = conn;
    objects->list = *list;
    copy_out_init(&objects->copy, conn, &pieces, role);
    return objects;
}

void objects_out_free(struct objects_out *objects)
{
    free(objects);
}

uint64_t objects_out_bytes(const struct objects_out *objects)
{
    return objects->bytes;
}

uint32_t objects_out_count(const struct objects_out *objects)
{
    return objects->index;
}

/* ---- Rows of a piece ---- */

static bool prepare_session(struct objects_out *objects, struct error *err)
{
    objects->begun = true;
    return wire_query(objects->conn,
                      "SET LOCAL enable_indexscan = on; SET LOCAL enable_bitmapscan = off;"
                      "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off;"
                      "SET LOCAL max_parallel_workers_per_gather = 0",
                      NULL, err);
}

static bool restore_session(struct objects_out *objects, struct error *err)
{
    return wire_query(objects->conn,
                      "SET LOCAL enable_indexscan = DEFAULT;"
                      "SET LOCAL enable_bitmapscan = DEFAULT;"
                      "SET LOCAL enable_seqscan = DEFAULT; SET LOCAL enable_sort = DEFAULT;"
                      "SET LOCAL max_parallel_workers_per_gather = DEFAULT",
                      NULL, err);
}

/* More of the answer; *ended where there is none. */
static bool fetch(struct objects_out *objects, bool *ended, struct error *err)
{
    if (!copy_out_next(&objects->copy, objects->piece, &objects->input, err))
        return false;
    *ended = objects->input.len == 0;
    objects->answered = *ended;
    if (!*ended || objects->rows.ended)
        return true;
    error_set(err, ERROR_PROTOCOL, "cannot read %s: the server's answer is not complete",
              piece_name(objects, objects->piece));
    return error_hint(err, WIRE_LOSS_HINT);
}

/* Finds the next row, unless the one that was found is not all taken; *ended if there is none. */
static bool find_row(struct objects_out *objects, bool *ended, struct error *err)
{
    *ended = objects->answered;
    while (!objects->has_row && !*ended) {
        switch (object_rows_next(&objects->rows, &objects->input, err)) {
        case OBJECT_ROWS_ROW:
            objects->has_row = true;
            break;
        case OBJECT_ROWS_MORE:
        case OBJECT_ROWS_END:
            if (!fetch(objects, ended, err))
                return false;
            break;
        case OBJECT_ROWS_FAILED:
            return error_prefix(err, "cannot read %s", piece_name(objects, objects->piece));
        }
    }
    return true;
}

/* Bytes of the row: at least one, unless it has none left. */
static bool take_bytes(struct objects_out *objects, struct slice *bytes, struct error *err)
{
    bool ended = false;

    *bytes = (struct slice){0};
    while (objects->rows.left > 0 && bytes->len == 0) {
        if (objects->input.len == 0 && !fetch(objects, &ended, err))
            return false;
        *bytes = object_rows_take(&objects->rows, &objects->input);
    }
    objects->has_row = objects->rows.left > 0;
    return true;
}

static void begin_piece(struct objects_out *objects)
{
    object_rows_begin(&objects->rows);
    objects->open = true;
    objects->answered = objects->has_row = false;
    objects->end = objects->list.piece(objects->list.context, objects->piece + 1);
}

/* What is behind its last large object belongs to none. */
static bool end_piece(struct objects_out *objects, struct error *err)
{
    bool ended = false;
    struct slice nobodys;

    while (!ended) {
        if (!find_row(objects, &ended, err) ||
            (objects->has_row && !take_bytes(objects, &nobodys, err)))
            return false;
    }
    objects->open = false;
    objects->piece++;
    return objects->piece < objects->list.pieces || restore_session(objects, err);
}

/* ---- One large object ---- */

static struct slice take_zeros(const struct objects_out *objects)
{
    static const uint8_t zeros[ZEROS_SIZE];
    uint64_t len = objects->rows.place - objects->position;

    return slice_make(zeros, len < ZEROS_SIZE ? (size_t)len : ZEROS_SIZE);
}

/* The next bytes, which may be none; *ended if there are no more. */
static bool next_bytes(struct objects_out *objects, struct slice *bytes, bool *ended,
                       struct error *err)
{
    uint32_t oid = objects->list.oid(objects->list.context, objects->index);

    if (!find_row(objects, ended, err))
        return false;
    *ended = *ended || objects->rows.oid > oid;
    if (*ended)
        return true;
    if (objects->rows.oid == oid && objects->rows.place > objects->position) {
        *bytes = take_zeros(objects);
        return true;
    }
    if (!take_bytes(objects, bytes, err))
        return false;
    if (objects->rows.oid < oid)
        *bytes = (struct slice){0};
    return true;
}

static bool end_object(struct objects_out *objects, struct error *err)
{
    objects->position = 0;
    objects->index++;
    return objects->index < objects->end || end_piece(objects, err);
}

bool objects_out_next(struct objects_out *objects, struct slice *bytes, struct error *err)
{
    bool ended = false;

    *bytes = (struct slice){0};
    if (!objects->begun && !prepare_session(objects, err))
        return false;
    if (!objects->open)
        begin_piece(objects);
    while (!ended && bytes->len == 0) {
        if (!next_bytes(objects, bytes, &ended, err))
            return false;
    }
    objects->position += bytes->len;
    objects->bytes += bytes->len;
    return !ended || end_object(objects, err);
}
