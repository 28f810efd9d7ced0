/*
 * A session that reads catalogs as JSON, an object a row. Its queries may fail one by one, at a
 * lock that does not come or bytes that are no text: each time it goes back to a savepoint and can
 * be asked on, because a manifest with a part left out is worth more than none.
 */
#include "manifest/session.h"

#include "base/bytes.h"
#include "base/json.h"
#include "base/utf8.h"
#include "copy/snapshot.h"
#include "manifest/json_values.h"

#include <stdlib.h>

/* Longest time one statement may take, and longest silence of the server before it counts as
 * dead: a manifest must never hold up a backup for ever. */
#define STATEMENT_TIMEOUT_MS 60000
#define WAIT_LIMIT_MS 90000

/* A row describes one relation. Of tables with 1,600 columns it takes some hundred KiB. */
#define ANSWER_MAX ((size_t)4 << 20)
#define ROW_VALUES_MAX 120000
#define ESCAPED_MAX ((size_t)512 << 10) /* bytes of a row that take up to six each */

/* pg_get_expr and others lock what they describe. The first lock that does not come is waited for
 * this long, later ones of the same session for the shorter time. */
#define FIRST_LOCK_TIMEOUT_MS 5000
#define NEXT_LOCK_TIMEOUT_MS 200

/* Newest first. */
static const struct catalog_version catalog_versions[] = {
    {170000, "d.datlocprovider", "d.datlocale"},
    {150000, "d.datlocprovider", "d.daticulocale"},
    {0, "NULL", "NULL"},
};

static const struct catalog_version *catalog_version_of(int server_version)
{
    const struct catalog_version *version = catalog_versions;
    while (server_version < version->since)
        version++;
    return version;
}

static bool has_server_encoding(const struct session *session, const char *encoding)
{
    const char *server = wire_parameter(session->conn, "server_encoding");
    return server != NULL && strcmp(server, encoding) == 0;
}

/* What a subtransaction's rollback undoes must be said again after it. */
static bool apply_settings(struct session *session, const char *before, struct error *err)
{
    struct buffer sql = {0};
    bool done =
        buffer_printf(&sql, err, "%sSET client_encoding = '%s'; SET lock_timeout = %u", before,
                      session->raw ? "SQL_ASCII" : "UTF8", session->lock_timeout_ms) &&
        wire_query(session->conn, buffer_text(&sql), NULL, err);
    buffer_free(&sql);
    return done;
}

/* After an error of the server: back to the savepoint, if the session still lives. */
static void recover(struct session *session)
{
    struct error ignored;
    if (wire_is_broken(session->conn) ||
        !apply_settings(session, "ROLLBACK TO SAVEPOINT manifest;", &ignored))
        session_close(session);
}

static void note_failure(struct session *session, const struct error *err)
{
    if (strcmp(err->sqlstate, "55P03") == 0)
        session->lock_timeout_ms = NEXT_LOCK_TIMEOUT_MS;
    recover(session);
}

static bool begin(struct session *session, const char *snapshot, struct error *err)
{
    const struct snapshot_options options = {
        .imported = snapshot,
        .statement_timeout_ms = STATEMENT_TIMEOUT_MS,
        .lock_timeout_ms = session->lock_timeout_ms,
        .small_queries = true,
        .savepoint = "manifest",
    };

    return snapshot_begin(session->conn, &options, err);
}

/*
 * The session starts with SQL_ASCII because that is the one client_encoding every database takes;
 * of the few encodings without a conversion to UTF8 the bytes are taken as they come.
 */
bool session_open(struct session *session, const struct wire_settings *settings,
                  const char *database, const char *snapshot, struct cancel *cancel,
                  const struct log *log, struct error *err)
{
    struct wire_connect_options options = {
        .kind = WIRE_SESSION_SQL,
        .database = database,
        .application_name = "pgcask",
        .client_encoding = "SQL_ASCII",
        .cancel = cancel,
        .log = log,
        .wait_limit_ms = WAIT_LIMIT_MS,
    };
    session_close(session);
    if (database == NULL)
        database = wire_settings_get(settings, "dbname");
    session->database = strdup(database == NULL ? "" : database);
    if (session->database == NULL)
        return error_set_memory(err);
    if (!wire_connect(&session->conn, settings, &options, err)) {
        session_close(session);
        return false;
    }
    wire_set_answer_limit(session->conn, ANSWER_MAX);
    session->catalog = catalog_version_of(wire_server_version(session->conn));
    session->lock_timeout_ms = FIRST_LOCK_TIMEOUT_MS;
    session->raw = true;
    session->never_converts = has_server_encoding(session, "SQL_ASCII");
    if (begin(session, snapshot, err))
        return session_set_raw(session, false, err);
    session_close(session);
    return false;
}

