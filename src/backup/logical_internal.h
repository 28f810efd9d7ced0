/*
 * The logical job from the inside. Every database that is backed up is a struct logical_database,
 * which is open (a session, its snapshot, its catalog) from when its turn comes, or from the
 * beginning where several are of one moment, until all of it was given.
 *
 *     logical_backup.c     the job: from record to record, and their bytes
 *     logical_records.c    which record comes next, by the layout
 *     logical_list.c       which databases there are, and how many to open together
 *     logical_databases.c  opening and closing them
 *     logical_catalog.c    the snapshot of a database, and its catalogs as they are in it
 *     logical_manifest.c   what manifest.json is asked to say
 *     logical_dump.c       what an archive of a database is made of
 *     logical_objects.c    its large objects
 *     logical_rows.c       its tables' rows as records that are read side by side
 *     logical_sessions.c   the sessions that do it
 *     logical_script.c     all.sql: the globals and all databases, one behind the other
 *     logical_summary.c    summary.json
 *     logical_explain.c    what mends a failure
 *     logical_filter.c     what of a database is wanted
 *     logical_judge.c      whether the server's version can be backed up
 *     logical_preflight*.c what is asked before (logical_preflight_internal.h)
 */
#ifndef PGCASK_BACKUP_LOGICAL_INTERNAL_H
#define PGCASK_BACKUP_LOGICAL_INTERNAL_H

#include "archive/archive.h"
#include "backup/job_internal.h"
#include "base/failure.h"
#include "base/quote.h"
#include "catalog/catalog.h"
#include "catalog/filter.h"
#include "copy/copy_out.h"
#include "copy/objects_out.h"
#include "copy/snapshot.h"
#include "manifest/manifest_stream.h"
#include "manifest/record_proof.h"
#include "manifest/summary.h"

#include <jansson.h>
#include <pthread.h>

/* So many databases are open at once, where the server has room. */
#define LOGICAL_TOGETHER_MAX 16

/* The reason of an error (error_reason): a database is no more what it was when it was listed. */
#define LOGICAL_DATABASE_GONE "database_gone"

struct logical_backup;
struct logical_sessions;
struct logical_result;

/* How many of a database's records were begun. */
enum logical_given {
    LOGICAL_GIVEN_NOTHING,
    LOGICAL_GIVEN_FIRST, /* its archive, or 0.toc of its folder */
    LOGICAL_GIVEN_TOC    /* toc.dat; its data come */
};

struct logical_database {
    struct logical_backup *job;
    char *name;         /* of one that was asked for by its connection: known once that is there */
    uint32_t oid;       /* 0: not known, whatever the name leads to */
    uint32_t number;    /* in the layout, from 1 */
    bool same_snapshot; /* taken together with others, before the first byte */

    struct wire_conn *conn; /* holds the snapshot; NULL: not open yet, or no more */
    struct catalog *catalog;
    char snapshot[SNAPSHOT_NAME_SIZE], wal_lsn[32];
    int64_t lock_spent_ms; /* over all tries */

    /* Its archive, or its part of a script. */
    char *server_version;
    struct archive_header header;
    struct archive_content content;
    struct copy_out copy;        /* its rows … */
    struct objects_out *objects; /* … and large objects; NULL: not yet, or no more */
    enum logical_given given;
    uint32_t next_file;                /* the entry whose file may come next, of a folder */
    uint32_t next_object;              /* of large objects: the file after the list, from 1 */
    struct logical_sessions *sessions; /* its files of rows are read side by side; NULL: not yet */

    uint64_t bytes;        /* of its tables, as the server has them, about */
    uint64_t listed_bytes; /* its share of the job's */
    size_t entries, tables;
    uint64_t rows;
};

/* A database that is not backed up although all are. */
enum logical_why {
    LOGICAL_IS_INVALID, /* what a DROP DATABASE that was interrupted left */
    LOGICAL_IS_CLOSED,  /* it allows no connections */
    LOGICAL_IS_INTERIM, /* a restore's (base/interim.h) */
    LOGICAL_IS_PROVIDERS
};

struct logical_absent {
    char *name;
    enum logical_why why;
};

