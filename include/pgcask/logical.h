/*
 * Backing up one database of PostgreSQL 13 to 18 as SQL and rows: an archive that stock pg_restore
 * takes for its own.
 */
#ifndef PGCASK_LOGICAL_H
#define PGCASK_LOGICAL_H

#include "backup.h"
#include "settings.h"
#include "source.h"

PGCASK_C_BEGIN

/* What the records of a logical backup are; DB is a database's name, percent-encoded. */
enum pgcask_layout {
    PGCASK_LAYOUT_CLASSIC,  /* /globals.sql and /DB.dump; of all databases /all.sql */
    PGCASK_LAYOUT_NUMBERED, /* /00000-globals.sql, /00001-DB.dump, … in the order of names */
    PGCASK_LAYOUT_TABLES    /* the same with folders /00001-DB and a record for each table */
};

struct pgcask_logical_options {
    size_t struct_size;      /* see PGCASK_INIT */
    const char *compression; /* of the rows in the archive: "none", "gzip", "lz4" (servers from 16
                                on), "zstd" (likewise), with ":LEVEL" where wanted. NULL: none,
                                which suits a store that compresses or finds duplicates itself */
    enum pgcask_digest digest;
    int64_t lock_timeout_ms; /* longest wait for the locks of a batch of tables; 0: a minute */
    int64_t lock_timeout_total_ms; /* for all batches; 0: ten minutes, or the former if longer */
    int64_t stall_timeout_ms;      /* longest silence while data flows; 0: ten minutes */
    bool allow_newer_server;       /* a major version that this one of pgcask was not made for */
    enum pgcask_layout layout;
    const char *databases; /* where the settings name no database, which means all of them: only
                              those that match these patterns of pg_dump's, with commas between
                              several. NULL: all */
    const char *exclude_databases; /* likewise: without those */

    /* What of a database is wanted: patterns of pg_dump's with commas between several. What one of
     * them matches and drops is what pg_dump's option of the singular does; one that matches
     * nothing is an error. The manifest of such a backup says "partial". NULL: no such list. */
    const char *schemas, *exclude_schemas;
    const char *tables, *tables_and_children;
    const char *exclude_tables, *exclude_tables_and_children;
    const char *exclude_table_data, *exclude_table_data_and_children;
    const char *extensions, *exclude_extensions;
    const char *include_foreign_data; /* servers whose tables' rows are wanted, too */
    const char *where;       /* TABLE=CONDITION: rows for which it holds; semicolons between several
                              */
    const char *filter_file; /* the path of a filter file of pg_dump's */
    bool schema_only, data_only, no_unlogged_table_data;

    bool statistics; /* what the planner knows of tables and indexes, too; of servers from 18 on */
    bool large_objects;    /* all of them, also where schemas, tables or extensions are chosen */
    bool no_large_objects; /* none */
};

/* As pgcask_backup_options_set: "lock-timeout", "5s". */
bool pgcask_logical_options_set(struct pgcask_logical_options *options, const char *name,
                                const char *value, struct pgcask_error *error);

/* Connects and gives the source of a logical backup of the database that the settings name, which
 * starts when records are taken: /manifest.json, /globals.sql, /DATABASE.dump, /summary.json last,
 * or what the layout has instead. Settings that name no database, neither themselves nor by a
 * service or PGDATABASE, mean all that allow connections. Each database is read in one snapshot. A
 * store that can write where it has written (a directory, a tar file, functions of yours that have
 * write_at and read_at) gets the places of the data into the archive's table of contents; without
 * them the archive is as good, but for pg_restore -j. NULL on failure. options may be NULL and are
 * copied, their texts too; settings are borrowed until the source is closed. */
struct pgcask_source *pgcask_logical_backup_open(const struct pgcask_settings *settings,
                                                 const struct pgcask_logical_options *options,
                                                 const struct pgcask_control *control,
                                                 struct pgcask_error *error);

/* As pgcask_preflight, for a backup of the database that the settings name: rights on its tables
 * and schemas, locks, objects that cannot be backed up yet. */
bool pgcask_logical_preflight(const struct pgcask_settings *settings,
                              const struct pgcask_logical_options *options,
                              const struct pgcask_control *control, pgcask_finding_fn *finding,
                              void *context, uint64_t *estimated_bytes, struct pgcask_error *error);

struct pgcask_logical_report {
    size_t struct_size;     /* see PGCASK_INIT */
    char wal_lsn[32];       /* where the log stood when the snapshot was taken; "" until known */
    int server_version_num; /* 150018 */
    uint64_t bytes, rows;   /* given so far */
    uint64_t total_bytes;   /* the tables' size on the server's disk; 0 until known */
    size_t entries, tables; /* in the archive; 0 until known */
    size_t manifest_unavailable; /* what manifest.json could not be told, it lists with reasons */
};

/* At any time before a source of pgcask_logical_backup_open is closed, from the thread it belongs
 * to. False for other sources. */
bool pgcask_logical_backup_get_report(const struct pgcask_source *source,
                                      struct pgcask_logical_report *report,
                                      struct pgcask_error *error);

PGCASK_C_END

#endif