void session_close(struct session *session)
{
    wire_close(session->conn);
    free(session->database);
    buffer_free(&session->clean);
    *session = (struct session){0};
}

bool session_set_raw(struct session *session, bool raw, struct error *err)
{
    bool target = raw || session->never_converts;
    if (session->raw == target)
        return true;
    session->raw = target;
    session->ascii_only = target && !has_server_encoding(session, "UTF8") &&
                          !has_server_encoding(session, "SQL_ASCII");
    if (apply_settings(session, "", err))
        return true;
    if (target) {
        session_close(session);
        return false;
    }
    /* A few encodings cannot be converted to UTF8. */
    session->raw = session->ascii_only = session->never_converts = true;
    note_failure(session, err);
    return session->conn != NULL;
}

bool session_query(struct session *session, const char *sql, struct wire_result **result,
                   struct error *err)
{
    if (wire_query(session->conn, sql, result, err))
        return true;
    note_failure(session, err);
    return false;
}

bool session_send(struct session *session, const char *sql, struct error *err)
{
    if (wire_send_query(session->conn, sql, err))
        return true;
    session_close(session);
    return false;
}

static bool parse_row(struct session *session, uint32_t *oid, json_t **object, struct error *err)
{
    uint64_t number = 0;
    if (wire_row_columns(session->conn) != 2 ||
        !bytes_parse_u64(wire_row_value(session->conn, 0), &number) || number > UINT32_MAX)
        return error_set(err, ERROR_PROTOCOL, "the server sent a row of an unexpected shape");
    *oid = (uint32_t)number;

    struct slice text = wire_row_value(session->conn, 1);
    bool escaped = false;
    if (text.data != NULL && !utf8_is_clean(text, session->ascii_only)) {
        if (text.len > ESCAPED_MAX)
            return error_set(err, ERROR_PROTOCOL, "the server sent %zu bytes that are not UTF-8",
                             text.len);
        buffer_clear(&session->clean);
        if (!utf8_append_escaped(&session->clean, text, UTF8_IN_JSON, session->ascii_only, &escaped,
                                 err))
            return false;
        text = buffer_slice(&session->clean);
    }
    if (json_values_at_most(text, ROW_VALUES_MAX) > ROW_VALUES_MAX)
        return error_set(err, ERROR_PROTOCOL, "the server sent a row of over %d values",
                         ROW_VALUES_MAX);
    if (text.data == NULL)
        return error_set(err, ERROR_PROTOCOL, "the server sent no value instead of JSON");
    *object = json_text_parse(text, 0, err);
    if (*object == NULL && err->code != ERROR_MEMORY) {
        error_prefix(err, "the server sent JSON that is none");
        err->code = ERROR_PROTOCOL;
    }
    if (*object == NULL)
        return false;
    if (escaped && json_object_set_new(*object, "escaped", json_true()) != 0) {
        json_decref(*object);
        return error_set_memory(err);
    }
    return true;
}

enum session_row session_next(struct session *session, uint32_t *oid, json_t **object,
                              struct error *err)
{
    struct error later; /* the first error is the one that counts */
    struct wire_event event;
    for (;;) {
        if (!wire_next(session->conn, &event, err)) {
            session_close(session);
            return SESSION_FAILED;
        }
        if (event.type == WIRE_READY)
            return SESSION_END;
        if (event.type == WIRE_SERVER_ERROR)
            break;
        if (event.type != WIRE_ROW)
            continue;
        if (parse_row(session, oid, object, err))
            return SESSION_ROW;
        break;
    }
    wire_drain(session->conn, &later);
    note_failure(session, err);
    return SESSION_FAILED;
}

bool session_is_encoding_error(const struct error *err)
{
    static const char *const states[] = {
        "22021", /* character_not_in_repertoire */
        "22P05", /* untranslatable_character */
    };
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strcmp(err->sqlstate, states[i]) == 0)
            return true;
    }
    return false;
}
