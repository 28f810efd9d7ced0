/*
 * Dropping a database that was made for a restore, whatever ended that: a cancel, which is not
 * heard here, or a server that has to start again first. Nobody waits for it long.
 */
#include "restore/target_databases.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define PATIENCE_MS (8 * 1000) /* no try begins later */
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

/* ---- What keeps it ---- */

struct discard {
    const struct restore_request *request;
    const char *name;
    struct buffer within; /* what is done in it first, or has to be typed there */
};

static bool append_command(struct discard *discard, const char *before, const char *name,
                           const char *after, struct error *err)
{
    return buffer_append_string(&discard->within, before, err) &&
           wire_quote_identifier(&discard->within, name, err) &&
           buffer_append_string(&discard->within, after, err);
}

/* A subscription keeps its database, and would want its slot dropped at the publisher, which is
 * somebody else's. */
static bool append_subscriptions(struct discard *discard, const struct wire_result *names,
                                 struct error *err)
{
    bool done = true;

    for (size_t i = 0; done && i < wire_result_rows(names); i++) {
        const char *name = wire_result_value(names, i, 0);

        done = append_command(discard, "ALTER SUBSCRIPTION ", name, " DISABLE; ", err) &&
               append_command(discard, "ALTER SUBSCRIPTION ", name, " SET (slot_name = NONE); ",
                              err) &&
               append_command(discard, "DROP SUBSCRIPTION ", name, "; ", err);
    }
    return done;
}

/* One of the restored database may fail at every command, ours included. */
static bool append_triggers(struct discard *discard, struct wire_conn *conn, struct error *err)
{
    struct wire_result *names = NULL;
    bool done = wire_query(conn,
                           "SELECT evtname FROM pg_catalog.pg_event_trigger"
                           " WHERE evtenabled <> 'D' ORDER BY 1",
                           &names, err);

    for (size_t i = 0; done && i < wire_result_rows(names); i++)
        done = append_command(discard, "ALTER EVENT TRIGGER ", wire_result_value(names, i, 0),
                              " DISABLE; ", err);
    wire_result_free(names);
    return done;
}

/* Triggers at the login may keep everybody out; they are known from 17 on, as is what a superuser
 * comes in by. */
static bool enter_without_triggers(const struct discard *discard, struct wire_conn **conn)
{
    struct restore_request request = *discard->request;
    const char *given = wire_settings_get(request.settings, "options");
    struct error ignored;
    struct wire_settings *settings = wire_settings_clone(request.settings, &ignored);
    struct buffer options = {0};
    bool done =
        settings != NULL &&
        buffer_printf(&options, &ignored, "%s -c event_triggers=off", given == NULL ? "" : given) &&
        wire_settings_set(settings, "options", buffer_text(&options), &ignored);

    request.settings = settings;
    done = done && target_connect(conn, &request, discard->name, TARGET_BYTES, &ignored);
    buffer_free(&options);
    wire_settings_free(settings);
    return done;
}

/* What is sent at once is one transaction. */
static bool drop_subscriptions(struct discard *discard, const struct wire_result *names,
                               struct error *err)
{
    struct wire_conn *conn = NULL;
    struct error ignored;
    bool done = target_connect(&conn, discard->request, discard->name, TARGET_BYTES, err) ||
                (err->code == ERROR_SERVER && enter_without_triggers(discard, &conn));
    bool asked = done && append_triggers(discard, conn, err);

    if (!append_subscriptions(discard, names, asked ? err : &ignored))
        asked = false;
    done = asked && wire_query(conn, buffer_text(&discard->within), NULL, err);
    wire_close(conn);
    return done;
}

static bool free_of_subscriptions(struct discard *discard, struct wire_conn *conn,
                                  struct error *err)
{
    static const char sql[] = "SELECT s.subname FROM pg_catalog.pg_subscription s"
                              " JOIN pg_catalog.pg_database d ON d.oid = s.subdbid"
                              " WHERE d.datname = ";
    struct wire_result *names = NULL;
    bool done = run(conn, sql, discard->name, "", &names, err) &&
                (wire_result_rows(names) == 0 || drop_subscriptions(discard, names, err));

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

static bool drop(struct discard *discard, struct wire_conn *conn, struct error *err)
{
    const char *force = wire_server_version(conn) >= 130000 ? " WITH (FORCE)" : "";

    buffer_clear(&discard->within);
    wire_set_wait_limit(conn, ANSWER_MS);
    if (!free_of_subscriptions(discard, conn, err))
        return false;
    buffer_clear(&discard->within);
    return make_plain(discard->name, conn, err) &&
           run(conn, "DROP DATABASE IF EXISTS ", discard->name, force, NULL, err);
}

/* Its name is one that we have given, and needs no quotes. */
static void hint_at_dropping(const struct discard *discard, struct error *err)
{
    const char *within = buffer_text(&discard->within);

    if (within[0] == '\0')
        error_hint(err, "DROP DATABASE %s;", discard->name);
    else
        error_hint(err, "In that database: %s then, in another one: DROP DATABASE %s;", within,
                   discard->name);
}

bool target_database_discard(const struct restore_request *request, const char *name,
                             struct error *err)
{
    struct restore_request uncancelled = *request;
    struct discard discard = {.request = &uncancelled, .name = name};
    const int64_t until = clock_now_ms() + PATIENCE_MS;
    bool done = false, reached = false;

    uncancelled.cancel = NULL;
    for (unsigned i = 0; !reached && (i == 0 || clock_now_ms() + i * 1000 < until); i++) {
        struct wire_conn *conn = NULL;

        sleep(i);
        if (!target_connect_any(&conn, &uncancelled, TARGET_BYTES, err))
            continue;
        done = drop(&discard, conn, err);
        reached = done || !wire_is_broken(conn);
        wire_close(conn);
    }
    if (!done)
        hint_at_dropping(&discard, err);
    buffer_free(&discard.within);
    return done;
}
