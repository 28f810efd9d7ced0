/* pgcask verify. */
#include "cli/archive_report.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/location.h"
#include "cli/near_miss.h"
#include "cli/progress.h"
#include "cli/script_report.h"
#include "cli/verify_by_restore.h"

#include "base/text.h"
#include "restore/backup_source.h"
#include "restore/db_source.h"
#include "restore/restore.h"

#include <inttypes.h>
#include <string.h>

#define PROBLEMS_MAX 10000 /* in the result */
#define PROBLEMS_SAID 20   /* without --verbose */

struct verification {
    struct command *command;
    struct location from;
    json_t *problems;
    bool verbose;   /* every problem is said */
    uint64_t found; /* problems so far */
    bool loose;     /* there is no manifest.json */
};

static void note_problem(void *context, enum verify_problem kind, const char *path,
                         const char *problem)
{
    struct verification *verification = context;

    if (verification->found++ < PROBLEMS_SAID || verification->verbose)
        console_problem(verification->command->console, path, problem);
    if (verification->command->result != NULL &&
        json_array_size(verification->problems) < PROBLEMS_MAX) {
        json_t *object = json_object();

        result_set_text(object, "path", path);
        result_set_text(object, "kind", verify_problem_name(kind));
        result_set(object, "problem", result_message(problem));
        json_array_append_new(verification->problems, object);
    }
}

static void say_more_problems(const struct verification *verification)
{
    if (verification->found <= PROBLEMS_SAID || verification->verbose)
        return;
    console_message(
        verification->command->console, "and %" PRIu64 " more problem%s; --verbose names them all",
        verification->found - PROBLEMS_SAID, TEXT_S(verification->found - PROBLEMS_SAID));
}

static struct record_source *reopen(void *context, struct error *err)
{
    struct verification *verification = context;

    return backup_source_open(&verification->from.place, verification->command->cancel, err);
}

static void fill_result(json_t *result, const struct verify_report *report, double seconds)
{
    result_set_known(result, "kind", report->kind);
    result_set(result, "seconds", json_real(seconds));
    result_set_number(result, "bytes", report->bytes);
    result_set_number(result, "files", report->files);
    result_set_number(result, "problem_count", report->problems);
    if (strcmp(report->kind, "logical") == 0) {
        result_set_known(result, "layout", report->layout);
        result_set_known(result, "database", report->database);
        if (report->databases > 0)
            result_set_number(result, "database_count", report->databases);
        result_set_flag(result, "digests", !report->without_summary);
        result_set_number(result, "rows", report->rows);
        result_set_known(result, "finished_at", report->finished_at);
        return;
    }
    if (strcmp(report->kind, "data_directory") != 0)
        result_set_number(result, "checksum_failures", report->checksum_failures);
    result_set_known(result, "system_identifier", report->system_identifier);
    result_set_known(result, "start_lsn", report->start_lsn);
    result_set_known(result, "stop_lsn", report->stop_lsn);
    result_set_number(result, "stop_timeline", report->stop_timeline);
    result_set_known(result, "finished_at", report->finished_at);
}

static void say_whole_logical(const struct command *command, const struct verify_report *report,
                              bool loose)
{
    char what[sizeof(report->database) + 32];

    if (report->databases > 0)
        snprintf(what, sizeof(what), "%zu database%s", report->databases,
                 TEXT_S(report->databases));
    else
        snprintf(what, sizeof(what), "database %s", report->database);
    if (!report->without_summary) {
        command_say(command, "finished at %s, %s, %" PRIu64 " row%s", report->finished_at, what,
                    report->rows, TEXT_S(report->rows));
        return;
    }
    command_say(command,
                "%s, %" PRIu64 " row%s counted; every archive is there and was unpacked "
                "to its end",
                what, report->rows, TEXT_S(report->rows));
    command_say(command,
                "%s, and so no digests: what was changed within a row or a script may not be seen "
                "here%s",
                loose ? "there is neither manifest.json nor summary.json"
                      : "this layout has no summary.json",
                loose ? ", nor whether a database is missing"
                      : "; the snapshot it was restored from has its own");
}

