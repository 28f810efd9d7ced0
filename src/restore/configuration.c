/*
 * What has to be different for a restored cluster to start here is put behind the original's text,
 * where the last setting wins. Nothing of the original is changed, so that it can be compared and
 * taken over.
 */
#include "restore/configuration_expand.h"
#include "restore/folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static const char no_main[] = "# The original server's postgresql.conf is not in the backup: every "
                              "setting has its default.\n";

/* Whoever is the server's user on this machine may connect, and nobody else. */
static const char no_hba[] = "# The original server's pg_hba.conf is not in the backup.\n"
                             "local all all peer\n"
                             "local replication all peer\n";

struct writing {
    struct expanded_configuration *expanded;
    struct buffer overrides; /* lines of the new postgresql.conf */
    struct buffer command;   /* options that postgresql.auto.conf would win over otherwise */
    bool redirected;         /* a copy of pg_hba.conf was made */
    bool needed;             /* the cluster does not start as it should without */
};

static const struct log *log_of(const struct writing *writing)
{
    return writing->expanded->restored->log;
}

/* ---- Quoting ---- */

static bool append_quoted(struct buffer *out, const char *value, struct error *err)
{
    bool ok = buffer_append_byte(out, '\'', err);

    for (; ok && *value != '\0'; value++) {
        if (*value == '\'' || *value == '\\')
            ok = buffer_append_byte(out, (uint8_t)*value, err);
        ok = ok && buffer_append_byte(out, (uint8_t)*value, err);
    }
    return ok && buffer_append_byte(out, '\'', err);
}

static bool append_option(struct buffer *out, const char *name, const char *value,
                          struct error *err)
{
    struct buffer word = {0};
    bool ok = buffer_printf(&word, err, "%s=%s", name, value) &&
              buffer_append_string(out, out->len == 0 ? "-c " : " -c ", err) &&
              buffer_append_posix_word(out, buffer_text(&word), err);

    buffer_free(&word);
    return ok;
}

/* ---- Settings ---- */

static const char *value_of(const struct writing *writing, enum expanded_setting setting)
{
    return writing->expanded->settings[setting].value;
}

static bool is_set(const struct writing *writing, enum expanded_setting setting)
{
    return writing->expanded->settings[setting].set && value_of(writing, setting)[0] != '\0';
}

static bool override(struct writing *writing, enum expanded_setting setting, const char *value,
                     struct error *err)
{
    const char *name = expanded_setting_names[setting];

    writing->needed = true;
    return buffer_printf(&writing->overrides, err, "%s = ", name) &&
           append_quoted(&writing->overrides, value, err) &&
           buffer_append_byte(&writing->overrides, '\n', err) &&
           (!writing->expanded->settings[setting].automatic ||
            append_option(&writing->command, name, value, err));
}

static bool settle_data_directory(struct writing *writing, struct error *err)
{
    const char *here = writing->expanded->restored->data_directory;

    if (!is_set(writing, SETTING_DATA_DIRECTORY) && writing->expanded->has_main &&
        !writing->expanded->main_outside)
        return true;
    if (is_set(writing, SETTING_DATA_DIRECTORY) &&
        strcmp(value_of(writing, SETTING_DATA_DIRECTORY), here) == 0)
        return true;
    return override(writing, SETTING_DATA_DIRECTORY, here, err);
}

static bool add_file(const struct writing *writing, const char *name, struct slice content,
                     struct error *err)
{
    char path[64];
    struct record record = {
        .type = RECORD_FILE, .path = path, .mode = 0600, .size = (int64_t)content.len};
    bool ok;

    snprintf(path, sizeof(path), "/%s/%s", writing->expanded->folder, name);
    record.reader = reader_from_memory(content, err);
    if (record.reader == NULL)
        return false;
    ok = directory_writer_add(writing->expanded->restored->writer, &record, NULL, err);
    reader_close(record.reader);
    return ok;
}

/* In double quotes, as pg_hba.conf has them. */
static bool append_hba_path(struct buffer *out, const char *path, struct error *err)
{
    bool ok = buffer_append_byte(out, '"', err);

    for (; ok && *path != '\0'; path++)
        ok = (*path != '"' || buffer_append_byte(out, '"', err)) &&
             buffer_append_byte(out, (uint8_t)*path, err);
    return ok && buffer_append_byte(out, '"', err);
}

