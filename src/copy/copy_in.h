/*
 * Rows to the server: one COPY … FROM STDIN as a whole, from its statement to the server's count.
 *
 * How bytes become messages (small ones gathered, large ones sent from where they lie, none so long
 * that a server minds) and how a COPY of any direction is ended is the connection's business and
 * stays with it, wire_copy_… in wire/wire.h: a walsender's stream needs that, too.
 *
 * Sources: PostgreSQL documentation, "COPY", "Message Flow" (COPY Operations).
 */
#ifndef PGCASK_COPY_COPY_IN_H
#define PGCASK_COPY_COPY_IN_H

#include "wire/wire.h"

struct copy_in {
    uint64_t bytes; /* of rows that were sent so far */

    /* Its own. */
    struct wire_conn *conn;
    const char *table;
};

/* Sends "COPY … FROM STDIN" and waits until the server takes rows; other statements, which take
 * none, may stand before and behind it. conn: a session that does
 * nothing else meanwhile. table: "schema.table", for messages; NULL: they are the server's alone.
 * Both are borrowed until the end. */
bool copy_in_begin(struct copy_in *copy, struct wire_conn *conn, const char *statement,
                   const char *table, struct error *err);

/* More rows, cut anywhere, in the format that the statement says; without a mark at their end. */
bool copy_in_send(struct copy_in *copy, struct slice rows, struct error *err);

/* These were all. *rows: as many as the server has taken. */
bool copy_in_end(struct copy_in *copy, uint64_t *rows, struct error *err);

/* There will be no more of them: the server drops what it has. The reason stands in its log. False
 * only if the connection is lost. */
bool copy_in_give_up(struct copy_in *copy, const char *reason, struct error *err);

/* After a failure of any of these the COPY is over. Unless wire_is_broken, the session can be asked
 * on: a transaction that it was in, for ROLLBACK. */

#endif
