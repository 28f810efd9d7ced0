/*
 * Rows from the server: COPY … TO STDOUT of one table after another over one session.
 *
 * The rows of the next few tables are asked for while those of one come, so that small tables do
 * not each cost the way to the server and back. Rows are lent from where they were received, as
 * many as have come: in the text format each ends in a line feed, but what is lent may end
 * anywhere.
 *
 * Sources: PostgreSQL documentation, "COPY" (File Formats), "Message Flow" (COPY Operations,
 * Pipelining).
 */
#ifndef PGCASK_COPY_COPY_OUT_H
#define PGCASK_COPY_COPY_OUT_H

#include "wire/wire.h"

/* What is to be copied, by numbers from 0 to count - 1, of which some may have no rows. */
struct copy_out_list {
    void *context;
    uint32_t count;
    bool (*has_rows)(void *context, uint32_t number);
    /* "COPY … TO STDOUT". Borrowed until the next call. */
    bool (*statement)(void *context, uint32_t number, const char **statement, struct error *err);
    /* "schema.table", for messages. Borrowed as long as the list is used. */
    const char *(*table)(void *context, uint32_t number);
    bool large_objects; /* it is no table, but "large object 1"; asked for anew on a failure */
};

struct copy_out {
    /* For whoever wants to know how far it is. */
    uint64_t bytes;    /* of rows, as the server sends them */
    uint64_t rows;     /* of tables that were read to their end */
    const char *table; /* the one that was begun last; NULL: none yet */

    /* Its own. */
    struct wire_conn *conn;
    struct copy_out_list list;
    const char *role;
    bool copying;    /* the rows of a table are being read */
    bool rows_ended; /* the server said that these were all */
    bool counted;    /* and how many */
    uint32_t asked;  /* tables before this number were asked for, if they have rows */
    unsigned ahead;  /* of those, how many have yet to come */
};

/* conn: a session that does nothing else meanwhile, in a transaction of snapshot_begin. role: who
 * is logged in, for hints. What they point to is borrowed as long as `copy` is used, which needs no
 * ending: where it is left midway, so is the session. */
void copy_out_init(struct copy_out *copy, struct wire_conn *conn, const struct copy_out_list *list,
                   const char *role);

/* Lends more rows of that table: an empty slice once these were all, then and only then. Borrowed
 * until the next call. Tables that have rows are read in the order of their numbers, each to its
 * end, and none is left out. Fails with the table's name in front of the server's words, and what
 * would mend it: a right, a policy, a standby that must replay; or if the answer is not whole.
 * After a failure nothing more can be read. */
bool copy_out_next(struct copy_out *copy, uint32_t number, struct slice *rows, struct error *err);

#endif