/* The text with each reference leading to where its file is now; everything else stays as it is.
 * *absolute: a reference was an absolute path. */
static bool redirect_text(const struct expanded_configuration *expanded, const char *original,
                          struct slice text, struct buffer *changed, bool *absolute,
                          struct error *err)
{
    char value[CONFIGURATION_VALUE_MAX], path[CONFIGURATION_VALUE_MAX], place[RECORD_PATH_MAX];
    struct slice rest = text, written;
    enum configuration_reference type;
    bool outside, ok = true;

    while (ok && configuration_next_hba_reference(&rest, &type, value, &written)) {
        *absolute |= value[0] == '/';
        if (!configuration_resolve(original, value, path) ||
            !configuration_find(expanded, path, place, &outside))
            continue;
        ok = buffer_append(changed, text.data, (size_t)(written.data - text.data), err) &&
             append_hba_path(changed, place, err);
        slice_take(&text, (size_t)(written.data + written.len - text.data));
    }
    return ok && buffer_append(changed, text.data, text.len, err);
}

/* Files that pg_hba.conf names by absolute paths are elsewhere now: a copy of it leads to them. The
 * server does not start where they are missing. *place becomes the copy's path. */
static bool redirect_references(struct writing *writing, const char *original, char *place,
                                const char *name, struct error *err)
{
    const struct expanded_configuration *expanded = writing->expanded;
    struct buffer text = {0}, changed = {0};
    bool absolute = false, ok;

    if (!configuration_read_restored(expanded, place, &text, err)) {
        buffer_free(&text);
        log_message(log_of(writing), LOG_WARNING,
                    "%s could not be looked through, being too large or unreadable: the files that "
                    "it names by absolute paths have to be where the original server had them",
                    place);
        return err->code != ERROR_MEMORY;
    }
    ok = redirect_text(expanded, original, buffer_slice(&text), &changed, &absolute, err);
    if (ok && absolute) {
        snprintf(place, RECORD_PATH_MAX, "%.3900s/%s/%s", expanded->restored->data_directory,
                 expanded->folder, name);
        ok = add_file(writing, name, buffer_slice(&changed), err);
        writing->redirected = true;
    }
    buffer_free(&text);
    buffer_free(&changed);
    return ok;
}

/* pg_hba.conf, pg_ident.conf: where it is said to be, else where the server had it, else in the
 * data directory. */
static bool settle_access_file(struct writing *writing, enum expanded_setting setting,
                               const char *default_name, bool required, struct error *err)
{
    const struct expanded_configuration *expanded = writing->expanded;
    const char *original = configuration_original_path(expanded, expanded_setting_names[setting]);
    const char *said = is_set(writing, setting) ? value_of(writing, setting) : default_name;
    char path[CONFIGURATION_VALUE_MAX], place[RECORD_PATH_MAX];
    bool outside = false, found;

    found = (original != NULL && configuration_resolve("/", original, path) &&
             configuration_find(expanded, path, place, &outside)) ||
            (configuration_path_of(expanded, said, path) &&
             configuration_find(expanded, path, place, &outside));
    writing->redirected = false;
    if (found && !redirect_references(writing, path, place, default_name, err))
        return false;
    if (found && !outside && !is_set(writing, setting) && !writing->redirected)
        return true;
    if (found)
        return override(writing, setting, place, err);
    if (!required)
        return !is_set(writing, setting) || override(writing, setting, "pg_ident.conf", err);
    log_message(log_of(writing), LOG_WARNING,
                "%s is not in the backup: a new one lets this machine's users connect under their "
                "own names, and nobody else; see %s/%s/pg_hba.conf",
                original != NULL ? original : default_name, expanded->restored->data_directory,
                expanded->folder);
    snprintf(place, sizeof(place), "%.3900s/%s/pg_hba.conf", expanded->restored->data_directory,
             expanded->folder);
    return add_file(writing, "pg_hba.conf", slice_string(no_hba), err) &&
           override(writing, setting, place, err);
}

