#include "catalog/table_locks.h"

#include "base/clock.h"
#include "catalog/relation.h"

#include <inttypes.h>
#include <stdio.h>

#define STATEMENT_MAX ((size_t)64 * 1024)
#define LOCK_TIMEOUT_MS 60000
#define LOCK_TIMEOUT_TOTAL_MS 600000

struct locking {
    struct catalog *catalog;
    struct buffer statement; /* LOCK TABLE a, b, … */
    struct buffer oids;      /* 1,2,… of the same */
    int64_t each_ms, deadline;
};

/* ---- Who is in the way -------------------------------------------------------------------------
 */

struct blocker {
    bool found;
    char text[700];
    char relation[300];
    char pid[32];
};

static bool take_blocker(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    enum { RELATION, PID, USER, APPLICATION, STATE, QUERY };
    struct blocker *blocker = context;

    (void)catalog;
    (void)err;
    if (blocker->found)
        return true;
    blocker->found = true;
    snprintf(blocker->relation, sizeof(blocker->relation), "%s", row_text(row, RELATION));
    snprintf(blocker->pid, sizeof(blocker->pid), "%s", row_text(row, PID));
    snprintf(blocker->text, sizeof(blocker->text),
             "process %s (user %s, application \"%s\", %s) holds or awaits a stronger lock; its "
             "last statement: %.300s",
             row_text(row, PID), row_text(row, USER), row_text(row, APPLICATION),
             row_text(row, STATE), row_text(row, QUERY));
    return true;
}

static bool find_blocker(struct locking *locking, struct blocker *blocker)
{
    struct buffer sql = {0};
    struct error ignored;
    bool done =
        wire_query(catalog_conn(locking->catalog), "ROLLBACK TO SAVEPOINT lock_batch", NULL,
                   &ignored) &&
        buffer_printf(&sql, &ignored,
                      "SELECT l.relation::pg_catalog.regclass, l.pid, "
                      "       coalesce(a.usename, '?'), coalesce(a.application_name, ''), "
                      "       coalesce(a.state, '?'), coalesce(a.query, '?') "
                      "  FROM pg_catalog.pg_locks l "
                      "  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid "
                      " WHERE l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation' "
                      "   AND l.relation IN (%s) AND l.pid <> pg_catalog.pg_backend_pid() "
                      "   AND l.database = (SELECT oid FROM pg_catalog.pg_database "
                      "                      WHERE datname = pg_catalog.current_database()) "
                      " ORDER BY l.granted DESC, a.query_start LIMIT 1",
                      buffer_text(&locking->oids)) &&
        catalog_query_as_is(locking->catalog, buffer_text(&sql), 6, take_blocker, blocker,
                            &ignored);

    buffer_free(&sql);
    return done && blocker->found;
}

static bool not_locked(struct locking *locking, struct error *err)
{
    struct blocker blocker = {0};

    if (strcmp(err->sqlstate, "42P01") == 0)
        return error_hint(err, "A table was dropped or renamed while the backup began: run it "
                               "again.");
    if (strcmp(err->sqlstate, "42501") == 0)
        return error_hint(err, "GRANT SELECT on the table, or (14 and later) GRANT "
                               "pg_read_all_data, to the role of the backup.");
    if (strcmp(err->sqlstate, "55P03") != 0)
        return false;
    if (!find_blocker(locking, &blocker)) {
        error_set(err, ERROR_TIMEOUT, "cannot lock a table within %" PRId64 " s",
                  locking->each_ms / 1000);
        return error_hint(err, "Who held it is gone by now: run the backup again.");
    }
    error_set(err, ERROR_TIMEOUT, "cannot lock table %s within %" PRId64 " s", blocker.relation,
              locking->each_ms / 1000);
    error_detail(err, "%s", blocker.text);
    return error_hint(err,
                      "Wait for it, or end it: SELECT pg_terminate_backend(%s);  A longer "
                      "--lock-timeout waits longer.",
                      blocker.pid);
}

/* ---- Locking -----------------------------------------------------------------------------------
 */

static bool take_missing(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    (void)catalog;
    (void)context;
    error_set(err, ERROR_SERVER, "table %s was dropped, renamed or replaced while the backup began",
              row_text(row, 0));
    return error_hint(err, "The backup knows it as it was: run it again.");
}

/* LOCK TABLE goes by name, and today's table of that name may be another than the snapshot's. */
static bool check_locked(struct locking *locking, struct error *err)
{
    struct buffer sql = {0};
    bool done =
        buffer_printf(&sql, err,
                      "SELECT o::pg_catalog.regclass "
                      "  FROM pg_catalog.unnest(ARRAY[%s]::pg_catalog.oid[]) o "
                      " WHERE o NOT IN (SELECT l.relation FROM pg_catalog.pg_locks l "
                      "                  WHERE l.pid = pg_catalog.pg_backend_pid() "
                      "                    AND l.locktype = 'relation' "
                      "                    AND l.relation IS NOT NULL) LIMIT 1",
                      buffer_text(&locking->oids)) &&
        catalog_query_as_is(locking->catalog, buffer_text(&sql), 1, take_missing, NULL, err);

    buffer_free(&sql);
    return done;
}

static bool lock_batch(struct locking *locking, struct error *err)
{
    struct wire_conn *conn = catalog_conn(locking->catalog);
    int64_t left = locking->deadline - clock_now_ms();
    int64_t limit = left < locking->each_ms ? left : locking->each_ms;
    struct buffer sql = {0};
    bool done;

    if (locking->oids.len == 0)
        return true;
    done = buffer_printf(&sql, err,
                         "SAVEPOINT lock_batch; SET LOCAL lock_timeout = %" PRId64 "; %s IN ACCESS "
                         "SHARE MODE; SET LOCAL lock_timeout = 0; RELEASE SAVEPOINT lock_batch",
                         limit > 1 ? limit : 1, buffer_text(&locking->statement)) &&
           (wire_query(conn, buffer_text(&sql), NULL, err) || not_locked(locking, err)) &&
           check_locked(locking, err);
    buffer_free(&sql);
    buffer_clear(&locking->statement);
    buffer_clear(&locking->oids);
    return done;
}

static bool add_table(struct locking *locking, const struct catalog_object *object,
                      struct error *err)
{
    bool first = locking->oids.len == 0;

    if (!buffer_printf(&locking->statement, err, "%s%s", first ? "LOCK TABLE ONLY " : ", ONLY ",
                       object->identity) ||
        !buffer_printf(&locking->oids, err, "%s%" PRIu32, first ? "" : ",", object->oid))
        return false;
    return locking->statement.len < STATEMENT_MAX || lock_batch(locking, err);
}

bool table_locks_take(struct catalog *catalog, struct error *err)
{
    const struct catalog_options *options = catalog_options(catalog);
    int64_t total =
        options->lock_timeout_total_ms > 0 ? options->lock_timeout_total_ms : LOCK_TIMEOUT_TOTAL_MS;
    struct locking locking = {
        .catalog = catalog,
        .each_ms = options->lock_timeout_ms > 0 ? options->lock_timeout_ms : LOCK_TIMEOUT_MS,
        .deadline = clock_now_ms() + total,
    };
    bool done = true;

    for (size_t i = 0; done && i < catalog_object_count(catalog); i++) {
        const struct relation *relation = relation_of(catalog_object_at(catalog, i));

        if (relation != NULL && strchr("rp", relation->relkind) != NULL)
            done = add_table(&locking, relation->object, err);
    }
    done = done && lock_batch(&locking, err);
    buffer_free(&locking.statement);
    buffer_free(&locking.oids);
    return done;
}
