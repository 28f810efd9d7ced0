/*
 * What is done with a stored backup. Each function takes all records of a source from which none
 * has been taken yet, in the order they were written; the source is still to be closed afterwards.
 */
#ifndef PGCASK_RESTORE_H
#define PGCASK_RESTORE_H

#include "source.h"

PGCASK_C_BEGIN

struct pgcask_verify_report {
    size_t struct_size; /* see PGCASK_INIT */
    size_t problems;
    uint64_t files, bytes;
    size_t checksum_failures; /* page checksum failures that the server reported when the backup was
                                 made: no problem of the copy */
    char system_identifier[32];
    char start_lsn[32], stop_lsn[32];
    uint32_t stop_timeline;
    char finished_at[32]; /* "2026-11-22T17:03:08Z" */

    /* Of a logical backup. */
    uint64_t rows;        /* counted in its archives and scripts */
    char layout[16];      /* "classic", "numbered", "tables" */
    char database[256];   /* the one that was named */
    size_t databases;     /* where none was: how many were backed up */
    bool without_summary; /* it has no summary.json, and so no digests: all its archives are there
                             and were unpacked to their ends; what was changed within a row may
                             not be seen */
};

enum pgcask_problem_kind {
    PGCASK_PROBLEM_OTHER = 0,  /* a kind that this version of the header does not know, too */
    PGCASK_PROBLEM_MISSING,    /* the record is not there */
    PGCASK_PROBLEM_CHANGED,    /* its content is not what was backed up */
    PGCASK_PROBLEM_UNEXPECTED, /* it is no part of the backup */
    PGCASK_PROBLEM_DAMAGED,    /* it cannot be read as what it is: an archive, a list */
    PGCASK_PROBLEM_ORDER       /* it does not come where it has to */
};

/* A stable lower-case word: "missing", "changed", … */
const char *pgcask_problem_kind_name(enum pgcask_problem_kind kind);

/* A problem of the backup. The texts are lent for the call. */
struct pgcask_problem {
    size_t struct_size; /* of what the library knows: later members may be missing from it */
    enum pgcask_problem_kind kind;
    const char *path; /* the record's */
    const char *text; /* what is wrong with it, for people */
};

typedef void pgcask_problem_fn(void *context, const struct pgcask_problem *problem);

/* Reads every byte and holds it against backup_manifest and summary.json; archives and scripts of a
 * logical backup are read as what they are, too. True: the backup is
 * whole. False with PGCASK_ERROR_CORRUPT where problems were found, each of which was told (problem
 * may be NULL); another error means that it could not be read to its end. report may be NULL and is
 * filled either way. */
bool pgcask_verify(struct pgcask_source *source, pgcask_problem_fn *problem, void *context,
                   struct pgcask_verify_report *report, struct pgcask_error *error);

struct pgcask_tablespace_mapping {
    const char *old_location; /* the path on the server, or the tablespace's OID or name */
    const char *new_location; /* absolute */
};

struct pgcask_restore_options {
    size_t struct_size; /* see PGCASK_INIT */

    /* Tablespaces that none of these names go to DATA-DIRECTORY.tablespaces/OID. Borrowed for the
     * call. */
    const struct pgcask_tablespace_mapping *mappings;
    size_t mapping_count;

    bool replace; /* a stopped cluster of the same system identifier is replaced; it stays as it is
                     until the new one is complete */
};

struct pgcask_restore_report {
    size_t struct_size; /* see PGCASK_INIT */
    uint64_t files, bytes;
    size_t tablespaces;
    size_t checksum_failures; /* as above */
    char system_identifier[32];
    char start_lsn[32], stop_lsn[32];
    uint32_t stop_timeline;
    char finished_at[32]; /* the backup */
};

/* Puts a physical backup back as a data directory, which is absent or empty unless
 * options->replace. Everything is verified while it is written, and global/pg_control, without
 * which no server starts, comes last. On failure what was written is removed. Files get mode 0600
 * and folders 0700, and belong to the calling user. options and report may be NULL. Signals as in
 * store.h. */
bool pgcask_restore(struct pgcask_source *source, const char *data_directory,
                    const struct pgcask_restore_options *options,
                    struct pgcask_restore_report *report, struct pgcask_error *error);

/* Makes the relative tablespace links of a tree absolute that other means put in place: …/data with
 * …/tablespaces beside it. *changed (NULL is allowed) counts them. A tree that was a whole backup
 * is none after that. */
bool pgcask_relocate(const char *data_directory, size_t *changed, struct pgcask_error *error);

PGCASK_C_END

#endif
