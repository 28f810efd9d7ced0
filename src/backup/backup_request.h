/*
 * What is asked for when a backup of either kind is: one structure for the command, Plakar and the
 * library. The rows of the option table (backup/backup_options.h) say which of its members an
 * option fills, and with what if nothing is given.
 */
#ifndef PGCASK_BACKUP_BACKUP_REQUEST_H
#define PGCASK_BACKUP_BACKUP_REQUEST_H

#include "base/cancel.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/options.h"
#include "catalog/filter.h"
#include "manifest/logical_layout.h"
#include "wire/wire.h"

#include <stdio.h>

struct backup_report;

/* Called when the job's phase has changed and before it waits for anything in the new one, from the
 * thread that asks for records. False ends the backup with *err. */
typedef bool backup_phase_fn(void *context, const struct backup_report *report, struct error *err);

enum backup_checkpoint { CHECKPOINT_FAST, CHECKPOINT_SPREAD };

struct backup_request {
    const struct wire_settings *settings; /* complete; borrowed until the job is closed */
    /* Preflight of a physical backup leaves here, and in settings, what leads to the server that it
     * asked (see wire_settings_pin), so that of several hosts the backup goes to that one. No
     * longer needed once the job is open. */
    struct wire_settings *pinned;
    bool physical;         /* the whole cluster; else one database as SQL and rows */
    struct cancel *cancel; /* required: several threads of a job end by it */
    const struct log *log;
    backup_phase_fn *on_phase; /* NULL: nobody wants to know */
    void *context;             /* of on_phase */
    bool only_preflight;       /* no backup follows: what that would say of itself is said, too */

    /* ---- Both kinds ---- */
    enum digest_algorithm digest; /* DIGEST_XXH3_128 (a cluster's files: CRC-32C) or
                                     DIGEST_SHA256 (those files, too) */
    int64_t stall_timeout_ms;     /* longest silence while data flows */

    /* ---- Physical ---- */
    const char *label; /* backup_label's LABEL */
    enum backup_checkpoint checkpoint;
    uint64_t max_rate_kib;            /* KiB/s, 32 to 1048576; 0: no limit */
    uint64_t max_retained_wal;        /* bytes; 0: no limit */
    const char *transfer_compression; /* "gzip", "lz4", "zstd", with ":level"; NULL: none */
    bool no_verify_checksums;         /* tell the server not to check page checksums */

    /* ---- Logical ---- */
    const char *compression; /* of the archive's data: "none", "gzip", "lz4", "zstd", with ":level";
                                NULL: none */
    int64_t lock_timeout_ms; /* for a batch of tables */
    int64_t lock_timeout_total_ms; /* for all; 0: ten minutes, or the former if that is longer */
    bool statistics;               /* the planner's, too; of servers from 18 on */
    bool allow_newer_server;       /* one that this version was not tested with */
    enum logical_layout layout;
    uint64_t jobs;       /* most sessions that read rows at once; 0: as side_by_side says */
    size_t side_by_side; /* of layout tables: above 1, records of rows are read by themselves (see
                            record.by_itself), over so many sessions at most */
    /* No database was named anywhere: all of the server's that allow connections. Whoever reads the
     * request puts it in by backup_request_settle_databases. */
    bool all_databases;
    bool without_summary;         /* whoever keeps it knows by other means that it is complete */
    struct option_list databases; /* of those, only these: patterns of pg_dump's language; and … */
    struct option_list exclude_databases; /* … without these */

    /* What of a database is wanted. */
    struct option_list lists[FILTER_LISTS]; /* patterns of pg_dump's language */
    const char *filter_file;                /* more of them; NULL: none */
    char *filter_text; /* what was read of it already, freed by backup_request_reset; else NULL */
    bool schema_only, data_only, no_unlogged_table_data;
    bool large_objects, no_large_objects; /* also where lists choose; or never */
};

/* Puts in what was given, or the defaults, and checks it. The rest of the request stays. Texts are
 * borrowed from the options. */
bool backup_request_read(struct backup_request *request, const struct options *given,
                         struct error *err);

/* Once request->settings are there: whether all databases are meant. To choose among them where one
 * is named is an error. environment: PGDATABASE names one, too. */
bool backup_request_settle_databases(struct backup_request *request, bool environment,
                                     struct error *err);

/* What a program could have put in that no option would take. */
bool backup_request_check(const struct backup_request *request, struct error *err);

/* Whether a logical backup's archive takes another number of bytes than its rows. */
bool backup_request_compresses(const struct backup_request *request);

/* Reads what the filter file is to say from there. */
bool backup_request_read_filter(struct backup_request *request, FILE *file, struct error *err);

/* Frees what preflight and backup_request_read_filter left. */
void backup_request_reset(struct backup_request *request);

/* Which options it may have. */
enum option_scope backup_request_scope(const struct backup_request *request);

#endif