enum logical_step {
    LOGICAL_MANIFEST,
    LOGICAL_GLOBALS, /* or all.sql */
    LOGICAL_DATABASES,
    LOGICAL_SUMMARY,
    LOGICAL_DONE
};

/* What the record that is being read is, where it matters to its bytes or its end. */
enum logical_role {
    LOGICAL_PLAIN_RECORD,
    LOGICAL_IS_MANIFEST,
    LOGICAL_IS_GLOBALS,
    LOGICAL_IS_DUMP
};

struct logical_backup {
    struct backup_source source;
    struct reader reader; /* the one reader of a sequential job */
    struct backup_request request;
    enum compression compression; /* as the request has it */
    int compression_level;
    struct backup_report report;
    enum logical_step step;
    struct failure failure;

    struct wire_settings *pinned; /* where the first session came to */
    struct logical_database *databases;
    size_t database_count, together; /* the first so many are opened before the first byte */
    struct logical_absent *absent;
    size_t absent_count;
    size_t current; /* the database whose records come */
    bool verifiers; /* globals have the passwords of roles */
    time_t started_at;
    uint64_t rows_before, row_bytes_before; /* of databases that are done */
    struct catalog_filter *filter;          /* what is wanted of each */

    /* Of records that are read side by side. */
    pthread_mutex_t lock; /* of report, failure and results, while there are any */
    struct logical_result *results, **results_last;
    struct reader *rows; /* of the record that was begun last, if it is one of these */

    /* The record being read. */
    char path[RECORD_PATH_MAX];
    struct reader *inner;
    enum logical_role role;
    bool ended;
    struct record_proof *proof;
    struct summary_writer *summary;
    uint64_t listed_bytes;   /* of its lines in summary.json, at most: layout tables */
    struct json_t *left_out; /* for summary.json; NULL: nothing yet */
};

/* Whether the server's version can be backed up. */
bool logical_check_version(int version, bool allow_newer, struct error *err);

/* Whether it is a server at all. */
bool logical_check_peer(const struct wire_conn *conn, struct error *err);

/* Adds what mends it to an error that may come anywhere; `role` is who connected. False. */
bool logical_explain(struct error *err, const char *role);

/* How the archive's data are to be compressed. */
bool logical_compression(const struct backup_request *request, enum compression *compression,
                         int *level, struct error *err);

/* One script for all databases? */
bool logical_is_script(const struct logical_backup *job);

/* Roles and the like: a script of rows has none. */
bool logical_has_globals(const struct logical_backup *job);

/* Of several databases: says in which it was. False. */
bool logical_database_name(const struct logical_database *database, struct error *err);

/* Keeps the first failure, explained; any thread. *err becomes what is kept. */
void logical_fail(struct logical_backup *job, struct error *err);

/* ---- Side by side ---- */

/* Up to `most` sessions, the database's own among them, which must do nothing else meanwhile. */
struct logical_sessions *logical_sessions_new(struct logical_database *database, size_t most,
                                              struct error *err);
void logical_sessions_free(struct logical_sessions *sessions);

/* Whoever may take a session enters before and leaves after; and somebody waits until all left. */
void logical_sessions_enter(struct logical_sessions *sessions);
void logical_sessions_leave(struct logical_sessions *sessions);
bool logical_sessions_wait(struct logical_sessions *sessions, struct error *err);

/* Waits for a session that is free; first: for the database's own. NULL: failed. */
struct wire_conn *logical_sessions_take(struct logical_sessions *sessions, bool first,
                                        struct error *err);
bool logical_sessions_is_first(const struct logical_sessions *sessions,
                               const struct wire_conn *conn);
/* usable: nothing is under way in it. */
void logical_sessions_give_back(struct logical_sessions *sessions, struct wire_conn *conn,
                                bool usable);
/* After an error of the server, for a session that is not the first. */
bool logical_sessions_begin_again(struct logical_sessions *sessions, struct wire_conn *conn,
                                  struct error *err);

/* The file of the rows of an entry. */
struct reader *logical_rows_new(struct logical_database *database, uint32_t number,
                                const char *path, struct error *err);
