/* pgcask backup: checks everything that can be checked, then lets records flow from the server to
 * the store. */
#include "cli/command.h"
#include "cli/format.h"
#include "cli/backup_options.h"
#include "cli/backup_target.h"
#include "cli/command_backup_logical.h"
#include "cli/preflight.h"
#include "cli/progress.h"
#include "cli/server_uri.h"

#include "backup/backup.h"
#include "base/text.h"
#include "manifest/summary.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct backup {
    struct command *command;
    struct server_uri server;
    struct physical_backup_options options;
    struct wire_settings *pinned; /* to the server that preflight asked */
    struct backup_target target;
    struct physical_backup_report report;
    struct progress progress;
};

/* ---- Before the work ---- */

static bool read_options(struct backup *backup, struct error *err)
{
    return backup_options_physical(&backup->options, backup->command, err) &&
           backup_target_of_command(&backup->target, backup->command, err);
}

/* A URI that names a database reads as if that alone were copied. */
static void note_database(const struct backup *backup)
{
    if (backup->server.names_database)
        console_message(backup->command->console,
                        "the whole cluster is copied; database \"%s\" is only what to connect to",
                        wire_settings_get(backup->server.settings, "dbname"));
}

static bool read_source(struct backup *backup, struct error *err)
{
    const struct command *command = backup->command;
    const char *shown = options_argument(command->options, 0);

    if (!server_uri_of_command(&backup->server, command, err))
        return false;
    backup->options.settings = backup->server.settings;
    backup->options.pinned = &backup->pinned;
    result_set_text(command->result, "source", shown);
    result_set_text(command->result, "target", backup->target.text);
    if (!options_check_scope(command->options,
                             backup->server.physical ? OPTION_OF_PHYSICAL : OPTION_OF_LOGICAL, err))
        return false;
    if (backup->server.physical && !command->quiet)
        note_database(backup);
    return true;
}

/* ---- The work ---- */

/* Stands between the job and the store to tell the progress what is going on: a phase that begins
 * while the store waits for the next record could not be seen from outside. */
struct watched_source {
    struct record_source base;
    struct record_source *inner;
    struct backup *backup;
    bool manifest_passed;
    bool space_checked; /* against the sizes that the server gives before the data */
};

