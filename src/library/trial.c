/* Trying a backup by a restore, for the caller: trial/trial.h does it. */
#include "library/library_internal.h"

#include "trial/trial.h"

#include <stdio.h>

struct trying {
    struct pgcask_trial_options options;
    struct library_job *job;
    struct trial_report report;
    size_t told; /* of its findings */
};

/* ---- What is told ---- */

static void take_problem(void *context, enum trial_problem kind, const char *database,
                         const char *object, const char *problem)
{
    static const enum pgcask_difference kinds[] = {
        [TRIAL_FAILED] = PGCASK_NOT_RESTORED, [TRIAL_MISSING] = PGCASK_NOT_THERE,
        [TRIAL_MORE] = PGCASK_NOT_EXPECTED,   [TRIAL_DIFFERENT] = PGCASK_OTHERWISE,
        [TRIAL_ROWS] = PGCASK_OTHER_ROWS,
    };
    const struct trying *trying = context;

    if (trying->options.difference == NULL)
        return;
    pthread_mutex_lock(&trying->job->log_lock);
    trying->options.difference(trying->options.context, kinds[kind], database, object, problem);
    pthread_mutex_unlock(&trying->job->log_lock);
}

static void take_note(void *context, const char *database, const char *note)
{
    const struct trying *trying = context;

    if (trying->options.not_compared == NULL)
        return;
    pthread_mutex_lock(&trying->job->log_lock);
    trying->options.not_compared(trying->options.context, database, note);
    pthread_mutex_unlock(&trying->job->log_lock);
}

static void tell_findings(struct trying *trying)
{
    const struct preflight_report *found = &trying->report.restore.preflight;

    for (; trying->told < found->count; trying->told++) {
        const struct preflight_finding *finding = &found->findings[trying->told];
        char remedy[2048];

        if (trying->options.finding == NULL)
            continue;
        error_spell_copy(remedy, sizeof(remedy), finding->remedy, &library_speller);
        trying->options.finding(trying->options.context, finding->fatal, finding->message, remedy);
    }
}

static void take_plan(void *context, const struct restore_plan *plan)
{
    (void)plan;
    tell_findings(context);
}

/* ---- The work ---- */

static bool run(struct pgcask_source *source, struct trying *trying,
                const struct restore_request *restore, struct error *err)
{
    struct trial_request request = {
        .restore = *restore, .problem = take_problem, .note = take_note, .context = trying};
    struct restore_input input;
    struct library_meter meter;
    struct quiet_signals quiet;
    bool done;

    request.restore.on_plan = take_plan;
    request.restore.context = trying;
    if (!library_restore_input(source, &input, err) ||
        !library_meter_start(&meter, &source->job, &request.restore, err))
        return false;
    quiet_signals_begin(&quiet);
    done = trial_run(&request, &input, &trying->report, err);
    quiet_signals_end(&quiet);
    library_meter_stop(&meter);
    tell_findings(trying);
    return done;
}

static void fill_report(const struct trial_report *from, struct pgcask_trial_report *report)
{
    *report = (struct pgcask_trial_report){
        .databases = from->databases,
        .entries = from->entries,
        .tables = from->tables,
        .rows = from->rows,
        .large_objects = from->large_objects,
        .differences = from->problems,
        .by_name = from->by_name,
        .seconds = from->restore.seconds,
    };
    snprintf(report->format, sizeof(report->format), "%s", from->restore.format);
    snprintf(report->layout, sizeof(report->layout), "%s", from->restore.layout);
    snprintf(report->left, sizeof(report->left), "%s", from->left);
}

bool pgcask_verify_by_restore(struct pgcask_source *source, const struct pgcask_settings *settings,
                              const struct pgcask_trial_options *options,
                              struct pgcask_trial_report *report, struct pgcask_error *error)
{
    static const char type[] = "pgcask_trial_report";
    struct trying trying = {.job = &source->job};
    struct pgcask_logical_restore_options restore = {.struct_size = sizeof(restore)};
    struct pgcask_trial_report filled;
    struct restore_request request;
    struct options given = {0};
    struct error err, ignored;
    const size_t nothing = 0;
    bool done = library_take(&trying.options, sizeof(trying.options), options,
                             "pgcask_trial_options", &err) &&
                library_give(report, &nothing, sizeof(nothing), type, &err);

    restore.databases = trying.options.databases;
    restore.exclude_databases = trying.options.exclude_databases;
    restore.no_owner = trying.options.no_owner;
    restore.no_privileges = trying.options.no_privileges;
    restore.jobs = trying.options.jobs;
    restore.spool_directory = trying.options.spool_directory;
    done = done &&
           library_restore_request(&request, &given, &restore, settings, &source->job, &err) &&
           run(source, &trying, &request, &err);
    fill_report(&trying.report, &filled);
    library_give(report, &filled, sizeof(filled), type, &ignored);
    trial_report_reset(&trying.report);
    options_free(&given);
    return done || library_fail(error, &err);
}
