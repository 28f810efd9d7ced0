/*
 * Keeps the WAL that a base backup needs. A session of its own holds a temporary physical slot that
 * reserves WAL; a thread touches the slot now and then, so that neither idle_session_timeout nor
 * idle_replication_slot_timeout ends it, notices at once when the slot was lost, and measures how
 * much WAL the slot holds back. On trouble it requests the job's cancel; the job then asks
 * slot_keeper_failed for the reason.
 */
#ifndef PGCASK_REPLICATION_SLOT_KEEPER_H
#define PGCASK_REPLICATION_SLOT_KEEPER_H

#include "replication/replication.h"

struct slot_keeper_options {
    const struct wire_settings *settings; /* borrowed until _stop */
    const char *system_identifier;        /* of the cluster that is backed up; NULL: any */
    uint64_t max_retained_wal;            /* bytes; 0: no limit */
    struct cancel *job_cancel;            /* requested on trouble; also ends the start */
    const struct log *log;
    int64_t beat_ms; /* 0: 10 s, or half of the shorter idle time-out of the server */
};

/* A time-out of idle sessions below twice of this ends the keeper's. */
#define SLOT_KEEPER_BEAT_SHORTEST_MS 100

struct slot_keeper;

/* Connects, makes the slot, and starts the thread. From then on the server keeps WAL. */
bool slot_keeper_start(struct slot_keeper **keeper, const struct slot_keeper_options *options,
                       struct error *err);

/* True with *err set if the keeper requested the cancel. */
bool slot_keeper_failed(struct slot_keeper *keeper, struct error *err);

/* Bytes of WAL between the reserved position and the server's last known one. */
uint64_t slot_keeper_retained(struct slot_keeper *keeper);

const char *slot_keeper_slot_name(const struct slot_keeper *keeper);

/* Ends the thread and the session; the slot goes with it. NULL is allowed. */
void slot_keeper_stop(struct slot_keeper *keeper);

#endif
