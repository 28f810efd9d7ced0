/* pgcask restore to standard output or into a .sql file: the script that psql would run. */
#include "cli/restore_to_sql.h"

#include "cli/format.h"
#include "cli/location.h"
#include "cli/progress.h"
#include "cli/restore_to_server.h"
#include "cli/sql_target.h"

#include "base/error_names.h"
#include "base/text.h"
#include "restore/logical_text.h"

#include <string.h>

struct sql_writing {
    struct command *command;
    struct sql_target target;
    struct progress progress;
    bool going; /* something of the archive was written */
};

/* ---- Before the work ---- */

/* A result in between would be taken for SQL. */
static bool check_output(struct command *command, const char *target, struct error *err)
{
    static const char *const of_servers[] = {"password-command", "no-password"};

    for (size_t i = 0; i < sizeof(of_servers) / sizeof(of_servers[0]); i++) {
        if (!options_given(command->options, of_servers[i]))
            continue;
        error_set(err, ERROR_USAGE, "--%s is for a restore into a server", of_servers[i]);
        return error_hint(err, "Nobody is asked for a password: leave the option out.");
    }
    if (strcmp(target, "-") != 0)
        return true;
    if (command->out != NULL)
        command->out = stderr;
    return command_leave_output(command, err);
}

/* ---- The work ---- */

static bool write_bytes(void *context, struct slice bytes, struct error *err)
{
    struct sql_writing *writing = context;
    const struct record_observer *observer = &writing->progress.observer;

    if (!writing->going)
        progress_set_phase(&writing->progress, "writing SQL");
    writing->going = true;
    observer->bytes_moved(observer->context, bytes.len);
    return sql_target_write(&writing->target, bytes, err);
}

static void tell(struct sql_writing *writing, const struct logical_text_report *report)
{
    const struct command *command = writing->command;
    double seconds = progress_seconds(&writing->progress);
    char size[FORMAT_SIZE], duration[FORMAT_SIZE];
    json_t *result = command->result;

    result_set_text(result, "kind",
                    report->layout[0] != '\0'               ? "logical"
                    : strcmp(report->format, "script") == 0 ? "script"
                                                            : "archive");
    result_set_known(result, "layout", report->layout);
    result_set_known(result, "format", report->format);
    if (report->databases == 1)
        result_set_known(result, "database", report->database);
    result_set(result, "seconds", json_real(seconds));
    result_set_number(result, "script_databases", report->databases);
    result_set_number(result, "script_bytes", report->bytes);
    format_size(report->bytes, size);
    format_seconds(seconds, duration);
    command_say(command, "wrote %s of SQL, of %zu database%s, to %s in %s", size, report->databases,
                TEXT_S(report->databases),
                writing->target.path == NULL ? "standard output" : writing->target.path, duration);
}

static bool write_sql(struct sql_writing *writing, const struct restore_request *request,
                      const struct location *from, struct error *err)
{
    const struct restore_input input = {.name = from->name, .place = from->place};
    const struct archive_text_out out = {writing, write_bytes};
    struct command *command = writing->command;
    struct logical_text_report report;
    bool done;

    if (!progress_start(&writing->progress, command->console, command->quiet, "reading", err))
        return false;
    done = logical_text_write(request, &input, &out, &report, err) &&
           sql_target_finish(&writing->target, err);
    progress_stop(&writing->progress);
    if (done)
        tell(writing, &report);
    return done;
}

bool restore_to_sql(struct command *command, struct error *err)
{
    const char *name = command_text(command, "to");
    struct sql_writing writing = {.command = command};
    struct restore_request request = {.cancel = command->cancel, .log = &command->console->log};
    struct location from;
    bool done;

    if (!check_output(command, name, err) || !restore_read_request(&request, command, err) ||
        !logical_text_check(&request, err) ||
        !location_of_source(&from, command_argument(command, 0), err) ||
        !sql_target_open(&writing.target, name, command->cancel, err))
        return false;
    done = write_sql(&writing, &request, &from, err);
    sql_target_reset(&writing.target);
    return done;
}
