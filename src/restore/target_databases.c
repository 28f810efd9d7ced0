/* Sessions of a target server's databases, how these are called, and making one: over a session of
 * another. */
#include "restore/target_databases.h"

#include "base/bytes.h"
#include "base/error_names.h"
#include "base/quote.h"
#include "restore/restore_trial.h"
#include "restore/target_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS (10 * 60 * 1000) /* CREATE DATABASE copies files, DROP waits for a checkpoint */

/* ---- Which one ---- */

static char *copy(const char *name, size_t len, struct error *err)
{
    char *made = strndup(name, len);

    if (made == NULL)
        error_set_memory(err);
    return made;
}

/* "backups/app.dump" and "app.dump.d/" are of app. */
static struct slice file_stem(const char *file)
{
    static const char *const suffixes[] = {".dump", ".backup", ".custom", ".pgdump",
                                           ".tar",  ".dir",    ".sql"};
    struct slice stem = slice_string(file);
    const uint8_t *slash;

    while (stem.len > 0 && stem.data[stem.len - 1] == '/')
        stem.len--;
    slash = stem.len == 0 ? NULL : memrchr(stem.data, '/', stem.len);
    if (slash != NULL)
        slice_take(&stem, (size_t)(slash + 1 - stem.data));
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        size_t len = strlen(suffixes[i]);

        if (stem.len > len && memcmp(stem.data + stem.len - len, suffixes[i], len) == 0) {
            stem.len -= len;
            break;
        }
    }
    return stem;
}

static const char *named_by_address(const struct restore_request *request)
{
    const char *name =
        request->settings == NULL ? NULL : wire_settings_get(request->settings, "dbname");

    return name != NULL && name[0] != '\0' &&
                   wire_settings_database_from(request->settings) == WIRE_DATABASE_NAMED
               ? name
               : NULL;
}

/* Addresses often end in a name that every server has, for want of another: a way in. */
const char *target_database_named(const struct restore_request *request)
{
    const char *named = named_by_address(request);

    if (request->trial != NULL) /* whose databases have names of their own */
        return NULL;
    if (request->database != NULL)
        return request->database;
    return named == NULL || target_database_is_fixed(named) ? NULL : named;
}

const char *target_database_passed_over(const struct restore_request *request, const char *database)
{
    const char *named = named_by_address(request);
    bool passed = request->trial == NULL && request->database == NULL && named != NULL &&
                  target_database_is_fixed(named) && strcmp(named, database) != 0;

    return passed ? named : NULL;
}

bool target_database_is_named(const struct restore_request *request)
{
    return target_database_named(request) != NULL;
}

char *target_database_name(const struct restore_request *request, const char *header,
                           const char *file, bool of_several, struct error *err)
{
    const char *named = target_database_named(request), *way_in = named_by_address(request);
    struct slice stem = file == NULL ? (struct slice){0} : file_stem(file);
    char given[64];

    if (request->trial != NULL) {
        request->trial->name(request->trial->context, header == NULL ? "" : header, given);
        return copy(given, strlen(given), err);
    }
    if (!of_several && named != NULL)
        return copy(named, strlen(named), err);
    if (header != NULL && header[0] != '\0')
        return copy(header, strlen(header), err);
    if (stem.len > 0)
        return copy((const char *)stem.data, stem.len, err);
    if (way_in != NULL)
        return copy(way_in, strlen(way_in), err);
    error_set(err, ERROR_USAGE, "nothing says into which database the archive goes");
    error_hint(err, "Name one: " OPTION_DATABASE ", or postgres://host/DATABASE");
    return NULL;
}

/* What is typed next must not lose what nobody has spoken of. */
bool target_database_refuse_several(const struct restore_request *request, bool may_choose,
                                    const char *what, struct error *err)
{
    const char *loss =
        request->existing == RESTORE_RECREATE ? ", which " OPTION_RECREATE " drops if it is there"
        : request->existing == RESTORE_CLEAN  ? ", where " OPTION_CLEAN " drops what is restored"
                                              : "";
    char named[QUOTE_NAME_SIZE];

    quote_identifier(target_database_named(request), named, sizeof(named));
    error_set(err, ERROR_USAGE, "the address names one database, %s, and %s", named, what);
    return error_hint(err,
                      ERROR_OURS("%s") "Leave the name out of the address, and each goes into the "
                                       "one of its own name" ERROR_OURS("%s") "." ERROR_OURS("%s"),
                      may_choose ? "Choose the one that goes into it: " OPTION_DATABASES ".  " : "",
                      loss, may_choose ? "" : "  Some of them only: " OPTION_DATABASES ".");
}

