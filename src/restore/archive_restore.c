/*
 * What was not made has no rows: of each entry is kept whether the statement that makes it failed,
 * and the data of those are passed over. So are large objects that were there already, whose bytes
 * are somebody else's. That is known before the first data come, for which all that was queued is
 * awaited once.
 */
#include "restore/archive_restore_internal.h"

#include "base/error_names.h"
#include "base/quote.h"
#include "restore/list_file.h"
#include "restore/restore_plan.h"
#include "restore/restore_report.h"
#include "restore/restore_trial.h"
#include "restore/target_databases.h"
#include "restore/waiting_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned parts_of(const struct archive_job *job, uint32_t number)
{
    return restore_selection_parts(job->selection, number);
}

/* ---- Definitions ---- */

static bool define_stage(struct archive_job *job, enum stage stage, struct error *err)
{
    enum archive_section section = SECTION_PRE_DATA;
    const uint32_t *order;
    size_t count;

    order = restore_selection_order(job->selection, &count);
    for (size_t i = 0; i < count; i++) {
        enum stage its = archive_job_stage(job, order[i], &section);

        if (its != stage || (parts_of(job, order[i]) & SELECTED_DEFINITION) == 0 ||
            restore_selection_is_of_database(job->selection, order[i]))
            continue;
        if (!cancel_check(&job->cancel, err) || !archive_job_define(job, &job->main, order[i], err))
            return false;
    }
    return entry_sql_flush(&job->main.sql, err);
}

static bool drop_all(struct archive_job *job, struct error *err)
{
    struct archive_entry entry;
    const uint32_t *order;
    size_t count;

    if (job->request->existing != RESTORE_CLEAN)
        return true;
    order = restore_selection_file_order(job->selection, &count);
    for (size_t i = count; i-- > 0;) {
        if ((parts_of(job, order[i]) & SELECTED_DEFINITION) == 0 ||
            restore_selection_is_of_database(job->selection, order[i]))
            continue;
        if (!archive_contents_entry(job->contents, order[i], &entry, err) ||
            !entry_sql_drop(&job->main.sql, order[i], &entry, err))
            return false;
    }
    return true;
}

/* ---- Data ---- */

/* What streams by may not come in the order that foreign keys want. */
static bool read_waiting(struct archive_job *job, const struct archive_data_handler *handler,
                         struct error *err)
{
    const struct waiting_options options = {
        .handler = handler,
        .contents = job->contents,
        .orders = &job->orders,
        .directory = job->request->spool_directory,
        .cancel = &job->cancel,
        .log = job->request->log,
    };
    struct waiting_rows *waiting = waiting_rows_new(&options, err);
    struct archive_data_handler first;
    bool done = waiting != NULL;

    if (done) {
        first = waiting_rows_handler(waiting);
        done = archive_input_read_all(job->input, &first, &job->cancel, err) &&
               waiting_rows_give(waiting, err);
    }
    waiting_rows_free(waiting);
    return done;
}

static bool read_rows(struct archive_job *job, const struct archive_data_handler *handler,
                      struct error *err)
{
    return job->orders.count > 0 ? read_waiting(job, handler, err)
                                 : archive_input_read_all(job->input, handler, &job->cancel, err);
}

static bool restore_rows(struct archive_job *job, struct error *err)
{
    struct archive_data_handler handler;
    struct error ignored;
    uint64_t failures = job->report->failures;
    const char *broken;

    if (!job->wants_data && archive_input_can_seek(job->input))
        return true;
    handler = restore_data_handler(&job->main.data);
    archive_job_expect_data(job, true);
    if (read_rows(job, &handler, err) &&
        restore_data_do_again(&job->main.data, job->input, &job->cancel, err))
        return true;
    broken = restore_data_give_up(&job->main.data);
    /* A statement that failed has said what it is of. */
    if (broken != NULL && err->code != ERROR_CANCELLED && job->report->failures == failures &&
        strstr(err->message, broken) == NULL)
        error_prefix(err, "%s", broken);
    target_settle(job->main.session, &ignored); /* what came before it stays */
    return false;
}

/* Of the data what was not made is known by then. */
static bool restore_data_and_behind(struct archive_job *job, struct error *err)
{
    if (!target_settle(job->main.session, err) || !archive_job_order_rows(job, err))
        return false;
    if (archive_parallel_can(job))
        return archive_parallel_restore(job, err);
    if (archive_stream_can(job))
        return archive_stream_restore(job, err) && archive_parallel_behind(job, err);
    if (!restore_rows(job, err))
        return false;
    if (archive_parallel_can_behind(job))
        return archive_parallel_behind(job, err);
    return define_stage(job, STAGE_BEHIND_DATA, err) && define_stage(job, STAGE_AFTER_DATA, err);
}

