/*
 * The databases of manifest.json: their list, in which every name is kept as the bytes that a
 * connection needs, and the head of each, which is for people and may need another encoding.
 */
#include "base/json.h"
#include "base/utf8.h"
#include "manifest/gather_internal.h"

#include <stdlib.h>

/* clang-format off */

/* Read as it is stored: a name is sent back as the very same bytes to connect. */
static const char names_sql[] =
    "SELECT oid, datallowconn AND NOT datistemplate, datallowconn, datname\n"
    "  FROM pg_catalog.pg_database\n"
    " ORDER BY datname";

/* The rest, for display. Where a database has a locale provider that is not the C library's, its
 * locale is not "collate": it comes beside. */
static const char heads_format[] =
    "SELECT d.oid, pg_catalog.json_build_object(\n"
    "    'name', d.datname,\n"
    "    'owner', pg_catalog.pg_get_userbyid(d.datdba),\n"
    "    'encoding', pg_catalog.pg_encoding_to_char(d.encoding),\n"
    "    'collate', d.datcollate,\n"
    "    'ctype', d.datctype,\n"
    "    'allow_conn', d.datallowconn,\n"
    "    'is_template', d.datistemplate,\n"
    "    'default_tablespace', (SELECT t.spcname FROM pg_catalog.pg_tablespace t\n"
    "                            WHERE t.oid = d.dattablespace),\n"
    "    'connection_limit', d.datconnlimit,\n"
    "    'oid', d.oid::pg_catalog.int8,\n"
    "    'locale_provider', CASE (%s)::pg_catalog.text WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu'\n"
    "                           WHEN 'b' THEN 'builtin' END,\n"
    "    'locale', (%s)::pg_catalog.text)\n"
    "  FROM pg_catalog.pg_database d\n"
    " WHERE %u IN (0, d.oid::pg_catalog.int8)\n"
    " ORDER BY d.datname";

const char databases_extensions_sql[] =
    "SELECT e.oid, pg_catalog.json_build_object(\n"
    "    'name', e.extname,\n"
    "    'version', e.extversion,\n"
    "    'schema', n.nspname)\n"
    "  FROM pg_catalog.pg_extension e\n"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace\n"
    " ORDER BY e.extname";

const char databases_schemas_sql[] =
    "SELECT n.oid, pg_catalog.json_build_object(\n"
    "    'name', n.nspname,\n"
    "    'owner', pg_catalog.pg_get_userbyid(n.nspowner))\n"
    "  FROM pg_catalog.pg_namespace n\n"
    " WHERE " SQL_USER_NAMESPACE "\n"
    " ORDER BY n.nspname";
/* clang-format on */

/* ---- The list ---- */

static bool add_database(struct manifest *manifest, const struct wire_result *result, size_t row,
                         struct error *err)
{
    const char *values[4];
    for (size_t i = 0; i < 4; i++) {
        values[i] = wire_result_value(result, row, i);
        if (values[i] == NULL)
            return error_set(err, ERROR_PROTOCOL, "pg_database has a null where it cannot be");
    }
    bool asked_for = manifest->database != NULL;
    if (asked_for && strcmp(values[3], manifest->database) != 0)
        return true;
    struct database *database = &manifest->databases[manifest->database_count];
    database->oid = (uint32_t)strtoul(values[0], NULL, 10);
    database->asked_for = gather_find(manifest, values[3]);
    database->detailed = strcmp(values[asked_for ? 2 : 1], "t") == 0;
    if (manifest->asked_for_count > 0)
        database->detailed = database->asked_for != NULL;
    database->name = strdup(values[3]);
    if (database->name == NULL)
        return error_set_memory(err);
    manifest->database_count++;
    return true;
}

static bool add_databases(struct manifest *manifest, const struct wire_result *result,
                          struct error *err)
{
    size_t rows = wire_result_rows(result);
    manifest->databases = calloc(rows + 1, sizeof *manifest->databases);
    if (manifest->databases == NULL)
        return error_set_memory(err);
    for (size_t row = 0; row < rows; row++) {
        if (!add_database(manifest, result, row, err))
            return gather_note(manifest, err, "databases");
    }
    if (manifest->database == NULL || manifest->database_count > 0)
        return true;
    error_set(err, ERROR_SERVER, "there is no database \"%s\"", manifest->database);
    return gather_note(manifest, err, "databases");
}

