/*
 * Databases of a trial have names that nobody else gives, so that what a run that was killed has
 * left can be told, and typed away. They are dropped whatever happened: after a cancel, over a new
 * session, and again while the server cannot be reached.
 */
#include "trial/trial_internal.h"

#include "base/quote.h"
#include "restore/target_databases.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#define PREFIX "pgcask_verify_"

void trial_database_name(const struct trial *trial, const char *database, char out[TRIAL_NAME_SIZE])
{
    snprintf(out, TRIAL_NAME_SIZE, PREFIX "%s_%08x", trial->run,
             (unsigned)XXH3_64bits_withSeed(database, strlen(database), trial->hooks.key));
}

/* ---- The server ---- */

/* Somebody may be in it who makes one right now. */
static const char left_over[] =
    "SELECT d.datname FROM pg_catalog.pg_database d\n"
    " WHERE d.datname OPERATOR(pg_catalog.~) '^" PREFIX "[0-9a-f]{12}_[0-9a-f]{8}$'\n"
    "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datname = d.datname)\n"
    " ORDER BY 1 LIMIT 20";

static bool tell_left_over(struct trial *trial, struct wire_conn *conn, struct error *err)
{
    struct wire_result *rows = NULL;
    bool done = wire_query(conn, left_over, &rows, err);

    for (size_t i = 0; done && i < wire_result_rows(rows); i++)
        log_message(trial->restore.log, LOG_WARNING,
                    "a verification that was killed has left a database, unless it still runs: "
                    "DROP DATABASE %s;",
                    wire_result_value(rows, i, 0));
    wire_result_free(rows);
    return done;
}

bool trial_server_open(struct trial *trial, struct error *err)
{
    struct wire_conn *conn;

    if (!target_connect_any(&conn, &trial->restore, NULL, err))
        return false;
    trial->settings = wire_settings_pin(trial->restore.settings, conn, err);
    if (trial->settings != NULL)
        trial->restore.settings = trial->settings;
    if (trial->settings == NULL || !tell_left_over(trial, conn, err)) {
        wire_close(conn);
        return false;
    }
    wire_close(conn);
    return true;
}

/* ---- Roles ---- */

static bool append_missing(const struct trial *trial, struct buffer *sql, struct error *err)
{
    bool done = buffer_append_string(sql, "SELECT n FROM pg_catalog.unnest(ARRAY[NULL", err);

    for (size_t i = 0; done && i < trial->missing.count; i++)
        done = buffer_append_string(sql, ", ", err) &&
               wire_quote_literal(sql, trial->missing.items[i].name, err);
    return done && buffer_append_string(
                       sql,
                       "]::pg_catalog.text[]) n WHERE n IS NOT NULL\n"
                       "   AND NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = n)",
                       err);
}

static bool ask_missing(const struct trial *trial, struct wire_result **rows, struct error *err)
{
    struct buffer sql = {0};
    struct wire_conn *conn = NULL;
    bool done = append_missing(trial, &sql, err) &&
                target_connect_any(&conn, &trial->restore, NULL, err) &&
                wire_query(conn, buffer_text(&sql), rows, err);

    wire_close(conn);
    buffer_free(&sql);
    return done;
}

bool trial_find_missing(struct trial *trial, struct error *err)
{
    struct wire_result *rows = NULL;
    bool done = trial->missing.count == 0 || ask_missing(trial, &rows, err);

    name_set_reset(&trial->missing);
    trial->missing = (struct name_set){0};
    for (size_t i = 0; done && rows != NULL && i < wire_result_rows(rows); i++)
        done = name_set_add(&trial->missing, wire_result_value(rows, i, 0), NULL, err);
    wire_result_free(rows);
    return done;
}

/* ---- Schemas ---- */

bool trial_make_schemas(const struct trial *trial, const char *name, struct error *err)
{
    struct wire_conn *conn = NULL;
    struct buffer sql = {0};
    bool done =
        trial->schemas.count == 0 || target_connect(&conn, &trial->restore, name, NULL, err);

    for (size_t i = 0; done && i < trial->schemas.count; i++)
        done = buffer_append_string(&sql, "CREATE SCHEMA IF NOT EXISTS ", err) &&
               wire_quote_identifier(&sql, trial->schemas.items[i].name, err) &&
               buffer_append_string(&sql, ";", err);
    done = done && (sql.len == 0 || wire_query(conn, buffer_text(&sql), NULL, err));
    wire_close(conn);
    buffer_free(&sql);
    return done;
}

/* ---- Dropping ---- */

void trial_database_drop(struct trial *trial, const char *name, struct error *err)
{
    struct error failed = {0};
    size_t len = strlen(trial->report->left);

    if (target_database_discard(&trial->restore, name, &failed))
        return;
    snprintf(trial->report->left + len, sizeof(trial->report->left) - len, "%s%s",
             len == 0 ? "" : " ", failed.hint);
    log_message(trial->restore.log, LOG_WARNING,
                "the database %s, which was made to verify, could not be dropped (%s).  %s", name,
                failed.message, failed.hint);
    if (err->code != ERROR_NONE)
        return;
    *err = failed;
    error_prefix(err, "the database %s, which was made to verify, could not be dropped", name);
}
