/* pgcask verify --restore-to: databases are made for it, compared and dropped by trial/trial.h;
 * here is what is asked for, and what is told. */
#include "cli/verify_by_restore.h"

#include "cli/format.h"
#include "cli/location.h"
#include "cli/preflight.h"
#include "cli/progress.h"
#include "cli/server_uri.h"

#include "base/error_names.h"
#include "base/text.h"
#include "trial/trial.h"

#include <inttypes.h>
#include <string.h>

#define DIFFERENCES_MAX 10000 /* in the result */
#define DIFFERENCES_SAID 20   /* without --verbose */

struct verification {
    struct command *command;
    struct trial_report report;
    struct progress progress;
    json_t *differences, *notes;
    uint64_t found;
    size_t told; /* of the plan's findings */
    bool verbose;
};

/* ---- While it runs ---- */

static const char *kind_name(enum trial_problem kind)
{
    static const char *const names[] = {
        [TRIAL_FAILED] = "not_restored", [TRIAL_MISSING] = "missing", [TRIAL_MORE] = "unexpected",
        [TRIAL_DIFFERENT] = "changed",   [TRIAL_ROWS] = "rows",
    };

    return names[kind];
}

static void take_problem(void *context, enum trial_problem kind, const char *database,
                         const char *object, const char *problem)
{
    struct verification *verification = context;

    if (verification->found++ < DIFFERENCES_SAID || verification->verbose)
        console_problem(verification->command->console, object, problem);
    if (verification->command->result != NULL &&
        json_array_size(verification->differences) < DIFFERENCES_MAX) {
        json_t *told = json_object();

        result_set_text(told, "database", database);
        result_set_text(told, "object", object);
        result_set_text(told, "kind", kind_name(kind));
        result_set(told, "message", result_message(problem));
        json_array_append_new(verification->differences, told);
    }
}

static void take_note(void *context, const char *database, const char *note)
{
    struct verification *verification = context;

    if (database[0] == '\0')
        console_message(verification->command->console, "%s", note);
    else
        console_message(verification->command->console, "database \"%s\": %s", database, note);
    if (verification->command->result != NULL)
        json_array_append_new(verification->notes, result_message(note));
}

static void take_phase(void *context, const char *phase)
{
    struct verification *verification = context;

    progress_set_phase(&verification->progress, phase);
}

static void say_found(struct verification *verification)
{
    const struct preflight_report *found = &verification->report.restore.preflight;

    for (; verification->told < found->count; verification->told++)
        preflight_tell_finding(verification->command, &found->findings[verification->told]);
}

static void take_plan(void *context, const struct restore_plan *plan)
{
    (void)plan;
    say_found(context);
}

/* ---- What came of it ---- */

static void fill_result(const struct verification *verification)
{
    const struct trial_report *report = &verification->report;
    json_t *result = verification->command->result;

    if (result == NULL)
        return;
    result_set_known(result, "kind",
                     report->restore.layout[0] != '\0'               ? "logical"
                     : strcmp(report->restore.format, "script") == 0 ? "script"
                                                                     : "archive");
    result_set_known(result, "layout", report->restore.layout);
    result_set_known(result, "format", report->restore.format);
    result_set(result, "seconds", json_real(report->restore.seconds));
    result_set_number(result, "databases_compared", report->databases);
    result_set_number(result, "entries", report->entries);
    result_set_number(result, "tables", report->tables);
    result_set_number(result, "rows", report->rows);
    result_set_number(result, "large_objects", report->large_objects);
    result_set_flag(result, "by_name", report->by_name);
    result_set_number(result, "problem_count", 0);
    result_set(result, "problems", json_array());
    result_set_number(result, "difference_count", report->problems);
    result_set(result, "differences", json_incref(verification->differences));
    result_set(result, "not_compared", json_incref(verification->notes));
    result_set_known(result, "left_databases", report->left);
}

static void say_compared(const struct verification *verification)
{
    const struct trial_report *report = &verification->report;
    char duration[FORMAT_SIZE];

    format_seconds(report->restore.seconds, duration);
    command_say(verification->command,
                "%" PRIu64 " database%s restored, compared and dropped again in %s: %" PRIu64
                " entr%s, %" PRIu64 " row%s of %" PRIu64 " table%s, %" PRIu64 " large object%s",
                report->databases, TEXT_S(report->databases), duration, report->entries,
                report->entries == 1 ? "y" : "ies", report->rows, TEXT_S(report->rows),
                report->tables, TEXT_S(report->tables), report->large_objects,
                TEXT_S(report->large_objects));
}

