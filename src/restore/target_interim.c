/*
 * All of it over a session of another database. Nobody but the restore has business in a database
 * of that name: sessions that are in it, of an extension's worker or a pooler, are ended where they
 * keep it from getting its own. Those in the one that it replaces are not.
 */
#include "restore/target_interim.h"

#include "base/clock.h"
#include "base/interim.h"
#include "base/quote.h"
#include "restore/target_databases.h"

#include <stdio.h>
#include <string.h>

#define BUSY "55006"
#define TRIES 3

/* ---- Statements ---- */

static bool append(struct buffer *sql, const char *before, const char *name, const char *between,
                   const char *other, struct error *err)
{
    return buffer_append_string(sql, before, err) && wire_quote_identifier(sql, name, err) &&
           buffer_append_string(sql, between, err) &&
           (other == NULL || wire_quote_identifier(sql, other, err));
}

static bool append_rename(struct buffer *sql, const char *from, const char *to, struct error *err)
{
    return append(sql, "ALTER DATABASE ", from, " RENAME TO ", to, err) &&
           buffer_append_byte(sql, ';', err);
}

/* "pgcask: being filled for the database "app" since 2026-11-22T17:03:08Z" */
static bool append_mark(struct buffer *sql, const char *of, const char *words, const char *name,
                        const char *since, struct error *err)
{
    char now[CLOCK_TEXT_SIZE];
    struct buffer text = {0};
    bool done;

    clock_format_utc(time(NULL), now);
    done = buffer_printf(&text, err, "%s%s\" %s %s", words, name, since, now) &&
           append(sql, "COMMENT ON DATABASE ", of, " IS ", NULL, err) &&
           wire_quote_literal(sql, buffer_text(&text), err) && buffer_append_byte(sql, ';', err);
    buffer_free(&text);
    return done;
}

/* A question about the database of that name, which stands at its end: whether it has a row. */
static bool ask(struct wire_conn *conn, const char *question, const char *name, bool *yes,
                struct error *err)
{
    struct wire_result *rows = NULL;
    struct buffer sql = {0};
    bool done = buffer_append_string(&sql, question, err) && wire_quote_literal(&sql, name, err) &&
                buffer_append_string(&sql, "::pg_catalog.name", err) &&
                wire_query(conn, buffer_text(&sql), &rows, err);

    *yes = done && wire_result_rows(rows) > 0;
    wire_result_free(rows);
    buffer_free(&sql);
    return done;
}

static const char marked[] =
    "SELECT FROM pg_catalog.pg_database WHERE pg_catalog.starts_with("
    "pg_catalog.shobj_description(oid, 'pg_database'), 'pgcask: being filled') AND datname = ";

bool target_interim_append_mark(struct buffer *sql, const char *interim, const char *name,
                                struct error *err)
{
    return append_mark(sql, interim, INTERIM_FILLED, name, "since", err);
}

/* ---- Making one ---- */

bool target_interim_create(struct wire_conn *conn, const char *statement, const char *interim,
                           const char *name, bool *made, struct error *err)
{
    struct buffer sql = {0};
    bool done = target_database_create(conn, statement, name, err);

    *made = done || wire_is_broken(conn);
    if (!done)
        return false;
    done = target_interim_append_mark(&sql, interim, name, err) &&
           wire_query(conn, buffer_text(&sql), NULL, err);
    buffer_free(&sql);
    return done ? true : error_prefix(err, "cannot create the database \"%s\"", name);
}

bool target_interim_is_refused(const struct error *err)
{
    static const char *const states[] = {"28000", "28P01", "3D000", "08P01"};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    }
    return err->sqlstate[0] == '\0' && err->code == ERROR_AUTHENTICATION;
}

/* ---- Its name ---- */

struct swap {
    struct wire_conn *conn;
    const char *interim, *name;
    char replaced[64];      /* what the old one is called then; "": there is none */
    bool marked;            /* it has no comment but ours */
    struct buffer *comment; /* the old one's own, which is kept for now; NULL: it is not */
};