static bool set_head(struct manifest *manifest, uint32_t oid, const json_t *object,
                     struct error *err)
{
    for (size_t i = 0; i < manifest->database_count; i++) {
        struct database *database = &manifest->databases[i];
        if (database->oid != oid)
            continue;
        struct buffer text = {0};
        if (!json_text_append(&text, object, JSON_COMPACT, err)) {
            buffer_free(&text);
            return false;
        }
        free(database->head);
        database->head = (char *)text.data;
        return true;
    }
    return true;
}

/* One object a database. False: *err says why, also where it is the server that failed. */
static bool read_heads(struct manifest *manifest, struct error *err)
{
    struct session *session = &manifest->session;
    uint32_t only = manifest->database_count == 1 ? manifest->databases[0].oid : 0;
    struct buffer sql = {0};
    bool sent = buffer_printf(&sql, err, heads_format, session->catalog->locale_provider,
                              session->catalog->locale, only) &&
                session_send(session, buffer_text(&sql), err);
    buffer_free(&sql);
    if (!sent)
        return false;
    uint32_t oid = 0;
    json_t *object = NULL;
    enum session_row row;
    while ((row = session_next(session, &oid, &object, err)) == SESSION_ROW) {
        bool kept = set_head(manifest, oid, object, err);
        json_decref(object);
        if (!kept)
            return false;
    }
    return row == SESSION_END;
}

static bool list_heads(struct manifest *manifest, struct error *err)
{
    struct session *session = &manifest->session;
    if (session_set_raw(session, false, err)) {
        if (read_heads(manifest, err))
            return true;
        if (session->conn != NULL && session_is_encoding_error(err) &&
            session_set_raw(session, true, err) && read_heads(manifest, err))
            return true;
    }
    return gather_note(manifest, err, "databases");
}

bool databases_list(struct manifest *manifest, struct error *err)
{
    bool open = false;
    if (!gather_cluster_session(manifest, "databases", &open, err))
        return false;
    if (!open)
        return true;
    if (!session_set_raw(&manifest->session, true, err))
        return gather_note(manifest, err, "databases");
    struct wire_result *result = NULL;
    if (!gather_ask(manifest, "databases", names_sql, &result, err))
        return false;
    bool done = result == NULL || add_databases(manifest, result, err);
    wire_result_free(result);
    return done && (manifest->database_count == 0 || list_heads(manifest, err));
}

void databases_free(struct manifest *manifest)
{
    for (size_t i = 0; i < manifest->database_count; i++) {
        free(manifest->databases[i].name);
        free(manifest->databases[i].head);
    }
    free(manifest->databases);
}

/* ---- One database ---- */

static bool write_fields(struct manifest *manifest, json_t *head, struct error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(head, key, value)
    {
        if (!json_is_null(value) && !json_writer_value(&manifest->writer, key, value, err))
            return false;
    }
    const char *name = json_string_value(json_object_get(head, "name"));
    buffer_clear(&manifest->shown_name);
    return buffer_append_string(&manifest->shown_name, name == NULL ? "?" : name, err);
}

/* Its part in a backup of several. */
static bool write_share(struct manifest *manifest, const struct database *database,
                        struct error *err)
{
    struct json_writer *writer = &manifest->writer;
    const struct asked_for *asked_for = database->asked_for;

    if (manifest->asked_for_count == 0)
        return true;
    return json_writer_take(writer, "backed_up", json_boolean(asked_for != NULL), err) &&
           (asked_for == NULL ||
            json_writer_take(writer, "same_snapshot", json_boolean(asked_for->same), err));
}

static bool write_head(struct manifest *manifest, const struct database *database,
                       struct error *err)
{
    json_t *head = database->head != NULL
                       ? json_text_parse(slice_string(database->head), 0, err)
                       : json_pack("{s:o}", "name", utf8_to_json(database->name));
    if (head == NULL)
        return error_set_memory(err);
    bool written = write_fields(manifest, head, err);
    json_decref(head);
    return written && write_share(manifest, database, err);
}

bool databases_begin(struct manifest *manifest, bool *detailed, struct error *err)
{
    const struct database *database = &manifest->databases[manifest->database_index];
    *detailed = false;
    if (!json_writer_open(&manifest->writer, NULL, '{', err) ||
        !write_head(manifest, database, err))
        return false;
    if (!database->detailed)
        return true;
    *detailed = gather_connect(manifest, database->name, err);
    return *detailed ||
           gather_note(manifest, err, "databases[%s]", buffer_text(&manifest->shown_name));
}

bool databases_end(struct manifest *manifest, struct error *err)
{
    struct database *database = &manifest->databases[manifest->database_index++];
    free(database->head);
    database->head = NULL;
    return json_writer_close(&manifest->writer, '}', err);
}