/* ---- All of it ---- */

static bool select_entry(void *context, uint32_t number, struct archive_entry *entry,
                         struct error *err)
{
    struct archive_job *job = context;

    return archive_contents_entry(job->contents, number, entry, err);
}

static bool select_entries(struct archive_job *job, struct error *err)
{
    struct selection_wishes wishes = {
        .request = job->request,
        .lists = job->options->lists,
        .list_name = job->request->list_file,
    };
    const struct selection_archive archive = {
        .count = archive_contents_count(job->contents),
        .database = archive_contents_header(job->contents)->database,
        .context = job,
        .entry = select_entry,
    };

    if (wishes.list_name != NULL) {
        if (!list_file_read(wishes.list_name, &job->list, err))
            return false;
        wishes.list = buffer_slice(&job->list);
    }
    job->marks = calloc(archive.count + 1, 1);
    if (job->marks == NULL)
        return error_set_memory(err);
    job->selection = restore_selection_new(&wishes, &archive, err);
    return job->selection != NULL;
}

/* What is wrong is told all at once; the error is the first of it. */
bool archive_restore_judge(const struct preflight_report *found, struct error *err)
{
    for (size_t i = 0; i < found->count; i++) {
        if (!found->findings[i].fatal)
            continue;
        error_set(err, ERROR_REFUSED, "%s", found->findings[i].message);
        return error_hint(err, ERROR_OURS("%s"), found->findings[i].remedy);
    }
    return true;
}

static bool make_plan(struct archive_job *job, struct preflight_report *found, struct error *err)
{
    job->plan = restore_plan_new(job->request, err);
    /* Of a trial, which makes no roles, what names those that are missing is left aside. */
    if (job->plan != NULL && (job->options->globals_are_apart || job->request->trial != NULL))
        restore_plan_expect_globals(job->plan);
    if (job->plan != NULL)
        restore_plan_tell_globals(job->plan, job->options->globals);
    return job->plan != NULL &&
           restore_plan_add(job->plan, job->contents, job->selection, job->database, err) &&
           restore_plan_check(job->plan, found, err);
}

/* What was planned with others is told once. */
static bool plan(struct archive_job *job, struct error *err)
{
    struct preflight_report again = {0};
    bool planned = job->options->planned;
    struct preflight_report *found = planned ? &again : &job->report->preflight;
    bool done = make_plan(job, found, err);

    if (done && !planned && job->request->on_plan != NULL)
        job->request->on_plan(job->request->context, job->plan);
    done = done && archive_restore_judge(found, err);
    preflight_reset(&again);
    return done;
}

/* ---- The database ---- */

/* Of large objects that were made together one that failed says nothing of the others. */
static bool has_succeeded(struct archive_job *job, uint32_t number)
{
    struct archive_entry entry;
    struct error ignored;

    if (job->lost_count == 0 || archive_contents_node(job->contents, number).kind != ENTRY_BLOB)
        return (job->marks[number] & (HAS_FAILED | IS_DONE)) == IS_DONE;
    return (job->marks[number] & IS_DONE) != 0 &&
           archive_contents_entry(job->contents, number, &entry, &ignored) &&
           !archive_job_lacks(job, (uint32_t)strtoul(entry.tag, NULL, 10));
}

static void count(struct archive_job *job)
{
    for (uint32_t i = 0; !job->undone && i < archive_contents_count(job->contents); i++)
        job->report->objects +=
            !archive_contents_node(job->contents, i).has_data && has_succeeded(job, i);
}

/* What was restored is compared once nothing of the restore is left at the server. */
static bool end_trial(struct archive_job *job, bool done, struct error *err)
{
    const struct restore_trial *trial = job->request->trial;

    if (done)
        done = trial->compare(trial->context, job->database, job->sums, err);
    if (done)
        *err = (struct error){0};
    trial->end(trial->context, job->database, err);
    return err->code == ERROR_NONE;
}

