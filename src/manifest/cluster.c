/*
 * What manifest.json says of the whole cluster: version, identity, settings, roles, tablespaces.
 * With an SQL session it is asked by SQL. Where there is none, a walsender's session still answers
 * SHOW, and what that cannot tell is named as unavailable.
 */
#include "base/clock.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "manifest/gather_internal.h"
#include "wire/stored_options.h"

#include <stdlib.h>
#include <time.h>

/* clang-format off */
const char cluster_roles_sql[] =
    "SELECT r.oid, pg_catalog.json_build_object(\n"
    "    'name', r.rolname,\n"
    "    'superuser', r.rolsuper,\n"
    "    'replication', r.rolreplication,\n"
    "    'can_login', r.rolcanlogin,\n"
    "    'create_db', r.rolcreatedb,\n"
    "    'create_role', r.rolcreaterole,\n"
    "    'inherit', r.rolinherit,\n"
    "    'bypass_rls', r.rolbypassrls,\n"
    "    'connection_limit', r.rolconnlimit,\n"
    "    'valid_until', " SQL_TIME("r.rolvaliduntil") ",\n"
    "    'member_of',\n" /* since 16 a membership may have been granted several times */
    "        (SELECT pg_catalog.json_agg(g.rolname ORDER BY g.rolname)\n"
    "           FROM pg_catalog.pg_roles g\n"
    "          WHERE g.oid IN (SELECT m.roleid FROM pg_catalog.pg_auth_members m\n"
    "                           WHERE m.member = r.oid)))\n"
    "  FROM pg_catalog.pg_roles r\n"
    " ORDER BY r.rolname";

const char cluster_tablespaces_sql[] =
    "SELECT t.oid, pg_catalog.json_build_object(\n"
    "    'name', t.spcname,\n"
    "    'owner', pg_catalog.pg_get_userbyid(t.spcowner),\n"
    "    'location', pg_catalog.pg_tablespace_location(t.oid),\n"
    "    'options', (SELECT pg_catalog.array_agg(o) FROM pg_catalog.unnest(t.spcoptions) o\n"
    "                 WHERE " SQL_USER_TABLESPACE_OPTION "),\n"
    "    'oid', t.oid::pg_catalog.int8)\n"
    "  FROM pg_catalog.pg_tablespace t\n"
    " ORDER BY t.spcname";

/* The command itself is not even asked for: it may hold credentials. TimeZone's reset_val is what
 * the server gave the session; the current value is ours. */
static const char settings_sql[] =
    "SELECT name, CASE name\n"
    "           WHEN 'archive_command' THEN\n"
    "               CASE WHEN setting IN ('', '(disabled)') THEN 'off' ELSE 'on' END\n"
    "           WHEN 'TimeZone' THEN reset_val\n"
    "           ELSE setting END\n"
    "  FROM pg_catalog.pg_settings\n"
    " WHERE name IN ('data_directory', 'TimeZone', 'wal_level', 'server_encoding',\n"
    "                'shared_preload_libraries', 'archive_mode', 'max_connections', 'block_size',\n"
    "                'wal_block_size', 'data_checksums', 'archive_command')";

/* Settings until 15; the catalog has always had them. */
static const char locale_sql[] =
    "SELECT v.name, v.setting\n"
    "  FROM pg_catalog.pg_database d,\n"
    "       LATERAL (VALUES ('lc_collate', d.datcollate::pg_catalog.text),\n"
    "                       ('lc_ctype', d.datctype::pg_catalog.text)) v (name, setting)\n"
    " WHERE d.datname = pg_catalog.current_database()";
/* clang-format on */

enum setting_kind { SETTING_TEXT, SETTING_NUMBER, SETTING_SWITCH };

static const struct cluster_setting {
    const char *key;  /* in cluster_config */
    const char *name; /* of the server's setting */
    enum setting_kind kind;
    bool of_database; /* answered by locale_sql */
    bool secret;      /* SHOW would tell too much */
} cluster_settings[] = {
    {"data_directory", "data_directory", SETTING_TEXT, false, false},
    {"timezone", "TimeZone", SETTING_TEXT, false, false},
    {"wal_level", "wal_level", SETTING_TEXT, false, false},
    {"server_encoding", "server_encoding", SETTING_TEXT, false, false},
    {"shared_preload_libraries", "shared_preload_libraries", SETTING_TEXT, false, false},
    {"lc_collate", "lc_collate", SETTING_TEXT, true, false},
    {"lc_ctype", "lc_ctype", SETTING_TEXT, true, false},
    {"archive_mode", "archive_mode", SETTING_TEXT, false, false},
    {"max_connections", "max_connections", SETTING_NUMBER, false, false},
    {"block_size", "block_size", SETTING_NUMBER, false, false},
    {"wal_block_size", "wal_block_size", SETTING_NUMBER, false, false},
    {"data_checksums", "data_checksums", SETTING_SWITCH, false, false},
    {"archive_command_set", "archive_command", SETTING_SWITCH, false, true},
};

