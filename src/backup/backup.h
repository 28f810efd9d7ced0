/*
 * Backup jobs: a server becomes a record source.
 *
 * The physical job yields /manifest.json, the cluster under /data and /tablespaces/OID, and
 * /summary.json last. It holds two sessions: one runs BASE_BACKUP, the other keeps a temporary slot
 * that makes the server keep the WAL the backup needs.
 *
 * The logical job makes of one database /manifest.json, /globals.sql, /DB.dump (a custom archive
 * that stock pg_restore takes for its own) and /summary.json; other layouts, and what there is of
 * all databases of a server: see manifest/logical_layout.h. One session for each database holds the
 * snapshot that everything is read in; the manifest is gathered in the same ones by another.
 *
 * Both are sequential.
 */
#ifndef PGCASK_BACKUP_BACKUP_H
#define PGCASK_BACKUP_BACKUP_H

#include "backup/backup_request.h"
#include "base/preflight.h"
#include "record/record.h"

/* Connects, checks everything that can be checked without starting, and collects all findings.
 * False only if nothing could be asked at all (no connection); then *err says why, with the
 * pg_hba.conf line where that is the reason. */
bool backup_preflight(struct backup_request *request, struct preflight_report *report,
                      struct error *err);

/* Makes the job; the backup itself starts when records are asked for. A physical one opens its
 * sessions and checks the versions here. *source is closed with source_close, which leaves neither
 * session nor slot behind. */
bool backup_open(const struct backup_request *request, struct record_source **source,
                 struct error *err);

/* In this order; each kind has all but one of them. */
enum backup_phase {
    BACKUP_CONNECTING,
    BACKUP_CATALOG,    /* reading the database's catalogs: logical */
    BACKUP_MANIFEST,   /* giving manifest.json */
    BACKUP_CHECKPOINT, /* waiting for the server's: physical */
    BACKUP_COPYING,
    BACKUP_FINISHING, /* all data have come */
    BACKUP_DONE       /* so has summary.json */
};

/* "connecting", "catalog", … */
const char *backup_phase_name(enum backup_phase phase);

struct physical_report {
    char start_lsn[32], stop_lsn[32];
    uint32_t start_timeline, stop_timeline;
    char system_identifier[32];
    uint64_t wal_bytes;
    size_t tablespaces;               /* besides the base directory */
    size_t checksum_failures;         /* page checksum failures that the server reported */
    char checksum_failure_first[512]; /* the server's words for the first */
    bool has_tablespaces_note;        /* the cluster has tablespaces: see relocate */
    size_t configuration_files;       /* in /config: they lie outside the server's data directory */
    size_t configuration_missing;     /* that are not in the backup, private keys left aside … */
    bool configuration_unforeseen;    /* … which preflight could not tell, */
    bool configuration_unseen;        /* the role may not see where the server's files lie */
    char configuration_missing_list[512]; /* for people */
    char configuration_remedy[1024];      /* the statements that include them next time */
};

struct logical_report {
    char wal_lsn[32];     /* where the log stood when the (first) snapshot was taken; "" if the role
                             may not ask */
    bool several;         /* not one database that was named, but those of the server */
    const char *database; /* the one that is read; of several NULL until the first one's turn.
                             Borrowed until the job is closed */
    size_t databases, databases_done; /* to be read, and read to their end */
    size_t databases_together;        /* whose snapshots were taken together */
    uint64_t row_bytes; /* of rows as the server sends them, before compression, so far */
    uint64_t rows;      /* read so far */
    size_t entries, tables;
    bool partial; /* something was to be left out */
};

struct backup_report {
    enum backup_phase phase;
    int server_version_num;
    uint64_t total_bytes;  /* what there is to copy as the server has it, without WAL, about; 0
                              until known */
    uint64_t bytes, files; /* content of records so far; records read to their end */
    size_t manifest_unavailable; /* "unavailable" entries of manifest.json */
    struct physical_report physical;
    struct logical_report logical;
};

/* How a job goes. Valid until it is closed, for the thread that pulls. */
const struct backup_report *backup_report(const struct record_source *source);

#endif