static bool make_database(struct archive_job *job, struct error *err)
{
    const struct restore_trial *trial = job->request->trial;
    const struct target_listener told = archive_job_listener(job);

    if (trial != NULL) {
        job->sums = content_sums_new(job->contents, trial->key, err);
        if (job->sums == NULL)
            return false;
        job->began = true;
        if (!trial->begin(trial->context, job->contents, job->database, err))
            return false;
    }
    job->name_now = restore_plan_name_now(job->plan, 0);
    return restore_plan_make(job->plan, 0, &told, err) &&
           (trial == NULL || trial->made(trial->context, job->database, err));
}

/* Where one of several cannot be made, that is a failure of its own, and the others follow. */
static bool is_apart(const struct archive_job *job, const struct error *err)
{
    struct error ignored;

    return job->options->of_several && !job->began &&
           !restore_request_ends_on_failure(job->request) &&
           (err->code == ERROR_SERVER || err->code == ERROR_REFUSED) &&
           cancel_check(&job->cancel, &ignored);
}

static void tell_unmade(struct archive_job *job, struct error *why)
{
    struct buffer object = {0};
    struct error ignored;
    const char *named = buffer_printf(&object, &ignored, "DATABASE %s", job->database)
                            ? buffer_text(&object)
                            : "DATABASE";
    struct target_failure failure = {.subject = TARGET_NO_SUBJECT, .object = named};

    restore_plan_give_up(job->plan, 0, why);
    failure.sqlstate = why->sqlstate;
    failure.message = why->message;
    failure.detail = why->detail;
    failure.hint = why->hint;
    failure.context = failure.statement = "";
    restore_report_failure(job->report, job->request, job->database, &failure);
    job->report->databases--;
    buffer_free(&object);
}

/* A database that was made gets its name last of all: in the place of another one only if nothing
 * of it failed. */
static bool finish(struct archive_job *job, struct error *err)
{
    const struct archive_restore_options *options = job->options;
    const struct target_listener told = archive_job_listener(job);

    if (!target_finish(job->main.session, err))
        return false;
    if (options->proved != NULL && job->request->trial == NULL &&
        restore_plan_action(job->plan, 0) != RESTORE_USE && !options->proved(options->context, err))
        return false;
    count(job);
    archive_job_close(job, &job->main);
    if (!restore_plan_say_last(job->plan, 0, &told, err))
        return false;
    if (restore_plan_action(job->plan, 0) != RESTORE_REPLACE ||
        job->report->failures == job->failed_before)
        return restore_plan_finish(job->plan, 0, &told, err);
    if (!restore_plan_set_aside(job->plan, 0, &told, job->report->aside, &job->report->preflight,
                                err))
        return false;
    restore_report_aside(job->report);
    return true;
}

/* ---- All of it ---- */

static bool restore_all(struct archive_job *job, struct error *err)
{
    if (!archive_job_note_schemas(job, err))
        return false;
    job->name_now = restore_plan_name_now(job->plan, 0);
    return archive_job_open(job, &job->main, err) &&
           archive_job_say_search_path(job, &job->main, err) && drop_all(job, err) &&
           define_stage(job, STAGE_BEFORE_DATA, err) && restore_data_and_behind(job, err) &&
           define_stage(job, STAGE_LATER_PASSES, err) && archive_analyze(job, err) &&
           finish(job, err);
}

/* Of what can be read by position it shows before anything is done whether it was cut off. */
static bool check_data(struct archive_job *job, struct error *err)
{
    for (uint32_t i = 0; i < archive_contents_count(job->contents) && !job->wants_data; i++)
        job->wants_data = archive_contents_node(job->contents, i).has_data &&
                          (parts_of(job, i) & SELECTED_DATA) != 0;
    if (!job->wants_data || !archive_input_can_seek(job->input) || archive_job_locate(job, err))
        return true;
    return err->code == ERROR_CORRUPT
               ? error_hint(err, "Nothing was restored. What is there without rows is restored "
                                 "with " OPTION_SCHEMA_ONLY ".")
               : false;
}

static bool run(struct archive_job *job, struct error *err)
{
    const struct archive_restore_options *options = job->options;

    if (!select_entries(job, err) || !archive_job_read_settings(job, err))
        return false;
    /* One of several, of which nothing is wanted, is not touched. */
    if (options->lists != NULL && restore_selection_names_nothing(job->selection))
        return true;
    if (!check_data(job, err))
        return false;
    if (job->request->dry_run && options->planned)
        return true;
    if (!plan(job, err))
        return false;
    if (job->request->dry_run)
        return true;
    if (options->before != NULL && !options->before(options->context, err))
        return false;
    if (!archive_job_find_late(job, err))
        return false;
    archive_job_expect_objects(job);
    job->report->databases++;
    job->failed_before = job->report->failures;
    if (make_database(job, err))
        return restore_all(job, err);
    if (!is_apart(job, err))
        return false;
    tell_unmade(job, err);
    return true;
}

