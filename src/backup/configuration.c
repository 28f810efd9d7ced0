/*
 * The server's configuration is gathered by SQL: files that lie outside the data directory, or are
 * links in it, and whatever they include. What cannot be had is an item that says why; only a lack
 * of memory and being cancelled end it.
 */
#include "backup/configuration_internal.h"

#include "base/bytes.h"
#include "manifest/configuration_text.h"

#include <stdio.h>
#include <stdlib.h>

#define ITEMS_MAX 500
#define FILE_MAX ((size_t)1 << 20)
#define TOTAL_MAX ((size_t)4 << 20)
#define ANSWER_MAX (2 * FILE_MAX + 65536) /* one file in hexadecimal */

enum file_kind { KIND_SETTINGS, KIND_HBA, KIND_PLAIN, KIND_FOLDER, KIND_SECRET };

static const struct file_setting {
    const char *name;
    enum file_kind kind;
    bool of_tls; /* of no interest while ssl is off */
} file_settings[] = {
    {"config_file", KIND_SETTINGS, false},    {"hba_file", KIND_HBA, false},
    {"ident_file", KIND_HBA, false},          {"ssl_cert_file", KIND_PLAIN, true},
    {"ssl_key_file", KIND_SECRET, true},      {"ssl_ca_file", KIND_PLAIN, true},
    {"ssl_crl_file", KIND_PLAIN, true},       {"ssl_crl_dir", KIND_FOLDER, true},
    {"ssl_dh_params_file", KIND_PLAIN, true}, {"krb_server_keyfile", KIND_SECRET, false},
};

#define FILE_SETTINGS (sizeof(file_settings) / sizeof(file_settings[0]))

/* pg_settings has no row for what the role may not see. */
static const char settings_sql[] =
    "SELECT name, setting FROM pg_catalog.pg_settings"
    " WHERE name IN ('data_directory', 'ssl', 'config_file', 'hba_file', 'ident_file',"
    "                'ssl_cert_file', 'ssl_key_file', 'ssl_ca_file', 'ssl_crl_file',"
    "                'ssl_crl_dir', 'ssl_dh_params_file', 'krb_server_keyfile')";

/* Both functions are for superusers, and for whom EXECUTE was granted to. */
static const char read_sql[] =
    "SELECT pg_catalog.encode(pg_catalog.pg_read_binary_file($1, 0, $2::pg_catalog.int8, true),"
    "                         'hex')";
static const char folder_sql[] = "SELECT name FROM pg_catalog.pg_ls_dir($1, true, false) AS name"
                                 " ORDER BY name COLLATE pg_catalog.\"C\"";

static const char rights_sql[] =
    "SELECT pg_catalog.pg_has_role(CURRENT_USER, 'pg_read_server_files', 'USAGE')"
    "   AND pg_catalog.has_function_privilege("
    "           'pg_catalog.pg_read_binary_file(text,bigint,bigint,boolean)', 'EXECUTE')"
    "   AND pg_catalog.has_function_privilege("
    "           'pg_catalog.pg_ls_dir(text,boolean,boolean)', 'EXECUTE')";

/* 1663 is pg_default. An invalid database (a DROP that was interrupted) has any part of its files.
 */
static const char databases_sql[] =
    "SELECT pg_catalog.string_agg(oid::pg_catalog.text, ' '), pg_catalog.current_database()"
    "  FROM pg_catalog.pg_database"
    " WHERE dattablespace = 1663 AND datconnlimit <> -2";

struct gathering {
    struct configuration *configuration;
    struct wire_conn *conn;
    struct cancel *cancel;
};

/* ---- Items ---- */

bool configuration_is_inside(const struct configuration *configuration, const char *path)
{
    size_t len = configuration->data_directory == NULL ? 0 : strlen(configuration->data_directory);

    return len > 0 && strncmp(path, configuration->data_directory, len) == 0 && path[len] == '/';
}

static struct configuration_item *find_item(const struct configuration *configuration,
                                            const char *path)
{
    for (size_t i = 0; i < configuration->count; i++) {
        struct configuration_item *item = &configuration->items[i];

        if (item->path != NULL && strcmp(item->path, path) == 0)
            return item;
    }
    return NULL;
}

struct configuration_item *configuration_add_item(struct configuration *configuration,
                                                  const char *setting, const char *path,
                                                  struct error *err)
{
    struct configuration_item *grown =
        reallocarray(configuration->items, configuration->count + 1, sizeof(*grown));
    struct configuration_item *item;

    if (grown == NULL) {
        error_set_memory(err);
        return NULL;
    }
    configuration->items = grown;
    item = &grown[configuration->count];
    *item = (struct configuration_item){.setting = setting, .state = CONFIGURATION_FAILED};
    snprintf(item->reason, sizeof(item->reason), "it was not read");
    if (path != NULL && (item->path = strdup(path)) == NULL) {
        error_set_memory(err);
        return NULL;
    }
    configuration->count++;
    return item;
}

