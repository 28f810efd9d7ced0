/*
 * Which records a logical backup has, one after the other: manifest.json, what belongs to the
 * cluster, then of each database its archive or the files of its folder, and summary.json.
 */
#include "backup/logical_internal.h"

#include "catalog/globals.h"
#include "manifest/logical_layout.h"

#include <stdio.h>

static bool enter(struct logical_backup *job, enum backup_phase phase, struct error *err)
{
    return backup_enter_phase(&job->request, &job->report, phase, err);
}

static bool begin(struct logical_backup *job, enum logical_role role, struct reader *inner)
{
    if (inner == NULL)
        return false;
    job->inner = inner;
    job->role = role;
    job->ended = false;
    if (role == LOGICAL_IS_DUMP)
        record_proof_begin_archive(job->proof);
    else
        record_proof_begin(job->proof, LAYOUT_SUMMARY);
    return true;
}

static void set_path(struct logical_backup *job, const char *path)
{
    snprintf(job->path, sizeof(job->path), "%s", path);
}

/* ---- What belongs to the cluster ---- */

static bool begin_globals(struct logical_backup *job, struct error *err)
{
    set_path(job, logical_layout_globals_path(job->request.layout));
    return begin(job, LOGICAL_IS_GLOBALS,
                 globals_stream_new(job->databases[0].conn, true, job->request.log, err));
}

static bool begin_script(struct logical_backup *job, struct error *err)
{
    set_path(job, LOGICAL_SCRIPT_PATH);
    return enter(job, BACKUP_COPYING, err) &&
           begin(job, LOGICAL_PLAIN_RECORD, logical_script_new(job, err));
}

/* ---- Databases ---- */

static bool archive_path(const struct logical_database *database, char out[RECORD_PATH_MAX],
                         struct error *err)
{
    return logical_layout_archive_path(database->job->request.layout, database->number,
                                       database->name, out) ||
           error_set(err, ERROR_UNSUPPORTED, "the database's name is too long");
}

static bool set_file(struct logical_database *database, const char *file, struct error *err)
{
    char folder[RECORD_PATH_MAX];

    return archive_path(database, folder, err) &&
           (logical_layout_file_path(folder, file, database->job->path) ||
            error_set(err, ERROR_UNSUPPORTED, "the database's name is too long"));
}

static bool begin_dump(struct logical_database *database, struct error *err)
{
    struct logical_backup *job = database->job;

    return archive_path(database, job->path, err) &&
           begin(job, LOGICAL_IS_DUMP,
                 custom_stream_new(&database->header, &database->content, job->compression_level,
                                   err));
}

static bool begin_toc(struct logical_database *database, const char *file, struct error *err)
{
    return set_file(database, file, err) &&
           begin(database->job, LOGICAL_PLAIN_RECORD,
                 directory_toc_stream_new(&database->header, &database->content, err));
}

/* The list of the large objects of an entry, then a file for each of them. */
static bool begin_object(struct logical_database *database, uint32_t number, uint32_t oid,
                         struct error *err)
{
    struct logical_backup *job = database->job;
    struct archive_entry entry;
    char name[32];

    if (database->next_object++ == 0) {
        if (!catalog_entry(database->catalog, number, &entry, err))
            return false;
        directory_object_list_name(entry.dump_id, database->header.minor, name);
        return set_file(database, name, err) &&
               begin(job, LOGICAL_PLAIN_RECORD,
                     directory_object_list_stream_new(&database->content, number, err));
    }
    directory_object_name(oid, job->compression, name);
    return set_file(database, name, err) &&
           begin(job, LOGICAL_PLAIN_RECORD,
                 directory_object_stream_new(&database->content, number, job->compression,
                                             job->compression_level, err));
}

static bool begin_data(struct logical_database *database, uint32_t number, struct error *err)
{
    struct logical_backup *job = database->job;
    struct archive_entry entry;
    char name[32];

    if (!catalog_entry(database->catalog, number, &entry, err))
        return false;
    directory_data_name(entry.dump_id, job->compression, name);
    if (!set_file(database, name, err))
        return false;
    if (job->request.side_by_side > 1) {
        job->rows = logical_rows_new(database, number, job->path, err);
        return job->rows != NULL;
    }
    return begin(job, LOGICAL_PLAIN_RECORD,
                 directory_data_stream_new(&database->content, number, job->compression,
                                           job->compression_level, err));
}

/* The first record of a database whose turn it is. */
static bool begin_database(struct logical_database *database, struct error *err)
{
    struct logical_backup *job = database->job;

    if (!logical_database_enter(database, err) || !logical_dump_prepare(database, err) ||
        (database == job->databases && !enter(job, BACKUP_COPYING, err)))
        return false;
    database->given = LOGICAL_GIVEN_FIRST;
    return job->request.layout == LOGICAL_TABLES ? begin_toc(database, LOGICAL_FIRST_TOC, err)
                                                 : begin_dump(database, err);
}