/* One that a DROP DATABASE has left halfway is of no use to anybody. */
static bool look(struct swap *swap, bool replaces, struct error *err)
{
    static const char there[] = "SELECT FROM pg_catalog.pg_database WHERE datname = ";
    static const char invalid[] =
        "SELECT FROM pg_catalog.pg_database WHERE datconnlimit = -2 AND datname = ";
    struct buffer sql = {0};
    bool is_there = false, is_invalid = false, done;

    if (!ask(swap->conn, marked, swap->interim, &swap->marked, err) ||
        (replaces && !ask(swap->conn, there, swap->name, &is_there, err)) ||
        (is_there && !ask(swap->conn, invalid, swap->name, &is_invalid, err)))
        return false;
    if (is_invalid) {
        done = append(&sql, "DROP DATABASE IF EXISTS ", swap->name, "", NULL, err) &&
               wire_query(swap->conn, buffer_text(&sql), NULL, err);
        buffer_free(&sql);
        return done;
    }
    if (is_there)
        snprintf(swap->replaced, sizeof(swap->replaced), "pgcask_replaced_%s",
                 swap->interim + strlen("pgcask_restore_"));
    return true;
}

/* "E'\x69\x74'": whatever the encodings of the session and of who wrote it. */
static bool ask_comment(const struct swap *swap, struct error *err)
{
    static const char question[] =
        "SELECT 'E''' || pg_catalog.regexp_replace(pg_catalog.encode(pg_catalog.convert_to("
        "    pg_catalog.shobj_description(oid, 'pg_database'), pg_catalog.getdatabaseencoding()),"
        "    'hex'), '(..)', E'\\\\\\\\x\\\\1', 'g') || ''''"
        "  FROM pg_catalog.pg_database WHERE datname = ";
    struct wire_result *rows = NULL;
    struct buffer sql = {0};
    const char *text = NULL;
    bool done = buffer_append_string(&sql, question, err) &&
                wire_quote_literal(&sql, swap->name, err) &&
                buffer_append_string(&sql, "::pg_catalog.name", err) &&
                wire_query(swap->conn, buffer_text(&sql), &rows, err);

    if (done && wire_result_rows(rows) > 0)
        text = wire_result_value(rows, 0, 0);
    done = done && (text == NULL || buffer_append_string(swap->comment, text, err));
    wire_result_free(rows);
    buffer_free(&sql);
    return done;
}

/* One literal, of which its own comment is a part. */
static bool append_kept_mark(struct buffer *sql, const struct swap *swap, struct error *err)
{
    const struct buffer *comment = swap->comment;
    char now[CLOCK_TEXT_SIZE];
    bool done =
        append(sql, "COMMENT ON DATABASE ", swap->replaced, " IS E'" INTERIM_KEPT, NULL, err);

    for (const char *at = swap->name; done && *at != '\0'; at++)
        done = ((*at != '\'' && *at != '\\') || buffer_append_byte(sql, (uint8_t)*at, err)) &&
               buffer_append_byte(sql, (uint8_t)*at, err);
    clock_format_utc(time(NULL), now);
    return done && buffer_printf(sql, err, "\" since %s", now) &&
           (comment->len == 0 || (buffer_append_string(sql, INTERIM_KEPT_COMMENT, err) &&
                                  buffer_append(sql, comment->data + 2, comment->len - 3, err))) &&
           buffer_append_string(sql, "';", err);
}

static bool append_away(struct buffer *sql, const struct swap *swap, struct error *err)
{
    return append_rename(sql, swap->name, swap->replaced, err) &&
           (swap->comment != NULL
                ? append_kept_mark(sql, swap, err)
                : append_mark(sql, swap->replaced, INTERIM_REPLACED, swap->name, "until", err));
}

static bool append_swap(struct buffer *sql, const struct swap *swap, struct error *err)
{
    return (swap->replaced[0] == '\0' || append_away(sql, swap, err)) &&
           append_rename(sql, swap->interim, swap->name, err) &&
           (!swap->marked ||
            append(sql, "COMMENT ON DATABASE ", swap->name, " IS NULL", NULL, err));
}

