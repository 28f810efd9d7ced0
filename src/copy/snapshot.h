/*
 * A session that only reads: from its beginning to ROLLBACK everything it sees is of one moment,
 * and nothing that a role, a database or the server is configured with changes what the server
 * prints.
 *
 * Sources: PostgreSQL documentation, "SET TRANSACTION" (SNAPSHOT), "Snapshot Synchronization
 * Functions", "Client Connection Defaults"; what pg_dump sets.
 */
#ifndef PGCASK_COPY_SNAPSHOT_H
#define PGCASK_COPY_SNAPSHOT_H

#include "wire/wire.h"

/* Makes the settings of a session that dumps, then begins a transaction: with the snapshot that
 * another session exported under that name, or with one of its own if NULL. The connection is
 * borrowed for the call. After an error of the server it is in no state to be read from: ROLLBACK,
 * and begin again. After ROLLBACK it may begin again, too. */
bool snapshot_begin(struct wire_conn *conn, const char *snapshot, struct error *err);

#endif