/* The next file of an entry of large objects, the list first. *begun: there was one more. */
static bool begin_next_object(struct logical_database *database, uint32_t number, bool *begun,
                              struct error *err)
{
    uint32_t oid = 0;

    if (database->next_object > 0)
        oid = logical_objects_oid(database->catalog, number, database->next_object - 1);
    *begun = database->next_object == 0 || oid != 0;
    if (*begun)
        return begin_object(database, number, oid, err);
    database->next_object = 0;
    return true;
}

/* The next file of the entries of a kind. *begun: there was one more. */
static bool begin_next_file(struct logical_database *database, bool objects, bool rows, bool *begun,
                            struct error *err)
{
    *begun = true;
    for (; database->next_file < database->header.entry_count; database->next_file++) {
        uint32_t number = database->next_file;

        if (objects && logical_objects_are_in(database->catalog, number)) {
            if (!begin_next_object(database, number, begun, err))
                return false;
            if (*begun)
                return true;
        } else if (rows && catalog_entry_has_data(database->catalog, number)) {
            database->next_file++;
            return begin_data(database, number, err);
        }
    }
    *begun = false;
    return true;
}

/* Large objects come over the database's own session, before it is one of several. */
static bool begin_file_beside_others(struct logical_database *database, bool *begun,
                                     struct error *err)
{
    *begun = false;
    if (database->sessions == NULL && !begin_next_file(database, true, false, begun, err))
        return false;
    if (*begun)
        return true;
    if (database->sessions == NULL) {
        database->next_file = 0;
        database->sessions =
            logical_sessions_new(database, database->job->request.side_by_side, err);
        if (database->sessions == NULL)
            return false;
    }
    return begin_next_file(database, false, true, begun, err);
}

/* The rest of a folder: the table of contents under its own name, then the data. *begun: there was
 * one more. */
static bool begin_file(struct logical_database *database, bool *begun, struct error *err)
{
    *begun = true;
    if (database->given == LOGICAL_GIVEN_FIRST) {
        database->given = LOGICAL_GIVEN_TOC;
        return begin_toc(database, LOGICAL_TOC, err);
    }
    if (database->job->request.side_by_side > 1)
        return begin_file_beside_others(database, begun, err);
    return begin_next_file(database, true, true, begun, err);
}

/* *begun: there was a record left. */
static bool begin_next_of_databases(struct logical_backup *job, bool *begun, struct error *err)
{
    for (; job->current < job->database_count; job->current++) {
        struct logical_database *database = &job->databases[job->current];

        *begun = true;
        if (database->given == LOGICAL_GIVEN_NOTHING)
            return begin_database(database, err);
        if (job->request.layout == LOGICAL_TABLES) {
            if (!begin_file(database, begun, err))
                return false;
            if (*begun)
                return true;
        }
        if (!logical_database_leave(database, err))
            return false;
    }
    *begun = false;
    return true;
}

/* ---- The last ---- */

static bool begin_summary(struct logical_backup *job, struct error *err)
{
    struct slice content;

    set_path(job, SUMMARY_PATH);
    return enter(job, BACKUP_FINISHING, err) && logical_summary_content(job, &content, err) &&
           begin(job, LOGICAL_PLAIN_RECORD, reader_from_memory(content, err));
}

/* ---- One after the other ---- */

bool logical_records_next(struct logical_backup *job, bool *begun, struct error *err)
{
    bool script = logical_is_script(job);

    *begun = true;
    switch (job->step) {
    case LOGICAL_MANIFEST:
        job->step = LOGICAL_GLOBALS;
        set_path(job, MANIFEST_PATH);
        return enter(job, BACKUP_MANIFEST, err) &&
               begin(job, LOGICAL_IS_MANIFEST, logical_manifest_new(job, err));
    case LOGICAL_GLOBALS:
        job->step = script ? LOGICAL_SUMMARY : LOGICAL_DATABASES;
        if (script)
            return begin_script(job, err);
        return logical_has_globals(job) ? begin_globals(job, err)
                                        : logical_records_next(job, begun, err);
    case LOGICAL_DATABASES:
        if (!begin_next_of_databases(job, begun, err))
            return false;
        if (*begun)
            return true;
        break;
    case LOGICAL_SUMMARY:
        break;
    case LOGICAL_DONE:
        *begun = false;
        return true;
    }
    job->step = LOGICAL_DONE;
    *begun = !job->request.without_summary;
    return !*begun || begin_summary(job, err);
}
