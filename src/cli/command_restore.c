/* pgcask restore, for physical backups, and pgcask relocate. */
#include "cli/command.h"
#include "cli/connection_string.h"
#include "cli/format.h"
#include "cli/location.h"
#include "cli/near_miss.h"
#include "cli/progress.h"
#include "cli/restore_to_server.h"
#include "cli/restore_to_sql.h"
#include "cli/sql_target.h"

#include "base/buffer.h"
#include "base/text.h"
#include "restore/backup_source.h"
#include "restore/restore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- --tablespace-mapping OLD=NEW ---- */

/* Splits text, which is changed, at the first '=' without a backslash before it. */
static bool split_mapping(char *text, struct tablespace_mapping *mapping)
{
    char *out = text;
    bool found = false;

    mapping->old_location = text;
    for (char *in = text; *in != '\0'; in++) {
        if (in[0] == '\\' && in[1] == '=') {
            *out++ = *++in;
        } else if (*in == '=' && !found) {
            *out++ = '\0';
            mapping->new_location = out;
            found = true;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    return found && *mapping->old_location != '\0' && *mapping->new_location == '/';
}

static void free_mappings(struct tablespace_mapping *mappings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)mappings[i].old_location);
    free(mappings);
}

static bool read_mappings(const struct command *command, struct physical_restore_options *options,
                          struct tablespace_mapping **mappings, struct error *err)
{
    size_t count = options_count(command->options, "tablespace-mapping");

    *mappings = calloc(count + 1, sizeof(**mappings));
    if (*mappings == NULL)
        return error_set_memory(err);
    options->mappings = *mappings;
    for (size_t i = 0; i < count; i++) {
        const char *text = options_text_at(command->options, "tablespace-mapping", i);
        char *copy = strdup(arguments_original(command->arguments, text));

        if (copy == NULL)
            return error_set_memory(err);
        (*mappings)[options->mapping_count].old_location = copy;
        if (!split_mapping(copy, &(*mappings)[options->mapping_count++])) {
            error_set(err, ERROR_USAGE, "--tablespace-mapping: \"%s\" is not OLD=NEW", text);
            return error_hint(err, "NEW is an absolute path: --tablespace-mapping "
                                   "/srv/fast=/mnt/new");
        }
    }
    return true;
}

/* ---- The work ---- */

struct restoration {
    struct command *command;
    struct location from;
    const char *target;
    struct physical_restore_options options;
};

static void fill_result(json_t *result, const struct physical_restore_report *report,
                        double seconds)
{
    result_set_known(result, "kind", report->verify.kind);
    result_set(result, "seconds", json_real(seconds));
    result_set_number(result, "bytes", report->verify.bytes);
    result_set_number(result, "files", report->verify.files);
    result_set_number(result, "tablespace_count", report->tablespaces);
    result_set_number(result, "checksum_failures", report->verify.checksum_failures);
    result_set_known(result, "system_identifier", report->verify.system_identifier);
    result_set_known(result, "start_lsn", report->verify.start_lsn);
    result_set_known(result, "stop_lsn", report->verify.stop_lsn);
    result_set_number(result, "stop_timeline", report->verify.stop_timeline);
    if (report->start_options[0] != '\0')
        result_set_text(result, "start_options", report->start_options);
}

/* The line that starts the cluster, to be pasted into a shell of whoever ran us. */
static bool append_start(struct buffer *line, const struct physical_restore_report *report,
                         const char *data_directory, struct error *err)
{
    if (report->root_owns[0] != '\0' &&
        !buffer_printf(line, err, "chown -R postgres: %s && runuser -u postgres -- ",
                       report->root_owns))
        return false;
    return buffer_append_string(line, "pg_ctl -D ", err) &&
           buffer_append_shell_word(line, data_directory, err) &&
           (report->start_options[0] == '\0' ||
            (buffer_append_string(line, " -o ", err) &&
             buffer_append_shell_word(line, report->start_options, err))) &&
           buffer_append_string(line, " start", err);
}

static void say_start(const struct restoration *restoration,
                      const struct physical_restore_report *report)
{
    char *absolute = realpath(restoration->target, NULL);
    struct buffer line = {0};
    struct error ignored;

    if (append_start(&line, report, absolute != NULL ? absolute : restoration->target, &ignored)) {
        command_say(restoration->command,
                    report->root_owns[0] == '\0'
                        ? "the cluster is consistent from %s on; start it as this user:"
                        : "the cluster is consistent from %s on; give it to the user who shall run "
                          "it, and start it:",
                    report->verify.stop_lsn);
        command_say(restoration->command, "    %s", buffer_text(&line));
    }
    buffer_free(&line);
    free(absolute);
}