/* What would be shared with the original server, or may not be on this machine. */
static bool settle_places(struct writing *writing, struct error *err)
{
    const char *log_directory = value_of(writing, SETTING_LOG_DIRECTORY);
    const char *sockets = value_of(writing, SETTING_UNIX_SOCKET_DIRECTORIES);

    if (is_set(writing, SETTING_EXTERNAL_PID_FILE) &&
        !override(writing, SETTING_EXTERNAL_PID_FILE, "", err))
        return false;
    if (value_of(writing, SETTING_STATS_TEMP_DIRECTORY)[0] == '/' &&
        !override(writing, SETTING_STATS_TEMP_DIRECTORY, "pg_stat_tmp", err))
        return false;
    if (log_directory[0] == '/' && access(log_directory, W_OK) != 0 &&
        !override(writing, SETTING_LOG_DIRECTORY, "log", err))
        return false;
    if (sockets[0] == '/' && strchr(sockets, ',') == NULL && access(sockets, F_OK) != 0) {
        log_message(log_of(writing), LOG_WARNING,
                    "this machine has no folder %s for the server's socket: it will be in /tmp",
                    sockets);
        return override(writing, SETTING_UNIX_SOCKET_DIRECTORIES, "/tmp", err);
    }
    return true;
}

/* ---- TLS ---- */

static const struct {
    enum expanded_setting setting;
    const char *default_value;
} tls_files[] = {
    {SETTING_SSL_CERT_FILE, "server.crt"},
    {SETTING_SSL_KEY_FILE, "server.key"},
    {SETTING_SSL_CA_FILE, ""},
    {SETTING_SSL_CRL_FILE, ""},
    {SETTING_SSL_CRL_DIR, ""},
    {SETTING_SSL_DH_PARAMS_FILE, ""},
};

#define TLS_FILES (sizeof(tls_files) / sizeof(tls_files[0]))

static bool turn_tls_off(struct writing *writing, enum expanded_setting setting, const char *path,
                         struct error *err)
{
    log_message(log_of(writing), LOG_WARNING,
                "TLS is off in the restored configuration: %s (%s) is not in the backup%s. Put it "
                "in place and remove \"ssl = 'off'\" from %s/%s/postgresql.conf",
                path, expanded_setting_names[setting],
                setting == SETTING_SSL_KEY_FILE ? ", because private keys are not stored" : "",
                writing->expanded->restored->data_directory, writing->expanded->folder);
    return override(writing, SETTING_SSL, "off", err);
}

static bool is_on(const char *value)
{
    static const char *const words[] = {"on", "true", "yes", "1", "t", "y", "tru", "tr", "ye"};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(value, words[i]) == 0)
            return true;
    }
    return false;
}

static bool settle_tls(struct writing *writing, struct error *err)
{
    char path[CONFIGURATION_VALUE_MAX], place[RECORD_PATH_MAX];
    bool on = is_on(value_of(writing, SETTING_SSL)), whole = true;

    for (size_t i = 0; on && i < TLS_FILES; i++) {
        enum expanded_setting setting = tls_files[i].setting;
        const char *value =
            is_set(writing, setting) ? value_of(writing, setting) : tls_files[i].default_value;
        bool outside;

        if (value[0] == '\0' || !configuration_path_of(writing->expanded, value, path))
            continue;
        if (configuration_find(writing->expanded, path, place, &outside)) {
            if ((outside || value[0] == '/') && !override(writing, setting, place, err))
                return false;
        } else if (whole) {
            whole = false;
            if (!turn_tls_off(writing, setting, path, err))
                return false;
        }
    }
    return true;
}

/* ---- The file ---- */

static bool write_main(struct writing *writing, struct error *err)
{
    struct expanded_configuration *expanded = writing->expanded;
    struct buffer *text = &expanded->text;

    return (expanded->has_main || buffer_append_string(text, no_main, err)) &&
           buffer_append_string(text, "\n# ---- Written by pgcask restore: where things are here\n",
                                err) &&
           buffer_append(text, writing->overrides.data, writing->overrides.len, err) &&
           add_file(writing, "postgresql.conf", buffer_slice(text), err);
}

