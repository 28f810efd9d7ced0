/*
 * What a stored backup holds, or a dump archive, without restoring it. An archive is that of a
 * logical backup or one of pg_dump's, in its custom, directory or tar format.
 *
 * Both functions take a source that was opened for a directory, a file or a descriptor
 * (pgcask_source_open_tar opens an archive of one file, too), from which nothing has been taken
 * yet; it is still to be closed afterwards. Functions of yours are called in the calling thread
 * while it is read. What they are given is lent for the call, and has struct_size of what the
 * library knows: later members may be missing from it. One that returns false ends the work with
 * the error it set. Each may be NULL.
 */
#ifndef PGCASK_LIST_H
#define PGCASK_LIST_H

#include "restore.h"
#include "source.h"

PGCASK_C_BEGIN

/* A database of the cluster, or the one of a logical backup that was named, as manifest.json tells.
 */
struct pgcask_database {
    size_t struct_size;
    const char *name;
    uint64_t relations;    /* tables, views, indexes, sequences and the like; not the system's */
    uint64_t tables;       /* of these, tables and materialized views */
    uint64_t not_analysed; /* of these, those of which the server has no row count */
    int64_t row_estimate;  /* of the others; -1: of none */
    bool backed_up;        /* of a logical backup for which none was named: it is in it … */
    bool same_snapshot;    /* … in a snapshot that was taken together with others' */
};

/* A tablespace beside pg_default and pg_global. */
struct pgcask_tablespace {
    size_t struct_size;
    const char *name;
    const char *location; /* on the server */
};

enum pgcask_section {
    PGCASK_SECTION_OTHER = 0, /* one that this version of the header does not know */
    PGCASK_SECTION_NONE,      /* settings, the database itself */
    PGCASK_SECTION_PRE_DATA,
    PGCASK_SECTION_DATA,
    PGCASK_SECTION_POST_DATA
};

/* An entry of an archive's table of contents, in the archive's order. Texts are as in the archive,
 * in the database's encoding. */
struct pgcask_entry {
    size_t struct_size;
    const char *archive; /* the path of the record, or of the folder that it is; NULL: the source
                            is the archive */
    int32_t dump_id;     /* unique in the archive; pg_restore --use-list takes it */
    const char *desc;    /* "TABLE", "TABLE DATA", "INDEX", … */
    const char *schema;  /* NULL: belongs to none */
    const char *tag;     /* its name; of a function with the arguments */
    const char *owner;   /* NULL: has none */
    enum pgcask_section section;
    const int32_t *dependencies; /* dump ids, which need not all be there */
    size_t dependency_count;
    bool has_data;
    const char *tablespace;           /* NULL: does not apply; "": the database's */
    const char *definition;           /* SQL; NULL: none */
    uint32_t catalog_oid, object_oid; /* in pg_class's oid …; 0: no row of the catalogs */
};

/* The data of an entry, read to their end. Large objects in an archive of several files are not
 * told of. */
struct pgcask_entry_data {
    size_t struct_size;
    int32_t dump_id;
    uint64_t bytes; /* unpacked */
    uint64_t rows;  /* lines of COPY text; 0 of anything else */
};

struct pgcask_list_callbacks {
    size_t struct_size; /* see PGCASK_INIT */
    void *context;

    /* Files, folders and links of a backup. */
    bool (*record)(void *context, const struct pgcask_record *record, struct pgcask_error *error);

    /* After all that is read. */
    bool (*database)(void *context, const struct pgcask_database *database,
                     struct pgcask_error *error);
    bool (*tablespace)(void *context, const struct pgcask_tablespace *tablespace,
                       struct pgcask_error *error);

    /* Of an archive by itself, or of each archive of a backup. */
    bool (*entry)(void *context, const struct pgcask_entry *entry, struct pgcask_error *error);

    /* pgcask_archive_verify only, which reads them: after all entries. */
    bool (*entry_data)(void *context, const struct pgcask_entry_data *data,
                       struct pgcask_error *error);

    /* What cannot be understood. */
    pgcask_problem_fn *problem;
};

enum pgcask_listing_kind {
    PGCASK_LISTING_UNKNOWN = 0,
    PGCASK_LISTING_PHYSICAL, /* a copy of a cluster */
    PGCASK_LISTING_LOGICAL,  /* of one database, or of all */
    PGCASK_LISTING_ARCHIVE   /* an archive by itself */
};