static void say_whole(const struct verification *verification, const struct verify_report *report,
                      double seconds)
{
    const struct command *command = verification->command;
    char size[FORMAT_SIZE], duration[FORMAT_SIZE];

    format_size(report->bytes, size);
    format_seconds(seconds, duration);
    command_say(command, "%s: %s, %" PRIu64 " file%s, %s, read in %s",
                report->without_summary ? "what it holds is undamaged" : "the backup is complete",
                report->kind, report->files, TEXT_S(report->files), size, duration);
    if (strcmp(report->kind, "logical") == 0) {
        say_whole_logical(command, report, verification->loose);
        return;
    }
    command_say(command, "finished at %s, positions %s to %s on timeline %" PRIu32,
                report->finished_at, report->start_lsn, report->stop_lsn, report->stop_timeline);
    if (report->checksum_failures > 0)
        console_warning(command->console,
                        "page checksum failures reported by the server when this backup was made: "
                        "%zu; this copy matches what the server had",
                        report->checksum_failures);
}

static bool verify_backup(struct verification *verification, struct record_source *source,
                          struct progress *progress, struct error *err)
{
    struct command *command = verification->command;
    struct verify_options options = {
        .problem = note_problem,
        .context = verification,
        .observer = &progress->observer,
        .cancel = command->cancel,
        .log = &command->console->log,
        .may_lack_manifest = true,
        .reopen = verification->from.place.kind == PLACE_TAR_STREAM ? NULL : reopen,
    };
    struct verify_report report = {0};
    bool done = backup_verify(source, &options, &report, err);

    progress_stop(progress);
    fill_result(command->result, &report, progress_seconds(progress));
    if (done)
        say_whole(verification, &report, progress_seconds(progress));
    return done;
}

/* ---- A lone script ---- */

static bool verify_script(struct verification *verification, struct record_source *source,
                          struct progress *progress, struct error *err)
{
    struct command *command = verification->command;
    struct script_report report = {.command = command, .observer = &progress->observer};
    bool done = script_report_read(&report, tar_source_raw_reader(source), err);
    char size[FORMAT_SIZE], duration[FORMAT_SIZE];

    progress_stop(progress);
    script_report_fill(&report);
    result_set(command->result, "seconds", json_real(progress_seconds(progress)));
    result_set_number(command->result, "rows", report.rows);
    result_set_number(command->result, "problem_count", !done);
    if (!done) {
        if (err->code != ERROR_CORRUPT)
            return false;
        note_problem(verification, VERIFY_DAMAGED, verification->from.name, err->message);
        return error_set(err, ERROR_CORRUPT, "the script is damaged or incomplete");
    }
    format_size(report.bytes, size);
    format_seconds(progress_seconds(progress), duration);
    command_say(command, "the script is read to its end: %s, %" PRIu64 " row%s copied, in %s", size,
                report.rows, TEXT_S(report.rows), duration);
    command_say(command,
                report.known
                    ? "its last comment says that it is complete; what was changed within it may "
                      "not be seen, for a script has no checksums"
                    : "nothing in it says what it is: it may have been cut off between two "
                      "statements");
    return true;
}

/* ---- A lone archive ---- */

static void fill_archive_result(json_t *result, const struct archive_report *report, double seconds)
{
    if (result == NULL)
        return;
    result_set_text(result, "kind", "archive");
    result_set(result, "seconds", json_real(seconds));
    result_set_number(result, "rows", report->scan.rows);
    result_set_number(result, "data_bytes", report->scan.data_bytes);
    result_set_number(result, "problem_count", report->scan.problems);
    json_object_update(result, report->object);
}

static void say_whole_archive(const struct command *command, const struct archive_report *report,
                              double seconds)
{
    char size[FORMAT_SIZE], duration[FORMAT_SIZE];

    format_size(report->scan.data_bytes, size);
    format_seconds(seconds, duration);
    command_say(command,
                "the archive is complete: %" PRIu64 " entr%s, the data of %" PRIu64
                " unpacked to the end, %s, read in %s",
                report->scan.entries, report->scan.entries == 1 ? "y" : "ies",
                report->scan.entries_with_data, size, duration);
    command_say(command,
                "%" PRIu64
                " row%s counted; an archive has no checksums of its own: what was changed "
                "within a row may not be seen",
                report->scan.rows, TEXT_S(report->scan.rows));
}

static bool verify_archive(struct verification *verification, struct record_source *source,
                           enum archive_kind archive, struct progress *progress, struct error *err)
{
    struct command *command = verification->command;
    struct archive_report report;
    bool done;

    archive_report_init(&report, command);
    report.scan.observer = &progress->observer;
    report.scan.problem = note_problem;
    report.scan.context = verification;
    done = archive == ARCHIVE_CUSTOM ? archive_report_custom(&report, verification->from.name,
                                                             tar_source_raw_reader(source), err)
                                     : archive_report_files(&report, source, err);
    progress_stop(progress);
    fill_archive_result(command->result, &report, progress_seconds(progress));
    done = done && archive_scan_check(&report.scan, err);
    if (done)
        say_whole_archive(command, &report, progress_seconds(progress));
    archive_report_reset(&report);
    return done;
}

