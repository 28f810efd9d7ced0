/* What a backup came to: members of the JSON result, lines of the summary, warnings. The two kinds
 * have little to say in common, so each has its own words side by side here. */
#include "cli/backup_result.h"

#include "base/text.h"
#include "cli/format.h"

#include <inttypes.h>

/* ---- For programs ---- */

static void fill_physical(json_t *result, const struct backup_report *report, double seconds)
{
    const struct physical_report *physical = &report->physical;

    result_set_text(result, "kind", "physical");
    result_set(result, "seconds", json_real(seconds));
    result_set_number(result, "bytes", report->bytes);
    result_set_number(result, "files", report->files);
    result_set_number(result, "wal_bytes", physical->wal_bytes);
    result_set_known(result, "system_identifier", physical->system_identifier);
    result_set_number(result, "server_version_num", (uint64_t)report->server_version_num);
    result_set_known(result, "start_lsn", physical->start_lsn);
    result_set_known(result, "stop_lsn", physical->stop_lsn);
    result_set_number(result, "start_timeline", physical->start_timeline);
    result_set_number(result, "stop_timeline", physical->stop_timeline);
    result_set_number(result, "tablespace_count", physical->tablespaces);
    result_set_number(result, "manifest_unavailable", report->manifest_unavailable);
    result_set_number(result, "configuration_files", physical->configuration_files);
    result_set_number(result, "configuration_missing", physical->configuration_missing);
    result_set_number(result, "checksum_failures", physical->checksum_failures);
    if (physical->checksum_failures > 0)
        result_set_text(result, "checksum_failure_first", physical->checksum_failure_first);
}

static void fill_logical(json_t *result, const struct backup_report *report, double seconds)
{
    const struct logical_report *logical = &report->logical;

    result_set_text(result, "kind", "logical");
    if (logical->several) {
        result_set_number(result, "database_count", logical->databases);
        result_set_number(result, "databases_together", logical->databases_together);
    } else {
        result_set_text(result, "database", logical->database);
    }
    result_set(result, "seconds", json_real(seconds));
    result_set_number(result, "bytes", report->bytes);
    result_set_number(result, "files", report->files);
    result_set(result, "partial", json_boolean(logical->partial));
    result_set_number(result, "entries", logical->entries);
    result_set_number(result, "tables", logical->tables);
    result_set_number(result, "rows", logical->rows);
    result_set_number(result, "server_version_num", (uint64_t)report->server_version_num);
    result_set_number(result, "manifest_unavailable", report->manifest_unavailable);
}

/* ---- For people ---- */

static void say_physical(const struct command *command, const struct backup_report *report,
                         const char *target, double seconds)
{
    const struct physical_report *physical = &report->physical;
    char size[FORMAT_SIZE], duration[FORMAT_SIZE];

    format_size(report->bytes, size);
    format_seconds(seconds, duration);
    command_say(command, "backed up %s in %" PRIu64 " file%s to %s in %s", size, report->files,
                TEXT_S(report->files), target, duration);
    command_say(command, "positions %s to %s on timeline %" PRIu32, physical->start_lsn,
                physical->stop_lsn, physical->stop_timeline);
    if (physical->has_tablespaces_note)
        command_say(command, "the cluster has tablespaces: \"pgcask restore\" puts them where they "
                             "belong; after copying /data and /tablespaces by other means, run "
                             "\"pgcask relocate --in-place\" on the data directory");
    if (physical->configuration_unseen && !physical->configuration_unforeseen)
        command_say(command,
                    "this role may not see where config_file, hba_file and ident_file lie; outside "
                    "the data directory they are not in the backup:  " ERROR_OURS("%s"),
                    physical->configuration_remedy);
}

/* Who chose the database where the URI names none. */
static const char *chosen_by(const struct wire_settings *settings)
{
    switch (wire_settings_database_from(settings)) {
    case WIRE_DATABASE_OF_ENVIRONMENT:
        return " (named by the environment)";
    case WIRE_DATABASE_LIKE_USER:
    case WIRE_DATABASE_NAMED:
        break;
    }
    return "";
}

static void say_logical(const struct command *command, const struct backup_request *request,
                        const struct backup_report *report, const char *target, double seconds)
{
    const struct logical_report *logical = &report->logical;
    char size[FORMAT_SIZE], duration[FORMAT_SIZE];

    format_size(report->bytes, size);
    format_seconds(seconds, duration);
    if (logical->several)
        command_say(
            command, "backed up %zu database%s, %" PRIu64 " row%s of %zu table%s, %s to %s in %s",
            logical->databases, TEXT_S(logical->databases), logical->rows, TEXT_S(logical->rows),
            logical->tables, TEXT_S(logical->tables), size, target, duration);
    else
        command_say(
            command, "backed up database %s%s, %" PRIu64 " row%s of %zu table%s, %s to %s in %s",
            logical->database, chosen_by(request->settings), logical->rows, TEXT_S(logical->rows),
            logical->tables, TEXT_S(logical->tables), size, target, duration);
    if (logical->several && logical->databases_together == 0)
        command_say(command, "each of them is of a moment of its own: they came one after the "
                             "other");
    else if (logical->several && logical->databases_together < logical->databases)
        command_say(command, "%zu of them are of one moment, the others came one after the other",
                    logical->databases_together);
    if (logical->partial)
        command_say(command, "this is a partial backup: what was to be left out is not in it");
}

/* What a cluster's copy lacks, and what was wrong on the server. */
static void warn(struct command *command, const struct physical_report *physical)
{
    if (physical->configuration_unforeseen)
        console_warning(
            command->console,
            "configuration files of the server are not in the backup: %s\nhint: " ERROR_OURS("%s"),
            physical->configuration_missing_list, physical->configuration_remedy);
    if (physical->checksum_failures == 0)
        return;
    command->problems = true;
    console_warning(command->console,
                    "page checksum failures reported by the server: %zu; the backup was kept "
                    "and lists them. The first: %s",
                    physical->checksum_failures, physical->checksum_failure_first);
}

void backup_result_tell(struct command *command, const struct backup_request *request,
                        const struct backup_report *report, const struct backup_target *target,
                        double seconds)
{
    const char *shown = backup_target_shown(target);

    if (request->physical) {
        fill_physical(command->result, report, seconds);
        say_physical(command, report, shown, seconds);
    } else {
        fill_logical(command->result, report, seconds);
        say_logical(command, request, report, shown, seconds);
    }
    command_say_unavailable(command, report->manifest_unavailable);
    warn(command, &report->physical);
}
