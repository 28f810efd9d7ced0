/*
 * The logical job: one database becomes /manifest.json, /globals.sql, /DB.dump (a custom archive
 * that stock pg_restore takes for its own) and /summary.json. It is sequential. One session holds
 * the snapshot that everything is read in; the manifest is gathered in the same one by a second.
 */
#ifndef PGCASK_BACKUP_LOGICAL_BACKUP_H
#define PGCASK_BACKUP_LOGICAL_BACKUP_H

#include "backup/preflight.h"
#include "base/cancel.h"
#include "base/compress.h"
#include "base/digest.h"
#include "base/log.h"
#include "record/record.h"
#include "wire/wire.h"

struct logical_backup_options {
    const struct wire_settings *settings; /* complete; borrowed until the job is closed */
    enum compression compression;         /* of the archive's data */
    int compression_level;                /* or COMPRESSION_LEVEL_DEFAULT */
    enum digest_algorithm digest;         /* DIGEST_XXH3_128 or DIGEST_SHA256 */
    int64_t lock_timeout_ms;              /* for a batch of tables; 0: 60 s */
    int64_t lock_timeout_total_ms;        /* for all; 0: 10 minutes, or the former if longer */
    int64_t stall_timeout_ms;             /* longest silence while data flows; 0: 10 minutes */
    bool allow_newer_server;              /* one that this version was not tested with */
    struct cancel *cancel;
    const struct log *log;
};

/* Connects, checks everything that can be checked without starting, and collects all findings.
 * False only if nothing could be asked at all (no connection); then *err says why. */
bool logical_backup_preflight(const struct logical_backup_options *options,
                              struct preflight_report *report, struct error *err);

/* Whether the server's version can be backed up. */
bool logical_backup_check_version(int version, bool allow_newer, struct error *err);

/* Connects; the work starts when records are asked for. */
bool logical_backup_new(const struct logical_backup_options *options, struct record_source **source,
                        struct error *err);

struct logical_backup_report {
    int server_version_num;
    char wal_lsn[32];     /* where the log stood when the snapshot was taken */
    const char *database; /* borrowed until the job is closed */
    uint64_t total_bytes; /* size of its tables on the server's disk; 0 until known */
    uint64_t bytes;       /* content of records so far */
    uint64_t row_bytes;   /* of rows as the server sends them, before compression, so far */
    uint64_t files;       /* records read to their end */
    uint64_t rows;        /* read so far */
    size_t entries, tables;
    size_t manifest_unavailable;
    const char *phase; /* "connecting", "catalog", "manifest", "copying", "finishing", "done" */
    const char *table; /* the one being read, or NULL */
};
void logical_backup_report(const struct record_source *source,
                           struct logical_backup_report *report);

#endif
