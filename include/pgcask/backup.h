/*
 * Backing up a cluster of PostgreSQL 13 to 18 over its replication protocol: data files, the WAL
 * that makes them consistent, and the server's own backup_manifest.
 */
#ifndef PGCASK_BACKUP_H
#define PGCASK_BACKUP_H

#include "settings.h"
#include "source.h"

PGCASK_C_BEGIN

enum pgcask_digest {
    PGCASK_DIGEST_DEFAULT, /* XXH3-128, and CRC-32C in backup_manifest */
    PGCASK_DIGEST_SHA256   /* both */
};

struct pgcask_backup_options {
    size_t struct_size;               /* see PGCASK_INIT */
    const char *label;                /* of the base backup, at most 1024 bytes; NULL: "pgcask" */
    bool spread_checkpoint;           /* wait for the server's next one rather than ask for one */
    uint32_t max_rate_kib;            /* KiB a second, 32 to 1048576; 0: no limit */
    uint64_t max_retained_wal;        /* bytes of WAL that the backup may hold back on the server
                                         before it gives up; 0: no limit */
    const char *transfer_compression; /* "gzip", "lz4", "zstd", with ":LEVEL" where wanted; by
                                         servers from 15 on. NULL: none */
    enum pgcask_digest digest;
    bool no_verify_checksums; /* the server need not check its page checksums */
    int64_t stall_timeout_ms; /* longest silence while data flows; 0: ten minutes */
};

/* Sets a member by the name of the command's option and a value as the command line takes it:
 * "max-rate", "32M". '_' is as good as '-'. Texts are borrowed. An unknown name or a value that
 * makes no sense is PGCASK_ERROR_USAGE. */
bool pgcask_backup_options_set(struct pgcask_backup_options *options, const char *name,
                               const char *value, struct pgcask_error *error);

/* Connects and gives the source of a physical backup, which starts when records are taken:
 * /manifest.json, the cluster under /data and /tablespaces/OID, /summary.json last. NULL on
 * failure. options may be NULL and are copied, their texts too; settings are borrowed until the
 * source is closed. The source holds two sessions and one thread, which takes no signals. */
struct pgcask_source *pgcask_backup_open(const struct pgcask_settings *settings,
                                         const struct pgcask_backup_options *options,
                                         const struct pgcask_control *control,
                                         struct pgcask_error *error);

struct pgcask_backup_report {
    size_t struct_size;               /* see PGCASK_INIT */
    char start_lsn[32], stop_lsn[32]; /* "0/3000028"; "" until known */
    uint32_t start_timeline, stop_timeline;
    char system_identifier[32];
    int server_version_num;   /* 150018 */
    uint64_t bytes, files;    /* given so far */
    uint64_t wal_bytes;       /* of those bytes */
    uint64_t total_bytes;     /* the server's estimate without WAL; 0 until known */
    size_t tablespaces;       /* besides the data directory */
    size_t checksum_failures; /* page checksum failures that the server reported; the copy is
                                 true to what the server has */
    char checksum_failure_first[512]; /* in the server's words */
    size_t manifest_unavailable; /* what manifest.json could not be told, it lists with reasons */
};

/* At any time before a source of pgcask_backup_open is closed, from the thread it belongs to. False
 * for other sources. */
bool pgcask_backup_get_report(const struct pgcask_source *source,
                              struct pgcask_backup_report *report, struct pgcask_error *error);

/* ---- Before a backup ---- */

/* Something that would make the backup fail (fatal) or that is worth knowing; lent for the call. */
typedef void pgcask_finding_fn(void *context, bool fatal, const char *message, const char *remedy);

/* Asks the server everything that can be known before any work: rights, settings, slots. Each
 * finding is told. False only if nothing could be asked. *estimated_bytes (NULL is allowed): the
 * cluster's size without WAL, 0 if it may not be asked. */
bool pgcask_preflight(const struct pgcask_settings *settings,
                      const struct pgcask_backup_options *options,
                      const struct pgcask_control *control, pgcask_finding_fn *finding,
                      void *context, uint64_t *estimated_bytes, struct pgcask_error *error);

struct pgcask_server_facts {
    size_t struct_size; /* see PGCASK_INIT */
    char server_version[64];
    int server_version_num;
    char system_identifier[32]; /* "" where it may not be asked */
    char wal_position[32];
    uint32_t timeline;
    bool in_recovery; /* a standby */
    bool tls;
    bool replication; /* a replication session, which a backup needs, could be made */
    bool sql;         /* an SQL session could be made */
    char user[256];
    char peer[512]; /* "host:port", or the path of a socket */

    /* Yours to set before the call, or NULL: filled with why such a session could not be made. */
    struct pgcask_error *replication_error, *sql_error;
};

/* Tries both kinds of session. False if there is neither. */
bool pgcask_ping(const struct pgcask_settings *settings, const struct pgcask_control *control,
                 struct pgcask_server_facts *facts, struct pgcask_error *error);

PGCASK_C_END

#endif
