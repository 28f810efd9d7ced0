/*
 * What a long session that reads everything meets on its way: a pooler in between, a standby that
 * has to replay, a lock table that is too small, tables that somebody has locked.
 */
#include "backup/logical_preflight_internal.h"
#include "base/error_names.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- A pooler ---- */

/* A pooler gives each of its clients a number of its own for CancelRequest, which is no process of
 * the server. The backup goes through it all the same: all that it asks is in one transaction a
 * session. */
void logical_preflight_pooler(struct logical_preflight *preflight)
{
    struct wire_result *row =
        logical_preflight_ask_more(preflight, "SELECT pg_catalog.pg_backend_pid()");
    int32_t told = wire_backend_pid(preflight->conn);

    if (row != NULL && told != 0 && preflight_number(row, 0) != (uint64_t)(uint32_t)told)
        preflight_add(preflight->report, false,
                      "Name the server's own address. A pooler ends what takes longer than it is "
                      "set to (pgbouncer: query_timeout, idle_transaction_timeout).",
                      "a connection pooler answers at %s, and not the server itself",
                      wire_peer(preflight->conn));
    wire_result_free(row);
}

/* ---- A standby ---- */

/* With hot_standby_feedback the primary keeps the rows; locks that it takes are replayed all the
 * same, when the time is over. */
void logical_preflight_standby(struct logical_preflight *preflight)
{
    static const char query[] =
        "SELECT pg_catalog.current_setting('hot_standby_feedback'),"
        "       pg_catalog.current_setting('max_standby_streaming_delay'),"
        "       pg_catalog.current_setting('max_standby_archive_delay')"
        " WHERE pg_catalog.pg_is_in_recovery()"
        "   AND (pg_catalog.current_setting('max_standby_streaming_delay') <> '-1'"
        "        OR pg_catalog.current_setting('max_standby_archive_delay') <> '-1')"
        "   AND pg_catalog.current_setting('hot_standby_feedback') = 'off'";
    enum { FEEDBACK, STREAMING, ARCHIVE };
    struct wire_result *row = logical_preflight_ask_more(preflight, query);

    if (row != NULL)
        preflight_add(preflight->report, false,
                      "On the standby:  ALTER SYSTEM SET hot_standby_feedback = on;  SELECT "
                      "pg_reload_conf();  or let it wait longer: ALTER SYSTEM SET "
                      "max_standby_streaming_delay = '-1';",
                      "the server is a standby, which ends what is in the way of replay for longer "
                      "than max_standby_streaming_delay (%s) and max_standby_archive_delay (%s), "
                      "and hot_standby_feedback is %s",
                      preflight_text(row, STREAMING), preflight_text(row, ARCHIVE),
                      preflight_text(row, FEEDBACK));
    wire_result_free(row);
}

/* ---- Room for locks ---- */

/* Databases that are open at the same time share it. */
void logical_preflight_count_locks(struct logical_preflight *preflight)
{
    struct wire_result *row = logical_preflight_ask_more(preflight, catalog_lock_room_query);
    struct lock_room *room = &preflight->locks;

    if (row != NULL && room->databases < LOGICAL_TOGETHER_MAX) {
        room->databases++;
        room->relations += preflight_number(row, LOCK_ROOM_RELATIONS);
        room->held = preflight_number(row, LOCK_ROOM_HELD);
        room->each = preflight_number(row, LOCK_ROOM_SETTING);
        room->all = preflight_number(row, LOCK_ROOM);
    }
    wire_result_free(row);
}

/* There is more room than the server is set to have, by how much nobody knows: so this is a
 * warning.
 */
void logical_preflight_judge_locks(struct logical_preflight *preflight)
{
    const struct lock_room *room = &preflight->locks;
    uint64_t needed = room->relations + room->databases * LOCK_ROOM_CATALOGS + room->held;
    char remedy[128], number[32];

    if (room->each == 0 || room->all < room->each || needed <= room->all)
        return; /* or the server did not say */
    snprintf(number, sizeof(number), "%" PRIu64, needed / (room->all / room->each) + 1);
    snprintf(remedy, sizeof(remedy), CATALOG_LOCK_ROOM_HINT, number);
    preflight_add(preflight->report, false, remedy,
                  "the backup locks %" PRIu64
                  " tables, views and sequences at the same time, others "
                  "hold %" PRIu64 " locks, and the server is set to have room for %" PRIu64
                  " (max_locks_per_transaction is %" PRIu64 ")",
                  room->relations, room->held, room->all, room->each);
}

/* ---- Locked tables ---- */

/* Locks that have been held for a while: a short one is over before the backup gets there. Of a
 * prepared transaction, of recovery and, for a role that may not see it, of others' sessions nobody
 * tells since when. */
void logical_preflight_locks(struct logical_preflight *preflight)
{
    static const char query[] =
        "SELECT pg_catalog.count(*),"
        "       pg_catalog.min(l.relation::pg_catalog.regclass::pg_catalog.text),"
        "       pg_catalog.min(l.pid)"
        "  FROM pg_catalog.pg_locks l"
        "  JOIN pg_catalog.pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p')"
        "  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
        " WHERE l.mode = 'AccessExclusiveLock' AND l.granted AND l.relation >= 16384"
        "   AND {relation c.oid} AND l.database = (SELECT oid FROM pg_catalog.pg_database"
        "                      WHERE datname = pg_catalog.current_database())"
        "   AND (a.xact_start IS NULL"
        "        OR a.xact_start < pg_catalog.now() - '10 s'::pg_catalog.interval)";
    enum { COUNT, FIRST, PROCESS };
    struct wire_result *found = logical_preflight_ask_more(preflight, query);

    if (found != NULL && preflight_number(found, COUNT) > 0)
        preflight_add(preflight->report, false,
                      "Wait until they are not, or end what locks them; the backup waits as long "
                      "as " OPTION_LOCK_TIMEOUT " says.",
                      "tables that are locked against reading: %s, the first is %s (%s%s)",
                      preflight_text(found, COUNT), preflight_text(found, FIRST),
                      preflight_text(found, PROCESS)[0] == '\0' ? "a prepared transaction"
                                                                : "process ",
                      preflight_text(found, PROCESS));
    wire_result_free(found);
}
