/*
 * The original's postgresql.conf as the server would read it, includes in place, and where each
 * file that it names lies now: in the data directory, under pgcask.config, or nowhere.
 */
#include "restore/configuration_expand.h"

#include "manifest/physical_layout.h"
#include "restore/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)1 << 20)
#define TEXT_MAX ((size_t)8 << 20)
#define DEPTH_MAX 10 /* as in PostgreSQL */

const char *const expanded_setting_names[EXPANDED_SETTINGS] = {
    [SETTING_DATA_DIRECTORY] = "data_directory",
    [SETTING_HBA_FILE] = "hba_file",
    [SETTING_IDENT_FILE] = "ident_file",
    [SETTING_EXTERNAL_PID_FILE] = "external_pid_file",
    [SETTING_STATS_TEMP_DIRECTORY] = "stats_temp_directory",
    [SETTING_UNIX_SOCKET_DIRECTORIES] = "unix_socket_directories",
    [SETTING_LOGGING_COLLECTOR] = "logging_collector",
    [SETTING_LOG_DIRECTORY] = "log_directory",
    [SETTING_SSL] = "ssl",
    [SETTING_SSL_CERT_FILE] = "ssl_cert_file",
    [SETTING_SSL_KEY_FILE] = "ssl_key_file",
    [SETTING_SSL_CA_FILE] = "ssl_ca_file",
    [SETTING_SSL_CRL_FILE] = "ssl_crl_file",
    [SETTING_SSL_CRL_DIR] = "ssl_crl_dir",
    [SETTING_SSL_DH_PARAMS_FILE] = "ssl_dh_params_file",
    [SETTING_PRELOAD] = "shared_preload_libraries",
};

/* ---- Where files are ---- */

static bool is_there(const struct expanded_configuration *expanded, const char *below)
{
    return folder_has(expanded->restored->build, below);
}

bool configuration_find(const struct expanded_configuration *expanded, const char *path,
                        char out[RECORD_PATH_MAX], bool *outside)
{
    size_t len = strlen(expanded->original_data);
    char record[RECORD_PATH_MAX], below[RECORD_PATH_MAX + sizeof(expanded->folder)];
    int written;

    *outside = strncmp(path, expanded->original_data, len) != 0 || path[len] != '/';
    if (!*outside && is_there(expanded, path + len + 1)) {
        written =
            snprintf(out, RECORD_PATH_MAX, "%s%s", expanded->restored->data_directory, path + len);
        return written > 0 && written < RECORD_PATH_MAX;
    }
    *outside = true;
    if (!layout_config_path(path, record))
        return false;
    snprintf(below, sizeof(below), "%s%s", expanded->folder, record + sizeof(LAYOUT_CONFIG) - 1);
    written = snprintf(out, RECORD_PATH_MAX, "%s/%s", expanded->restored->data_directory, below);
    return is_there(expanded, below) && written > 0 && written < RECORD_PATH_MAX;
}

bool configuration_path_of(const struct expanded_configuration *expanded, const char *value,
                           char out[CONFIGURATION_VALUE_MAX])
{
    char in[CONFIGURATION_VALUE_MAX + 2];

    snprintf(in, sizeof(in), "%s/x", expanded->original_data);
    return configuration_resolve(in, value, out);
}

const char *configuration_original_path(const struct expanded_configuration *expanded,
                                        const char *setting)
{
    return json_string_value(
        json_object_get(json_object_get(expanded->restored->original, "locations"), setting));
}

/* ---- Reading ---- */

bool configuration_read_restored(const struct expanded_configuration *expanded, const char *path,
                                 struct buffer *content, struct error *err)
{
    const struct restored_configuration *restored = expanded->restored;
    char now[RECORD_PATH_MAX * 2];
    ssize_t got = 0;
    int fd;

