/*
 * How a session that restores begins and ends. What it has in common with every other session of
 * the target is in target_settings.h.
 *
 * Commits do not wait for the disk: a transaction that is lost with the server's machine is one
 * that the restore had not yet called finished. The last one waits, and with it all before.
 */
#include "restore/target_session_internal.h"

#include "base/error_names.h"
#include "restore/target_settings.h"

#include <stdlib.h>
#include <string.h>

/* ---- Settings ---- */

/* Where a server looks at its client's socket while a statement runs, which only 14 and later on
 * Linux can, nothing of ours outlives us by more than this: a program that embeds us has no
 * guardian. */
#define CLIENT_CHECK "SET client_connection_check_interval = '1s';"

static bool append_role(struct buffer *sql, const char *role, struct error *err)
{
    return role == NULL ||
           (buffer_append_string(sql, "SET ROLE ", err) && wire_quote_identifier(sql, role, err) &&
            buffer_append_byte(sql, ';', err));
}

static bool append_search_path(struct buffer *sql, const char *search_path, struct error *err)
{
    return search_path == NULL ||
           (buffer_append_string(sql, "SELECT pg_catalog.set_config('search_path', ", err) &&
            wire_quote_literal(sql, search_path, err) &&
            buffer_append_string(sql, ", false);", err));
}

static bool append_settings(struct buffer *sql, const struct target_options *options, int version,
                            struct error *err)
{
    return target_settings_append(sql, version, err) &&
           buffer_printf(sql, err, "SET standard_conforming_strings = %s; SET row_security = %s;",
                         options->plain_backslashes ? "off" : "on",
                         options->row_security ? "on" : "off") &&
           (options->single_transaction ||
            buffer_append_string(sql, "SET synchronous_commit = off;", err)) &&
           append_role(sql, options->role, err) &&
           append_search_path(sql, options->search_path, err) &&
           buffer_append_string(
               sql, "SELECT current_user, pg_catalog.current_setting('is_superuser');", err);
}

static bool take_user(struct target_session *session, const struct wire_result *result,
                      struct error *err)
{
    bool one = wire_result_rows(result) == 1;
    const char *user = one ? wire_result_value(result, 0, 0) : NULL;
    const char *superuser = one ? wire_result_value(result, 0, 1) : NULL;

    if (user == NULL)
        return error_set(err, ERROR_PROTOCOL, "the server did not say who this session is");
    session->superuser = superuser != NULL && strcmp(superuser, "on") == 0;
    session->user = strdup(user);
    return session->user != NULL ? true : error_set_memory(err);
}

static bool say_settings(struct target_session *session, const struct target_options *options,
                         const char *client_check, struct error *err)
{
    struct wire_result *result = NULL;
    struct buffer sql = {0};
    bool done = buffer_append_string(&sql, client_check, err) &&
                append_settings(&sql, options, target_session_version(session), err) &&
                wire_query(session->conn, buffer_text(&sql), &result, err) &&
                take_user(session, result, err);

    wire_result_free(result);
    buffer_free(&sql);
    return done;
}

/* A server on another system refuses to look at sockets: it is asked once more without. */
static bool set_up(struct target_session *session, const struct target_options *options,
                   struct error *err)
{
    bool may_check = target_session_version(session) >= 140000;

    if (say_settings(session, options, may_check ? CLIENT_CHECK : "", err))
        return true;
    if (may_check && strcmp(err->sqlstate, "22023") == 0 && !wire_is_broken(session->conn) &&
        say_settings(session, options, "", err))
        return true;
    return error_prefix(err, "cannot set up the session");
}

/* ---- Beginning and end ---- */

static enum target_mode mode_of(const struct target_options *options)
{
    if (options->single_transaction)
        return TARGET_ONE;
    return options->transaction_size > 0 ? TARGET_CHUNKS : TARGET_AS_IT_FITS;
}

bool target_session_open(struct target_session **out, const struct wire_settings *wire_settings,
                         const struct target_options *options, struct error *err)
{
    const struct wire_connect_options connect = {
        .kind = WIRE_SESSION_SQL,
        .database = options->database,
        .client_encoding = options->encoding != NULL ? options->encoding : "UTF8",
        .cancel = options->cancel,
        .log = options->log,
    };
    struct target_session *session = calloc(1, sizeof(*session));

    *out = NULL;
    if (session == NULL)
        return error_set_memory(err);
    session->mode = mode_of(options);
    session->exit_on_error = options->exit_on_error || session->mode != TARGET_AS_IT_FITS;
    session->chunk = options->transaction_size;
    session->told = options->told;
    if (!wire_connect(&session->conn, wire_settings, &connect, err) ||
        !set_up(session, options, err)) {
        target_session_close(session);
        return false;
    }
    *out = session;
    return true;
}

void target_session_close(struct target_session *session)
{
    if (session == NULL)
        return;
    wire_close(session->conn);
    buffer_free(&session->held);
    free(session->queue);
    free(session->user);
    free(session);
}

bool target_settle(struct target_session *session, struct error *err)
{
    return target_drain(session, session->mode == TARGET_ONE, err);
}

/* What is written to the log at last is flushed together with all that stands before it; a commit
 * that has written nothing would not wait. */
static bool make_durable(struct target_session *session, struct error *err)
{
    static const char sql[] =
        "SELECT pg_catalog.set_config(name, CASE reset_val WHEN 'off' THEN 'local' "
        "                                   ELSE reset_val END, false) "
        "  FROM pg_catalog.pg_settings WHERE name = 'synchronous_commit';"
        "SELECT pg_catalog.pg_logical_emit_message(true, 'pgcask', '')";

    if (session->counts.statements == 0 && session->counts.rows == 0) /* nothing was restored */
        return true;
    if (wire_query(session->conn, sql, NULL, err))
        return true;
    error_prefix(err, "cannot make sure that what was restored is on the server's disk");
    return target_stop(session, err);
}

static bool commit_all(struct target_session *session, struct error *err)
{
    struct outcome end;

    if (!session->in_transaction)
        return true;
    session->in_transaction = false;
    if (!wire_queue_query(session->conn, "COMMIT", err))
        return target_stop(session, err);
    if (!target_read_outcome(session, false, &end, err))
        return false;
    target_must_be_kept(&end);
    if (!end.failed)
        target_count_open(session);
    return !end.failed ||
           target_tell_failure(session, TARGET_NO_SUBJECT, "COMMIT", "COMMIT", &end, err);
}

bool target_finish(struct target_session *session, struct error *err)
{
    if (!target_drain(session, false, err))
        return false;
    return session->mode == TARGET_ONE ? commit_all(session, err) : make_durable(session, err);
}

/* ---- What is known of it ---- */

const struct target_counts *target_session_counts(const struct target_session *session)
{
    return &session->counts;
}

const char *target_session_user(const struct target_session *session)
{
    return session->user;
}

bool target_session_is_superuser(const struct target_session *session)
{
    return session->superuser;
}

int target_session_version(const struct target_session *session)
{
    return wire_server_version(session->conn);
}

struct wire_conn *target_session_conn(struct target_session *session)
{
    return session->conn;
}
