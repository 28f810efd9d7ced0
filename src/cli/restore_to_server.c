/* pgcask restore into databases of a server. */
#include "cli/restore_to_server.h"

#include "cli/format.h"
#include "cli/location.h"
#include "cli/server_uri.h"

#include "base/text.h"
#include "base/utf8.h"
#include "restore/logical_restore.h"

#include <inttypes.h>

static void say_failure(void *context, const char *database, const struct target_failure *failure)
{
    const struct command *command = context;

    (void)database;
    if (failure->harmless != NULL)
        return;
    if (failure->position > 0)
        console_warning(command->console, "%s: %s (SQLSTATE %s, at character %u)", failure->object,
                        failure->message, failure->sqlstate, failure->position);
    else
        console_warning(command->console, "%s: %s (SQLSTATE %s)", failure->object, failure->message,
                        failure->sqlstate);
}

static void fill_result(json_t *result, const struct logical_restore_report *report)
{
    result_set_known(result, "kind", "logical");
    result_set_known(result, "database", report->database);
    result_set(result, "seconds", json_real(report->seconds));
    result_set_number(result, "bytes", report->bytes);
    result_set_number(result, "rows", report->rows);
    result_set_number(result, "objects", report->objects);
    result_set_number(result, "failures", report->failures);
    result_set_number(result, "harmless_failures", report->harmless);
}

static void say_result(struct command *command, const struct logical_restore_report *report)
{
    char size[FORMAT_SIZE], duration[FORMAT_SIZE];

    format_size(report->bytes, size);
    format_seconds(report->seconds, duration);
    command_say(command,
                "restored %" PRIu64 " object%s and %" PRIu64 " row%s (%s) into \"%s\" in %s",
                report->objects, TEXT_S(report->objects), report->rows, TEXT_S(report->rows), size,
                report->database, duration);
    if (report->harmless > 0)
        command_say(command, "statements that failed and change nothing: %" PRIu64,
                    report->harmless);
    if (report->passed_over > 0)
        command_say(command, "tables whose rows were passed over: %" PRIu64, report->passed_over);
    if (report->failures == 0)
        return;
    command->problems = true;
    console_warning(command->console, "statements that failed: %" PRIu64 "; they are named above",
                    report->failures);
}

static void say_found(const struct command *command, const struct preflight_report *found)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct preflight_finding *finding = &found->findings[i];

        console_warning(command->console, "%s%s%s", finding->message,
                        finding->remedy[0] != '\0' ? "; " : "", finding->remedy);
    }
}

static bool restore(struct command *command, const struct server_uri *server,
                    const struct location *from, struct error *err)
{
    const struct restore_request request = {
        .settings = server->settings,
        .cancel = command->cancel,
        .log = &command->console->log,
        .on_failure = say_failure,
        .context = command,
    };
    const struct restore_input input = {.name = from->name, .place = from->place};
    struct logical_restore_report report;
    bool done = logical_restore_run(&request, &input, &report, err);

    say_found(command, &report.preflight);
    fill_result(command->result, &report);
    if (done)
        say_result(command, &report);
    logical_restore_report_reset(&report);
    return done;
}

bool restore_to_server(struct command *command, struct error *err)
{
    struct server_uri server;
    struct location from;
    bool done;

    if (!location_of_source(&from, command_argument(command, 0), err) ||
        !server_uri_open(&server, command, command_text(command, "to"),
                         options_text(command->options, "to"), err))
        return false;
    if (server.physical) {
        error_set(err, ERROR_USAGE, "--to names a server for physical backups");
        error_hint(err, "A dump is restored over SQL: --to postgres://HOST/DATABASE");
        done = false;
    } else {
        done = restore(command, &server, &from, err);
    }
    server_uri_reset(&server);
    return done;
}
