/*
 * What is done with a backup: verify, restore, relocate, list. All take a record source, so that a
 * directory, a .tar file and a pipe are the same thing.
 */
#ifndef PGCASK_RESTORE_RESTORE_H
#define PGCASK_RESTORE_RESTORE_H

#include "base/cancel.h"
#include "base/log.h"
#include "record/record.h"

enum verify_problem {
    VERIFY_OTHER,
    VERIFY_MISSING,    /* it is not there */
    VERIFY_CHANGED,    /* it is not what was backed up */
    VERIFY_UNEXPECTED, /* it is no part of the backup */
    VERIFY_DAMAGED,    /* it cannot be read as what it is */
    VERIFY_ORDER       /* it does not come where it has to */
};

/* A stable lower-case word: "missing", "changed", … */
const char *verify_problem_name(enum verify_problem kind);

/* A problem of a backup: of what kind, which record, and what is wrong with it. */
typedef void verify_problem_fn(void *context, enum verify_problem kind, const char *path,
                               const char *problem);

struct verify_options {
    verify_problem_fn *problem; /* called for each; required */
    void *context;
    const struct record_observer *observer;
    struct cancel *cancel;
    const struct log *log;

    /* Opens the same backup once more, so that a file which should not be there can be named; NULL
     * where that is impossible (a pipe). */
    struct record_source *(*reopen)(void *context, struct error *err);

    /* Archives and scripts that lie together may be a backup without a manifest.json as well. */
    bool may_lack_manifest;

    /* What summary.json has a digest of is not unpacked: its rows are not counted. */
    bool digests_do;
};

struct verify_report {
    size_t problems;
    uint64_t files, bytes;
    size_t checksum_failures; /* page checksum failures recorded at backup time: not a problem of
                                 the copy, but worth saying */
    uint64_t rows;            /* in the archives of a logical backup */
    char kind[16];            /* "physical", "logical" */
    char layout[16];          /* of a logical backup */
    char database[256];       /* of a logical backup of one */
    size_t databases;         /* of one of several: how many; 0: of one */
    bool without_summary;     /* a logical backup whose files no list has digests of: whoever keeps
                                 it has to say that it is complete */
    char system_identifier[32];
    char start_lsn[32], stop_lsn[32];
    uint32_t stop_timeline;
    char finished_at[32];
};

/* Takes over the source, reads every byte and holds it against summary.json and backup_manifest.
 * True: the backup is whole (report->problems is 0). False with problems named through
 * options->problem, or with *err if it could not be read to the end; err->code is ERROR_CORRUPT
 * where problems were found. */
bool backup_verify(struct record_source *source, const struct verify_options *options,
                   struct verify_report *report, struct error *err);

/* Holds a data directory against the server's backup_manifest in it, without its WAL. True: every
 * file that is listed there is as listed, and there are no others but those that may differ (WAL,
 * postgresql.auto.conf, standby.signal, recovery.signal). Of the report only files, bytes, the WAL
 * range and the system identifier are known; its kind is "data_directory". without_map: /data of a
 * backup, which has no tablespace_map even if the server listed one. */
bool data_directory_verify(const char *directory, bool without_map,
                           const struct verify_options *options, struct verify_report *report,
                           struct error *err);

struct tablespace_mapping {
    const char *old_location; /* the path on the server, or the tablespace's OID or name */
    const char *new_location; /* absolute */
};

struct physical_restore_options {
    const struct tablespace_mapping *mappings;
    size_t mapping_count;
    bool replace; /* an existing cluster of the same system identifier, stopped */
    const struct record_observer *observer;
    struct cancel *cancel;
    const struct log *log;
    bool no_sync; /* tests only */
};

struct physical_restore_report {
    uint64_t files, bytes;
    size_t tablespaces;
    /* For the server's command line, quoted for a shell: "" if the cluster starts without. See
     * restore/configuration.h. */
    char start_options[6144];
    /* What root owns now and whoever runs PostgreSQL must: words for a shell; "" if it is not
     * root's. */
    char root_owns[6144];
    struct verify_report verify;
};

/* Takes over the source and puts a physical backup back as a data directory: everything is verified
 * while it is written, global/pg_control comes last, and only if the backup proved whole. On
 * failure what was written is removed again and, with replace, the old cluster is left as it was.
 */
bool physical_restore(struct record_source *source, const char *data_directory,
                      const struct physical_restore_options *options,
                      struct physical_restore_report *report, struct error *err);

/* Turns the relative tablespace links of a tree (…/data with …/tablespaces beside it) into absolute
 * ones. *changed counts links. A tree that is a whole backup is none after that: refused unless
 * in_place says that it shall be the cluster. */
bool data_directory_relocate(const char *data_directory, bool in_place, size_t *changed,
                             struct error *err);

#endif
