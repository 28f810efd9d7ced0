/*
 * A session that only reads: from its beginning to ROLLBACK everything it sees is of one moment,
 * and nothing that a role, a database or the server is configured with changes what the server
 * prints. Several sessions see the same moment if all but the first import the snapshot that the
 * first exported, and begin before it ends.
 *
 * Sources: PostgreSQL documentation, "SET TRANSACTION" (SNAPSHOT), "Snapshot Synchronization
 * Functions", "Client Connection Defaults"; what pg_dump sets.
 */
#ifndef PGCASK_COPY_SNAPSHOT_H
#define PGCASK_COPY_SNAPSHOT_H

#include "wire/wire.h"

#define SNAPSHOT_NAME_SIZE 64 /* "00000003-0000001B-1" and its like, with a NUL */

struct snapshot_options {
    const char *imported;          /* exported by another session; NULL: a new one */
    unsigned statement_timeout_ms; /* longest time of a statement; 0: no end */
    unsigned lock_timeout_ms;      /* longest wait for a lock; 0: no end */
    bool own_encoding;             /* where the session began in SQL_ASCII, which every database
                                      takes and which converts nothing: text comes in the database's
                                      own encoding */
    bool small_queries;            /* many, of catalogs without statistics: no plan for many rows */
    bool foreign_tables;           /* rows of these are wanted */
    bool begun;                    /* the transaction is, repeatable read and read only, and has no
                                      snapshot yet */
    const char *savepoint;         /* made behind it all, to go back to; NULL: none. Going back
                                      keeps what is said here */
};

/* Begins the transaction, with its snapshot, and says all settings in it. The session does nothing
 * else; text and names in the options are borrowed for the call. After an error of the server it is
 * in no state to be read from: ROLLBACK, which undoes the settings too, and begin again. So it may
 * after any ROLLBACK. */
bool snapshot_begin(struct wire_conn *conn, const struct snapshot_options *options,
                    struct error *err);

/* Makes the transaction's snapshot known to other sessions, under a name that is good until it
 * ends. */
bool snapshot_export(struct wire_conn *conn, char name[SNAPSHOT_NAME_SIZE], struct error *err);

#endif
