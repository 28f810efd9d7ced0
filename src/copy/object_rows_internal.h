/*
 * Rows of COPY TO STDOUT (FORMAT binary) that hold the bytes of large objects: oid, int8, bytea. A
 * codec without I/O: it takes what has come, cut wherever it was, and nothing is held of it but the
 * beginning of a row.
 *
 * Source: PostgreSQL documentation, "COPY", Binary Format.
 */
#ifndef PGCASK_COPY_OBJECT_ROWS_INTERNAL_H
#define PGCASK_COPY_OBJECT_ROWS_INTERNAL_H

#include "base/error.h"
#include "base/slice.h"

#define OBJECT_ROW_HEAD 26 /* fields, and each with its length in front: oid, place; length */

enum object_rows_found {
    OBJECT_ROWS_MORE, /* is needed */
    OBJECT_ROWS_ROW,  /* begins: oid, place, left */
    OBJECT_ROWS_END,
    OBJECT_ROWS_FAILED
};

struct object_rows {
    /* Of the row that was found last. */
    uint32_t oid;
    uint64_t place; /* where in the large object its bytes begin that are left */
    uint32_t left;  /* bytes; they are taken by object_rows_take before the next row */

    /* Its own. */
    uint8_t held[OBJECT_ROW_HEAD];
    size_t held_len;
    uint32_t skip; /* bytes of the header's extension */
    bool header, any, ended;
};

/* Before the first byte of each COPY. */
void object_rows_begin(struct object_rows *rows);

/* The next row, off the front of `in`. Rows must ascend, by oid and place, and never overlap. */
enum object_rows_found object_rows_next(struct object_rows *rows, struct slice *in,
                                        struct error *err);

/* Bytes of the row, as many as have come. */
struct slice object_rows_take(struct object_rows *rows, struct slice *in);

#endif