bool target_database_is_fixed(const char *name)
{
    return strcmp(name, "postgres") == 0 || strcmp(name, "template0") == 0 ||
           strcmp(name, "template1") == 0;
}

/* ---- Sessions ---- */

static bool set_role(struct wire_conn *conn, const char *role, struct error *err)
{
    struct buffer sql = {0};
    bool done = buffer_append_string(&sql, "SET ROLE ", err) &&
                wire_quote_identifier(&sql, role, err) &&
                wire_query(conn, buffer_text(&sql), NULL, err);

    buffer_free(&sql);
    return done || error_prefix(err, "cannot become the role \"%s\"", role);
}

/* Names have their schemas. */
static bool set_up(struct wire_conn *conn, const struct restore_request *request, struct error *err)
{
    struct buffer sql = {0};
    bool done =
        target_settings_append(&sql, wire_server_version(conn), err) &&
        buffer_append_string(&sql,
                             "SET standard_conforming_strings = on; SET synchronous_commit = on;"
                             " SELECT pg_catalog.set_config('search_path', '', false)",
                             err) &&
        wire_query(conn, buffer_text(&sql), NULL, err);

    buffer_free(&sql);
    return done && (request->role == NULL || set_role(conn, request->role, err));
}

bool target_connect(struct wire_conn **conn, const struct restore_request *request,
                    const char *database, const char *encoding, struct error *err)
{
    struct wire_connect_options options = {
        .kind = WIRE_SESSION_SQL,
        .database = database,
        .application_name = "pgcask restore",
        .client_encoding = encoding == NULL ? "UTF8" : encoding,
        .cancel = request->cancel,
        .log = request->log,
        .wait_limit_ms = WAIT_MS,
    };

    if (!wire_connect(conn, request->settings, &options, err))
        return false;
    if (set_up(*conn, request, err))
        return true;
    wire_close(*conn);
    *conn = NULL;
    return false;
}

/* No such database, no right to enter it, no line in pg_hba.conf, or it takes no connections:
 * another may do better. */
static bool another_may_do(const struct error *err)
{
    static const char *const states[] = {"3D000", "42501", "28000", "55000"};

    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    }
    return false;
}

bool target_connect_any(struct wire_conn **conn, const struct restore_request *request,
                        const char *encoding, struct error *err)
{
    struct error later;

    if (target_connect(conn, request, "postgres", encoding, err))
        return true;
    return another_may_do(err) && (target_connect(conn, request, "template1", encoding, &later) ||
                                   target_connect(conn, request, NULL, encoding, &later));
}

/* ---- Making one ---- */

static void hint_at_creating(struct error *err)
{
    if (strcmp(err->sqlstate, "42501") == 0)
        error_hint(err, "Give the role the right to: ALTER ROLE … CREATEDB;  or have the database "
                        "made by somebody else, and restore into it.");
    else if (strcmp(err->sqlstate, "42704") == 0 && strstr(err->message, "tablespace") != NULL)
        error_hint(err, "Make the tablespace, or leave it away: " ERROR_OPTION("no-tablespaces"));
    else if (strcmp(err->sqlstate, "42809") == 0 || strcmp(err->sqlstate, "22023") == 0)
        error_hint(err, "Make the database yourself, with a locale that this server has, and "
                        "restore into it without " OPTION_CREATE_DB ".");
}

bool target_database_create(struct wire_conn *conn, const char *statement, const char *name,
                            struct error *err)
{
    if (wire_query(conn, statement, NULL, err))
        return true;
    error_prefix(err, "cannot create the database \"%s\"", name);
    hint_at_creating(err);
    return false;
}

bool target_database_interim(char *out, struct error *err)
{
    uint8_t bytes[6];
    char hex[2 * sizeof(bytes) + 1];

    if (getentropy(bytes, sizeof(bytes)) != 0)
        return error_set_errno(err, errno, "cannot get random bytes");
    bytes_to_hex(bytes, sizeof(bytes), hex);
    snprintf(out, 64, "pgcask_restore_%s", hex);
    return true;
}
