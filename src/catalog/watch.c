/*
 * Rows of catalogs that other sessions change again and again, seen through a second session.
 *
 * What the snapshot has of them is asked for first. As long as they stay the same but for what is
 * read from the snapshot anyway, what the server prints by them is right, whenever it does. Tables
 * among them are locked before the next snapshot is taken, which keeps them for good.
 */
#include "catalog/watch_internal.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "catalog/lock_time.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LOCKS_MAX ((size_t)8 * 1024 * 1024)

struct watched {
    char *catalog, *relation;
    uint32_t oid;
    int number;
    char *value; /* as the snapshot has it; NULL: it does not have it */
    bool moved;  /* was another since, or is gone */
};

struct catalog_watch {
    bool (*connect)(void *context, struct wire_conn **conn, struct error *err);
    void *context;
    const struct log *log;
    struct wire_conn *conn; /* NULL: not yet, or not to be had */
    bool refused;
    bool looks; /* the rows are being watched */
    struct watched rows[WATCH_KEYS_MAX];
    size_t count;
    struct buffer question; /* of what they are */
    struct buffer locks;    /* statements, a NUL behind each */
};

struct catalog_watch *catalog_watch_new(bool (*connect)(void *context, struct wire_conn **conn,
                                                        struct error *err),
                                        void *context, const struct log *log, struct error *err)
{
    struct catalog_watch *watch = calloc(1, sizeof(*watch));

    if (watch == NULL) {
        error_set_memory(err);
        return NULL;
    }
    watch->connect = connect;
    watch->context = context;
    watch->log = log;
    return watch;
}

void catalog_watch_free(struct catalog_watch *watch)
{
    if (watch == NULL)
        return;
    wire_close(watch->conn);
    for (size_t i = 0; i < watch->count; i++) {
        free(watch->rows[i].catalog);
        free(watch->rows[i].relation);
        free(watch->rows[i].value);
    }
    buffer_free(&watch->question);
    buffer_free(&watch->locks);
    free(watch);
}

/* ---- Which rows ---- */

static struct watched *find(struct catalog_watch *watch, const struct watch_key *key)
{
    for (size_t i = 0; i < watch->count; i++) {
        struct watched *row = &watch->rows[i];

        if (row->oid == key->oid && row->number == key->number &&
            strcmp(row->catalog, key->catalog) == 0)
            return row;
    }
    return NULL;
}

bool watch_add(struct catalog *catalog, const struct watch_key *key, struct error *err)
{
    struct catalog_watch *watch = catalog->options.watch;
    struct watched *row;

    /* It becomes part of a question: the server must call it what catalogs are called. */
    if (watch == NULL || watch->count == WATCH_KEYS_MAX || find(watch, key) != NULL ||
        strspn(key->catalog, "abcdefghijklmnopqrstuvwxyz_") != strlen(key->catalog))
        return true;
    row = &watch->rows[watch->count];
    *row = (struct watched){
        .oid = key->oid,
        .number = key->number,
        .catalog = strdup(key->catalog),
        .relation = key->relation == NULL ? NULL : strdup(key->relation),
        .moved = true,
    };
    watch->count++;
    return (row->catalog != NULL && (row->relation != NULL || key->relation == NULL)) ||
           error_set_memory(err);
}

bool watch_allows(const struct catalog *catalog, const struct watch_key *key)
{
    struct catalog_watch *watch = catalog->options.watch;
    const struct watched *row = watch == NULL || !watch->looks ? NULL : find(watch, key);

    return row != NULL && !row->moved && row->value != NULL && key->value != NULL &&
           strcmp(row->value, key->value) == 0;
}

/* ---- The question ---- */

static const char *oid_column(const char *catalog)
{
    if (strcmp(catalog, "pg_attribute") == 0)
        return "attrelid";
    if (strcmp(catalog, "pg_index") == 0)
        return "indexrelid";
    return strcmp(catalog, "pg_partitioned_table") == 0 ? "partrelid" : "oid";
}