/* *skip: there is an item of that path already, or no more room, which the last item says. */
static bool make_room(struct configuration *configuration, const char *setting, const char *path,
                      bool *skip, struct error *err)
{
    bool there = find_item(configuration, path) != NULL;
    struct configuration_item *item;

    *skip = there || configuration->count >= ITEMS_MAX;
    if (there || configuration->count != ITEMS_MAX)
        return true;
    item = configuration_add_item(configuration, setting, path, err);
    if (item == NULL)
        return false;
    snprintf(item->reason, sizeof(item->reason),
             "there are more than %d files: this one, and those after it, are left out", ITEMS_MAX);
    return true;
}

static void drop_last_item(struct configuration *configuration)
{
    struct configuration_item *item = &configuration->items[--configuration->count];

    free(item->path);
    buffer_free(&item->content);
}

void configuration_reset(struct configuration *configuration)
{
    while (configuration->count > 0)
        drop_last_item(configuration);
    free(configuration->items);
    free(configuration->data_directory);
    free(configuration->databases);
    free(configuration->database);
    *configuration = (struct configuration){0};
}

bool configuration_is_kept(const struct configuration_item *item)
{
    return item->state == CONFIGURATION_READ || item->state == CONFIGURATION_FOLDER;
}

/* ---- Asking ---- */

/* A question that the server answers with an error leaves its words in *refused. False: there is
 * nothing more to be had from the session, or no memory. */
static bool ask(struct gathering *gathering, const char *sql, size_t count,
                const char *const *values, struct wire_result **result, struct error *refused,
                struct error *err)
{
    *result = NULL;
    error_clear(refused);
    if (wire_query_params(gathering->conn, sql, count, values, result, err))
        return true;
    *refused = *err;
    return cancel_check(gathering->cancel, err) && err->code != ERROR_MEMORY &&
           !wire_is_broken(gathering->conn);
}

static void note_refusal(struct configuration_item *item, const struct error *refused)
{
    /* A file that the server's own user may not read says so with the same SQLSTATE. */
    bool of_rights =
        strcmp(refused->sqlstate, "42501") == 0 && strncmp(refused->message, "could not ", 10) != 0;

    item->state = of_rights ? CONFIGURATION_DENIED : CONFIGURATION_FAILED;
    snprintf(item->reason, sizeof(item->reason), "%.*s", (int)sizeof(item->reason) - 1,
             refused->message);
}

/* *there: the server has such a file, or would not say. */
static bool read_item(struct gathering *gathering, struct configuration_item *item, size_t most,
                      bool *there, struct error *err)
{
    struct configuration *configuration = gathering->configuration;
    struct wire_result *result;
    struct error refused;
    const char *hex = NULL;
    char limit[24];
    size_t len;
    bool ok = true;

    snprintf(limit, sizeof(limit), "%zu", most);
    if (!ask(gathering, read_sql, 2, (const char *[]){item->path, limit}, &result, &refused, err))
        return false;
    *there = true;
    if (result == NULL) {
        note_refusal(item, &refused);
        return true;
    }
    if (wire_result_rows(result) == 1)
        hex = wire_result_value(result, 0, 0);
    *there = hex != NULL;
    len = hex == NULL ? 0 : strlen(hex) / 2;
    item->state = CONFIGURATION_READ;
    if (len > FILE_MAX || configuration->bytes + len > TOTAL_MAX) {
        item->state = CONFIGURATION_FAILED;
        snprintf(item->reason, sizeof(item->reason), "too large to be configuration");
    } else if (len > 0) {
        ok = buffer_reserve(&item->content, len + 1, err);
        if (ok && bytes_from_hex(slice_make(hex, 2 * len), item->content.data, len)) {
            item->content.data[len] = '\0';
            item->content.len = len;
            configuration->bytes += len;
        }
    }
    wire_result_free(result);
    return ok;
}

static void leave_out_secret(struct configuration *configuration, struct configuration_item *item)
{
    if (item->content.len > 0)
        explicit_bzero(item->content.data, item->content.len);
    configuration->bytes -= item->content.len;
    buffer_free(&item->content);
    item->state = CONFIGURATION_SECRET;
    snprintf(item->reason, sizeof(item->reason), "a private key is not stored");
}

/* ---- What a file refers to ---- */

static bool add_file(struct gathering *gathering, const char *setting, const char *path,
                     enum file_kind kind, struct error *err);

