/*
 * Dropping a database that was made for a restore, whatever ended that: a cancel, which is not
 * heard here, or a server that has to start again first. Nobody waits for it long.
 */
#include "restore/target_databases.h"

#include <string.h>
#include <unistd.h>

#define TRIES 5
#define ANSWER_MS (60 * 1000)

/* ---- Statements ---- */

static bool run(struct wire_conn *conn, const char *before, const char *name, const char *after,
                struct wire_result **rows, struct error *err)
{
    struct buffer sql = {0};
    bool done = buffer_append_string(&sql, before, err) &&
                (rows == NULL ? wire_quote_identifier(&sql, name, err)
                              : wire_quote_literal(&sql, name, err)) &&
                buffer_append_string(&sql, after, err) &&
                wire_query(conn, buffer_text(&sql), rows, err);

    buffer_free(&sql);
    return done;
}

/* A subscription keeps its database, and would want its slot dropped at the publisher, which is
 * somebody else's. A restore enables none. */
static bool drop_subscriptions(const struct restore_request *request, const char *name,
                               const struct wire_result *names, struct error *err)
{
    struct wire_conn *conn = NULL;
    bool done =
        wire_result_rows(names) == 0 || target_connect(&conn, request, name, TARGET_BYTES, err);

    for (size_t i = 0; done && i < wire_result_rows(names); i++) {
        const char *subscription = wire_result_value(names, i, 0);

        done =
            run(conn, "ALTER SUBSCRIPTION ", subscription, " SET (slot_name = NONE)", NULL, err) &&
            run(conn, "DROP SUBSCRIPTION ", subscription, "", NULL, err);
    }
    wire_close(conn);
    return done;
}

/* ---- What keeps it ---- */

static bool free_of_subscriptions(const struct restore_request *request, const char *name,
                                  struct wire_conn *conn, struct error *err)
{
    static const char sql[] = "SELECT s.subname FROM pg_catalog.pg_subscription s"
                              " JOIN pg_catalog.pg_database d ON d.oid = s.subdbid"
                              " WHERE d.datname = ";
    struct wire_result *names = NULL;
    bool done =
        run(conn, sql, name, "", &names, err) && drop_subscriptions(request, name, names, err);

    wire_result_free(names);
    return done;
}

static bool make_plain(const char *name, struct wire_conn *conn, struct error *err)
{
    static const char sql[] =
        "SELECT FROM pg_catalog.pg_database WHERE datistemplate AND datname = ";
    struct wire_result *rows = NULL;
    bool done = run(conn, sql, name, "", &rows, err) &&
                (wire_result_rows(rows) == 0 ||
                 run(conn, "ALTER DATABASE ", name, " IS_TEMPLATE false", NULL, err));

    wire_result_free(rows);
    return done;
}

/* ---- Dropping ---- */

static bool drop(const struct restore_request *request, const char *name, struct wire_conn *conn,
                 struct error *err)
{
    const char *force = wire_server_version(conn) >= 130000 ? " WITH (FORCE)" : "";

    wire_set_wait_limit(conn, ANSWER_MS);
    return free_of_subscriptions(request, name, conn, err) && make_plain(name, conn, err) &&
           run(conn, "DROP DATABASE IF EXISTS ", name, force, NULL, err);
}

bool target_database_discard(const struct restore_request *request, const char *name,
                             struct error *err)
{
    struct restore_request uncancelled = *request;
    bool done = false, reached = false;

    uncancelled.cancel = NULL;
    for (unsigned i = 0; !reached && i < TRIES; i++) {
        struct wire_conn *conn = NULL;

        if (i > 0)
            sleep(i);
        if (!target_connect_any(&conn, &uncancelled, TARGET_BYTES, err))
            continue;
        done = drop(&uncancelled, name, conn, err);
        reached = done || !wire_is_broken(conn);
        wire_close(conn);
    }
    return done;
}
