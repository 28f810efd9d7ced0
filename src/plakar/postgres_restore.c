/*
 * A destination's keys become a request for a restore. What fails on the way is told of the record
 * that it came in, and once more in the error at the end: a record's result alone takes nothing
 * from Plakar's exit status.
 */
#include "plakar/postgres_restore.h"

#include "base/error_names.h"
#include "manifest/logical_layout.h"
#include "plakar/findings.h"
#include "restore/logical_restore.h"
#include "restore/restore_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEPENDENTS_EXIST "2BP01"

struct restoring {
    const struct log *log;
    const struct connector_outcome *outcome;
    char path[RECORD_PATH_MAX]; /* of the record begun last; "": of none */
    char globals[64]; /* of the globals, which are held until the first archive has come */
    struct record_observer observer;
    struct logical_restore_report report;
    size_t told; /* of its findings */
};

/* Where no database is named each archive goes into its own, which is made where it is not there.
 */
static bool make_request(const struct configuration *configuration, struct restore_request *request,
                         struct error *err)
{
    *request = (struct restore_request){.settings = configuration->settings};
    if (!restore_request_read(request, &configuration->options, err))
        return false;
    if (configuration->all_databases)
        request->create_db = !request->data_only && request->sections == 0;
    return true;
}

bool postgres_restore_check(const struct configuration *configuration, struct error *err)
{
    struct restore_request request;

    return make_request(configuration, &request, err);
}

bool postgres_restore_ping(const struct configuration *configuration, struct cancel *cancel,
                           const struct log *log, struct error *err)
{
    struct restore_request request;

    if (!make_request(configuration, &request, err))
        return false;
    request.cancel = cancel;
    request.log = log;
    return logical_restore_ping(&request, err);
}

/* ---- What becomes of records ---- */

static void say_done(struct restoring *restoring, char *path)
{
    if (path[0] != '\0')
        restoring->outcome->done(restoring->outcome->context, path);
    path[0] = '\0';
}

/* The one before has been restored, and what was held until then. */
static void leave_record(struct restoring *restoring)
{
    enum logical_part part = logical_layout_part(restoring->path);

    if (part == LOGICAL_PART_GLOBALS) {
        snprintf(restoring->globals, sizeof(restoring->globals), "%.63s", restoring->path);
        restoring->path[0] = '\0';
        return;
    }
    if (part == LOGICAL_PART_ARCHIVE || part == LOGICAL_PART_TOC)
        say_done(restoring, restoring->globals);
    say_done(restoring, restoring->path);
}

static void on_record(void *context, const struct record *record)
{
    struct restoring *restoring = context;

    if (restoring->path[0] != '\0')
        leave_record(restoring);
    if (record->type != RECORD_FILE)
        return;
    snprintf(restoring->path, sizeof(restoring->path), "%s", record->path);
    restoring->outcome->begun(restoring->outcome->context, record->path);
}

static void on_failure(void *context, const char *database, const struct target_failure *failure)
{
    const struct restoring *restoring = context;
    char text[512];

    if (failure->harmless != NULL)
        return;
    if (database[0] == '\0') /* of the whole server */
        snprintf(text, sizeof(text), "%s: %s (SQLSTATE %s)", failure->object, failure->message,
                 failure->sqlstate);
    else
        snprintf(text, sizeof(text), "\"%s\": %s: %s (SQLSTATE %s)", database, failure->object,
                 failure->message, failure->sqlstate);
    restoring->outcome->failed(
        restoring->outcome->context,
        restoring->report.in_globals && restoring->globals[0] != '\0' ? restoring->globals : NULL,
        text);
}

static void say_found(struct restoring *restoring)
{
    findings_warn(&restoring->report.preflight, restoring->told, restoring->log);
    restoring->told = restoring->report.preflight.count;
}

static void on_plan(void *context, const struct restore_plan *plan)
{
    (void)plan;
    say_found(context);
}

/* ---- How it ended ---- */

