/*
 * Backup jobs: a server becomes a record source.
 *
 * The physical job yields /manifest.json, the cluster under /data and /tablespaces/OID, and
 * /summary.json last. It is sequential. It holds two sessions: one runs BASE_BACKUP, the other
 * keeps a temporary slot that makes the server keep the WAL the backup needs.
 */
#ifndef PGCASK_BACKUP_BACKUP_H
#define PGCASK_BACKUP_BACKUP_H

#include "backup/preflight.h"
#include "base/cancel.h"
#include "base/digest.h"
#include "base/log.h"
#include "record/record.h"
#include "wire/wire.h"

struct physical_backup_options {
    const struct wire_settings *settings; /* complete; borrowed until the job is closed */
    const char *label;                    /* backup_label's LABEL; NULL: "pgcask" */
    bool spread_checkpoint;               /* default: fast */
    uint32_t max_rate_kib;                /* KiB/s, 32 to 1048576; 0: no limit */
    uint64_t max_retained_wal;            /* bytes; 0: no limit */
    const char *transfer_compression;     /* "gzip", "lz4", "zstd", with ":level"; NULL: none */
    enum digest_algorithm digest;         /* DIGEST_XXH3_128 (files: CRC-32C) or DIGEST_SHA256
                                             (files too) */
    bool no_verify_checksums;             /* tell the server not to check page checksums */
    int64_t stall_timeout_ms;             /* longest silence while data flows; 0: 10 minutes */
    struct cancel *cancel;                /* required: the slot's keeper uses it too */
    /* Optional: preflight leaves settings here that lead to the server it asked (see
     * wire_settings_pin), so that of several hosts the backup goes to that one. The caller frees
     * them; a job needs them no longer once physical_backup_new has returned. */
    struct wire_settings **pinned;
    const struct log *log;
};

/* Connects, checks everything that can be checked without starting, and collects all findings.
 * False only if nothing could be asked at all (no connection); then *err says why, with the
 * pg_hba.conf line where that is the reason. */
bool physical_backup_preflight(const struct physical_backup_options *options,
                               struct preflight_report *report, struct error *err);

/* What ping prints. */
struct server_facts {
    char server_version[64];
    int server_version_num;
    char system_identifier[32]; /* "" if not allowed */
    char wal_position[32];
    uint32_t timeline;
    bool in_recovery;
    bool tls;
    bool replication; /* a replication session could be made */
    bool sql;         /* an SQL session could be made */
    char user[256];
    char peer[512];
    struct error replication_error, sql_error; /* why not */
};
bool server_ping(const struct wire_settings *settings, bool want_replication, struct cancel *cancel,
                 const struct log *log, struct server_facts *facts, struct error *err);

/* What a whole server has to back up: every database that allows connections, the template ones
 * among them. */
struct server_databases {
    uint64_t count;
    char first[128]; /* an example: no template, and "postgres" only for want of others; or "" */
    char names[512]; /* the first five, templates last, with commas */
};
bool server_count_databases(const struct wire_settings *settings, struct cancel *cancel,
                            const struct log *log, struct server_databases *databases,
                            struct error *err);

/* Opens the sessions and checks the versions; the backup itself starts when records are asked for.
 * *source is closed with source_close, which leaves neither session nor slot behind. */
bool physical_backup_new(const struct physical_backup_options *options,
                         struct record_source **source, struct error *err);

struct physical_backup_report {
    char start_lsn[32], stop_lsn[32];
    uint32_t start_timeline, stop_timeline;
    char system_identifier[32];
    int server_version_num;
    uint64_t total_bytes;  /* the server's estimate, without WAL; 0 until known */
    uint64_t bytes, files; /* content of records so far */
    uint64_t wal_bytes;
    size_t tablespaces;               /* besides the base directory */
    size_t checksum_failures;         /* page checksum failures that the server reported */
    char checksum_failure_first[512]; /* the server's words for the first */
    size_t manifest_unavailable;      /* "unavailable" entries of manifest.json */
    bool has_tablespaces_note;        /* the cluster has tablespaces: see relocate */
    size_t configuration_files;       /* in /config: they lie outside the server's data directory */
    size_t configuration_missing;     /* that are not in the backup, private keys left aside … */
    bool configuration_unforeseen;    /* … which preflight could not tell, */
    bool configuration_unseen;        /* the role may not see where the server's files lie */
    char configuration_missing_list[512]; /* for people */
    char configuration_remedy[1024];      /* the statements that include them next time */
    const char *phase; /* "connecting", "manifest", "checkpoint", "copying", "finishing", "done" */
};
/* Valid at any time between _new and close, from the thread that pulls. */
void physical_backup_report(const struct record_source *source,
                            struct physical_backup_report *report);

#endif