static void say_result(const struct restoration *restoration,
                       const struct physical_restore_report *report, double seconds)
{
    const struct command *command = restoration->command;
    char size[FORMAT_SIZE], duration[FORMAT_SIZE];

    format_size(report->verify.bytes, size);
    format_seconds(seconds, duration);
    command_say(command, "restored %s in %" PRIu64 " file%s to %s in %s; the backup was complete",
                size, report->verify.files, TEXT_S(report->verify.files), restoration->target,
                duration);
    say_start(restoration, report);
    if (report->verify.checksum_failures > 0)
        console_warning(command->console,
                        "page checksum failures reported by the server when this backup was made: "
                        "%zu; those pages are as broken here as they were there",
                        report->verify.checksum_failures);
}

static bool check_no_archive(const struct restoration *restoration, struct record_source *source,
                             struct error *err)
{
    enum archive_kind archive;

    if (!backup_source_find_archive(&restoration->from.place, source, &archive, err))
        return false;
    if (archive == ARCHIVE_NONE)
        return near_miss_check_source(restoration->from.name,
                                      restoration->from.place.kind == PLACE_DIRECTORY, source,
                                      "restore - --to DATA-DIRECTORY", err);
    error_set(err, ERROR_UNSUPPORTED, "%s is an archive of a database, not of a cluster's files",
              restoration->from.name);
    return error_hint(err,
                      "It is restored into a server:  pgcask restore %s --to "
                      "postgres://USER@HOST/DATABASE",
                      restoration->from.name);
}

static bool restore(struct restoration *restoration, struct error *err)
{
    struct command *command = restoration->command;
    struct physical_restore_report report = {0};
    struct record_source *source;
    struct progress progress;
    bool done;

    source = backup_source_open(&restoration->from.place, command->cancel, err);
    if (source == NULL)
        return false;
    if (!check_no_archive(restoration, source, err) ||
        !progress_start(&progress, command->console, command->quiet, "restoring", err)) {
        source_close(source);
        return false;
    }
    location_follow(&restoration->from, command, source, &progress);
    restoration->options.observer = &progress.observer;
    done = physical_restore(source, restoration->target, &restoration->options, &report, err);
    restoration->options.observer = NULL;
    progress_stop(&progress);
    fill_result(command->result, &report, progress_seconds(&progress));
    if (done)
        say_result(restoration, &report, progress_seconds(&progress));
    return done;
}

/* Nobody is asked for a password where there is no server. */
static bool check_options(const struct command *command, struct error *err)
{
    static const char *const of_servers[] = {"password-command", "no-password"};

    for (size_t i = 0; i < sizeof(of_servers) / sizeof(of_servers[0]); i++) {
        if (!options_given(command->options, of_servers[i]))
            continue;
        error_set(err, ERROR_USAGE, "--%s is for a restore into a server", of_servers[i]);
        return error_hint(err, "A data directory needs no password: leave the option out.");
    }
    return options_check_scope(command->options, OPTION_OF_PHYSICAL, err);
}

static bool check_target(const char *target, struct error *err)
{
    if (*target == '\0')
        return error_set(err, ERROR_USAGE, "--to must name a data directory");
    return connection_string_refuse(target, err);
}

bool command_restore(struct command *command, struct error *err)
{
    struct tablespace_mapping *mappings = NULL;
    struct restoration restoration = {
        .command = command,
        .target = command_text(command, "to"),
        .options = {.replace = options_flag(command->options, "replace"),
                    .cancel = command->cancel,
                    .log = &command->console->log},
    };
    bool done;

    result_set_text(command->result, "source", options_argument(command->options, 0));
    result_set_text(command->result, "target", options_text(command->options, "to"));
    if (strstr(restoration.target, "://") != NULL)
        return restore_to_server(command, err);
    if (sql_target_is(restoration.target))
        return restore_to_sql(command, err);
    done = check_target(restoration.target, err) && check_options(command, err) &&
           read_mappings(command, &restoration.options, &mappings, err) &&
           location_of_source(&restoration.from, command_argument(command, 0), err) &&
           restore(&restoration, err);
    free_mappings(mappings, restoration.options.mapping_count);
    return done;
}

bool command_relocate(struct command *command, struct error *err)
{
    const char *directory = command_argument(command, 0);
    size_t changed = 0;
    bool done;

    result_set_text(command->result, "target", options_argument(command->options, 0));
    if (strstr(directory, "://") != NULL)
        return error_set(err, ERROR_USAGE, "relocate works on a data directory, not on a URI");
    done = data_directory_relocate(directory, options_flag(command->options, "in-place"), &changed,
                                   err);
    result_set_number(command->result, "links_changed", changed);
    if (done)
        command_say(command, "%zu tablespace link%s of %s made absolute", changed, TEXT_S(changed),
                    directory);
    return done;
}
