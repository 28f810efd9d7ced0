/*
 * How a session that only reads begins: everything that changes what the server prints, or ends a
 * long wait. The settings are here, because what several sessions read for one backup must look as
 * if it came over one. (Whoever looks on beside them is catalog/watch.c.)
 *
 * They are said within the transaction, in the round trip that begins it: the snapshot of another
 * session must be imported before anything else is asked.
 */
#include "copy/snapshot.h"

#include <stdio.h>

struct setting {
    int since; /* server_version_num */
    const char *statement;
};

/* A view that an attacker replaced by a foreign table would run code of theirs while it is read:
 * where the server can, such relations are refused. */
static const struct setting settings[] = {
    {0, "SELECT pg_catalog.set_config('search_path', '', false)"}, /* takes the snapshot */
    {0, "SET datestyle = ISO"},
    {0, "SET intervalstyle = POSTGRES"},
    {0, "SET timezone = 'UTC'"},
    {0, "SET bytea_output = hex"},
    {0, "SET extra_float_digits = 3"},
    {0, "SET xmlbinary = base64"},
    {0, "SET synchronize_seqscans = off"},
    {0, "SET standard_conforming_strings = on"},
    {0, "SET quote_all_identifiers = off"},
    {0, "SET idle_in_transaction_session_timeout = 0"},
    {140000, "SET idle_session_timeout = 0"},
    {170000, "SET transaction_timeout = 0"},
    {0, "SET row_security = off"},
    {0, "SET jit = off"}, /* compiling a query of the catalogs takes longer than running it */
    {0, "SELECT pg_catalog.set_config(name, 'view, foreign-table', false) "
        "FROM pg_catalog.pg_settings WHERE name = 'restrict_nonsystem_relation_kind'"},
};

static const char with_foreign_tables[] =
    "SELECT pg_catalog.set_config(name, 'view', false) "
    "  FROM pg_catalog.pg_settings WHERE name = 'restrict_nonsystem_relation_kind';";

/* The archive says which encoding that is. */
static const char own_encoding[] =
    "SELECT pg_catalog.set_config('client_encoding', "
    "                             pg_catalog.current_setting('server_encoding'), false);";

/* Catalogs that were filled a moment ago have no statistics, so sequential scans, which would run
 * once a relation, are made the last choice; workers cost more than they save. */
static const char small_queries[] = "SET max_parallel_workers_per_gather = 0;"
                                    "SET enable_seqscan = off;";

static bool converts_nothing(struct wire_conn *conn)
{
    const char *encoding = wire_parameter(conn, "client_encoding");

    return encoding != NULL && strcmp(encoding, "SQL_ASCII") == 0;
}

static bool append_begin(struct buffer *sql, const char *imported, struct error *err)
{
    return buffer_append_string(sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;", err) &&
           (imported == NULL ||
            (buffer_append_string(sql, "SET TRANSACTION SNAPSHOT ", err) &&
             wire_quote_literal(sql, imported, err) && buffer_append_byte(sql, ';', err)));
}

static bool append_settings(struct buffer *sql, struct wire_conn *conn,
                            const struct snapshot_options *options, const char *client_check,
                            struct error *err)
{
    bool done = buffer_printf(sql, err, "SET statement_timeout = %u; SET lock_timeout = %u;",
                              options->statement_timeout_ms, options->lock_timeout_ms);

    for (size_t i = 0; done && i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (settings[i].since <= wire_server_version(conn))
            done = buffer_printf(sql, err, "%s;", settings[i].statement);
    }
    if (done && options->foreign_tables)
        done = buffer_append_string(sql, with_foreign_tables, err);
    if (done && options->own_encoding && converts_nothing(conn))
        done = buffer_append_string(sql, own_encoding, err);
    if (done && options->small_queries)
        done = buffer_append_string(sql, small_queries, err);
    done = done && buffer_append_string(sql, client_check, err);
    if (done && options->savepoint != NULL)
        done = buffer_append_string(sql, "SAVEPOINT ", err) &&
               wire_quote_identifier(sql, options->savepoint, err);
    return done;
}

/* Where a server looks at its client's socket while a statement runs, which only 14 and later on
 * Linux can, nothing of ours outlives us by more than this: a program that embeds us has no
 * guardian. */
#define CLIENT_CHECK "SET LOCAL client_connection_check_interval = '1s';"

static bool try_begin(struct wire_conn *conn, const struct snapshot_options *options,
                      const char *client_check, struct error *err)
{
    struct buffer sql = {0};
    bool done = (options->begun || append_begin(&sql, options->imported, err)) &&
                append_settings(&sql, conn, options, client_check, err) &&
                wire_query(conn, buffer_text(&sql), NULL, err);

    buffer_free(&sql);
    return done;
}

/* Nothing is set outside the transaction: where a pooler lends the session to others, it would stay
 * set for them. A server on another system refuses to look at sockets. */
bool snapshot_begin(struct wire_conn *conn, const struct snapshot_options *options,
                    struct error *err)
{
    bool may_check = wire_server_version(conn) >= 140000;
    struct snapshot_options again = *options;

    again.begun = false;
    if (try_begin(conn, options, may_check ? CLIENT_CHECK : "", err))
        return true;
    return may_check && strcmp(err->sqlstate, "22023") == 0 && !wire_is_broken(conn) &&
           wire_query(conn, "ROLLBACK", NULL, err) && try_begin(conn, &again, "", err);
}

bool snapshot_export(struct wire_conn *conn, char name[SNAPSHOT_NAME_SIZE], struct error *err)
{
    struct wire_result *result;
    const char *value;
    bool done;

    if (!wire_query(conn, "SELECT pg_catalog.pg_export_snapshot()", &result, err))
        return false;
    value = wire_result_rows(result) == 1 ? wire_result_value(result, 0, 0) : NULL;
    done = value != NULL && strlen(value) < SNAPSHOT_NAME_SIZE;
    if (done)
        snprintf(name, SNAPSHOT_NAME_SIZE, "%s", value);
    else
        error_set(err, ERROR_PROTOCOL, "the server gave its snapshot no name");
    wire_result_free(result);
    return done;
}
