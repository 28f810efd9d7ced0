/*
 * The snapshot of a database, and its catalogs as they are in it.
 *
 * Somebody may create, alter or drop objects meanwhile. Then what was read is not of one moment,
 * and is read again in a new snapshot: nothing of the database has been written so far. What
 * changed in one try is watched in the next, and tables are locked before its snapshot is taken: so
 * what others do several times a second is either in their own way or seen not to matter. After a
 * few tries it is an error, which names what changed last.
 */
#include "backup/logical_internal.h"

#include "backup/sessions_internal.h"
#include "base/clock.h"
#include "catalog/watch.h"

#include <stdio.h>
#include <stdlib.h>

#define TRIES 6
#define TRIES_MOST 20 /* where they take no longer than that in all: */
#define TRIES_MS 10000
#define FIRST_PAUSE_MS 100 /* doubled each time, up to */
#define PAUSE_MOST_MS 800

/* One value of one row. */
static bool ask(struct logical_database *database, const char *sql, char **text, struct error *err)
{
    struct wire_result *result;
    const char *value;

    if (!wire_query(database->conn, sql, &result, err))
        return false;
    value = wire_result_rows(result) > 0 ? wire_result_value(result, 0, 0) : NULL;
    *text = strdup(value == NULL ? "" : value);
    wire_result_free(result);
    return *text != NULL || error_set_memory(err);
}

/* Not every provider lets its customers ask for that; the backup does not need it. */
static bool ask_position(struct logical_database *database, struct error *err)
{
    char *lsn;

    database->wal_lsn[0] = '\0';
    if (ask(database,
            "SAVEPOINT position;"
            "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() "
            "            THEN pg_catalog.pg_last_wal_replay_lsn() "
            "            ELSE pg_catalog.pg_current_wal_insert_lsn() END;"
            "RELEASE SAVEPOINT position",
            &lsn, err)) {
        snprintf(database->wal_lsn, sizeof(database->wal_lsn), "%s", lsn);
        free(lsn);
        return true;
    }
    if (err->code != ERROR_SERVER || wire_is_broken(database->conn))
        return false;
    log_message(database->job->request.log, LOG_INFO, "the log position is not known: %s",
                err->message);
    return wire_query(database->conn, "ROLLBACK TO SAVEPOINT position", NULL, err);
}

/* As the last VACUUM counted: pg_table_size() would wait for locks. */
static bool ask_size(struct logical_database *database, struct error *err)
{
    char *size;

    if (!ask(database,
             "SELECT coalesce(pg_catalog.sum(relpages::bigint), 0) * "
             "       pg_catalog.current_setting('block_size')::bigint "
             "  FROM pg_catalog.pg_class WHERE relkind IN ('r', 't') "
             "   AND (oid >= 16384 OR oid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass)",
             &size, err))
        return false;
    database->bytes = strtoull(size, NULL, 10);
    free(size);
    return true;
}

/* Where the name led to another database than the one that was found before. */
static bool check_identity(struct logical_database *database, struct error *err)
{
    char *oid;
    bool same;

    if (database->oid == 0)
        return true;
    if (!ask(database,
             "SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()",
             &oid, err))
        return false;
    same = strtoul(oid, NULL, 10) == database->oid;
    free(oid);
    if (same)
        return true;
    error_set(err, ERROR_SERVER, "it was renamed, or dropped and made anew, meanwhile");
    error_reason(err, "database_gone");
    return error_hint(err, "Run it again.");
}

bool logical_snapshot_take(struct logical_database *database, bool begun, struct error *err)
{
    const struct snapshot_options options = {
        .own_encoding = true,
        .foreign_tables = catalog_filter_count(database->job->filter, FILTER_FOREIGN_DATA) > 0,
        .begun = begun,
    };

    if (!snapshot_begin(database->conn, &options, err) ||
        !snapshot_export(database->conn, database->snapshot, err) || !ask_position(database, err))
        return false;
    if (database->name == NULL &&
        !ask(database, "SELECT pg_catalog.current_database()", &database->name, err))
        return false;
    return check_identity(database, err);
}

static struct catalog_options options_of(struct logical_database *database,
                                         struct catalog_watch *watch)
{
    const struct backup_request *request = &database->job->request;

    return (struct catalog_options){
        .filter = database->job->filter,
        .schema_only = request->schema_only,
        .data_only = request->data_only,
        .no_unlogged_table_data = request->no_unlogged_table_data,
        .large_objects = request->large_objects,
        .no_large_objects = request->no_large_objects,
        .lock_timeout_ms = request->lock_timeout_ms,
        .lock_timeout_total_ms = request->lock_timeout_total_ms,
        .lock_spent_ms = &database->lock_spent_ms,
        .watch = watch,
        .statistics = request->statistics,
        .log = request->log,
    };
}

static bool try_once(struct logical_database *database, struct catalog_watch *watch, bool *changed,
                     struct error *err)
{
    struct catalog_options options = options_of(database, watch);

    *changed = false;
    return catalog_read(&database->catalog, database->conn, &options, changed, err);
}

bool logical_connect(const struct logical_database *database, struct wire_conn **conn,
                     struct error *err)
{
    const struct logical_backup *job = database->job;
    const struct wire_settings *settings =
        job->pinned == NULL ? job->request.settings : job->pinned;
    struct wire_connect_options options = {
        .kind = WIRE_SESSION_SQL,
        .database = database->name,
        .application_name = "pgcask backup",
        .client_encoding = sessions_encoding(settings),
        .cancel = job->request.cancel,
        .log = job->request.log,
        .wait_limit_ms = job->request.stall_timeout_ms,
    };

    return wire_connect(conn, settings, &options, err);
}

/* A second session of the database, to look at what is there now. */
static bool connect_watch(void *context, struct wire_conn **conn, struct error *err)
{
    return logical_connect(context, conn, err);
}

/* In a new snapshot, which is taken once what was found before is locked. */
static bool begin_again(struct logical_database *database, struct catalog_watch *watch, int tries,
                        struct error *err)
{
    int pause = tries > 4 ? PAUSE_MOST_MS : FIRST_PAUSE_MS << (tries - 1);
    struct catalog_options options = options_of(database, watch);

    database->same_snapshot = false;
    return sessions_pause(database->job->request.cancel, pause, err) &&
           wire_query(database->conn, "ROLLBACK", NULL, err) &&
           wire_query(database->conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", NULL,
                      err) &&
           catalog_watch_lock(watch, database->conn, &options, err) &&
           logical_snapshot_take(database, true, err);
}

static bool read_in_tries(struct logical_database *database, struct catalog_watch *watch,
                          struct error *err)
{
    int64_t start = clock_now_ms();
    bool changed;

    for (int tries = 1; !try_once(database, watch, &changed, err); tries++) {
        if (!changed)
            return false;
        if (tries >= TRIES_MOST || (tries >= TRIES && clock_now_ms() - start > TRIES_MS))
            return error_detail(err, "They were read %d times, and each time something changed.",
                                tries);
        log_message(database->job->request.log, LOG_INFO, "%s: reading them again", err->message);
        if (!begin_again(database, watch, tries, err))
            return false;
    }
    return true;
}

bool logical_catalog_read(struct logical_database *database, struct error *err)
{
    struct catalog_watch *watch =
        catalog_watch_new(connect_watch, database, database->job->request.log, err);
    bool done = watch != NULL && read_in_tries(database, watch, err);

    catalog_watch_free(watch);
    return done && logical_objects_check_layout(database, err) && ask_size(database, err);
}
