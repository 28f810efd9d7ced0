/*
 * How many databases there are, asked of whichever lets us in: who names none means all, and should
 * be told at once if that cannot be.
 */
#include "backup/server.h"

#include "backup/sessions_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define ANSWER_MAX ((size_t)64 << 10)

static void copy_text(char *out, size_t out_size, const char *text)
{
    snprintf(out, out_size, "%s", text == NULL ? "" : text);
}

/* There is no conversion to UTF-8 of what the database holds. */
static bool is_encoding_error(const struct error *err)
{
    return strcmp(err->sqlstate, "0A000") == 0 || strcmp(err->sqlstate, "22P05") == 0 ||
           strcmp(err->sqlstate, "22021") == 0;
}

static bool count_in(const struct wire_settings *settings, const char *encoding,
                     struct cancel *cancel, const struct log *log,
                     struct server_databases *databases, struct error *err)
{
    enum { COUNT, FIRST, NAMES };
    /* -2 marks what a DROP DATABASE that was interrupted left. */
    static const char sql[] =
        "SELECT pg_catalog.count(*), "
        "       coalesce(pg_catalog.min(datname::text) FILTER (WHERE NOT datistemplate "
        "                                                         AND datname <> 'postgres'), "
        "                pg_catalog.min(datname::text) FILTER (WHERE NOT datistemplate)), "
        "       (SELECT pg_catalog.string_agg(n, ', ') "
        "          FROM (SELECT datname::text AS n FROM pg_catalog.pg_database "
        "                 WHERE datallowconn AND datconnlimit <> -2 "
        "                 ORDER BY datistemplate, datname::text LIMIT 5) AS few) "
        "  FROM pg_catalog.pg_database WHERE datallowconn AND datconnlimit <> -2";
    struct wire_result *result = NULL;
    const char *count = NULL;
    struct wire_conn *conn;
    bool done;

    *databases = (struct server_databases){0};
    if (!sessions_connect_any(&conn, settings, "pgcask check", encoding, cancel, log, err))
        return false;
    wire_set_answer_limit(conn, ANSWER_MAX);
    done = wire_query(conn, sql, &result, err);
    if (done && wire_result_rows(result) == 1 && wire_result_columns(result) == 3)
        count = wire_result_value(result, 0, COUNT);
    if (count != NULL) {
        databases->count = strtoull(count, NULL, 10);
        copy_text(databases->first, sizeof(databases->first), wire_result_value(result, 0, FIRST));
        copy_text(databases->names, sizeof(databases->names), wire_result_value(result, 0, NAMES));
    } else if (done) {
        done = error_set(err, ERROR_PROTOCOL, "the server's answer is not complete");
    }
    wire_result_free(result);
    wire_close(conn);
    return done;
}

bool server_count_databases(const struct wire_settings *settings, struct cancel *cancel,
                            const struct log *log, struct server_databases *databases,
                            struct error *err)
{
    return count_in(settings, "UTF8", cancel, log, databases, err) ||
           (is_encoding_error(err) && count_in(settings, "SQL_ASCII", cancel, log, databases, err));
}
