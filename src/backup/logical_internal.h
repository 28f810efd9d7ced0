/* The logical job from the inside. logical_backup.c steps from record to record, logical_catalog.c
 * reads the catalogs, logical_dump.c puts the archive together, logical_manifest.c says what
 * manifest.json is to hold, logical_summary.c writes summary.json, logical_explain.c says what
 * mends a failure. */
#ifndef PGCASK_BACKUP_LOGICAL_INTERNAL_H
#define PGCASK_BACKUP_LOGICAL_INTERNAL_H

#include "archive/archive.h"
#include "backup/job_internal.h"
#include "base/failure.h"
#include "catalog/catalog.h"
#include "catalog/filter.h"
#include "copy/copy_out.h"
#include "copy/objects_out.h"
#include "copy/snapshot.h"
#include "manifest/manifest_stream.h"
#include "manifest/record_proof.h"
#include "manifest/summary.h"

#include <jansson.h>

enum logical_step {
    LOGICAL_MANIFEST,
    LOGICAL_GLOBALS,
    LOGICAL_DUMP,
    LOGICAL_SUMMARY,
    LOGICAL_DONE
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
    struct wire_conn *conn;       /* holds the snapshot */
    char *database, *server_version;
    char snapshot[SNAPSHOT_NAME_SIZE];
    time_t started_at;
    struct catalog_filter *filter; /* what is wanted */
    struct catalog *catalog;
    int64_t lock_spent_ms; /* over all tries */
    struct archive_header header;
    struct archive_content content;
    struct copy_out copy;        /* the rows of the dump */
    struct objects_out *objects; /* and its large objects */

    /* The record being read. */
    char path[RECORD_PATH_MAX];
    struct reader *inner;
    bool is_dump, ended;
    struct record_proof *proof;
    struct summary_writer *summary;
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

/* Takes a snapshot and reads the catalogs in it, again and again if something changes meanwhile,
 * but not for ever. */
bool logical_catalog_read(struct logical_backup *job, struct error *err);

/* The reader of manifest.json. NULL: failed. */
struct reader *logical_manifest_new(const struct logical_backup *job, struct error *err);

/* Reads the large objects that are in the catalog, all of them in their order. */
struct objects_out *logical_objects_new(struct wire_conn *conn, struct catalog *catalog,
                                        const char *role, struct error *err);
/* Whether an entry has the bytes of large objects; and the number of the one with that index, 0
 * behind the last. */
bool logical_objects_are_in(const struct catalog *catalog, uint32_t number);
uint32_t logical_objects_oid(const struct catalog *catalog, uint32_t number, uint32_t index);

/* Opens the archive's reader. */
bool logical_dump_open(struct logical_backup *job, struct error *err);

/* What the request wants; NULL with *err if that makes no sense. */
struct catalog_filter *logical_filter_new(const struct backup_request *request, struct error *err);

/* Whether something is left out, and what that is, for manifest.json and summary.json. */
bool logical_is_partial(const struct backup_request *request, const struct catalog_filter *filter);
json_t *logical_filters_json(const struct backup_request *request,
                             const struct catalog_filter *filter);

/* The content of summary.json; borrowed until the job is closed. */
bool logical_summary_content(struct logical_backup *job, struct slice *content, struct error *err);

#endif