static void say_result(struct verification *verification)
{
    struct command *command = verification->command;

    if (verification->found > DIFFERENCES_SAID && !verification->verbose)
        console_message(
            command->console, "and %" PRIu64 " more difference%s; --verbose names them all",
            verification->found - DIFFERENCES_SAID, TEXT_S(verification->found - DIFFERENCES_SAID));
    say_compared(verification);
    command->problems = verification->report.problems > 0;
    if (command->problems)
        command_say(command,
                    "what was restored is not what was backed up: %" PRIu64 " difference%s",
                    verification->report.problems, TEXT_S(verification->report.problems));
    else
        command_say(command, "what was restored is equal to what was backed up");
}

/* ---- The work ---- */

static bool judge(const struct verification *verification, struct error *err)
{
    const struct preflight_report *found = &verification->report.restore.preflight;
    size_t fatal = 0;

    for (size_t i = 0; i < found->count; i++)
        fatal += found->findings[i].fatal;
    if (fatal == 0 || err->code != ERROR_REFUSED)
        return false;
    error_set(err, ERROR_REFUSED, "it cannot be restored to be verified: %s",
              fatal == 1 ? "something would make that fail"
                         : "several things would make that fail");
    return error_hint(err, "How to fix %s is said above.", fatal == 1 ? "it" : "each of them");
}

static bool run(struct verification *verification, const struct server_uri *server,
                struct error *err)
{
    struct command *command = verification->command;
    struct progress *progress = &verification->progress;
    struct trial_request request = {
        .restore = {.cancel = command->cancel,
                    .log = &command->console->log,
                    .on_plan = take_plan,
                    .observer = &progress->observer,
                    .progress = command->quiet ? NULL : &progress->restored,
                    .context = verification},
        .problem = take_problem,
        .note = take_note,
        .phase = take_phase,
        .context = verification,
    };
    struct location from;
    struct restore_input input;
    bool done;

    if (!location_of_source(&from, command_argument(command, 0), err) ||
        !progress_start(progress, command->console, command->quiet, "looking at the server", err))
        return false;
    progress_follow_restore(progress);
    options_fill(command->options, &request.restore);
    request.restore.jobs = (unsigned)options_number(command->options, "jobs");
    if (options_given(command->options, "spool-dir"))
        request.restore.spool_directory = command_text(command, "spool-dir");
    if (options_given(command->options, "search-path"))
        request.restore.search_path = command_text(command, "search-path");
    request.restore.settings = server->settings;
    input = (struct restore_input){.name = from.name, .place = from.place};
    verification->differences = json_array();
    verification->notes = json_array();
    done = trial_run(&request, &input, &verification->report, err);
    progress_stop(progress);
    say_found(verification);
    fill_result(verification);
    if (done)
        say_result(verification);
    else
        judge(verification, err);
    json_decref(verification->differences);
    json_decref(verification->notes);
    trial_report_reset(&verification->report);
    return done;
}

bool verify_by_restore(struct command *command, struct error *err)
{
    struct verification verification = {.command = command,
                                        .verbose = options_flag(command->options, "verbose")};
    struct server_uri server;
    bool done;

    result_set_text(command->result, "target", options_text(command->options, "restore-to"));
    if (!server_uri_open(&server, command, command_text(command, "restore-to"),
                         options_text(command->options, "restore-to"), err))
        return false;
    if (server.physical) {
        error_set(err, ERROR_USAGE, "%s names a server for physical backups", "--restore-to");
        error_hint(err, "A dump is restored over SQL: --restore-to postgres://HOST");
        done = false;
    } else {
        done = run(&verification, &server, err);
    }
    server_uri_reset(&server);
    return done;
}

bool verify_by_restore_check_unused(const struct command *command, struct error *err)
{
    static const char *const of_servers[] = {"password-command",  "no-password",   "jobs",
                                             "no-owner",          "no-privileges", "databases",
                                             "exclude-databases", "spool-dir",     "search-path"};

    for (size_t i = 0; i < sizeof(of_servers) / sizeof(of_servers[0]); i++) {
        if (!options_given(command->options, of_servers[i]))
            continue;
        error_set(err, ERROR_USAGE, "--%s is for --restore-to", of_servers[i]);
        return error_hint(err, "Name the server that databases are made on, or leave it out.");
    }
    return true;
}
