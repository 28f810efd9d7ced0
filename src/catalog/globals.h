/*
 * /globals.sql: what belongs to the cluster rather than to a database, as SQL for psql: roles with
 * their password verifiers where they may be read, memberships, settings, tablespaces.
 */
#ifndef PGCASK_CATALOG_GLOBALS_H
#define PGCASK_CATALOG_GLOBALS_H

#include "base/log.h"
#include "record/record.h"
#include "wire/wire.h"

/* Whether the session's role may read the password verifiers of roles. */
bool globals_have_verifiers(struct wire_conn *conn, bool *verifiers, struct error *err);

/* Told of what is not in it, in a line; false ends it. */
typedef bool globals_left_out(void *context, const char *line, struct error *err);

/* For before the first byte, in the transaction of what follows: what of it cannot be backed up is
 * an error, what is left out is told. */
bool globals_look_over(struct wire_conn *conn, globals_left_out *left_out, void *context,
                       struct error *err);

/* Asks the session, which must be idle in snapshot_begin's transaction, as it is pulled. alone: it
 * is a script by itself, with the comments that pg_dumpall has at its beginning and its end. */
struct reader *globals_stream_new(struct wire_conn *conn, bool alone, const struct log *log,
                                  struct error *err);

#endif
