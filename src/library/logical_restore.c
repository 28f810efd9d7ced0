/* Restoring into a server for the caller. What a place can be opened again for (several sessions, a
 * script that is looked over first) is opened by the job itself; a stream goes there as it is. */
#include "library/library_internal.h"

#include "restore/logical_restore.h"
#include "restore/restore_plan.h"

#include <stdio.h>

struct restoring {
    struct pgcask_logical_restore_options options;
    struct library_job *job;
    struct logical_restore_report report;
    size_t told; /* of its findings */
};

/* ---- What is told ---- */

static void tell_failure(void *context, const char *database, const struct target_failure *failure)
{
    struct restoring *restoring = context;
    char hint[2048];
    const struct pgcask_restore_failure told = {
        .struct_size = sizeof(told),
        .database = database,
        .object = failure->object,
        .sqlstate = failure->sqlstate,
        .message = failure->message,
        .detail = failure->detail,
        .hint = hint,
        .context = failure->context,
        .statement = failure->statement,
        .position = failure->position,
        .harmless = failure->harmless,
    };

    if (restoring->options.failure == NULL)
        return;
    error_spell_copy(hint, sizeof(hint), failure->hint, &library_speller);
    pthread_mutex_lock(&restoring->job->log_lock);
    restoring->options.failure(restoring->options.context, &told);
    pthread_mutex_unlock(&restoring->job->log_lock);
}

static void tell_findings(struct restoring *restoring)
{
    const struct preflight_report *found = &restoring->report.preflight;

    for (; restoring->told < found->count; restoring->told++) {
        const struct preflight_finding *finding = &found->findings[restoring->told];
        char remedy[2048];

        if (restoring->options.finding == NULL)
            continue;
        error_spell_copy(remedy, sizeof(remedy), finding->remedy, &library_speller);
        restoring->options.finding(restoring->options.context, finding->fatal, finding->message,
                                   remedy);
    }
}

static void take_plan(void *context, const struct restore_plan *plan)
{
    (void)plan;
    tell_findings(context);
}

/* ---- The work ---- */

/* Of a stream what was opened is taken; it has ended for the caller. */
bool library_restore_input(struct pgcask_source *source, struct restore_input *input,
                           struct error *err)
{
    struct record_source *lent;

    if (!library_source_lend(source, &lent, err))
        return false;
    *input = (struct restore_input){.name = "the source", .place = source->place};
    if (source->path != NULL) {
        input->name = source->path;
    } else if (source->kind == LIBRARY_STREAM) {
        input->source = source->inner;
        source->inner = NULL;
        source->ended = true;
    } else {
        input->source = lent;
        input->is_backup = true;
    }
    return true;
}

static bool run(struct pgcask_source *source, struct restoring *restoring,
                struct restore_request *request, struct error *err)
{
    struct restore_input input;
    struct library_meter meter;
    struct quiet_signals quiet;
    bool done;

    request->on_failure = tell_failure;
    request->on_plan = take_plan;
    request->context = restoring;
    if (!library_restore_input(source, &input, err) ||
        !library_meter_start(&meter, &source->job, request, err))
        return false;
    quiet_signals_begin(&quiet);
    done = logical_restore_run(request, &input, &restoring->report, err);
    quiet_signals_end(&quiet);
    library_meter_stop(&meter);
    tell_findings(restoring);
    if (done)
        library_job_tell(&source->job);
    return done;
}

static void fill_report(const struct logical_restore_report *from,
                        struct pgcask_logical_restore_report *report)
{
    *report = (struct pgcask_logical_restore_report){
        .databases = from->databases,
        .objects = from->objects,
        .rows = from->rows,
        .bytes = from->bytes,
        .large_objects = from->large_objects,
        .failures = from->failures,
        .harmless = from->harmless,
        .passed_over = from->passed_over,
        .left = from->left,
        .seconds = from->seconds,
        .left_out = from->left_out,
    };
    snprintf(report->format, sizeof(report->format), "%s", from->format);
    snprintf(report->layout, sizeof(report->layout), "%s", from->layout);
    snprintf(report->database, sizeof(report->database), "%s", from->database);
}

bool pgcask_logical_restore(struct pgcask_source *source, const struct pgcask_settings *settings,
                            const struct pgcask_logical_restore_options *options,
                            struct pgcask_logical_restore_report *report,
                            struct pgcask_error *error)
{
    static const char type[] = "pgcask_logical_restore_report";
    struct restoring restoring = {.job = &source->job};
    struct pgcask_logical_restore_report filled;
    struct restore_request request;
    struct options given = {0};
    struct error err, ignored;
    const size_t nothing = 0;
    bool done = library_take(&restoring.options, sizeof(restoring.options), options,
                             "pgcask_logical_restore_options", &err) &&
                library_give(report, &nothing, sizeof(nothing), type, &err) &&
                library_restore_request(&request, &given, &restoring.options, settings,
                                        &source->job, &err) &&
                run(source, &restoring, &request, &err);

    fill_report(&restoring.report, &filled);
    library_give(report, &filled, sizeof(filled), type, &ignored);
    logical_restore_report_reset(&restoring.report);
    options_free(&given);
    return done || library_fail(error, &err);
}
