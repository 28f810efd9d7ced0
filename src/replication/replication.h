/*
 * Commands of a walsender session. Source: PostgreSQL documentation, "Streaming Replication
 * Protocol". All of them are simple queries; the connection must be of a replication kind.
 */
#ifndef PGCASK_REPLICATION_REPLICATION_H
#define PGCASK_REPLICATION_REPLICATION_H

#include "base/lsn.h"
#include "wire/wire.h"

#define REPLICATION_OLDEST_MAJOR 13
#define REPLICATION_NEWEST_MAJOR 18

/* Refuses servers that are too old; *newer is set for majors that are not known yet. */
bool replication_check_version(int server_version_num, bool *newer, struct error *err);

struct system_identity {
    char system_identifier[32]; /* decimal */
    uint32_t timeline;
    uint64_t position; /* of the WAL: flushed on a primary, replayed on a standby */
};

bool replication_identify_system(struct wire_conn *conn, struct system_identity *identity,
                                 struct error *err);

/* SHOW name; false with the server's error if the role may not see it. */
bool replication_show(struct wire_conn *conn, const char *name, char *out, size_t out_size,
                      struct error *err);

/* Opens a walsender session: replication=true first; where pg_hba.conf has no replication line for
 * it, replication=database on the settings' database. */
bool replication_connect(struct wire_conn **conn, const struct wire_settings *settings,
                         const char *application_name, int64_t wait_limit_ms, struct cancel *cancel,
                         const struct log *log, struct error *err);

/* Makes a temporary physical slot that reserves WAL from now on. */
bool replication_create_temporary_slot(struct wire_conn *conn, const char *name, struct error *err);

/* Starts streaming from the slot at the position and ends it at once: touches the slot, so that it
 * does not count as idle, and fails if it was lost. The slot does not move. */
bool replication_touch_slot(struct wire_conn *conn, const char *name, uint64_t position,
                            struct error *err);

#endif
