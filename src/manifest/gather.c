/*
 * What every part of manifest.json needs while it is gathered: a note of what is not available, and
 * a session to ask. Nothing that fails here fails a backup, but being cancelled and the lack of
 * memory. One session is open at a time; a server that does not answer is not asked for ever.
 */
#include "manifest/gather_internal.h"

#include <stdio.h>
#include <stdlib.h>

/* A list of what is missing is for people; beyond this many entries only their number is told. */
#define UNAVAILABLE_MAX 1000

/* After so many connection attempts that nobody answered, no more databases are tried: each costs
 * a whole connect_timeout. */
#define UNANSWERED_MAX 3

/* ---- What is missing ---- */

bool gather_must_stop(const struct manifest *manifest, struct error *err)
{
    if (err->code == ERROR_CANCELLED || err->code == ERROR_MEMORY)
        return true;
    return cancel_requested(manifest->cancel) && !cancel_check(manifest->cancel, err);
}

static bool keep_note(struct manifest *manifest, const char *field, const struct error *err)
{
    if (manifest->unavailable_kept == UNAVAILABLE_MAX)
        return true;
    struct unavailable *list =
        realloc(manifest->unavailable, (manifest->unavailable_kept + 1) * sizeof *list);
    if (list == NULL)
        return false;
    manifest->unavailable = list;
    struct unavailable entry = {
        .field = strdup(field),
        .reason = strdup(err->message),
        .hint = err->hint[0] == '\0' ? NULL : strdup(err->hint),
    };
    list[manifest->unavailable_kept++] = entry;
    return entry.field != NULL && entry.reason != NULL &&
           (err->hint[0] == '\0' || entry.hint != NULL);
}

bool gather_note(struct manifest *manifest, struct error *err, const char *format, ...)
{
    if (gather_must_stop(manifest, err))
        return false;
    char field[512]; /* cut off, if a name is that long */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(field, sizeof field, format, arguments);
    va_end(arguments);
    error_spell(err, NULL); /* it goes into a file that no face shows */
    manifest->unavailable_count++;
    log_message(manifest->log, LOG_INFO, "manifest: %s is not available: %s", field, err->message);
    return keep_note(manifest, field, err) || error_set_memory(err);
}

/* ---- Sessions ---- */

const struct asked_for *gather_find(const struct manifest *manifest, const char *database)
{
    for (size_t i = 0; database != NULL && i < manifest->asked_for_count; i++) {
        if (strcmp(manifest->asked_for[i].database, database) == 0)
            return &manifest->asked_for[i];
    }
    return NULL;
}

/* Exported by another session in the database that is to be connected to; NULL: there is none. */
static const char *snapshot_of(const struct manifest *manifest, const char *database)
{
    const struct asked_for *several = gather_find(
        manifest, database == NULL ? wire_settings_get(manifest->settings, "dbname") : database);

    if (manifest->asked_for_count > 0)
        return several == NULL ? NULL : several->snapshot;
    if (database == NULL || manifest->database == NULL || strcmp(database, manifest->database) == 0)
        return manifest->snapshot;
    return NULL;
}

bool gather_connect(struct manifest *manifest, const char *database, struct error *err)
{
    struct session *session = &manifest->session;

    if (session->conn != NULL && database != NULL && strcmp(session->database, database) == 0)
        return true;
    session_close(session);
    if (manifest->unanswered >= UNANSWERED_MAX)
        return error_set(err, ERROR_TIMEOUT, "not tried: %d connection attempts in a row failed",
                         UNANSWERED_MAX);
    if (session_open(session, manifest->settings, database, snapshot_of(manifest, database),
                     manifest->cancel, manifest->log, err)) {
        manifest->unanswered = 0;
        return true;
    }
    bool answered = err->code != ERROR_TIMEOUT && err->code != ERROR_CONNECT;
    manifest->unanswered = answered ? 0 : manifest->unanswered + 1;
    return false;
}

bool gather_connect_cluster(struct manifest *manifest, struct error *err)
{
    static const char *const candidates[] = {NULL, "postgres", "template1"};
    struct error first;
    for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
        if (gather_connect(manifest, candidates[i], err))
            return true;
        if (gather_must_stop(manifest, err))
            return false;
        if (i == 0)
            first = *err; /* it is about what the user named */
        if (err->code == ERROR_TIMEOUT || err->code == ERROR_CONNECT || err->code == ERROR_TLS)
            break; /* nobody there: the name of the database does not matter */
    }
    *err = manifest->no_session = first;
    return false;
}

bool gather_cluster_session(struct manifest *manifest, const char *field, bool *open,
                            struct error *err)
{
    *open = manifest->session.conn != NULL;
    if (*open)
        return true;
    if (manifest->no_session.code == ERROR_NONE)
        *open = gather_connect_cluster(manifest, err);
    else
        *err = manifest->no_session;
    return *open || gather_note(manifest, err, "%s", field);
}

bool gather_ask(struct manifest *manifest, const char *field, const char *sql,
                struct wire_result **result, struct error *err)
{
    bool open = false;
    *result = NULL;
    if (!gather_cluster_session(manifest, field, &open, err))
        return false;
    return !open || session_query(&manifest->session, sql, result, err) ||
           gather_note(manifest, err, "%s", field);
}
