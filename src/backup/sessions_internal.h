/* The sessions that questions before a backup are asked over. */
#ifndef PGCASK_BACKUP_SESSIONS_INTERNAL_H
#define PGCASK_BACKUP_SESSIONS_INTERNAL_H

#include "replication/replication.h"

/* A replication and an SQL session, either of which may be missing. */
struct sessions {
    struct wire_conn *replication, *sql;
    struct wire_settings *pinned; /* to the server of the first session, once there is one */
    struct error replication_error, sql_error; /* why one is missing */
};

/* What a session that reads a database begins with: the client_encoding that the settings name,
 * else SQL_ASCII, which every database takes and which leaves its bytes as they are, whatever the
 * role or the database sets. */
const char *sessions_encoding(const struct wire_settings *settings);

/* Tries both. With any_database the SQL session is one of another database where there is none of
 * the settings'; without, it is one of theirs, because that is what will be backed up. False if
 * neither came about; *err then says why. */
bool sessions_open(struct sessions *sessions, const struct wire_settings *settings,
                   bool want_replication, bool any_database, struct cancel *cancel,
                   const struct log *log, struct error *err);
void sessions_close(struct sessions *sessions);

/* A session of any database that lets us in: postgres, template1, or that of the settings. */
bool sessions_connect_any(struct wire_conn **conn, const struct wire_settings *settings,
                          const char *application_name, const char *encoding, struct cancel *cancel,
                          const struct log *log, struct error *err);

/* Waits so long; false if it was cancelled. */
bool sessions_pause(struct cancel *cancel, int milliseconds, struct error *err);

/* For loops that connect, where a session that has just ended may still count: whether *err is that
 * there is no room for one more, and it was waited for some. `tries` were before. */
#define SESSIONS_TRIES 4      /* 750 ms in all */
#define SESSIONS_MANY_TRIES 6 /* 3 s: what is to come in turn, as the server has room */
bool sessions_try_again(struct cancel *cancel, int tries, int most, struct error *err);

/* A server setting by either session; false if neither may see it. */
bool sessions_show(struct sessions *sessions, const char *name, char *out, size_t out_size);

/* The first column of the first row of an SQL query as text; false without an SQL session or where
 * the query fails or gives nothing. */
bool sessions_ask(struct sessions *sessions, const char *sql, char *out, size_t out_size);

/* Any of the sessions that is there. */
struct wire_conn *sessions_any(const struct sessions *sessions);

#endif
