/*
 * The bytes of large objects from the server, of one after the other over one session, many of them
 * an answer.
 *
 * Bytes are lent from where they were received. Where a large object has a hole there are zeros, as
 * whoever reads it finds them; where it has no bytes at all it is empty.
 */
#ifndef PGCASK_COPY_OBJECTS_OUT_H
#define PGCASK_COPY_OBJECTS_OUT_H

#include "copy/copy_out.h"

/* What is to be read: large objects by indexes from 0 to count - 1, in pieces. */
struct objects_out_list {
    void *context;
    uint32_t count, pieces;
    uint32_t (*oid)(void *context, uint32_t index);
    /* The index that a piece begins with; count for the one behind the last. Within a piece numbers
     * ascend, and no piece is empty. */
    uint32_t (*piece)(void *context, uint32_t piece);
    /* "COPY … TO STDOUT (FORMAT binary)" of oid, place (int8) and bytes, in ascending order.
     * Borrowed until the next call. */
    bool (*statement)(void *context, uint32_t piece, const char **statement, struct error *err);
};

struct objects_out;

/* conn: a session that does nothing else from the first to the last of them, in a transaction of
 * snapshot_begin. role: who is logged in, for hints. All borrowed. */
struct objects_out *objects_out_new(struct wire_conn *conn, const struct objects_out_list *list,
                                    const char *role, struct error *err);
void objects_out_free(struct objects_out *objects);

/* Lends more bytes of the large object whose turn it is: an empty slice at its end, and then it is
 * the next one's turn. Borrowed until the next call. Fails as copy_out_next does. */
bool objects_out_next(struct objects_out *objects, struct slice *bytes, struct error *err);

/* For whoever wants to know how far it is. */
uint64_t objects_out_bytes(const struct objects_out *objects);
/* Large objects that were read to their end. */
uint32_t objects_out_count(const struct objects_out *objects);

#endif