/* A database that was made for what did not come to its end goes, and all with it. */
static void give_up(struct archive_job *job, const struct logical_restore_report *before,
                    struct error *err)
{
    if (job->plan == NULL || !restore_plan_give_up(job->plan, 0, err))
        return;
    job->report->databases = before->databases;
    job->report->objects = before->objects;
    job->report->rows = before->rows;
    job->report->bytes = before->bytes;
    job->report->large_objects = before->large_objects;
}

static bool restore_into(struct archive_input *input, const struct archive_restore_options *options,
                         const struct restore_request *request, const char *database,
                         struct logical_restore_report *report, struct error *err)
{
    struct archive_job job = {
        .request = request,
        .options = options,
        .database = database,
        .input = input,
        .contents = archive_input_contents(input),
        .report = report,
    };
    const struct logical_restore_report before = *report;
    bool done;

    if (!cancel_init_child(&job.cancel, request->cancel, err))
        return false;
    pthread_mutex_init(&job.lock, NULL);
    done = run(&job, err);
    job.undone = request->single_transaction && !done;
    if (job.main.session != NULL)
        count(&job);
    archive_job_close(&job, &job.main);
    if (!done)
        give_up(&job, &before, err);
    if (job.began)
        done = end_trial(&job, done, err);
    content_sums_free(job.sums);
    pthread_mutex_destroy(&job.lock);
    cancel_reset(&job.cancel);
    restore_plan_free(job.plan);
    restore_selection_free(job.selection);
    buffer_free(&job.list);
    free(job.marks);
    free(job.places);
    free(job.lost);
    free(job.orders.items);
    return done;
}

/* Of several that are made anew those that every server has stay, and are cleaned. */
static bool is_kept(const struct archive_restore_options *options,
                    const struct restore_request *request, const char *database)
{
    return options->of_several && request->existing == RESTORE_RECREATE &&
           target_database_is_fixed(database);
}

bool archive_restore_plan(struct archive_input *input,
                          const struct archive_restore_options *options,
                          const struct restore_request *request, struct restore_plan *plan,
                          struct error *err)
{
    struct archive_job job = {
        .request = request,
        .options = options,
        .input = input,
        .contents = archive_input_contents(input),
    };
    char *database = target_database_name(request, archive_contents_header(job.contents)->database,
                                          options->name, options->of_several, err);
    bool done = database != NULL && select_entries(&job, err);

    if (done && (options->lists == NULL || !restore_selection_names_nothing(job.selection)))
        done = restore_plan_add(plan, job.contents, job.selection, database, err);
    if (done && is_kept(options, request, database))
        restore_plan_keep_last(plan);
    restore_selection_free(job.selection);
    buffer_free(&job.list);
    free(job.marks);
    free(database);
    return done;
}

static void tell_own_name(const struct restore_request *request, const char *database,
                          struct logical_restore_report *report)
{
    const char *named = target_database_passed_over(request, database);
    char own[QUOTE_NAME_SIZE], remedy[QUOTE_NAME_SIZE + 64];

    if (named == NULL)
        return;
    snprintf(remedy, sizeof(remedy), "Into that one: " OPTION_DATABASE " %s.", named);
    preflight_add(&report->preflight, false, remedy,
                  "the address names the database %s, which every server has, and the archive goes "
                  "into the one of its own name, %s",
                  named, quote_identifier(database, own, sizeof(own)));
}

bool archive_restore(struct archive_input *input, const struct archive_restore_options *options,
                     const struct restore_request *request, struct logical_restore_report *report,
                     struct error *err)
{
    const struct archive_header *header = archive_contents_header(archive_input_contents(input));
    struct restore_request cleaning = *request;
    char *database =
        target_database_name(request, header->database, options->name, options->of_several, err);
    bool done;

    if (database == NULL)
        return false;
    snprintf(report->database, sizeof(report->database), "%s", database);
    if (!options->of_several)
        tell_own_name(request, database, report);
    if (is_kept(options, request, database)) {
        log_message(request->log, LOG_WARNING,
                    "the database \"%s\" is never dropped: what the backup has of it takes the "
                    "place of what is there, and what it has not stays",
                    database);
        cleaning.existing = RESTORE_CLEAN;
    }
    done = restore_into(input, options, &cleaning, database, report, err);
    free(database);
    return done;
}
