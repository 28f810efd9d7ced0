/* pgcask restore into databases of a server: what is asked for, and what is told while it runs;
 * what came of it is restore_result.h. */
#include "cli/restore_to_server.h"

#include "cli/location.h"
#include "cli/near_miss.h"
#include "cli/preflight.h"
#include "cli/progress.h"
#include "cli/restore_result.h"
#include "cli/server_uri.h"

#include "restore/restore_plan.h"

#include <stdio.h>
#include <string.h>

struct restoring {
    struct command *command;
    struct logical_restore_report report;
    struct progress progress;
    size_t told; /* of its findings */
};

/* ---- While it runs ---- */

/* What the server was doing is where the row is that it did not take. */
static void say_failure(void *context, const char *database, const struct target_failure *failure)
{
    const struct command *command = ((const struct restoring *)context)->command;
    bool both = failure->detail[0] != '\0' && failure->context[0] != '\0';
    char place[32] = "";
    struct error told;

    if (failure->harmless != NULL)
        return;
    if (failure->position > 0)
        snprintf(place, sizeof(place), ", at character %u", failure->position);
    if (database[0] == '\0') /* of the whole server */
        error_set(&told, ERROR_SERVER, "%s: %s (SQLSTATE %s%s)", failure->object, failure->message,
                  failure->sqlstate, place);
    else
        error_set(&told, ERROR_SERVER, "\"%s\": %s: %s (SQLSTATE %s%s)", database, failure->object,
                  failure->message, failure->sqlstate, place);
    error_detail(&told, "%s%s%s", failure->detail, both ? "\n" : "", failure->context);
    error_hint(&told, ERROR_OURS("%s"), failure->hint);
    console_failure(command->console, &told);
}

static void say_found(struct restoring *restoring)
{
    const struct preflight_report *found = &restoring->report.preflight;

    for (; restoring->told < found->count; restoring->told++)
        preflight_tell_finding(restoring->command, &found->findings[restoring->told]);
}

/* What was found on the way to it is known then. */
static void say_plan(void *context, const struct restore_plan *plan)
{
    struct restoring *restoring = context;

    if (options_flag(restoring->command->options, "dry-run"))
        restore_result_plan(restoring->command, plan);
    say_found(restoring);
    if (!options_flag(restoring->command->options, "dry-run"))
        progress_set_phase(&restoring->progress, "restoring");
}

/* ---- What is asked for ---- */

/* What the option table holds of a text may be fit for messages only. */
static void take_typed(const struct command *command, const char *name, const char **member)
{
    if (options_given(command->options, name))
        *member = command_text(command, name);
}

bool restore_read_request(struct restore_request *request, const struct command *command,
                          struct error *err)
{
    if (!options_check_scope(command->options, OPTION_OF_LOGICAL, err) ||
        !restore_request_read(request, command->options, err))
        return false;
    take_typed(command, "database", &request->database);
    take_typed(command, "role", &request->role);
    take_typed(command, "search-path", &request->search_path);
    take_typed(command, "list-file", &request->list_file);
    take_typed(command, "spool-dir", &request->spool_directory);
    return true;
}

/* ---- The work ---- */

static bool may_be_backup(void *context, struct record_source *source, struct error *err)
{
    const struct location *from = context;
    bool is_folder = from->place.kind == PLACE_DIRECTORY;

    if (is_folder && near_miss_is_of_stock_tools(from->name))
        return near_miss_check_finished(from->name, true, err);
    return near_miss_check_source(from->name, is_folder, source,
                                  "restore - --to postgres://HOST/DATABASE", err);
}

/* What keeps it from being begun has been said, each with what mends it. */
static bool judge(const struct logical_restore_report *report, struct error *err)
{
    const struct preflight_report *found = &report->preflight;
    size_t fatal = 0;

    for (size_t i = 0; i < found->count; i++)
        fatal += found->findings[i].fatal;
    if (fatal == 0 || err->code != ERROR_REFUSED)
        return false;
    if (report->ended == 0)
        error_set(err, ERROR_REFUSED, "the restore was not begun: %s",
                  fatal == 1 ? "something would make it fail"
                             : "several things would make it fail");
    else
        error_set(err, ERROR_REFUSED,
                  "the restore of \"%s\" was not begun; %zu database%s restored before: %s",
                  report->database, report->ended, report->ended == 1 ? " was" : "s were",
                  report->ended_names);
    return error_hint(err, "How to fix %s is said above.", fatal == 1 ? "it" : "each of them");
}

static bool restore(struct restoring *restoring, struct restore_request *request,
                    struct location *from, struct error *err)
{
    const struct restore_input input = {
        .name = from->name, .place = from->place, .may_be_backup = may_be_backup, .context = from};
    struct logical_restore_report *report = &restoring->report;
    struct progress *progress = &restoring->progress;
    bool done;

    if (!progress_start(progress, restoring->command->console, restoring->command->quiet,
                        "looking at the server", err))
        return false;
    progress_follow_restore(progress);
    request->observer = &progress->observer;
    request->progress = restoring->command->quiet ? NULL : &progress->restored;
    done = logical_restore_run(request, &input, report, err);
    progress_stop(progress);
    say_found(restoring);
    restore_result_fill(restoring->command->result, report);
    if (done)
        restore_result_say(restoring->command, report);
    else
        judge(report, err);
    logical_restore_report_reset(report);
    return done;
}

bool restore_to_server(struct command *command, struct error *err)
{
    struct restoring restoring = {.command = command};
    struct restore_request request = {
        .cancel = command->cancel,
        .log = &command->console->log,
        .on_failure = say_failure,
        .on_plan = say_plan,
        .plan_lists = command->result != NULL,
        .context = &restoring,
    };
    struct server_uri server;
    struct location from;
    bool done;

    if (!restore_read_request(&request, command, err) ||
        !location_of_source(&from, command_argument(command, 0), err) ||
        !server_uri_open(&server, command, command_text(command, "to"),
                         options_text(command->options, "to"), err))
        return false;
    request.settings = server.settings;
    if (server.physical) {
        error_set(err, ERROR_USAGE, "--to names a server for physical backups");
        error_hint(err, "A dump is restored over SQL: --to postgres://HOST/DATABASE");
        done = false;
    } else {
        done = restore(&restoring, &request, &from, err);
    }
    server_uri_reset(&server);
    return done;
}