/* The server has waited for them itself for some seconds. */
static bool end_sessions(const struct swap *swap, const struct error *err)
{
    static const char sql[] = "SELECT pg_catalog.pg_terminate_backend(pid)"
                              "  FROM pg_catalog.pg_stat_activity WHERE datname = ";
    struct error ignored;
    bool any;

    return strcmp(err->sqlstate, BUSY) == 0 && strstr(err->message, swap->interim) != NULL &&
           ask(swap->conn, sql, swap->interim, &any, &ignored);
}

/* Several statements that are sent at once are one transaction. */
static bool run_swap(const struct swap *swap, struct error *err)
{
    struct buffer sql = {0};
    bool done = append_swap(&sql, swap, err), again = done;

    for (unsigned i = 0; again && i < TRIES; i++) {
        done = wire_query(swap->conn, buffer_text(&sql), NULL, err);
        again = !done && end_sessions(swap, err);
    }
    buffer_free(&sql);
    return done;
}

/* ---- What to type ---- */

static void unmark(const struct swap *swap)
{
    struct buffer sql = {0};
    struct error ignored;

    if (swap->marked &&
        append(&sql, "COMMENT ON DATABASE ", swap->interim, " IS NULL", NULL, &ignored))
        wire_query(swap->conn, buffer_text(&sql), NULL, &ignored);
    buffer_free(&sql);
}

static bool fail(const struct swap *swap, struct error *err)
{
    char name[QUOTE_NAME_SIZE];
    bool lost = wire_is_broken(swap->conn), taken = strcmp(err->sqlstate, "42P04") == 0;

    quote_identifier(swap->name, name, sizeof(name));
    if (!lost)
        unmark(swap);
    error_prefix(err,
                 lost ? "it is not known whether the restored database \"%s\" has got the name "
                        "\"%s\""
                      : "the restored database \"%s\" is complete, but cannot be called \"%s\"",
                 swap->interim, swap->name);
    if (lost)
        return error_hint(err,
                          "If it is still there, it is complete: DROP DATABASE %s; ALTER DATABASE "
                          "%s RENAME TO %s;",
                          name, swap->interim, name);
    if (swap->replaced[0] == '\0' && !taken)
        return error_hint(err, "Give it its name: ALTER DATABASE %s RENAME TO %s;", swap->interim,
                          name);
    return error_hint(err,
                      "%s have it in the place of the one of that name: DROP DATABASE %s; ALTER "
                      "DATABASE %s RENAME TO %s;",
                      taken ? "Somebody has made one meanwhile. To" : "End the sessions in it, and",
                      name, swap->interim, name);
}

/* Slots would go with it; a subscription keeps it. Both were asked for before anything was done. */
static bool refuse_slots(const struct swap *swap, struct error *err)
{
    static const char sql[] = "SELECT FROM pg_catalog.pg_replication_slots WHERE database = ";
    bool any;

    if (!ask(swap->conn, sql, swap->replaced, &any, err))
        return false;
    return !any || error_set(err, ERROR_REFUSED, "it has logical replication slots by now");
}

/* What was to be restored is there, and nothing is lost: but it takes its space. */
static bool drop_replaced(const struct swap *swap, struct error *err)
{
    struct buffer sql = {0};
    bool done = refuse_slots(swap, err) &&
                append(&sql, "DROP DATABASE ", swap->replaced, "", NULL, err) &&
                wire_query(swap->conn, buffer_text(&sql), NULL, err);

    buffer_free(&sql);
    if (done)
        return true;
    error_prefix(err,
                 "the database \"%s\" is restored and has its name, but the one that it replaces, "
                 "\"%s\" now, cannot be dropped",
                 swap->name, swap->replaced);
    return error_hint(err,
                      "Drop it, after subscriptions that are in it and slots that nobody needs: "
                      "DROP DATABASE %s;",
                      swap->replaced);
}

bool target_interim_put_in_place(struct wire_conn *conn, const char *interim, const char *name,
                                 bool replaces, struct cancel *cancel, struct error *err)
{
    struct swap swap = {.conn = conn, .interim = interim, .name = name};
    bool done;

    wire_set_cancel(conn, NULL);
    done = look(&swap, replaces, err) && run_swap(&swap, err);
    done = done ? swap.replaced[0] == '\0' || drop_replaced(&swap, err) : fail(&swap, err);
    wire_set_cancel(conn, cancel);
    return done;
}

