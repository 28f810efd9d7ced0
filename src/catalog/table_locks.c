/* Locks that keep tables as they are while they are read, a batch of them in one statement; and who
 * is in the way where one cannot be had. */
#include "catalog/table_locks.h"

#include "base/clock.h"
#include "catalog/lock_time.h"
#include "catalog/relation.h"
#include "catalog/statement_words.h"
#include "catalog/watch_internal.h"

#include <inttypes.h>
#include <stdio.h>

#define OPTION_NAMED ERROR_OPTION("%s")

#define STATEMENT_MAX ((size_t)64 * 1024)

struct locking {
    struct catalog *catalog;
    struct sql statement; /* LOCK TABLE a, b, … */
    struct sql oids;      /* 1,2,… of the same */
    struct sql readable;  /* likewise of those whose rows are read */
    int64_t each_ms, total_ms, deadline;
    int64_t limit_ms; /* of the batch at hand */
};

/* ---- Who is in the way ---- */

struct blocker {
    bool found;
    char text[900];
    char relation[300];
    char pid[32];       /* "" if it is no session */
    char prepared[220]; /* the name of a prepared transaction, as a literal */
};

/* A prepared transaction has locks and no session; on a standby recovery holds what the primary's
 * transactions hold, and nobody else can; which process that is not every role may see. */
enum { RELATION, PID, WHO, PREPARED, SINCE, STATEMENT, COLUMNS };

static const char *const columns[] = {
    [RELATION] = "l.relation::pg_catalog.regclass",
    [PID] = "CASE WHEN pg_catalog.pg_is_in_recovery() OR a.backend_type = 'startup' THEN NULL\n"
            "            ELSE l.pid END",
    [WHO] = "CASE WHEN pg_catalog.pg_is_in_recovery() OR a.backend_type = 'startup'\n"
            "            THEN 'recovery'\n"
            "            WHEN p.gid IS NOT NULL THEN 'the prepared transaction ' || p.gid ||\n"
            "                 ' of ' || p.owner || ', since ' || p.prepared\n"
            "            ELSE pg_catalog.format(\n"
            "                   'process %s (user %s, application \"%s\", %s)', l.pid,\n"
            "                   a.usename, a.application_name, a.state) END",
    [PREPARED] = "pg_catalog.quote_literal(p.gid)",
    [SINCE] = "a.query_start",
    [STATEMENT] = "pg_catalog.left(a.query, 10000)",
};

static const char from_begin[] =
    "FROM pg_catalog.pg_locks l\n"
    "LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid\n"
    "LEFT JOIN pg_catalog.pg_locks x ON l.pid IS NULL AND x.pid IS NULL\n"
    " AND x.locktype = 'transactionid' AND x.virtualtransaction = l.virtualtransaction\n"
    "LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid\n"
    "WHERE l.mode = 'AccessExclusiveLock' AND l.locktype = 'relation'\n"
    "  AND l.relation IN (";
static const char from_end[] =
    ")\n"
    "  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()\n"
    "  AND l.database = (SELECT oid FROM pg_catalog.pg_database\n"
    "                     WHERE datname = pg_catalog.current_database())\n"
    "ORDER BY l.granted DESC, a.query_start LIMIT 1";

static void copy_text(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text == NULL ? "" : text);
}

static bool take_blocker(struct catalog *catalog, void *context, const struct catalog_row *row,
                         struct error *err)
{
    struct blocker *blocker = context;
    char words[STATEMENT_WORDS_SIZE] = "";
    const char *since = row_text_or_null(row, SINCE);

    (void)catalog;
    (void)err;
    if (blocker->found)
        return true;
    blocker->found = true;
    copy_text(blocker->relation, sizeof(blocker->relation), row_text_or_null(row, RELATION));
    copy_text(blocker->pid, sizeof(blocker->pid), row_text_or_null(row, PID));
    copy_text(blocker->prepared, sizeof(blocker->prepared), row_text_or_null(row, PREPARED));
    if (row_text_or_null(row, STATEMENT) != NULL)
        statement_words(row_text_or_null(row, STATEMENT), words);
    snprintf(blocker->text, sizeof(blocker->text), "%s holds or awaits a stronger lock%s%s%s%s%s",
             row_text_or_null(row, WHO), since == NULL ? "" : "; its last statement began ",
             since == NULL ? "" : since, words[0] == '\0' ? "" : " (", words,
             words[0] == '\0' ? "" : " …)");
    return true;
}