#define CLUSTER_SETTINGS (sizeof cluster_settings / sizeof cluster_settings[0])

/* ---- cluster_config ---- */

static bool add_setting(json_t *config, const struct cluster_setting *setting, const char *value,
                        struct error *err)
{
    json_t *json = NULL;
    if (setting->kind == SETTING_SWITCH) {
        json = json_boolean(strcmp(value, "on") == 0);
    } else if (value[0] == '\0') {
        return true;
    } else if (setting->kind == SETTING_NUMBER) {
        json = json_integer(strtoll(value, NULL, 10));
    } else {
        json = utf8_to_json(value);
    }
    return json_object_set_new(config, setting->key, json) == 0 || error_set_memory(err);
}

static const char *find_setting(const struct wire_result *result, const char *name)
{
    for (size_t row = 0; row < wire_result_rows(result); row++) {
        const char *found = wire_result_value(result, row, 0);
        if (found != NULL && strcmp(found, name) == 0)
            return wire_result_value(result, row, 1);
    }
    return NULL;
}

/* pg_settings has no row for what the role may not read. */
static bool note_missing_setting(struct manifest *manifest, const struct cluster_setting *setting,
                                 struct error *err)
{
    char role[QUOTE_NAME_SIZE];

    error_set(err, ERROR_SERVER, "permission denied to read setting \"%s\"", setting->name);
    error_hint(err, "GRANT pg_read_all_settings TO %s;",
               quote_identifier(wire_settings_get(manifest->settings, "user"), role, sizeof(role)));
    return gather_note(manifest, err, "cluster_config.%s", setting->key);
}

static bool config_from_sql(struct manifest *manifest, json_t *config, struct error *err)
{
    struct wire_result *results[2] = {NULL, NULL}; /* by of_database */
    bool done = gather_ask(manifest, "cluster_config", settings_sql, &results[0], err) &&
                gather_ask(manifest, "cluster_config.lc_collate", locale_sql, &results[1], err);
    for (size_t i = 0; done && i < CLUSTER_SETTINGS; i++) {
        const struct cluster_setting *setting = &cluster_settings[i];
        const struct wire_result *result = results[setting->of_database];
        if (result == NULL)
            continue; /* noted already */
        const char *value = find_setting(result, setting->name);
        done = value != NULL ? add_setting(config, setting, value, err)
                             : note_missing_setting(manifest, setting, err);
    }
    wire_result_free(results[0]);
    wire_result_free(results[1]);
    return done;
}

/* A replication session answers SHOW, and nothing else that is of use here. *value: the caller's to
 * free; NULL with *err set if it was refused. */
static bool show(struct manifest *manifest, const char *name, char **value, struct error *err)
{
    struct wire_result *result = NULL;
    char sql[64] = "SHOW ";
    strncat(sql, name, sizeof sql - strlen(sql) - 1);
    *value = NULL;
    if (!wire_query(manifest->replication, sql, &result, err))
        return false;
    const char *text = wire_result_rows(result) == 1 ? wire_result_value(result, 0, 0) : NULL;
    if (text == NULL)
        error_set(err, ERROR_PROTOCOL, "the server did not answer SHOW %s", name);
    else if ((*value = strdup(text)) == NULL)
        error_set_memory(err);
    wire_result_free(result);
    return *value != NULL;
}

static bool config_from_show(struct manifest *manifest, json_t *config, struct error *err)
{
    for (size_t i = 0; i < CLUSTER_SETTINGS; i++) {
        const struct cluster_setting *setting = &cluster_settings[i];
        char *value = NULL;
        bool done;
        if (setting->secret) {
            error_set(err, ERROR_UNSUPPORTED, "only an SQL session can tell without reading it");
            done = gather_note(manifest, err, "cluster_config.%s", setting->key);
        } else if (!show(manifest, setting->name, &value, err)) {
            done = gather_note(manifest, err, "cluster_config.%s", setting->key);
        } else {
            done = add_setting(config, setting, value, err);
        }
        free(value);
        if (!done)
            return false;
    }
    return true;
}

static bool write_config(struct manifest *manifest, struct error *err)
{
    json_t *config = json_object();
    if (config == NULL)
        return error_set_memory(err);
    bool use_show = manifest->session.conn == NULL && manifest->replication != NULL;
    bool done =
        use_show ? config_from_show(manifest, config, err) : config_from_sql(manifest, config, err);
    if (done && json_object_size(config) > 0)
        done = json_writer_value(&manifest->writer, "cluster_config", config, err);
    json_decref(config);
    return done;
}

/* ---- The fields above cluster_config ---- */