/* ---- One that is not complete ---- */

static bool yes(struct wire_conn *conn, const char *question, const char *interim)
{
    struct error ignored;
    bool is = false;

    return conn != NULL && ask(conn, question, interim, &is, &ignored) && is;
}

static bool append_remedy(struct buffer *out, struct wire_conn *conn, const char *interim,
                          const char *name, struct error *err)
{
    static const char template[] =
        "SELECT FROM pg_catalog.pg_database WHERE datistemplate AND datname = ";
    static const char subscribed[] =
        "SELECT FROM pg_catalog.pg_database d JOIN pg_catalog.pg_subscription s"
        "  ON s.subdbid = d.oid WHERE datname = ";

    return buffer_append_string(out, "To have it in the place of the other all the same: ", err) &&
           append(out, "DROP DATABASE ", name, "; ", NULL, err) &&
           append_rename(out, interim, name, err) &&
           (!yes(conn, marked, interim) ||
            append(out, " COMMENT ON DATABASE ", name, " IS NULL;", NULL, err)) &&
           buffer_append_string(out, "  To drop it instead: ", err) &&
           (!yes(conn, template, interim) ||
            append(out, "ALTER DATABASE ", interim, " IS_TEMPLATE false; ", NULL, err)) &&
           append(out, "DROP DATABASE ", interim, ";", NULL, err) &&
           (!yes(conn, subscribed, interim) ||
            buffer_append_string(out, " (once its subscriptions are dropped in it)", err));
}

void target_interim_tell_aside(struct wire_conn *conn, const char *interim, const char *name,
                               struct preflight_report *report)
{
    struct buffer remedy = {0};
    struct error ignored;

    if (!append_remedy(&remedy, conn, interim, name, &ignored))
        buffer_clear(&remedy);
    preflight_add(report, false, buffer_text(&remedy),
                  "the database \"%s\" is as it was: something failed, and the new one, which is "
                  "not complete, has not taken its place but is called %s",
                  name, interim);
    buffer_free(&remedy);
}

/* ---- Before it is filled ---- */

/* Of what was made nothing is needed. */
static bool fail_empty(const struct swap *swap, const struct restore_request *request,
                       struct error *err)
{
    struct error why;

    if (wire_is_broken(swap->conn)) {
        error_prefix(err, "it is not known whether a new database, empty, has the name \"%s\"",
                     swap->name);
        if (swap->replaced[0] != '\0')
            error_hint(err, "Look whether the old one is called %s now.", swap->replaced);
        return false;
    }
    error_prefix(err, "cannot put a new database in the place of \"%s\"", swap->name);
    if (!target_database_discard(request, swap->interim, &why))
        error_hint(err, "The empty one that was made for it, %s, is still there.  %s",
                   swap->interim, why.hint);
    return false;
}

static bool replace(struct swap *swap, struct target_kept *kept, struct error *err)
{
    bool done = look(swap, true, err) && (swap->replaced[0] == '\0' || ask_comment(swap, err)) &&
                run_swap(swap, err);

    memcpy(kept->was, swap->replaced, sizeof(kept->was));
    return done;
}

bool target_interim_replace(struct wire_conn *conn, const struct restore_request *request,
                            const char *statement, const char *interim, const char *name,
                            struct target_kept *kept, struct error *err)
{
    struct swap swap = {.conn = conn, .interim = interim, .name = name, .comment = &kept->comment};
    bool made, done;

    if (!target_interim_create(conn, statement, interim, name, &made, err)) {
        struct error ignored;

        if (made)
            target_database_discard(request, interim, &ignored);
        return false;
    }
    wire_set_cancel(conn, NULL);
    done = replace(&swap, kept, err) || fail_empty(&swap, request, err);
    wire_set_cancel(conn, request->cancel);
    return done;
}

bool target_interim_drop_kept(struct wire_conn *conn, const char *name,
                              const struct target_kept *kept, struct error *err)
{
    struct swap swap = {.conn = conn, .name = name};

    memcpy(swap.replaced, kept->was, sizeof(swap.replaced));
    return drop_replaced(&swap, err);
}