/* The session is back at the savepoint that its transaction failed behind. */
static bool find_blocker(struct locking *locking, struct blocker *blocker)
{
    struct error ignored;
    struct sql from = {.err = &ignored};
    struct catalog_query query = {.columns = columns, .count = COLUMNS, .take = take_blocker};
    bool done;

    sql_add(&from, from_begin);
    sql_add(&from, sql_text(&locking->oids));
    sql_add(&from, from_end);
    query.from = sql_text(&from);
    done = !from.failed && catalog_ask(locking->catalog, &query, blocker, &ignored);
    return sql_end(&from) && done && blocker->found;
}

/* Whether it is the time for all locks that has run out. */
static bool all_expired(const struct locking *locking)
{
    return locking->limit_ms < locking->each_ms;
}

static const char *option_of(const struct locking *locking)
{
    return all_expired(locking) ? "lock-timeout-total" : "lock-timeout";
}

static void set_expired(const struct locking *locking, const char *relation, struct error *err)
{
    int64_t seconds = (all_expired(locking) ? locking->total_ms : locking->each_ms) / 1000;

    error_set(err, ERROR_TIMEOUT, "cannot lock %s within %" PRId64 " s%s", relation, seconds,
              all_expired(locking) ? ", the time for all tables" : "");
    error_reason(err, "lock_timeout");
}

static bool check_batch(struct locking *locking, bool locked, struct error *err);

/* Which table it is that may not be locked: the server tells no schema. */
static bool name_forbidden(struct locking *locking, struct error *err)
{
    struct error named;

    error_clear(&named);
    if (catalog_run(locking->catalog, "ROLLBACK TO SAVEPOINT lock_batch", &named) &&
        !check_batch(locking, false, &named) && named.hint[0] != '\0')
        *err = named;
    return false;
}

/* Says who is in the way, if that is to be found out. */
static bool not_in_time(struct locking *locking, const char *word, struct error *err)
{
    struct blocker blocker = {0};
    char relation[sizeof(blocker.relation) + 16];

    if (!find_blocker(locking, &blocker)) {
        set_expired(locking, locking->statement.text.len > 0 ? "a table" : "what is to be read",
                    err);
        return error_hint(err, "Who held it is gone by now: run the backup again.");
    }
    snprintf(relation, sizeof(relation), "%s%s", word, blocker.relation);
    set_expired(locking, relation, err);
    error_detail(err, "%s", blocker.text);
    if (blocker.pid[0] != '\0')
        return error_hint(
            err,
            "Wait for it, or end it: SELECT pg_terminate_backend(%s);  A longer " OPTION_NAMED
            " waits longer.",
            blocker.pid, option_of(locking));
    if (blocker.prepared[0] != '\0')
        return error_hint(err, "End it: COMMIT PREPARED %s;  or ROLLBACK PREPARED %s;",
                          blocker.prepared, blocker.prepared);
    return error_hint(
        err,
        "The primary has locked it: wait for it. A longer " ERROR_OPTION("%s") " waits longer.",
        option_of(locking));
}

static bool take_lock_room(struct catalog *catalog, void *context, const struct catalog_row *row,
                           struct error *err)
{
    (void)catalog;
    (void)err;
    error_hint(context, CATALOG_LOCK_ROOM_HINT, row_text(row, LOCK_ROOM_WANTED));
    return true;
}

/* The server says which setting it is, but not what it has to be. */
void table_locks_hint_room(struct catalog *catalog, struct error *err)
{
    struct error ignored;
    struct sql sql = {.err = &ignored};

    if (catalog_expand(catalog, catalog_lock_room_query, &sql.text, &ignored))
        catalog_ask_text(catalog, sql_text(&sql), LOCK_ROOM_COLUMNS, take_lock_room, err, &ignored);
    sql_end(&sql);
}

static bool no_room(struct locking *locking, struct error *err)
{
    struct error ignored;

    if (catalog_run(locking->catalog, "ROLLBACK TO SAVEPOINT lock_batch", &ignored))
        table_locks_hint_room(locking->catalog, err);
    return false;
}