static bool is_included_name(const char *name)
{
    size_t len = strlen(name);

    return name[0] != '.' && len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

/* kind: of the files in it. */
static bool add_folder(struct gathering *gathering, const char *setting, const char *path,
                       enum file_kind kind, struct error *err)
{
    struct configuration *configuration = gathering->configuration;
    struct configuration_item *item;
    struct wire_result *result;
    struct error refused;
    char file[CONFIGURATION_VALUE_MAX];
    bool ok = true, skip;

    if (!make_room(configuration, setting, path, &skip, err))
        return false;
    if (skip)
        return true;
    if (!ask(gathering, folder_sql, 1, (const char *[]){path}, &result, &refused, err))
        return false;
    item = configuration_add_item(configuration, setting, path, err);
    if (item == NULL) {
        wire_result_free(result);
        return false;
    }
    item->state = CONFIGURATION_FOLDER;
    if (result == NULL)
        note_refusal(item, &refused);
    for (size_t row = 0; ok && row < wire_result_rows(result); row++) {
        const char *name = wire_result_value(result, row, 0);
        int len = name == NULL ? -1 : snprintf(file, sizeof(file), "%s/%s", path, name);

        if (len > 0 && (size_t)len < sizeof(file) && (kind == KIND_PLAIN || is_included_name(name)))
            ok = add_file(gathering, "include", file, kind, err);
    }
    wire_result_free(result);
    return ok;
}

static bool follow(struct gathering *gathering, const char *in, enum configuration_reference type,
                   const char *value, enum file_kind kind, struct error *err)
{
    char path[CONFIGURATION_VALUE_MAX];

    if (type == INCLUDE_NOTHING || !configuration_resolve(in, value, path))
        return true;
    if (type == INCLUDE_FOLDER)
        return add_folder(gathering, "include_dir", path, kind, err);
    return add_file(gathering, "include", path, kind, err);
}

/* The text is copied: items move while others are added. */
static bool follow_references(struct gathering *gathering, const char *in, enum file_kind kind,
                              struct slice text, struct error *err)
{
    enum configuration_reference type;
    char value[CONFIGURATION_VALUE_MAX];
    struct configuration_line line;
    struct slice written;

    if (kind == KIND_SETTINGS) {
        while (configuration_next_line(&text, &line)) {
            if (!follow(gathering, in, configuration_reference_of(line.name), line.value, kind,
                        err))
                return false;
        }
    }
    if (kind == KIND_HBA) {
        while (configuration_next_hba_reference(&text, &type, value, &written)) {
            if (!follow(gathering, in, type, value, kind, err))
                return false;
        }
    }
    return true;
}

static bool add_file(struct gathering *gathering, const char *setting, const char *path,
                     enum file_kind kind, struct error *err)
{
    struct configuration *configuration = gathering->configuration;
    struct configuration_item *item;
    bool there, skip;

    if (!make_room(configuration, setting, path, &skip, err))
        return false;
    if (skip)
        return true;
    item = configuration_add_item(configuration, setting, path, err);
    if (item == NULL ||
        !read_item(gathering, item, kind == KIND_SECRET ? 0 : FILE_MAX + 1, &there, err))
        return false;
    if (!there) {
        drop_last_item(configuration);
        return true;
    }
    if (kind == KIND_SECRET || configuration_has_key(buffer_slice(&item->content))) {
        leave_out_secret(configuration, item);
        return true;
    }
    /* The content lies on the heap, its path too: both stay where they are. */
    return follow_references(gathering, item->path, kind, buffer_slice(&item->content), err);
}

/* ---- From the settings ---- */

static const char *find_value(const struct wire_result *result, const char *name)
{
    for (size_t row = 0; row < wire_result_rows(result); row++) {
        const char *found = wire_result_value(result, row, 0);

        if (found != NULL && strcmp(found, name) == 0)
            return wire_result_value(result, row, 1);
    }
    return NULL;
}

/* The absolute path of a setting's file; false if it has none. */
static bool setting_path(const struct file_setting *setting, const struct wire_result *result,
                         const char *data_directory, char path[CONFIGURATION_VALUE_MAX])
{
    const char *value = find_value(result, setting->name);
    char in[CONFIGURATION_VALUE_MAX];

    if (value == NULL || value[0] == '\0')
        return false;
    if (strncmp(value, "FILE:", 5) == 0) /* of krb_server_keyfile */
        value += 5;
    if (value[0] != '/' && data_directory == NULL)
        return false;
    snprintf(in, sizeof(in), "%s/x", data_directory == NULL ? "" : data_directory);
    return configuration_resolve(in, value, path);
}

static bool add_setting(struct gathering *gathering, const struct file_setting *setting,
                        const struct wire_result *result, struct error *err)
{
    const char *ssl = find_value(result, "ssl");
    char path[CONFIGURATION_VALUE_MAX];

    if ((setting->of_tls && (ssl == NULL || strcmp(ssl, "on") != 0)) ||
        !setting_path(setting, result, gathering->configuration->data_directory, path))
        return true;
    if (setting->kind == KIND_FOLDER)
        return add_folder(gathering, setting->name, path, KIND_PLAIN, err);
    return add_file(gathering, setting->name, path, setting->kind, err);
}

static bool take_settings(struct gathering *gathering, const struct wire_result *result,
                          struct error *err)
{
    struct configuration *configuration = gathering->configuration;
    const char *data_directory = find_value(result, "data_directory");

    configuration->known = data_directory != NULL && find_value(result, "config_file") != NULL;
    if (data_directory != NULL) {
        configuration->data_directory = strdup(data_directory);
        if (configuration->data_directory == NULL)
            return error_set_memory(err);
    }
    for (size_t i = 0; i < FILE_SETTINGS; i++) {
        if (!add_setting(gathering, &file_settings[i], result, err))
            return false;
    }
    return true;
}

static bool copy_value(const struct wire_result *result, size_t column, char **out,
                       struct error *err)
{
    const char *value = wire_result_rows(result) == 1 && wire_result_columns(result) > column
                            ? wire_result_value(result, 0, column)
                            : NULL;

    *out = value == NULL ? NULL : strdup(value);
    return value == NULL || *out != NULL || error_set_memory(err);
}

/* Asked before the base backup: which folders it has to have. */
static bool ask_databases(struct gathering *gathering, struct error *err)
{
    struct configuration *configuration = gathering->configuration;
    struct wire_result *result;
    struct error refused;
    bool ok;

    if (!ask(gathering, databases_sql, 0, NULL, &result, &refused, err))
        return false;
    ok = result == NULL || (copy_value(result, 0, &configuration->databases, err) &&
                            copy_value(result, 1, &configuration->database, err));
    wire_result_free(result);
    return ok;
}

/* What was not asked for any more is not there, and must not look as if it did not exist. */
static bool note_lost_session(struct configuration *configuration, const struct error *why,
                              struct error *err)
{
    struct configuration_item *item =
        configuration_add_item(configuration, "config_file", NULL, err);

    if (item == NULL)
        return false;
    snprintf(item->reason, sizeof(item->reason), "reading ended early, more may be missing: %.100s",
             why->message);
    return true;
}

bool configuration_gather(struct configuration *configuration, const struct wire_settings *settings,
                          struct cancel *cancel, const struct log *log, struct error *err)
{
    struct gathering gathering = {.configuration = configuration, .cancel = cancel};
    struct wire_result *result = NULL;
    struct sessions sessions;
    struct error why;
    bool ok;

    if (!sessions_open(&sessions, settings, false, true, cancel, log, err)) {
        snprintf(configuration->no_session, sizeof(configuration->no_session), "%.*s",
                 (int)sizeof(configuration->no_session) - 1,
                 err->hint[0] != '\0' ? err->hint : err->message);
        return err->code != ERROR_MEMORY && cancel_check(cancel, err);
    }
    gathering.conn = sessions.sql;
    wire_set_answer_limit(sessions.sql, ANSWER_MAX);
    ok = wire_query(sessions.sql, settings_sql, &result, err);
    if (ok && result != NULL)
        ok = take_settings(&gathering, result, err);
    wire_result_free(result);
    ok = ok && ask_databases(&gathering, err);
    sessions_close(&sessions);
    if (ok)
        return true;
    why = *err;
    return why.code != ERROR_MEMORY && cancel_check(cancel, err) &&
           note_lost_session(configuration, &why, err);
}

/* ---- Before a backup ---- */

static void append_to_list(char *list, size_t size, const char *text)
{
    size_t used = strlen(list);

    snprintf(list + used, size - used, "%s%s", used == 0 ? "" : ", ", text);
}

bool configuration_find_denied(struct sessions *sessions, char *list, size_t size)
{
    struct configuration where = {0};
    struct wire_result *result = NULL;
    char path[CONFIGURATION_VALUE_MAX], allowed[8];
    struct error ignored;
    const char *ssl;

    list[0] = '\0';
    if (!sessions_ask(sessions, rights_sql, allowed, sizeof(allowed)) || allowed[0] == 't' ||
        !wire_query(sessions->sql, settings_sql, &result, &ignored) || result == NULL)
        return false;
    where.data_directory = (char *)(uintptr_t)find_value(result, "data_directory");
    ssl = find_value(result, "ssl");
    /* A role that may not see where the files are: most are in the data directory, so that the
     * backup tells only once some of them did not come. */
    for (size_t i = 0; where.data_directory != NULL && i < FILE_SETTINGS; i++) {
        const struct file_setting *setting = &file_settings[i];

        if (setting->kind != KIND_SECRET &&
            setting_path(setting, result, where.data_directory, path) &&
            !configuration_is_inside(&where, path) &&
            (!setting->of_tls || (ssl != NULL && strcmp(ssl, "on") == 0)))
            append_to_list(list, size, path);
    }
    wire_result_free(result);
    return list[0] != '\0';
}
