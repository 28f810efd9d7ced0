/*
 * Putting one back whose name another got too early. That one has a name that everybody knows:
 * whoever has come into it meanwhile is sent away.
 */
#include "restore/target_kept.h"

#include "base/clock.h"
#include "base/quote.h"
#include "restore/target_databases.h"

#include <string.h>
#include <unistd.h>

#define PATIENCE_MS (8 * 1000) /* no try begins later */
#define ANSWER_MS (60 * 1000)
#define BUSY "55006"
#define TRIES 3

struct back {
    const char *name, *interim;
    const struct target_kept *kept;
};

/* ---- Statements ---- */

static bool append_rename(struct buffer *sql, const char *from, const char *to, struct error *err)
{
    return buffer_append_string(sql, "ALTER DATABASE ", err) &&
           wire_quote_identifier(sql, from, err) && buffer_append_string(sql, " RENAME TO ", err) &&
           wire_quote_identifier(sql, to, err) && buffer_append_string(sql, "; ", err);
}

static bool append_comment(struct buffer *sql, const struct back *back, struct error *err)
{
    const char *comment = back->kept->comment.len == 0 ? "NULL" : buffer_text(&back->kept->comment);

    return buffer_append_string(sql, "COMMENT ON DATABASE ", err) &&
           wire_quote_identifier(sql, back->name, err) && buffer_append_string(sql, " IS ", err) &&
           buffer_append_string(sql, comment, err);
}

static bool ask(struct wire_conn *conn, const char *question, const char *name, bool *yes,
                struct error *err)
{
    struct wire_result *rows = NULL;
    struct buffer sql = {0};
    bool done = buffer_append_string(&sql, question, err) && wire_quote_literal(&sql, name, err) &&
                wire_query(conn, buffer_text(&sql), &rows, err);

    *yes = done && wire_result_rows(rows) > 0;
    wire_result_free(rows);
    buffer_free(&sql);
    return done;
}

static bool append_swap(struct buffer *sql, const struct back *back, bool marks, struct error *err)
{
    return append_rename(sql, back->name, back->interim, err) &&
           (!marks || target_interim_append_mark(sql, back->interim, back->name, err)) &&
           append_rename(sql, back->kept->was, back->name, err) && append_comment(sql, back, err);
}

/* ---- Doing it ---- */

/* The server has waited for them itself for some seconds. */
static bool end_sessions(struct wire_conn *conn, const char *name, const struct error *why)
{
    static const char sql[] = "SELECT pg_catalog.pg_terminate_backend(pid)"
                              "  FROM pg_catalog.pg_stat_activity WHERE datname = ";
    struct error ignored;
    bool any;

    return strcmp(why->sqlstate, BUSY) == 0 && ask(conn, sql, name, &any, &ignored);
}

/* Several statements that are sent at once are one transaction. */
static bool put_back(const struct back *back, struct wire_conn *conn, struct error *err)
{
    static const char bare[] =
        "SELECT FROM pg_catalog.pg_database WHERE pg_catalog.shobj_description(oid, 'pg_database')"
        " IS NULL AND datname = ";
    struct buffer sql = {0};
    bool marks = false, again, done;

    wire_set_wait_limit(conn, ANSWER_MS);
    again = wire_query(conn, "SET synchronous_commit = on", NULL, err) &&
            ask(conn, bare, back->name, &marks, err) && append_swap(&sql, back, marks, err);
    done = false;
    for (unsigned i = 0; again && i < TRIES; i++) {
        done = wire_query(conn, buffer_text(&sql), NULL, err);
        again = !done && end_sessions(conn, back->name, err);
    }
    buffer_free(&sql);
    return done;
}

static bool fail(const struct back *back, struct error *err)
{
    const char *was = back->kept->was;
    char name[QUOTE_NAME_SIZE];

    quote_identifier(back->name, name, sizeof(name));
    error_prefix(err,
                 "what is called %s by now is not complete, and the database that it was to "
                 "replace, %s now, could not be given its name back",
                 name, was);
    return error_hint(err,
                      "End the sessions in it, and: DROP DATABASE %s; ALTER DATABASE %s "
                      "RENAME TO %s;",
                      name, was, name);
}

bool target_kept_put_back(const struct restore_request *request, const char *encoding,
                          const char *name, const struct target_kept *kept, char *interim,
                          struct error *err)
{
    struct back back = {.name = name, .interim = interim, .kept = kept};
    struct restore_request uncancelled = *request;
    const int64_t until = clock_now_ms() + PATIENCE_MS;
    bool done = false, reached = false;

    uncancelled.cancel = NULL;
    if (!target_database_interim(interim, err))
        return fail(&back, err);
    for (unsigned i = 0; !reached && (i == 0 || clock_now_ms() + i * 1000 < until); i++) {
        struct wire_conn *conn = NULL;

        sleep(i);
        if (!target_connect_any(&conn, &uncancelled, encoding, err))
            continue;
        done = put_back(&back, conn, err);
        reached = done || !wire_is_broken(conn);
        wire_close(conn);
    }
    return done || fail(&back, err);
}