/* ---- A data directory with a backup_manifest ---- */

static void say_whole_copy(const struct verification *verification,
                           const struct verify_report *report, double seconds)
{
    const struct command *command = verification->command;
    char size[FORMAT_SIZE], duration[FORMAT_SIZE], above[QUOTE_PATH_SIZE];

    format_size(report->bytes, size);
    format_seconds(seconds, duration);
    command_say(command,
                "%s is a data directory with the server's backup_manifest: %" PRIu64
                " file%s verified, %s, read in %s",
                verification->from.name, report->files, TEXT_S(report->files), size, duration);
    command_say(command, "WAL is not covered; a server needs it from %s to %s on timeline %" PRIu32,
                report->start_lsn, report->stop_lsn, report->stop_timeline);
    if (near_miss_find_backup_above(verification->from.name, above))
        command_say(command,
                    "it is a part of a backup, which is verified with its WAL by:  "
                    "pgcask verify %s",
                    above);
}

static bool verify_copy(struct verification *verification, struct error *err)
{
    struct command *command = verification->command;
    struct verify_report report = {0};
    struct progress progress;
    bool done;

    if (!progress_start(&progress, command->console, command->quiet, "reading", err))
        return false;
    location_follow(&verification->from, command, NULL, &progress);
    done = data_directory_verify(verification->from.name,
                                 near_miss_is_data_of_backup(verification->from.name),
                                 &(struct verify_options){.problem = note_problem,
                                                          .context = verification,
                                                          .observer = &progress.observer,
                                                          .cancel = command->cancel,
                                                          .log = &command->console->log},
                                 &report, err);
    progress_stop(&progress);
    fill_result(command->result, &report, progress_seconds(&progress));
    if (done)
        say_whole_copy(verification, &report, progress_seconds(&progress));
    else if (err->code == ERROR_CORRUPT && near_miss_was_started(verification->from.name))
        error_hint(err, "A server was started on it since it was made: then it differs.");
    return done;
}

static bool verify(struct verification *verification, struct error *err)
{
    struct command *command = verification->command;
    bool is_folder = verification->from.place.kind == PLACE_DIRECTORY, script = false;
    enum archive_kind archive = ARCHIVE_NONE;
    struct record_source *source;
    struct progress progress;
    bool done;

    verification->loose = is_folder && near_miss_lacks_manifest(verification->from.name);
    source = backup_source_open(&verification->from.place, command->cancel, err);
    if (source == NULL)
        return false;
    if (!backup_source_find_archive(&verification->from.place, source, &archive, err) ||
        (archive == ARCHIVE_NONE && !script_report_is_script(source, is_folder, &script, err)) ||
        (archive == ARCHIVE_NONE && !script && !verification->loose &&
         !near_miss_check_source(verification->from.name, is_folder, source, "verify -", err)) ||
        !progress_start(&progress, command->console, command->quiet, "reading", err)) {
        source_close(source);
        return false;
    }
    location_follow(&verification->from, command, source, &progress);
    if (archive == ARCHIVE_NONE && !script) {
        if (verification->loose)
            source = db_source_new(source, err);
        return source != NULL && verify_backup(verification, source, &progress, err);
    }
    if (script) {
        done = verify_script(verification, source, &progress, err);
        source_close(source);
        return done;
    }
    done = verify_archive(verification, source, archive, &progress, err);
    source_close(source);
    return done;
}

bool command_verify(struct command *command, struct error *err)
{
    struct verification verification = {.command = command};
    bool done;

    result_set_text(command->result, "source", options_argument(command->options, 0));
    if (options_given(command->options, "restore-to"))
        return verify_by_restore(command, err);
    if (!verify_by_restore_check_unused(command, err) ||
        !location_of_source(&verification.from, command_argument(command, 0), err))
        return false;
    verification.problems = json_array();
    verification.verbose = options_flag(command->options, "verbose");
    if (verification.from.place.kind == PLACE_DIRECTORY &&
        near_miss_is_copy(verification.from.name))
        done = near_miss_check_finished(verification.from.name, true, err) &&
               verify_copy(&verification, err);
    else
        done = verify(&verification, err);
    say_more_problems(&verification);
    result_set(command->result, "problems", verification.problems);
    return done;
}