/* Lists in summary.json what has ended, in the order of the records; and all of it has. */
bool logical_rows_list(struct logical_backup *job, struct error *err);
bool logical_rows_end(struct logical_backup *job, struct error *err);
void logical_rows_drop(struct logical_backup *job);

/* ---- Databases ---- */

/* Which databases are backed up, and how many of them are to be opened together. */
bool logical_list_databases(struct logical_backup *job, struct error *err);

#define LOGICAL_REMEDY_SIZE (QUOTE_NAME_SIZE + 64)

/* Why it is left out, in words, and the statement that mends it; NULL: none does. */
const char *logical_absent_reason(enum logical_why why);
const char *logical_absent_remedy(const char *name, enum logical_why why,
                                  char remedy[LOGICAL_REMEDY_SIZE]);

/* Finds that out, and opens those of one moment: all that is known of them
 * is read, locked and found to be of one moment before the first byte is given. */
bool logical_databases_open(struct logical_backup *job, struct error *err);
void logical_databases_free(struct logical_backup *job);

/* Opens the database unless it is open: its turn has come. */
bool logical_database_enter(struct logical_database *database, struct error *err);
/* All of it was given: closes its session, after a look at what changed meanwhile. */
bool logical_database_leave(struct logical_database *database, struct error *err);

/* ---- Catalogs ---- */

/* Begins the transaction, unless it has begun, and its snapshot. */
bool logical_snapshot_take(struct logical_database *database, bool begun, struct error *err);

/* Reads the catalogs in that snapshot, and if something changes meanwhile again and again in new
 * ones, but not for ever; the database is of no common moment then. */
bool logical_catalog_read(struct logical_database *database, struct error *err);

/* A session of the database, of the server that the first one of the job was of. */
bool logical_connect(const struct logical_database *database, struct wire_conn **conn,
                     struct error *err);

/* ---- Records ---- */

/* Begins the next record: its path and reader. *begun: there was one left. */
bool logical_records_next(struct logical_backup *job, bool *begun, struct error *err);

/* manifest.json. */
struct reader *logical_manifest_new(const struct logical_backup *job, struct error *err);

/* Reads the large objects that are in the catalog, all of them in their order. */
struct objects_out *logical_objects_new(struct wire_conn *conn, struct catalog *catalog,
                                        const char *role, struct error *err);
/* Whether summary.json can list a file for each of them, where the layout has one. */
bool logical_objects_check_layout(struct logical_database *database, struct error *err);
/* Whether an entry has the bytes of large objects; and the number of the one with that index, 0
 * behind the last. */
bool logical_objects_are_in(const struct catalog *catalog, uint32_t number);
uint32_t logical_objects_oid(const struct catalog *catalog, uint32_t number, uint32_t index);

/* What the archive of an open database is made of: fills header, content and copy. */
bool logical_dump_prepare(struct logical_database *database, struct error *err);
/* Bytes of rows and large objects so far, as the server sends them. */
uint64_t logical_dump_bytes(const struct logical_database *database);

/* all.sql. */
struct reader *logical_script_new(struct logical_backup *job, struct error *err);

/* Keeps for manifest.json and summary.json which databases are left out. */
bool logical_summary_note_absent(struct logical_backup *job, struct error *err);

/* Warns of something of the cluster that is left out, and keeps it for both. Context: the job. */
bool logical_summary_note_line(void *context, const char *line, struct error *err);

/* Keeps for summary.json what is not in the database's archive. */
bool logical_summary_note(struct logical_database *database, struct error *err);

/* What the request wants; NULL with *err if that makes no sense. */
struct catalog_filter *logical_filter_new(const struct backup_request *request, struct error *err);

/* What was left out so far, in lines, for manifest.json. */
json_t *logical_left_out_json(const struct logical_backup *job);

/* Whether something is left out, and what that is, for manifest.json and summary.json. */
bool logical_is_partial(const struct backup_request *request, const struct catalog_filter *filter);
json_t *logical_filters_json(const struct backup_request *request,
                             const struct catalog_filter *filter);

/* The content of summary.json; borrowed until the job is closed. */
bool logical_summary_content(struct logical_backup *job, struct slice *content, struct error *err);

#endif