static bool not_locked(struct locking *locking, struct error *err)
{
    struct error ignored;

    if (strcmp(err->sqlstate, "42P01") == 0)
        return error_hint(err, "A table was dropped or renamed while the backup began: run it "
                               "again.");
    if (strcmp(err->sqlstate, "42501") == 0)
        return name_forbidden(locking, err);
    if (strcmp(err->sqlstate, "53200") == 0)
        return no_room(locking, err);
    if (strcmp(err->sqlstate, "55P03") != 0)
        return false;
    catalog_run(locking->catalog, "ROLLBACK TO SAVEPOINT lock_batch", &ignored);
    return not_in_time(locking, "table ", err);
}

static int64_t each_lock(const struct catalog *catalog)
{
    return catalog_options(catalog)->lock_timeout_ms;
}

bool table_locks_limit(struct catalog *catalog, struct error *err)
{
    struct sql sql = {.err = err};
    bool done;

    sql_printf(&sql, "SET LOCAL lock_timeout = %" PRId64, each_lock(catalog));
    done = !sql.failed && catalog_run(catalog, sql_text(&sql), err);
    return sql_end(&sql) && done;
}

bool table_locks_explain(struct catalog *catalog, struct error *err)
{
    struct error ignored;
    struct locking locking = {
        .catalog = catalog,
        .oids = {.err = &ignored},
        .each_ms = each_lock(catalog),
        .limit_ms = each_lock(catalog),
    };

    if (strcmp(err->sqlstate, "55P03") != 0)
        return false;
    sql_add(&locking.oids, "SELECT c.oid FROM pg_catalog.pg_class c\n"
                           " WHERE c.relkind NOT IN ('r', 'p', 't') AND c.oid >= 16384");
    if (!locking.oids.failed)
        not_in_time(&locking, "", err);
    sql_end(&locking.oids);
    return false;
}

/* ---- Locking ---- */

enum { UNFIT, REASON, ROLE, UNFIT_COLUMNS };

static const char *const unfit_columns[] = {
    [UNFIT] = "t.o::pg_catalog.regclass",
    [REASON] = "t.reason",
    [ROLE] = "pg_catalog.quote_ident(CURRENT_USER)",
};

static bool take_unfit(struct catalog *catalog, void *context, const struct catalog_row *row,
                       struct error *err)
{
    const char *table = row_text(row, UNFIT), *role = row_text(row, ROLE);

    (void)catalog;
    (void)context;
    switch (row_char(row, REASON)) {
    case 'p':
        error_set(err, ERROR_SERVER, "a policy of table %s would hide rows", table);
        return error_hint(err, "ALTER ROLE %s BYPASSRLS;", role);
    case 'r':
        error_set(err, ERROR_SERVER, "permission denied for table %s", table);
        return error_hint(err,
                          "GRANT SELECT ON %s TO %s;  or, from PostgreSQL 14 on, for all tables: "
                          "GRANT pg_read_all_data TO %s;",
                          table, role, role);
    default:
        error_set(err, ERROR_SERVER,
                  "table %s was dropped, renamed or replaced while the backup began", table);
        return error_hint(err, "The backup knows it as it was: run it again.");
    }
}

/* LOCK TABLE goes by name, and today's table of that name may be another than the snapshot's. What
 * would keep a table from being read is told now, and not hours later. */