/* How many and the first ones: people see this line and no other. */
static bool fail_for(const struct logical_restore_report *report, struct error *err)
{
    char list[700];
    size_t used = 0, shown = 0;
    bool depended = false;

    list[0] = '\0';
    for (size_t i = 0; i < report->kept_count; i++) {
        const struct restore_failure *kept = &report->kept[i];
        bool has_detail = kept->detail != NULL && kept->detail[0] != '\0';
        int len;

        if (kept->harmless[0] != '\0')
            continue;
        depended = depended || strcmp(kept->sqlstate, DEPENDENTS_EXIST) == 0;
        len = snprintf(list + used, sizeof(list) - used, "%s%.100s: %.200s%s%.200s%s",
                       shown > 0 ? "; " : "", kept->object == NULL ? "" : kept->object,
                       kept->message == NULL ? "" : kept->message, has_detail ? " (" : "",
                       has_detail ? kept->detail : "", has_detail ? ")" : "");
        if (len < 0 || (size_t)len >= sizeof(list) - used) {
            list[used] = '\0';
            break;
        }
        used += (size_t)len;
        shown++;
    }
    for (char *at = list; (at = strchr(at, '\n')) != NULL;)
        *at = ' '; /* between the lines of a detail */
    error_set(err, ERROR_SERVER, "%" PRIu64 " statement%s failed, the rest was restored: %s%s",
              report->failures, report->failures == 1 ? "" : "s", list,
              shown < report->failures ? "; …" : "");
    if (report->aside_count > 0)
        return error_hint(err, ERROR_OURS("%s"), report->aside_words);
    if (depended)
        error_hint(err, "Drop what depends on it first; with " OPTION_SINGLE_TRANSACTION
                        " all stays as it was in such a case.");
    return false;
}

static void fail_before(const struct logical_restore_report *report, struct error *err)
{
    char what[sizeof(report->ended_names) + 64] = "the restore was not begun";

    if (err->code != ERROR_REFUSED)
        return;
    if (report->ended > 0)
        snprintf(what, sizeof(what), "only %s %s restored", report->ended_names,
                 report->ended == 1 ? "was" : "were");
    findings_judge(&report->preflight, what, err);
}

static void say_end(const struct restoring *restoring)
{
    const struct logical_restore_report *report = &restoring->report;

    log_message(restoring->log, LOG_INFO,
                "restored %" PRIu64 " objects and %" PRIu64 " rows into %zu database%s in %.1fs",
                report->objects, report->rows, report->databases, report->databases == 1 ? "" : "s",
                report->seconds);
}

static bool run(struct restoring *restoring, const struct restore_request *request,
                struct record_source *records, struct error *err)
{
    const struct restore_input input = {
        .name = "the snapshot", .source = records, .is_backup = true};
    bool done = logical_restore_run(request, &input, &restoring->report, err);

    say_found(restoring);
    if (done && restoring->path[0] != '\0')
        leave_record(restoring);
    if (!done)
        fail_before(&restoring->report, err);
    else if (restoring->report.failures > 0)
        done = fail_for(&restoring->report, err);
    else
        say_end(restoring);
    return done;
}

bool postgres_restore_run(const struct configuration *configuration, struct cancel *cancel,
                          const struct log *log, struct record_source *records,
                          const struct connector_outcome *outcome, struct error *err)
{
    struct restoring restoring = {.log = log, .outcome = outcome};
    struct restore_request request;
    bool done;

    if (!make_request(configuration, &request, err)) {
        source_close(records);
        return false;
    }
    restoring.observer = (struct record_observer){.context = &restoring, .record_begun = on_record};
    request.cancel = cancel;
    request.log = log;
    request.on_failure = on_failure;
    request.on_plan = on_plan;
    request.observer = &restoring.observer;
    request.context = &restoring;
    done = run(&restoring, &request, records, err);
    logical_restore_report_reset(&restoring.report);
    return done;
}
