/*
 * The databases of a job, opened and closed.
 *
 * Of several, as many as the server has room for are opened before the first byte is given: first
 * all sessions, then, one right behind the other, all snapshots, then the catalogs are read. The
 * others follow in turn, each with a session and a snapshot of its own. A server that has no room
 * for one more is no failure as long as it has room for one.
 */
#include "backup/logical_internal.h"

#include "backup/sessions_internal.h"
#include "base/error_names.h"
#include "catalog/globals.h"

#include <stdio.h>
#include <stdlib.h>

/* So often databases that are gone when they are opened are looked for anew. */
#define LISTS_MAX 3

#define SPARE_SESSIONS 2

/* Entries of catalogs that are held at once: at some hundred bytes each. What is beyond comes in
 * turn. */
#define ENTRIES_HELD 300000

/* ---- One ---- */

static bool open_session(struct logical_database *database, struct error *err)
{
    struct logical_backup *job = database->job;

    if (!logical_connect(database, &database->conn, err)) {
        if (database->name != NULL && strcmp(err->sqlstate, "3D000") == 0)
            error_reason(err, "database_gone");
        return false;
    }
    if (job->pinned == NULL)
        job->pinned = wire_settings_pin(job->request.settings, database->conn, err);
    job->report.server_version_num = wire_server_version(database->conn);
    return job->pinned != NULL && logical_check_peer(database->conn, err) &&
           logical_check_version(job->report.server_version_num, job->request.allow_newer_server,
                                 err);
}

static void close_database(struct logical_database *database)
{
    logical_sessions_free(database->sessions);
    database->sessions = NULL;
    objects_out_free(database->objects);
    catalog_free(database->catalog);
    wire_close(database->conn);
    database->objects = NULL;
    database->catalog = NULL;
    database->conn = NULL;
}

static bool fail_gone(struct error *err)
{
    error_set(err, ERROR_SERVER, "it was dropped or renamed while the backup ran");
    error_reason(err, "database_gone");
    return error_hint(err, "Run it again, when nobody drops or renames databases, or leave those "
                           "that come and go out by " OPTION_EXCLUDE_DATABASES ".");
}

/* A session that has just ended may still count. */
static bool open_in_turn(struct logical_database *database, struct error *err)
{
    for (int tries = 0; !open_session(database, err); tries++) {
        if (!sessions_try_again(database->job->request.cancel, tries, SESSIONS_MANY_TRIES, err))
            return false;
    }
    return true;
}

bool logical_database_enter(struct logical_database *database, struct error *err)
{
    database->job->report.logical.database = database->name;
    if (database->conn != NULL)
        return true;
    if (open_in_turn(database, err) && logical_snapshot_take(database, false, err) &&
        logical_catalog_read(database, err))
        return true;
    if (strcmp(error_reason_word(err), LOGICAL_DATABASE_GONE) == 0)
        fail_gone(err);
    return logical_database_name(database, err);
}

bool logical_database_leave(struct logical_database *database, struct error *err)
{
    struct logical_backup *job = database->job;

    if (database->sessions != NULL &&
        (!logical_sessions_wait(database->sessions, err) || !logical_rows_end(job, err)))
        return false;
    if (!catalog_check_copied(database->catalog, err) || !logical_summary_note(database, err))
        return logical_database_name(database, err);
    job->rows_before += database->copy.rows;
    job->row_bytes_before += logical_dump_bytes(database);
    close_database(database);
    job->report.logical.databases_done++;
    return true;
}

/* ---- Those of one moment ---- */

/* manifest.json is gathered by another session, one after the other, and the server needs a moment
 * until it knows of the end of one. */
static void make_room(struct logical_backup *job, size_t opened)
{
    job->together = opened;
    for (int spare = 0; spare < SPARE_SESSIONS && job->together > 1; spare++)
        close_database(&job->databases[--job->together]);
    log_message(job->request.log, LOG_INFO,
                "the server has room for %zu sessions: databases "
                "beyond are read in turn",
                job->together);
}

static bool open_sessions(struct logical_backup *job, struct error *err)
{
    for (size_t i = 0; i < job->together; i++) {
        /* The preflight's session may still count where there is room for few. */
        if (i == 0 ? open_in_turn(&job->databases[i], err) : open_session(&job->databases[i], err))
            continue;
        if (i == 0 || strcmp(err->sqlstate, "53300") != 0)
            return logical_database_name(&job->databases[i], err);
        make_room(job, i);
    }
    return true;
}

static bool take_snapshots(struct logical_backup *job, struct error *err)
{
    for (size_t i = 0; i < job->together; i++) {
        job->databases[i].same_snapshot = job->together > 1 || job->database_count == 1;
        if (!logical_snapshot_take(&job->databases[i], false, err))
            return logical_database_name(&job->databases[i], err);
    }
    return true;
}

static bool read_catalogs(struct logical_backup *job, struct error *err)
{
    size_t entries = 0;

    for (size_t i = 0; i < job->together; i++) {
        struct logical_database *database = &job->databases[i];

        if (!logical_catalog_read(database, err))
            return logical_database_name(database, err);
        entries += catalog_entry_count(database->catalog);
        job->report.total_bytes += database->bytes;
        if (entries < ENTRIES_HELD)
            continue;
        while (job->together > i + 1) {
            close_database(&job->databases[--job->together]);
            job->databases[job->together].same_snapshot = false;
        }
    }
    return true;
}

static bool open_together(struct logical_backup *job, struct error *err)
{
    return open_sessions(job, err) && take_snapshots(job, err) &&
           backup_enter_phase(&job->request, &job->report, BACKUP_CATALOG, err) &&
           read_catalogs(job, err);
}

static void note_together(struct logical_backup *job)
{
    struct logical_report *report = &job->report.logical;

    report->several = job->request.all_databases;
    report->databases = job->database_count;
    report->databases_together = 0;
    for (size_t i = 0; i < job->database_count; i++)
        report->databases_together += job->databases[i].same_snapshot;
    if (job->together < job->database_count)
        job->report.total_bytes = 0; /* of those that come in turn nobody knows it yet */
    snprintf(report->wal_lsn, sizeof(report->wal_lsn), "%s", job->databases[0].wal_lsn);
    if (!job->request.all_databases)
        report->database = job->databases[0].name;
}

bool logical_databases_open(struct logical_backup *job, struct error *err)
{
    for (int lists = 1; !(logical_list_databases(job, err) && open_together(job, err)); lists++) {
        if (!job->request.all_databases || lists == LISTS_MAX ||
            strcmp(error_reason_word(err), LOGICAL_DATABASE_GONE) != 0)
            return false;
        log_message(job->request.log, LOG_INFO, "%s: looking for databases again", err->message);
        logical_databases_free(job);
    }
    note_together(job);
    return logical_summary_note_absent(job, err) &&
           (!logical_has_globals(job) ||
            (globals_have_verifiers(job->databases[0].conn, &job->verifiers, err) &&
             globals_look_over(job->databases[0].conn, logical_summary_note_line, job, err)));
}

void logical_databases_free(struct logical_backup *job)
{
    for (size_t i = 0; i < job->database_count; i++) {
        close_database(&job->databases[i]);
        free(job->databases[i].server_version);
        free(job->databases[i].name);
    }
    free(job->databases);
    for (size_t i = 0; i < job->absent_count; i++)
        free(job->absent[i].name);
    free(job->absent);
    job->absent = NULL;
    job->absent_count = 0;
    job->databases = NULL;
    job->database_count = 0;
    job->report.total_bytes = 0;
}