/* A stable lower-case word: "physical", "logical", "archive"; "unknown" for any other number. */
const char *pgcask_listing_kind_name(enum pgcask_listing_kind kind);

/* What is not known, or does not apply, is "" or 0. Times are as "2026-11-22T17:03:08Z". */
struct pgcask_listing {
    size_t struct_size; /* see PGCASK_INIT */
    enum pgcask_listing_kind kind;

    /* It has manifest.json, and a summary.json that matches its own checksum, which is written
     * last. The files are not verified. Of an archive by itself, which has nothing of the kind,
     * false. */
    bool complete;
    size_t problems;          /* what could not be understood */
    char producer[128];       /* "pgcask 0.1.0"; of an archive what dumped it: "15.18", … */
    char server_version[128]; /* "15.18" */
    int server_version_num;   /* 150018; 0 of an archive by itself */
    char system_identifier[32];
    bool in_recovery;                     /* it was made from a standby */
    char database[256];                   /* of a logical backup or an archive */
    char started_at[32], finished_at[32]; /* of an archive: started_at only */

    /* Of a physical backup. */
    char label[1032];
    char start_lsn[32], stop_lsn[32];
    uint32_t start_timeline, stop_timeline;
    uint64_t wal_bytes;       /* of bytes */
    size_t checksum_failures; /* page checksum failures that the server reported */

    char wal_lsn[32];              /* of a logical backup: the log position of its snapshot */
    uint64_t files, bytes;         /* of a backup, all its records */
    uint64_t tables, rows;         /* of a logical backup: whose rows are in it, and how many */
    size_t databases, tablespaces; /* in manifest.json */
    size_t manifest_unavailable;   /* what manifest.json could not be told */

    /* Of an archive by itself or in a logical backup. entries_with_data is not known of the latter
     * unless entries are asked for. */
    uint64_t entries, entries_with_data;
    char compression[16];     /* "none", "gzip", "lz4", "zstd" */
    char archive_format[16];  /* "custom", or "directory": a file for each table, as pg_dump's tar
                                 has, too */
    char archive_version[16]; /* "1.14" */

    /* Of a logical backup. */
    char layout[16];         /* "classic", "numbered", "tables" */
    size_t databases_backed; /* where no database was named: how many are in it */
    bool partial;            /* it was told to leave something out */
    bool without_verifiers;  /* the passwords of roles are not in it */
};

/* Reads manifest.json, summary.json and, if callbacks->entry is there, the archives' tables of
 * contents; of an archive by itself its table of contents. A directory whose records are not asked
 * for is not looked through. callbacks and listing may be NULL; listing is filled on failure, too,
 * with what was known. A source that is neither is PGCASK_ERROR_CORRUPT; so is a damaged archive by
 * itself. A backup with a description that is missing or damaged is listed (complete is false). */
bool pgcask_list(struct pgcask_source *source, const struct pgcask_list_callbacks *callbacks,
                 struct pgcask_listing *listing, struct pgcask_error *error);

struct pgcask_archive_report {
    size_t struct_size; /* see PGCASK_INIT */
    uint64_t entries, entries_with_data;
    uint64_t data_bytes; /* unpacked */
    uint64_t rows;       /* lines of COPY text */
    uint64_t files;      /* of an archive of several */
    uint64_t problems;   /* in all, and of each kind: */
    uint64_t missing;    /* files that the table of contents names */
    uint64_t unexpected; /* files that it does not name */
    uint64_t damaged;    /* the rest */
};

/* Reads an archive by itself to its end: each block of data is unpacked and has its end, the rows
 * are counted, no file is missing or too many. An archive has no checksums: what was changed within
 * a row may not be seen. Results are as those of pgcask_verify; problems are told to
 * callbacks->problem. Of the callbacks entry and entry_data are called, too. What is no archive is
 * PGCASK_ERROR_USAGE: a logical backup, with the archive in it, is for pgcask_verify. callbacks and
 * report may be NULL. */
bool pgcask_archive_verify(struct pgcask_source *source,
                           const struct pgcask_list_callbacks *callbacks,
                           struct pgcask_archive_report *report, struct pgcask_error *error);

PGCASK_C_END

#endif
