/*
 * /manifest.json: what is inside a backup, readable without restoring it. Schema version 2 of
 * Plakar's PostgreSQL integration with every field of it, plus ours beside them
 * ("producer", "wal_position", "timeline", "unavailable", …).
 *
 * The file is produced as a stream, an object at a time, while it is read from the server: memory
 * does not grow with the number of tables. A query that fails leaves its fields out and is named
 * with its reason in "unavailable"; it never fails the backup. Names and definitions that are not
 * valid UTF-8 are escaped (\xHH) and flagged.
 */
#ifndef PGCASK_MANIFEST_MANIFEST_STREAM_H
#define PGCASK_MANIFEST_MANIFEST_STREAM_H

#include "base/cancel.h"
#include "base/log.h"
#include "record/record.h"
#include "wire/wire.h"

#define MANIFEST_PATH "/manifest.json"

struct manifest_option {
    const char *name; /* as in the "options" object */
    const char *text; /* a string value, or NULL: … */
    bool flag;        /* … then this */
};

struct manifest_request {
    const char *connector;   /* "postgresql" or "postgresql+bin" */
    const char *dump_format; /* "custom", "directory", "plain", "basebackup" */
    const char *database;    /* the one database asked for, or NULL */
    const char *snapshot; /* exported in that database: it is described as it is there; or NULL */
    const struct manifest_option *options;
    size_t option_count;

    /* How to reach the databases; borrowed until the reader is closed. One SQL connection is open
     * at a time. */
    const struct wire_settings *settings;

    /* A session that is there already (a replication session at least): server version and SHOW
     * are taken from it where no SQL session can be made. Idle, borrowed, may be NULL. */
    struct wire_conn *replication;
    const char *system_identifier; /* decimal text, NULL if not known */
    const char *wal_position;      /* "0/3000028", NULL if not known */
    uint32_t timeline;             /* 0 if not known */

    struct cancel *cancel;
    const struct log *log;
};

/* The reader asks the server as it is pulled. The request's texts are copied. */
struct reader *manifest_stream_new(const struct manifest_request *request, struct error *err);

/* What could not be gathered so far, for summary.json and for the user: number of "unavailable"
 * entries. Only for readers made by manifest_stream_new. */
size_t manifest_stream_unavailable(const struct reader *reader);

#endif
