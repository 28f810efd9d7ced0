/*
 * What mends a failure that may come at any place of a logical backup, so that no place has to know
 * of it: an encoding, a standby that replays, a pooler in between.
 */
#include "backup/logical_internal.h"

#include "base/error_names.h"
#include "base/quote.h"

#include <string.h>

static bool is_state(const struct error *err, const char *sqlstate)
{
    return strcmp(err->sqlstate, sqlstate) == 0;
}

/* Also where it is said in a language that we do not know: nothing that only reads in REPEATABLE
 * READ fails so otherwise. A session that waits meanwhile is ended instead, and so is one whose
 * database is dropped. */
static bool is_recovery_conflict(const struct error *err)
{
    return is_state(err, "40001") || is_state(err, "57P04") ||
           strstr(err->message, "due to conflict with recovery") != NULL;
}

/* Copies the first word behind what comes before it in the message. */
static bool word_behind(const struct error *err, const char *before, char *word, size_t size)
{
    const char *at = strstr(err->message, before);
    size_t len;

    if (at == NULL)
        return false;
    at += strlen(before);
    len = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (at[len] != '\0' || len == 0 || len >= size)
        return false;
    memcpy(word, at, len);
    word[len] = '\0';
    return true;
}

/* A catalog, a view or a function of the system that somebody closed for the role: of all others it
 * was asked before. */
static bool hint_denied(struct error *err, const char *role)
{
    char name[QUOTE_NAME_SIZE], user[QUOTE_NAME_SIZE];

    quote_identifier(role == NULL ? "" : role, user, sizeof(user));
    if (word_behind(err, "permission denied for table pg_", name, sizeof(name)) ||
        word_behind(err, "permission denied for view pg_", name, sizeof(name)))
        return error_hint(err, "GRANT SELECT ON pg_catalog.pg_%s TO %s;", name, user);
    if (word_behind(err, "permission denied for function ", name, sizeof(name)) ||
        word_behind(err, "permission denied for aggregate ", name, sizeof(name)))
        return error_hint(err, "GRANT EXECUTE ON FUNCTION pg_catalog.%s TO %s;", name, user);
    return false;
}

bool logical_explain(struct error *err, const char *role)
{
    if (is_state(err, "42501"))
        return hint_denied(err, role);
    /* In its own encoding a database gives whatever it holds; in another it may have no character
     * for it, or no conversion at all. */
    if (is_state(err, "22P05") || is_state(err, "22021"))
        return error_hint(err, "Leave " SETTING_CLIENT_ENCODING
                               " away: what is read then stays in the database's own encoding.");
    if (is_recovery_conflict(err))
        return error_hint(err,
                          "The standby had to replay what the backup was reading. Let it wait, on "
                          "the standby:  ALTER SYSTEM SET max_standby_streaming_delay = '-1';  "
                          "ALTER SYSTEM SET hot_standby_feedback = on;  SELECT pg_reload_conf();  "
                          "or back up the primary.");
    if (strstr(err->message, "statement pooling mode") != NULL)
        return error_hint(err, "Name the server's own address, or a pool of pgbouncer with "
                               "pool_mode = session (transaction will do).");
    return false;
}

bool logical_check_peer(const struct wire_conn *conn, struct error *err)
{
    const char *version = wire_parameter(conn, "server_version");

    if (version == NULL || strstr(version, "bouncer") == NULL)
        return true;
    error_set(err, ERROR_UNSUPPORTED, "this is the console of pgbouncer (%s) and no database",
              version);
    return error_hint(err, "Name a database of the server in place of \"pgbouncer\".");
}

/* ---- Keeping it ---- */

bool logical_database_name(const struct logical_database *database, struct error *err)
{
    return database->job->request.all_databases
               ? error_prefix(err, "database \"%s\"", database->name)
               : false;
}

static bool name_current(const struct logical_backup *job, struct error *err)
{
    const struct logical_database *database =
        job->current < job->database_count ? &job->databases[job->current] : NULL;

    if (database == NULL || job->report.logical.database != database->name ||
        err->code == ERROR_CANCELLED || strncmp(err->message, "database \"", 10) == 0)
        return false;
    return logical_database_name(database, err);
}

void logical_fail(struct logical_backup *job, struct error *err)
{
    pthread_mutex_lock(&job->lock);
    if (failure_check(&job->failure, err)) {
        logical_explain(err, wire_settings_get(job->request.settings, "user"));
        name_current(job, err);
        failure_keep(&job->failure, err);
    }
    pthread_mutex_unlock(&job->lock);
}