    error_clear(err);
    snprintf(now, sizeof(now), "%s%s", restored->build, path + strlen(restored->data_directory));
    fd = open(now, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    do {
        if (!buffer_reserve(content, 65536, err))
            break;
        got = read(fd, content->data + content->len, 65535);
        if (got > 0)
            content->len += (size_t)got;
    } while ((got > 0 || (got < 0 && errno == EINTR)) && content->len <= FILE_MAX);
    close(fd);
    if (content->data != NULL)
        content->data[content->len] = '\0';
    return err->code == ERROR_NONE && got == 0;
}

static void note_setting(struct expanded_configuration *expanded,
                         const struct configuration_line *line, bool automatic)
{
    for (size_t i = 0; i < EXPANDED_SETTINGS; i++) {
        if (strcmp(line->name, expanded_setting_names[i]) != 0)
            continue;
        expanded->settings[i].set = true;
        expanded->settings[i].automatic = automatic;
        snprintf(expanded->settings[i].value, sizeof(expanded->settings[i].value), "%s",
                 line->value);
    }
}

static bool expand_file(struct expanded_configuration *expanded, const char *path,
                        const char *restored, unsigned depth, struct error *err);

static bool expand_folder(struct expanded_configuration *expanded, const char *path,
                          const char *restored, unsigned depth, struct error *err)
{
    size_t prefix = strlen(expanded->restored->data_directory);
    char now[RECORD_PATH_MAX * 2], inner[CONFIGURATION_VALUE_MAX * 2], place[RECORD_PATH_MAX * 2];
    char **names;
    size_t count = 0;
    bool ok = true;

    snprintf(now, sizeof(now), "%s%s", expanded->restored->build, restored + prefix);
    names = folder_names(now, err);
    if (names == NULL)
        return err->code != ERROR_MEMORY;
    while (names[count] != NULL)
        count++;
    qsort(names, count, sizeof(*names), folder_compare_names);
    for (size_t i = 0; ok && i < count; i++) {
        size_t len = strlen(names[i]);

        if (names[i][0] == '.' || len <= 5 || strcmp(names[i] + len - 5, ".conf") != 0)
            continue;
        snprintf(inner, sizeof(inner), "%s/%s", path, names[i]);
        snprintf(place, sizeof(place), "%s/%s", restored, names[i]);
        ok = strlen(inner) >= CONFIGURATION_VALUE_MAX || strlen(place) >= RECORD_PATH_MAX ||
             expand_file(expanded, inner, place, depth + 1, err);
    }
    folder_names_free(names);
    return ok;
}

/* An include stands as a comment, and what it includes behind it. */
static bool expand_reference(struct expanded_configuration *expanded, const char *in,
                             const struct configuration_line *line, unsigned depth,
                             struct error *err)
{
    enum configuration_reference type = configuration_reference_of(line->name);
    char path[CONFIGURATION_VALUE_MAX], restored[RECORD_PATH_MAX];
    bool outside;

    if (!buffer_printf(&expanded->text, err, "# %.*s\n", (int)line->text.len,
                       (const char *)line->text.data))
        return false;
    if (depth >= DEPTH_MAX || !configuration_resolve(in, line->value, path))
        return true;
    expanded->leads_outside |= line->value[0] == '/';
    if (!configuration_find(expanded, path, restored, &outside)) {
        expanded->leads_outside |= type != INCLUDE_FILE_IF_THERE;
        if (type == INCLUDE_FILE)
            log_message(expanded->restored->log, LOG_WARNING,
                        "the configuration includes %s, which is not in the backup", path);
        return true;
    }
    expanded->leads_outside |= outside && !expanded->main_outside;
    if (type == INCLUDE_FOLDER)
        return expand_folder(expanded, path, restored, depth, err);
    return expand_file(expanded, path, restored, depth + 1, err);
}

/* path: on the server; restored: where it will be. */
static bool expand_file(struct expanded_configuration *expanded, const char *path,
                        const char *restored, unsigned depth, struct error *err)
{
    struct buffer content = {0};
    struct configuration_line line;
    struct slice rest;
    bool ok;

    if (!configuration_read_restored(expanded, restored, &content, err)) {
        buffer_free(&content);
        return err->code != ERROR_MEMORY;
    }
    ok = buffer_printf(&expanded->text, err, "# ---- %s\n", path);
    rest = buffer_slice(&content);
    while (ok && expanded->text.len < TEXT_MAX && configuration_next_line(&rest, &line)) {
        if (configuration_reference_of(line.name) != INCLUDE_NOTHING) {
            ok = expand_reference(expanded, path, &line, depth, err);
            continue;
        }
        note_setting(expanded, &line, false);
        ok = buffer_append(&expanded->text, line.text.data, line.text.len, err) &&
             buffer_append_byte(&expanded->text, '\n', err);
    }
    buffer_free(&content);
    return ok;
}

static bool read_automatic(struct expanded_configuration *expanded, struct error *err)
{
    char path[RECORD_PATH_MAX];
    struct buffer content = {0};
    struct configuration_line line;
    struct slice rest;
    bool ok;

    snprintf(path, sizeof(path), "%s/postgresql.auto.conf", expanded->restored->data_directory);
    ok = configuration_read_restored(expanded, path, &content, err) || err->code != ERROR_MEMORY;
    rest = buffer_slice(&content);
    while (configuration_next_line(&rest, &line))
        note_setting(expanded, &line, true);
    buffer_free(&content);
    return ok;
}

bool configuration_expand(struct expanded_configuration *expanded, struct error *err)
{
    const struct restored_configuration *restored = expanded->restored;
    const char *data = json_string_value(json_object_get(restored->original, "data_directory"));
    const char *original = configuration_original_path(expanded, "config_file");
    char path[CONFIGURATION_VALUE_MAX], place[RECORD_PATH_MAX];

    /* Where the server's data directory is not known, that of the restored one does for paths
     * relative to it. */
    snprintf(expanded->original_data, sizeof(expanded->original_data), "%s",
             data != NULL && data[0] == '/' ? data : restored->data_directory);
    if ((original != NULL && configuration_resolve("/", original, path)) ||
        configuration_path_of(expanded, "postgresql.conf", path))
        expanded->has_main = configuration_find(expanded, path, place, &expanded->main_outside);
    if (expanded->has_main && !expand_file(expanded, path, place, 0, err))
        return false;
    return read_automatic(expanded, err);
}
