/*
 * The settings of a session that reads: everything that changes what the server prints, or ends a
 * long wait. They are here and nowhere else, because rows, definitions and privileges of one backup
 * come over several sessions and must look as if they came over one.
 */
#include "copy/snapshot.h"

struct setting {
    int since; /* server_version_num */
    const char *statement;
};

static bool run(struct wire_conn *conn, const char *sql, struct error *err)
{
    return wire_query(conn, sql, NULL, err);
}

/* The session may have begun in SQL_ASCII, which every database takes and which converts nothing.
 * The archive says which encoding that is. */
static const char own_encoding[] =
    "SELECT pg_catalog.set_config('client_encoding', "
    "                             pg_catalog.current_setting('server_encoding'), false);";

static bool converts_nothing(struct wire_conn *conn)
{
    const char *encoding = wire_parameter(conn, "client_encoding");

    return encoding != NULL && strcmp(encoding, "SQL_ASCII") == 0;
}

/* In one round trip. A view that an attacker replaced by a foreign table would run code of theirs
 * while it is read: where the server can, such relations are refused. */
static bool prepare(struct wire_conn *conn, struct error *err)
{
    static const struct setting settings[] = {
        {0, "SELECT pg_catalog.set_config('search_path', '', false)"},
        {0, "SET datestyle = ISO"},
        {0, "SET intervalstyle = POSTGRES"},
        {0, "SET timezone = 'UTC'"},
        {0, "SET bytea_output = hex"},
        {0, "SET extra_float_digits = 3"},
        {0, "SET xmlbinary = base64"},
        {0, "SET synchronize_seqscans = off"},
        {0, "SET standard_conforming_strings = on"},
        {0, "SET quote_all_identifiers = off"},
        {0, "SET statement_timeout = 0"},
        {0, "SET lock_timeout = 0"},
        {0, "SET idle_in_transaction_session_timeout = 0"},
        {140000, "SET idle_session_timeout = 0"},
        {170000, "SET transaction_timeout = 0"},
        {0, "SET row_security = off"},
        {0, "SET jit = off"}, /* compiling a query of the catalogs takes longer than running it */
        {0, "SELECT pg_catalog.set_config(name, 'view, foreign-table', false) "
            "FROM pg_catalog.pg_settings WHERE name = 'restrict_nonsystem_relation_kind'"},
    };
    struct buffer sql = {0};
    bool done = !converts_nothing(conn) || buffer_append_string(&sql, own_encoding, err);

    for (size_t i = 0; done && i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (settings[i].since <= wire_server_version(conn))
            done = buffer_printf(&sql, err, "%s;", settings[i].statement);
    }
    done = done && run(conn, buffer_text(&sql), err);
    buffer_free(&sql);
    return done;
}

/* Where a server looks at its client's socket while a statement runs, which only 14 and later on
 * Linux can, nothing of ours outlives us by more than this: a program that embeds us has no
 * guardian. A server on another system refuses, and goes on as before. */
static bool ask_for_client_check(struct wire_conn *conn, struct error *err)
{
    return wire_server_version(conn) < 140000 ||
           run(conn, "SET client_connection_check_interval = '1s'", err) || !wire_is_broken(conn);
}

bool snapshot_begin(struct wire_conn *conn, const char *snapshot, struct error *err)
{
    struct buffer sql = {0};
    bool done;

    if (!ask_for_client_check(conn, err) || !prepare(conn, err) ||
        !run(conn, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", err))
        return false;
    if (snapshot == NULL)
        return true;
    done = buffer_append_string(&sql, "SET TRANSACTION SNAPSHOT ", err) &&
           wire_quote_literal(&sql, snapshot, err) && run(conn, buffer_text(&sql), err);
    buffer_free(&sql);
    return done;
}
