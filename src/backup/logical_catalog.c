/*
 * The snapshot of a logical job, and the catalogs as they are in it.
 *
 * Somebody may create, alter or drop objects meanwhile. Then what was read is not of one moment,
 * and is read again in a new snapshot: nothing has been written so far. After a few tries it is an
 * error, which names what changed last.
 */
#include "backup/logical_internal.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#define TRIES 6
#define FIRST_PAUSE_MS 100 /* doubled each time: 3 s in all */

/* One value of one row. */
static bool ask(struct logical_backup *job, const char *sql, char **text, struct error *err)
{
    struct wire_result *result;
    const char *value;

    if (!wire_query(job->conn, sql, &result, err))
        return false;
    value = wire_result_rows(result) > 0 ? wire_result_value(result, 0, 0) : NULL;
    *text = strdup(value == NULL ? "" : value);
    wire_result_free(result);
    return *text != NULL || error_set_memory(err);
}

/* Not every provider lets its customers ask for that; the backup does not need it. */
static bool ask_position(struct logical_backup *job, struct error *err)
{
    char *lsn;

    job->report.logical.wal_lsn[0] = '\0';
    if (ask(job,
            "SAVEPOINT position;"
            "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() "
            "            THEN pg_catalog.pg_last_wal_replay_lsn() "
            "            ELSE pg_catalog.pg_current_wal_insert_lsn() END;"
            "RELEASE SAVEPOINT position",
            &lsn, err)) {
        snprintf(job->report.logical.wal_lsn, sizeof(job->report.logical.wal_lsn), "%s", lsn);
        free(lsn);
        return true;
    }
    if (err->code != ERROR_SERVER || wire_is_broken(job->conn))
        return false;
    log_message(job->request.log, LOG_INFO, "the log position is not known: %s", err->message);
    return wire_query(job->conn, "ROLLBACK TO SAVEPOINT position", NULL, err);
}

static bool take_snapshot(struct logical_backup *job, struct error *err)
{
    const struct snapshot_options options = {
        .own_encoding = true,
        .foreign_tables = catalog_filter_count(job->filter, FILTER_FOREIGN_DATA) > 0,
    };
    char *size;

    if (!snapshot_begin(job->conn, &options, err) ||
        !snapshot_export(job->conn, job->snapshot, err) || !ask_position(job, err))
        return false;
    free(job->database);
    job->database = NULL;
    if (!ask(job, "SELECT pg_catalog.current_database()", &job->database, err) ||
        !ask(job,
             /* As the last VACUUM counted: pg_table_size() would wait for locks. */
             "SELECT coalesce(pg_catalog.sum(relpages::bigint), 0) * "
             "       pg_catalog.current_setting('block_size')::bigint "
             "  FROM pg_catalog.pg_class WHERE relkind IN ('r', 't') "
             "   AND (oid >= 16384 OR oid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass)",
             &size, err))
        return false;
    job->report.logical.database = job->database;
    job->report.total_bytes = strtoull(size, NULL, 10);
    free(size);
    return true;
}

static bool pause_for(struct logical_backup *job, int milliseconds, struct error *err)
{
    struct cancel *cancel = job->request.cancel;
    struct pollfd requested = {.fd = cancel == NULL ? -1 : cancel->event_fd, .events = POLLIN};

    poll(&requested, 1, milliseconds);
    return cancel == NULL || cancel_check(cancel, err);
}

static bool try_once(struct logical_backup *job, bool *changed, struct error *err)
{
    struct catalog_options options = {
        .filter = job->filter,
        .schema_only = job->request.schema_only,
        .data_only = job->request.data_only,
        .no_unlogged_table_data = job->request.no_unlogged_table_data,
        .lock_timeout_ms = job->request.lock_timeout_ms,
        .lock_timeout_total_ms = job->request.lock_timeout_total_ms,
        .lock_spent_ms = &job->lock_spent_ms,
        .statistics = job->request.statistics,
        .log = job->request.log,
    };

    *changed = false;
    return take_snapshot(job, err) &&
           catalog_read(&job->catalog, job->conn, &options, changed, err);
}

bool logical_catalog_read(struct logical_backup *job, struct error *err)
{
    bool changed;

    for (int tries = 1; !try_once(job, &changed, err); tries++) {
        if (!changed)
            return false;
        if (tries == TRIES)
            return error_detail(err, "They were read %d times, and each time something changed.",
                                TRIES);
        log_message(job->request.log, LOG_INFO, "%s: reading them again", err->message);
        if (!pause_for(job, FIRST_PAUSE_MS << (tries - 1), err) ||
            !wire_query(job->conn, "ROLLBACK", NULL, err))
            return false;
    }
    return true;
}
