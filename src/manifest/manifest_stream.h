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

struct json_t;

#define MANIFEST_PATH "/manifest.json"

/* A member: true where the backup has no summary.json. */
#define MANIFEST_WITHOUT_SUMMARY "without_summary"

/* A member: the names of the databases that a logical backup has, in its order, as the paths of
 * records have them (record_path_encode). The job knows them, whatever can be gathered of them. */
#define MANIFEST_ARCHIVE_NAMES "archive_names"

struct manifest_option {
    const char *name; /* as in the "options" object */
    const char *text; /* a string value, or NULL: … */
    bool flag;        /* … then this */
};

/* A database that is backed up, among several. */
struct manifest_snapshot {
    const char *database; /* its name as the server has it */
    const char *snapshot; /* exported there: it is described as it is in it; NULL: not taken yet */
    bool same;            /* "same_snapshot": it was taken together with the others' */
};

struct manifest_request {
    const char *connector;   /* "postgresql" or "postgresql+bin" */
    const char *dump_format; /* "custom", "directory", "plain", "basebackup" */
    const char *database;    /* the one database asked for, or NULL */
    const char *snapshot; /* exported in that database: it is described as it is there; or NULL */

    /* Those of a logical backup of several, without `database`. All of the cluster are listed then,
     * each says whether it is "backed_up", and those alone are described. NULL: all that are no
     * template are described. */
    const struct manifest_snapshot *snapshots;
    size_t snapshot_count;

    const struct manifest_option *options;
    size_t option_count;

    /* Members of the outermost object that only the job knows ("layout", "filters", …): an object,
     * its strings UTF-8, or NULL. */
    const struct json_t *members;

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