/* Of all rows that are in the same catalog as the first. */
static void ask_catalog(const struct catalog_watch *watch, size_t first, struct sql *sql)
{
    const char *catalog = watch->rows[first].catalog;
    bool has_number = strcmp(catalog, "pg_attribute") == 0;

    sql_add(sql, sql->text.len == 0 ? "" : "\nUNION ALL\n");
    sql_add(sql, "SELECT k.i, " WATCH_VALUE("x") "\n  FROM (VALUES ");
    for (size_t i = first; i < watch->count; i++) {
        const struct watched *row = &watch->rows[i];

        if (strcmp(row->catalog, catalog) == 0)
            sql_printf(sql, "%s(%zu, %" PRIu32 "::pg_catalog.oid, %d)", i == first ? "" : ", ", i,
                       row->oid, row->number);
    }
    sql_printf(sql, ") k (i, o, n)\n  JOIN pg_catalog.%s x ON x.%s = k.o%s", catalog,
               oid_column(catalog), has_number ? " AND x.attnum = k.n" : "");
}

static bool make_question(struct catalog_watch *watch, struct error *err)
{
    struct sql sql = {.err = err};

    for (size_t i = 0; i < watch->count; i++) {
        size_t first = 0;

        while (strcmp(watch->rows[first].catalog, watch->rows[i].catalog) != 0)
            first++;
        if (first == i)
            ask_catalog(watch, i, &sql);
    }
    buffer_free(&watch->question);
    if (sql.failed)
        return sql_end(&sql);
    watch->question = sql.text;
    return true;
}

/* ---- Looking ---- */

static bool note_value(struct watched *row, const char *value, bool is_base, struct error *err)
{
    if (!is_base) {
        row->moved = row->moved || row->value == NULL || strcmp(row->value, value) != 0;
        return true;
    }
    row->value = strdup(value);
    return row->value != NULL || error_set_memory(err);
}

/* What the session sees of them: first what the snapshot has, from then on what there is now. */
static bool ask(struct catalog_watch *watch, struct wire_conn *conn, bool is_base,
                struct error *err)
{
    bool seen[WATCH_KEYS_MAX] = {false};
    struct wire_result *result;
    bool done = true;

    if (!wire_query(conn, buffer_text(&watch->question), &result, err))
        return false;
    for (size_t i = 0; done && i < wire_result_rows(result); i++) {
        const char *number = wire_result_value(result, i, 0);
        const char *value = wire_result_value(result, i, 1);
        uint64_t at;

        if (number == NULL || value == NULL || !bytes_parse_u64(slice_string(number), &at) ||
            at >= watch->count || seen[at])
            continue;
        seen[at] = true;
        done = note_value(&watch->rows[at], value, is_base, err);
    }
    for (size_t i = 0; i < watch->count; i++)
        watch->rows[i].moved = watch->rows[i].moved || !seen[i];
    wire_result_free(result);
    return done;
}

/* It holds no snapshot: each statement sees what is there by then, printed as the first session
 * prints it. Its locks, on catalogs, are given back with each try; and it waits for nobody long,
 * for whoever it waits for may wait for the first session. */
static bool begin(struct catalog_watch *watch, struct error *err)
{
    static const char sql[] = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;"
                              "SET LOCAL search_path = '';"
                              "SET LOCAL datestyle = ISO;"
                              "SET LOCAL intervalstyle = POSTGRES;"
                              "SET LOCAL timezone = 'UTC';"
                              "SET LOCAL bytea_output = hex;"
                              "SET LOCAL extra_float_digits = 3;"
                              "SET LOCAL quote_all_identifiers = off;"
                              "SET LOCAL lock_timeout = '2s';"
                              "SET LOCAL statement_timeout = 0;"
                              "SET LOCAL idle_in_transaction_session_timeout = 0;"
                              "SET LOCAL jit = off";

    return wire_query(watch->conn, sql, NULL, err) &&
           (wire_server_version(watch->conn) < 170000 ||
            wire_query(watch->conn, "SET LOCAL transaction_timeout = 0", NULL, err));
}

static bool open_session(struct catalog_watch *watch, struct error *err)
{
    bool begun = watch->conn != NULL ? wire_query(watch->conn, "COMMIT", NULL, err)
                                     : watch->connect(watch->context, &watch->conn, err);

    return begun && begin(watch, err);
}

/* Without it whatever changes is a reason to read again, as in the first try. */
static bool give_up(struct catalog_watch *watch, const struct error *why)
{
    log_message(watch->log, LOG_INFO, "what changes meanwhile cannot be watched: %s", why->message);
    watch->looks = false;
    wire_close(watch->conn);
    watch->conn = NULL;
    watch->refused = true;
    return true;
}