static bool check_batch(struct locking *locking, bool locked, struct error *err)
{
    struct catalog_query query = {
        .columns = unfit_columns, .count = UNFIT_COLUMNS, .take = take_unfit};
    struct sql from = {.err = err};
    bool done;

    sql_add(&from, "FROM (SELECT o, CASE\n             WHEN ");
    sql_add(&from, locked ? "" : "false AND ");
    sql_add(&from, "o NOT IN (SELECT l.relation FROM pg_catalog.pg_locks l\n"
                   "                             WHERE l.pid = pg_catalog.pg_backend_pid()\n"
                   "                               AND l.locktype = 'relation'\n"
                   "                               AND l.relation IS NOT NULL) THEN 'd'\n"
                   "             WHEN c.relkind = 'p' THEN NULL\n"
                   "             WHEN NOT o = ANY (ARRAY[");
    sql_add(&from, sql_text(locked ? &locking->readable : &locking->oids));
    sql_add(&from, "]::pg_catalog.oid[]) THEN NULL\n"
                   "             WHEN NOT pg_catalog.has_table_privilege(o, 'SELECT')\n"
                   "              AND EXISTS (SELECT FROM pg_catalog.pg_attribute a\n"
                   "                           WHERE a.attrelid = o AND a.attnum > 0\n"
                   "                             AND NOT a.attisdropped\n"
                   "                             AND NOT pg_catalog.has_column_privilege(\n"
                   "                                     o, a.attnum, 'SELECT')) THEN 'r'\n"
                   "             WHEN c.relrowsecurity\n"
                   "              AND pg_catalog.row_security_active(o) THEN 'p' END AS reason\n"
                   "        FROM pg_catalog.unnest(ARRAY[");
    sql_add(&from, sql_text(&locking->oids));
    sql_add(&from, "]::pg_catalog.oid[]) o\n"
                   "        LEFT JOIN pg_catalog.pg_class c ON c.oid = o) t\n"
                   "WHERE t.reason IS NOT NULL LIMIT 1");
    query.from = sql_text(&from);
    done = !from.failed && catalog_ask(locking->catalog, &query, NULL, err);
    return sql_end(&from) && done;
}

static bool lock_batch(struct locking *locking, struct error *err)
{
    int64_t left = locking->deadline - clock_now_ms();
    struct sql sql = {.err = err};
    bool done;

    locking->limit_ms = left < locking->each_ms ? left : locking->each_ms;
    if (locking->oids.text.len == 0)
        return true;
    sql_printf(&sql, "SAVEPOINT lock_batch; SET LOCAL lock_timeout = %" PRId64 "; ",
               locking->limit_ms > 1 ? locking->limit_ms : 1);
    sql_add(&sql, sql_text(&locking->statement));
    sql_printf(&sql,
               " IN ACCESS SHARE MODE; SET LOCAL lock_timeout = %" PRId64
               "; RELEASE SAVEPOINT lock_batch",
               locking->each_ms);
    done = !sql.failed &&
           (catalog_run(locking->catalog, sql_text(&sql), err) || not_locked(locking, err)) &&
           check_batch(locking, true, err) &&
           watch_note_lock(locking->catalog, sql_text(&locking->statement), err);
    sql_end(&sql);
    buffer_clear(&locking->statement.text);
    buffer_clear(&locking->oids.text);
    buffer_clear(&locking->readable.text);
    return done;
}

static bool add_table(struct locking *locking, const struct catalog_object *object,
                      struct error *err)
{
    const struct relation *relation = relation_of(object);
    bool first = locking->oids.text.len == 0;

    sql_printf(&locking->statement, "%s%s", first ? "LOCK TABLE ONLY " : ", ONLY ",
               object->identity);
    sql_printf(&locking->oids, "%s%" PRIu32, first ? "" : ",", object->oid);
    if (catalog_wants_rows(locking->catalog, object->oid,
                           relation != NULL && relation->persistence == 'u'))
        sql_printf(&locking->readable, "%s%" PRIu32, locking->readable.text.len == 0 ? "" : ",",
                   object->oid);
    return !locking->statement.failed && !locking->oids.failed && !locking->readable.failed &&
           (locking->statement.text.len < STATEMENT_MAX || lock_batch(locking, err));
}

bool table_locks_take(struct catalog *catalog,
                      bool (*is_wanted)(const struct catalog_object *object), struct error *err)
{
    const struct catalog_options *options = catalog_options(catalog);
    int64_t start = clock_now_ms();
    struct locking locking = {
        .catalog = catalog,
        .statement = {.err = err},
        .oids = {.err = err},
        .readable = {.err = err},
        .each_ms = each_lock(catalog),
        .total_ms = lock_time_for_all(options),
        .deadline = start + lock_time_left(options),
    };
    bool done = true;

    for (size_t i = 0; done && i < catalog_object_count(catalog); i++) {
        const struct catalog_object *object = catalog_object_at(catalog, i);

        if (is_wanted(object))
            done = add_table(&locking, object, err);
    }
    done = done && lock_batch(&locking, err);
    if (options->lock_spent_ms != NULL)
        *options->lock_spent_ms += clock_now_ms() - start;
    sql_end(&locking.statement);
    sql_end(&locking.oids);
    sql_end(&locking.readable);
    return done;
}