static const char *phase_text(const char *phase)
{
    static const char *const texts[][2] = {
        {"connecting", "connecting"},
        {"manifest", "reading the catalogs"},
        {"checkpoint", "waiting for the checkpoint"},
        {"copying", "copying"},
        {"finishing", "finishing"},
        {"done", "writing to disk"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (phase != NULL && strcmp(phase, texts[i][0]) == 0)
            return texts[i][1];
    }
    return "working";
}

/* What comes now was not estimated. */
static bool is_over(enum source_status status, const char *phase)
{
    return status != SOURCE_RECORD ||
           (phase != NULL && (strcmp(phase, "finishing") == 0 || strcmp(phase, "done") == 0));
}

static enum source_status watched_next(struct record_source *base, struct record *record,
                                       struct error *err)
{
    struct watched_source *source = (struct watched_source *)base;
    struct backup *backup = source->backup;
    enum source_status status;

    if (source->manifest_passed && backup->report.start_lsn[0] == '\0')
        progress_set_phase(&backup->progress, phase_text("checkpoint"));
    status = source_next(source->inner, record, err);
    source->manifest_passed = true;
    physical_backup_report(source->inner, &backup->report);
    if (status == SOURCE_RECORD && !source->space_checked && backup->report.total_bytes > 0) {
        source->space_checked = true;
        if (!preflight_check_space(backup->report.total_bytes, backup->target.text,
                                   backup->target.free_bytes, err))
            return SOURCE_FAILED;
    }
    progress_set_total(&backup->progress,
                       is_over(status, backup->report.phase) ? 0 : backup->report.total_bytes);
    progress_set_phase(&backup->progress,
                       phase_text(status == SOURCE_END ? "done" : backup->report.phase));
    return status;
}

static void watched_close(struct record_source *base)
{
    (void)base; /* lives on the stack; the inner source has its own owner */
}

static bool copy(struct backup *backup, struct error *err)
{
    static const struct record_source_ops watched_ops = {watched_next, watched_close};
    struct watched_source watched = {.base.ops = &watched_ops, .backup = backup};
    bool done;

    if (!physical_backup_new(&backup->options, &watched.inner, err))
        return false;
    watched.base.sequential = watched.inner->sequential;
    done = backup_target_write(&backup->target, backup->command, &watched.base,
                               &backup->progress.observer, err);
    physical_backup_report(watched.inner, &backup->report);
    source_close(watched.inner);
    return done;
}

static bool run(struct backup *backup, struct error *err)
{
    const struct command *command = backup->command;
    bool done;

    if (!progress_start(&backup->progress, command->console, command->quiet, "connecting", err))
        return false;
    done = preflight_check(command, &backup->options, backup->target.text,
                           backup->target.free_bytes, err);
    if (backup->pinned != NULL)
        backup->options.settings = backup->pinned;
    done = done && copy(backup, err);
    progress_stop(&backup->progress);
    return done;
}

/* ---- What it came to ---- */

static void fill_result(const struct backup *backup)
{
    const struct physical_backup_report *report = &backup->report;
    json_t *result = backup->command->result;

    result_set_text(result, "kind", "physical");
    result_set(result, "seconds", json_real(progress_seconds(&backup->progress)));
    result_set_number(result, "bytes", report->bytes);
    result_set_number(result, "files", report->files);
    result_set_number(result, "wal_bytes", report->wal_bytes);
    result_set_known(result, "system_identifier", report->system_identifier);
    result_set_number(result, "server_version_num", (uint64_t)report->server_version_num);
    result_set_known(result, "start_lsn", report->start_lsn);
    result_set_known(result, "stop_lsn", report->stop_lsn);
    result_set_number(result, "start_timeline", report->start_timeline);
    result_set_number(result, "stop_timeline", report->stop_timeline);
    result_set_number(result, "tablespace_count", report->tablespaces);
    result_set_number(result, "manifest_unavailable", report->manifest_unavailable);
    result_set_number(result, "configuration_files", report->configuration_files);
    result_set_number(result, "configuration_missing", report->configuration_missing);
    result_set_number(result, "checksum_failures", report->checksum_failures);
    if (report->checksum_failures > 0)
        result_set_text(result, "checksum_failure_first", report->checksum_failure_first);
}

static void say_result(const struct backup *backup)
{
    const struct physical_backup_report *report = &backup->report;
    const struct command *command = backup->command;
    char size[FORMAT_SIZE], duration[FORMAT_SIZE];

    format_size(report->bytes, size);
    format_seconds(progress_seconds(&backup->progress), duration);
    command_say(command, "backed up %s in %" PRIu64 " file%s to %s in %s", size, report->files,
                TEXT_S(report->files), backup_target_shown(&backup->target), duration);
    command_say(command, "positions %s to %s on timeline %" PRIu32, report->start_lsn,
                report->stop_lsn, report->stop_timeline);
    if (report->has_tablespaces_note)
        command_say(command, "the cluster has tablespaces: \"pgcask restore\" puts them where they "
                             "belong; after copying /data and /tablespaces by other means, run "
                             "\"pgcask relocate --in-place\" on the data directory");
    if (report->configuration_unseen && !report->configuration_unforeseen)
        command_say(command,
                    "this role may not see where config_file, hba_file and ident_file lie; outside "
                    "the data directory they are not in the backup:  " ERROR_OURS("%s"),
                    report->configuration_remedy);
    command_say_unavailable(command, report->manifest_unavailable);
}

static void warn(struct backup *backup)
{
    const struct physical_backup_report *report = &backup->report;
    struct command *command = backup->command;

    if (report->configuration_unforeseen)
        console_warning(
            command->console,
            "configuration files of the server are not in the backup: %s\nhint: " ERROR_OURS("%s"),
            report->configuration_missing_list, report->configuration_remedy);
    if (report->checksum_failures == 0)
        return;
    command->problems = true;
    console_warning(command->console,
                    "page checksum failures reported by the server: %zu; the backup was kept "
                    "and lists them. The first: %s",
                    report->checksum_failures, report->checksum_failure_first);
}

static bool backup_physically(struct backup *backup, struct error *err)
{
    if (!backup_target_check(&backup->target, backup->command, err) || !run(backup, err))
        return false;
    fill_result(backup);
    say_result(backup);
    warn(backup);
    return true;
}

bool command_backup(struct command *command, struct error *err)
{
    struct backup backup = {.command = command};
    bool done;

    if (!read_options(&backup, err))
        return false;
    if (backup.target.kind == LOCATION_STREAM && command->out != NULL)
        command->out = stderr;
    done = read_source(&backup, err) &&
           (backup.server.physical
                ? backup_physically(&backup, err)
                : command_backup_logical(command, &backup.target, &backup.server, err));
    wire_settings_free(backup.pinned);
    server_uri_reset(&backup.server);
    return done;
}