static bool write_server_version(struct manifest *manifest, struct error *err)
{
    struct wire_conn *conn =
        manifest->session.conn != NULL ? manifest->session.conn : manifest->replication;
    if (conn == NULL) {
        *err = manifest->no_session;
        return gather_note(manifest, err, "server_version");
    }
    const char *version = wire_parameter(conn, "server_version");
    struct buffer text = {0};
    bool done = buffer_printf(&text, err, "PostgreSQL %s", version == NULL ? "" : version) &&
                json_writer_text(&manifest->writer, "server_version", buffer_text(&text), err) &&
                json_writer_take(&manifest->writer, "server_version_num",
                                 json_integer(wire_server_version(conn)), err);
    buffer_free(&text);
    return done;
}

static bool write_system_identifier(struct manifest *manifest, struct error *err)
{
    static const char key[] = "cluster_system_identifier";
    if (manifest->system_identifier != NULL)
        return json_writer_text(&manifest->writer, key, manifest->system_identifier, err);
    struct wire_result *result = NULL;
    if (!gather_ask(manifest, key, "SELECT system_identifier FROM pg_catalog.pg_control_system()",
                    &result, err))
        return false;
    bool done = true;
    if (result != NULL && wire_result_rows(result) == 1 && wire_result_value(result, 0, 0) != NULL)
        done = json_writer_text(&manifest->writer, key, wire_result_value(result, 0, 0), err);
    wire_result_free(result);
    return done;
}

/* A replication session of 14 and later reports in_hot_standby. Older ones tell at least a primary:
 * transactions on a standby are always read-only, those on a primary only by request. */
static bool recovery_from_replication(struct manifest *manifest, int *recovery, struct error *err)
{
    const char *reported = wire_parameter(manifest->replication, "in_hot_standby");
    if (reported != NULL) {
        *recovery = strcmp(reported, "on") == 0;
        return true;
    }
    char *read_only = NULL;
    if (!show(manifest, "transaction_read_only", &read_only, err))
        return gather_note(manifest, err, "in_recovery");
    bool primary = strcmp(read_only, "off") == 0;
    free(read_only);
    if (primary) {
        *recovery = 0;
        return true;
    }
    error_set(err, ERROR_UNSUPPORTED, "only an SQL session can tell on this version");
    return gather_note(manifest, err, "in_recovery");
}

static bool write_in_recovery(struct manifest *manifest, struct error *err)
{
    int recovery = -1; /* not known */
    if (manifest->session.conn == NULL && manifest->replication != NULL) {
        if (!recovery_from_replication(manifest, &recovery, err))
            return false;
    } else {
        struct wire_result *result = NULL;
        if (!gather_ask(manifest, "in_recovery", "SELECT pg_catalog.pg_is_in_recovery()", &result,
                        err))
            return false;
        const char *value = NULL;
        if (result != NULL && wire_result_rows(result) == 1)
            value = wire_result_value(result, 0, 0);
        if (value != NULL)
            recovery = strcmp(value, "t") == 0;
        wire_result_free(result);
    }
    return recovery < 0 ||
           json_writer_take(&manifest->writer, "in_recovery", json_boolean(recovery != 0), err);
}

static bool write_setting(struct manifest *manifest, const char *key, struct error *err)
{
    const char *value = wire_settings_get(manifest->settings, key);
    return json_writer_text(&manifest->writer, key, value == NULL ? "" : value, err);
}

static bool write_text(struct manifest *manifest, const char *key, const char *text,
                       struct error *err)
{
    return text == NULL || json_writer_text(&manifest->writer, key, text, err);
}

static bool write_origin(struct manifest *manifest, struct error *err)
{
    char created[CLOCK_TEXT_SIZE];
    clock_format_utc(time(NULL), created);
    return json_writer_take(&manifest->writer, "version", json_integer(2), err) &&
           json_writer_text(&manifest->writer, "created_at", created, err) &&
           write_text(manifest, "connector", manifest->connector, err) &&
           write_setting(manifest, "host", err) && write_setting(manifest, "port", err);
}

static bool write_members(struct manifest *manifest, struct error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach(manifest->members, key, value)
    {
        if (!json_writer_value(&manifest->writer, key, value, err))
            return false;
    }
    return true;
}

bool cluster_write_head(struct manifest *manifest, struct error *err)
{
    struct json_writer *writer = &manifest->writer;
    /* Whether there is an SQL session decides how the rest is asked for. */
    if (!gather_connect_cluster(manifest, err) && gather_must_stop(manifest, err))
        return false;
    return write_origin(manifest, err) && write_server_version(manifest, err) &&
           json_writer_text(writer, "producer", "pgcask " PGCASK_VERSION, err) &&
           write_system_identifier(manifest, err) && write_in_recovery(manifest, err) &&
           write_text(manifest, "wal_position", manifest->wal_position, err) &&
           (manifest->timeline == 0 ||
            json_writer_take(writer, "timeline", json_integer(manifest->timeline), err)) &&
           write_text(manifest, "database", manifest->database, err) &&
           write_text(manifest, "dump_format", manifest->dump_format, err) &&
           (manifest->options == NULL ||
            json_writer_value(writer, "options", manifest->options, err)) &&
           write_members(manifest, err) && write_config(manifest, err);
}