bool watch_begin(struct catalog *catalog, struct error *err)
{
    struct catalog_watch *watch = catalog->options.watch;
    struct error why;

    if (watch == NULL)
        return true;
    buffer_clear(&watch->locks);
    if (watch->count == 0 || watch->refused)
        return true;
    if (!open_session(watch, &why))
        return give_up(watch, &why);
    for (size_t i = 0; i < watch->count; i++) {
        free(watch->rows[i].value);
        watch->rows[i].value = NULL;
        watch->rows[i].moved = false;
    }
    if (!make_question(watch, err) || !ask(watch, catalog->conn, true, err))
        return false;
    watch->looks = true;
    return watch_look(catalog, err);
}

bool watch_look(struct catalog *catalog, struct error *err)
{
    struct catalog_watch *watch = catalog->options.watch;
    struct error why;

    if (watch == NULL || !watch->looks || ask(watch, watch->conn, false, &why))
        return true;
    if (why.code == ERROR_CANCELLED || why.code == ERROR_MEMORY) {
        *err = why;
        return false;
    }
    return give_up(watch, &why);
}

void watch_end(struct catalog *catalog)
{
    if (catalog->options.watch != NULL)
        catalog->options.watch->looks = false;
    catalog->options.watch = NULL;
}

/* ---- Locks ---- */

bool watch_note_lock(struct catalog *catalog, const char *statement, struct error *err)
{
    struct catalog_watch *watch = catalog->options.watch;
    size_t len = strlen(statement) + 1;

    return watch == NULL || watch->locks.len + len > LOCKS_MAX ||
           buffer_append(&watch->locks, statement, len, err);
}

/* *go_on: there is no use in trying more once one was waited for in vain. */
static bool try_lock(struct wire_conn *conn, const char *statement, bool *go_on, struct error *err)
{
    struct sql sql = {.err = err};
    bool done;

    sql_add(&sql, "SAVEPOINT again; ");
    sql_add(&sql, statement);
    sql_add(&sql, " IN ACCESS SHARE MODE; RELEASE SAVEPOINT again");
    done = !sql.failed && wire_query(conn, sql_text(&sql), NULL, err);
    if (!sql_end(&sql) || done)
        return done;
    if (err->code != ERROR_SERVER || wire_is_broken(conn))
        return false;
    *go_on = strcmp(err->sqlstate, "55P03") != 0;
    return wire_query(conn, "ROLLBACK TO SAVEPOINT again; RELEASE SAVEPOINT again", NULL, err);
}

static bool lock_row(struct wire_conn *conn, const char *relation, bool *go_on, struct error *err)
{
    struct sql sql = {.err = err};
    bool done;

    sql_add(&sql, "LOCK TABLE ONLY ");
    sql_add(&sql, relation);
    done = !sql.failed && try_lock(conn, sql_text(&sql), go_on, err);
    return sql_end(&sql) && done;
}

static bool set_limit(struct wire_conn *conn, const struct catalog_options *options,
                      struct error *err)
{
    int64_t left = lock_time_left(options);
    int64_t limit = left < options->lock_timeout_ms ? left : options->lock_timeout_ms;
    char limits[80];

    snprintf(limits, sizeof(limits),
             "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = %" PRId64,
             limit > 1 ? limit : 1);
    return wire_query(conn, limits, NULL, err);
}

static bool lock_all(struct catalog_watch *watch, struct wire_conn *conn, struct error *err)
{
    const char *last = NULL;
    bool go_on = true;

    for (size_t i = 0; go_on && i < watch->count; i++) {
        const char *relation = watch->rows[i].relation;

        if (relation == NULL || (last != NULL && strcmp(relation, last) == 0))
            continue;
        last = relation;
        if (!lock_row(conn, relation, &go_on, err))
            return false;
    }
    for (size_t at = 0; go_on && at < watch->locks.len;) {
        const char *statement = (const char *)watch->locks.data + at;

        at += strlen(statement) + 1;
        if (!try_lock(conn, statement, &go_on, err))
            return false;
    }
    error_clear(err);
    return true;
}

bool catalog_watch_lock(struct catalog_watch *watch, struct wire_conn *conn,
                        const struct catalog_options *options, struct error *err)
{
    int64_t start = clock_now_ms();
    bool done = set_limit(conn, options, err) && lock_all(watch, conn, err);

    if (options->lock_spent_ms != NULL)
        *options->lock_spent_ms += clock_now_ms() - start;
    return done;
}