static bool take_options(struct writing *writing, char *options, size_t size, struct error *err)
{
    char path[RECORD_PATH_MAX];
    struct buffer all = {0};
    bool ok;

    snprintf(path, sizeof(path), "%.3900s/%s/postgresql.conf",
             writing->expanded->restored->data_directory, writing->expanded->folder);
    ok = append_option(&all, "config_file", path, err) &&
         (writing->command.len == 0 ||
          (buffer_append_byte(&all, ' ', err) &&
           buffer_append(&all, writing->command.data, writing->command.len, err)));
    if (ok && all.len >= size)
        ok = error_set(err, ERROR_IO, "path too long: %s", path);
    if (ok)
        snprintf(options, size, "%s", buffer_text(&all));
    buffer_free(&all);
    return ok;
}

static void tell_rest(const struct writing *writing)
{
    const struct expanded_configuration *expanded = writing->expanded;
    const char *original = configuration_original_path(expanded, "config_file");

    if (!expanded->has_main)
        log_message(log_of(writing), LOG_WARNING,
                    "%s is not in the backup: every setting has its default",
                    original != NULL ? original : "postgresql.conf");
    if (is_set(writing, SETTING_PRELOAD))
        log_message(log_of(writing), LOG_INFO,
                    "the configuration loads %s: the server does not start where that is not "
                    "installed",
                    value_of(writing, SETTING_PRELOAD));
}

/* The folder gets a name that the data directory does not have yet. */
static bool name_folder(struct expanded_configuration *expanded, struct error *err)
{
    const char *build = expanded->restored->build;
    char from[RECORD_PATH_MAX], to[RECORD_PATH_MAX];
    unsigned number = 1;

    snprintf(expanded->folder, sizeof(expanded->folder), CONFIGURATION_RESTORED);
    while (folder_has(build, expanded->folder))
        snprintf(expanded->folder, sizeof(expanded->folder), CONFIGURATION_RESTORED ".%u",
                 ++number);
    if (!folder_has(build, CONFIGURATION_PARTIAL))
        return true;
    snprintf(from, sizeof(from), "%s/" CONFIGURATION_PARTIAL, build);
    snprintf(to, sizeof(to), "%s/%s", build, expanded->folder);
    return rename(from, to) == 0 || error_set_errno(err, errno, "cannot name %s", to);
}

/* A string in PostgreSQL's configuration ends with its line. */
static bool check_one_line(const char *data_directory, struct error *err)
{
    if (strchr(data_directory, '\n') == NULL)
        return true;
    error_set(err, ERROR_UNSUPPORTED,
              "the data directory's path has a line break in it, and the configuration of this "
              "backup has to name it, which PostgreSQL's cannot");
    return error_hint(err, "Restore to a path without line breaks.");
}

bool configuration_restore(const struct restored_configuration *restored, char *options,
                           size_t options_size, struct error *err)
{
    struct expanded_configuration *expanded = calloc(1, sizeof(*expanded));
    struct writing writing = {.expanded = expanded};
    bool ok;

    options[0] = '\0';
    if (expanded == NULL)
        return error_set_memory(err);
    expanded->restored = restored;
    ok = name_folder(expanded, err) && configuration_expand(expanded, err);
    writing.needed = !expanded->has_main || expanded->main_outside || expanded->leads_outside;
    ok = ok && settle_data_directory(&writing, err) &&
         settle_access_file(&writing, SETTING_HBA_FILE, "pg_hba.conf", true, err) &&
         settle_access_file(&writing, SETTING_IDENT_FILE, "pg_ident.conf", false, err) &&
         settle_places(&writing, err) && settle_tls(&writing, err);
    ok = ok && (!writing.needed || check_one_line(restored->data_directory, err));
    if (ok && writing.needed) {
        tell_rest(&writing);
        ok = write_main(&writing, err) && take_options(&writing, options, options_size, err);
    }
    buffer_free(&expanded->text);
    buffer_free(&writing.overrides);
    buffer_free(&writing.command);
    free(expanded);
    return ok;
}
