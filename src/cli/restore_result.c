/* The report of a restore into a server. Failures have been told one by one while it ran; the
 * result has the first of them, and how many there were. */
#include "cli/restore_result.h"

#include "cli/format.h"

#include "base/text.h"
#include "base/utf8.h"
#include "restore/restore_plan.h"

#include <inttypes.h>
#include <string.h>

/* ---- A plan ---- */

static void say_lines(const struct command *command, char *text)
{
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        command_say(command, "%s", line);
}

void restore_result_plan(const struct command *command, const struct restore_plan *plan)
{
    json_t *all = json_object_get(command->result, "plan");
    json_t *planned = command->result == NULL ? NULL : restore_plan_to_json(plan, true);
    json_t *globals = command->result == NULL ? NULL : restore_plan_globals_to_json(plan);
    struct buffer text = {0};
    struct error ignored;

    if (all == NULL)
        result_set(command->result, "plan", all = json_array());
    json_array_extend(all, planned);
    if (globals != NULL)
        result_set(command->result, "globals", globals);
    json_decref(planned);
    if (restore_plan_append_text(&text, plan, &ignored) &&
        buffer_append_byte(&text, '\0', &ignored))
        say_lines(command, (char *)text.data);
    buffer_free(&text);
}

/* ---- The result ---- */

static json_t *failure_to_json(const struct restore_failure *failure)
{
    json_t *object = json_object();

    result_set_known(object, "database", failure->database);
    result_set_text(object, "object", failure->object);
    result_set_known(object, "sqlstate", failure->sqlstate);
    result_set_text(object, "message", failure->message);
    result_set_known(object, "detail", failure->detail);
    if (failure->hint != NULL && failure->hint[0] != '\0')
        result_set(object, "hint", result_message(failure->hint));
    result_set_known(object, "context", failure->context);
    result_set_known(object, "statement", failure->statement);
    if (failure->position > 0)
        result_set_number(object, "position", failure->position);
    result_set_known(object, "harmless", failure->harmless);
    return object;
}

static json_t *failures_to_json(const struct logical_restore_report *report)
{
    json_t *list = json_array();

    for (size_t i = 0; i < report->kept_count; i++)
        json_array_append_new(list, failure_to_json(&report->kept[i]));
    return list;
}

void restore_result_fill(json_t *result, const struct logical_restore_report *report)
{
    if (result == NULL)
        return;
    result_set_known(result, "kind",
                     report->layout[0] != '\0' ? "logical"
                     : strcmp(report->format, "script") == 0
                         ? "script"
                         : (report->format[0] != '\0' ? "archive" : ""));
    result_set_known(result, "layout", report->layout);
    result_set_known(result, "format", report->format);
    result_set_known(result, "database", report->database);
    result_set_number(result, "databases_restored", report->databases);
    result_set(result, "seconds", json_real(report->seconds));
    result_set_number(result, "objects", report->objects);
    result_set_number(result, "rows", report->rows);
    result_set_number(result, "row_bytes", report->bytes);
    result_set_number(result, "large_objects", report->large_objects);
    result_set_number(result, "tables_passed_over", report->passed_over);
    result_set_number(result, "changes_passed_over", report->left);
    result_set_number(result, "statements_left_out", report->left_out);
    result_set_number(result, "failure_count", report->failures);
    result_set_number(result, "harmless_failure_count", report->harmless);
    result_set(result, "failures", failures_to_json(report));
}

/* ---- The summary ---- */

void restore_result_say(struct command *command, const struct logical_restore_report *report)
{
    char size[FORMAT_SIZE], duration[FORMAT_SIZE], into[300];

    if (options_flag(command->options, "dry-run")) {
        command_say(command, "nothing was done: this was a dry run");
        return;
    }
    format_size(report->bytes, size);
    format_seconds(report->seconds, duration);
    if (report->databases == 1 && report->aside_count > 0)
        snprintf(into, sizeof(into), "\"%s\"", report->aside);
    else if (report->databases == 1 && report->database[0] != '\0')
        snprintf(into, sizeof(into), "\"%s\"", report->database);
    else
        snprintf(into, sizeof(into), "%zu database%s", report->databases,
                 TEXT_S(report->databases));
    command_say(command, "restored %" PRIu64 " %s%s and %" PRIu64 " row%s (%s) into %s in %s",
                report->objects, strcmp(report->format, "script") == 0 ? "statement" : "object",
                TEXT_S(report->objects), report->rows, TEXT_S(report->rows), size, into, duration);
    if (report->harmless > 0)
        command_say(command, "statements that failed and change nothing: %" PRIu64,
                    report->harmless);
    if (report->passed_over > 0)
        command_say(command, "tables whose rows were passed over: %" PRIu64, report->passed_over);
    if (report->left > 0)
        command_say(command,
                    "left as they were, because this restore did not make them: %" PRIu64
                    " change%s of objects passed over",
                    report->left, TEXT_S(report->left));
    if (report->left_out > 0)
        command_say(command, "statements of scripts that were left out: %" PRIu64,
                    report->left_out);
    if (report->failures == 0)
        return;
    command->problems = true;
    console_warning(command->console, "statements that failed: %" PRIu64 "; they are named above",
                    report->failures);
}
