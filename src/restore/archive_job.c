/*
 * What all who restore an archive's entries do, be it over one session or over several: opening a
 * session as the archive wants it, defining an entry, and noting what became of it.
 */
#include "restore/archive_restore_internal.h"

#include "base/array.h"
#include "restore/failure_names.h"
#include "restore/restore_plan.h"
#include "restore/restore_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Outcomes ---- */

#define CREATES_OBJECT "SELECT pg_catalog.lo_create('"

static bool note_lost(struct archive_job *job, const char *statement)
{
    struct error ignored;

    if (strncmp(statement, CREATES_OBJECT, strlen(CREATES_OBJECT)) != 0)
        return false;
    if (job->lost_count == job->lost_capacity) {
        uint32_t *grown = array_grow(job->lost, &job->lost_capacity, sizeof(*grown), &ignored);

        if (grown == NULL) /* its bytes then fail by themselves, or overwrite what was there */
            return false;
        job->lost = grown;
    }
    job->lost[job->lost_count++] = (uint32_t)strtoul(statement + strlen(CREATES_OBJECT), NULL, 10);
    return true;
}

/* With those that were made together with it. */
static void mark_done(struct archive_job *job, uint64_t subject)
{
    uint32_t number = (uint32_t)subject, more = (uint32_t)(subject >> ENTRY_SQL_MORE_SHIFT);
    uint32_t count = archive_contents_count(job->contents);

    for (uint32_t i = number; i < count && i - number <= more; i++)
        archive_job_mark(job, i, (subject & ENTRY_SQL_MAKES) != 0 ? IS_DONE | IS_MADE : IS_DONE);
}

/* Lines are counted in each share by itself. */
static void report_share(struct archive_job *job, const struct target_failure *failure)
{
    struct target_failure of_share = *failure;
    char context[1100];

    snprintf(context, sizeof(context), "%s%s", failure->context,
             failure->context[0] == '\0' ? "" : " (of the rows that this session had)");
    of_share.context = context;
    restore_report_failure(job->report, job->request, job->database, &of_share);
}

/* A table whose rows several sessions put in has failed once. */
static void report(struct archive_job *job, const struct target_failure *failure, unsigned before)
{
    struct target_failure named;
    struct buffer texts = {0};

    failure_rename(&named, failure, restore_plan_name_now(job->plan, 0), job->database, &texts);
    if ((before & IS_SHARED) == 0)
        restore_report_failure(job->report, job->request, job->database, &named);
    else if ((before & HAS_FAILED) == 0)
        report_share(job, &named);
    buffer_free(&texts);
}

static void note_failure(void *context, const struct target_failure *failure)
{
    struct archive_job *job = context;
    uint32_t number = (uint32_t)failure->subject; /* of TARGET_NO_SUBJECT beyond the last */
    unsigned before = 0;

    pthread_mutex_lock(&job->lock);
    if (number < archive_contents_count(job->contents)) {
        before = job->marks[number];
        if ((failure->subject & ENTRY_SQL_MAKES) != 0)
            job->marks[number] |= IS_UNMADE;
        if (failure->harmless == NULL)
            archive_job_mark(job, number, HAS_FAILED);
        if (note_lost(job, failure->statement))
            mark_done(job, failure->subject);
    }
    report(job, failure, before);
    pthread_mutex_unlock(&job->lock);
}

static void note_done(void *context, uint64_t subject, uint64_t rows)
{
    struct archive_job *job = context;

    (void)rows;
    if (subject == TARGET_NO_SUBJECT)
        return;
    pthread_mutex_lock(&job->lock);
    mark_done(job, subject);
    pthread_mutex_unlock(&job->lock);
}

struct target_listener archive_job_listener(struct archive_job *job)
{
    return (struct target_listener){
        .context = job, .failed = note_failure, .done = note_done, .made = archive_job_made};
}

/* ---- What the archive says of its texts ---- */

/* The text between the first two quotes. */
static bool quoted_part(const char *definition, char *out, size_t size)
{
    const char *begin = definition == NULL ? NULL : strchr(definition, '\'');
    const char *end = begin == NULL ? NULL : strchr(begin + 1, '\'');

    return end != NULL && (size_t)(end - begin) < size &&
           snprintf(out, size, "%.*s", (int)(end - begin - 1), begin + 1) > 0;
}

static bool unsound_setting(const struct archive_job *job, const struct archive_entry *entry,
                            struct error *err)
{
    return error_set(err, ERROR_CORRUPT, "%s: the archive's entry %s makes no sense",
                     job->options->name, entry->desc);
}

static bool read_setting(struct archive_job *job, uint32_t number, struct error *err)
{
    struct contents_node node = archive_contents_node(job->contents, number);
    enum entry_kind kind = node.kind;
    struct archive_entry entry;
    char value[8];

    /* It would be two things at two times. (Rows that come by way of the partitioned table have a
     * remark there.) */
    if (node.has_data && node.has_definition && node.section != SECTION_DATA)
        return archive_contents_entry(job->contents, number, &entry, err) &&
               unsound_setting(job, &entry, err);
    if (kind != ENTRY_ENCODING && kind != ENTRY_STDSTRINGS && kind != ENTRY_SEARCHPATH)
        return true;
    if (!archive_contents_entry(job->contents, number, &entry, err))
        return false;
    if (kind == ENTRY_SEARCHPATH) {
        job->has_search_path = true;
        return true;
    }
    if (kind == ENTRY_ENCODING)
        return quoted_part(entry.definition, job->encoding, sizeof(job->encoding))
                   ? true
                   : unsound_setting(job, &entry, err);
    if (!quoted_part(entry.definition, value, sizeof(value)) ||
        (strcmp(value, "on") != 0 && strcmp(value, "off") != 0))
        return unsound_setting(job, &entry, err);
    job->plain_backslashes = strcmp(value, "off") == 0;
    return true;
}

/* What pg_restore takes for granted where an archive does not say it. */
bool archive_job_read_settings(struct archive_job *job, struct error *err)
{
    snprintf(job->encoding, sizeof(job->encoding), "SQL_ASCII");
    job->plain_backslashes = true;
    for (uint32_t i = 0; i < archive_contents_count(job->contents); i++) {
        if (!read_setting(job, i, err))
            return false;
    }
    return true;
}

/* ---- The session ---- */

/* Once, whatever the number of tables. */
static void tell_triggers(void *context, const char *label)
{
    struct archive_job *job = context;
    bool told;

    pthread_mutex_lock(&job->lock);
    told = job->triggers_told;
    job->triggers_told = true;
    pthread_mutex_unlock(&job->lock);
    if (!told)
        log_message(job->request->log, LOG_WARNING,
                    "%s: the role may not disable the triggers of foreign keys: rows of such "
                    "tables are put in with triggers on",
                    label);
}

bool archive_job_open(struct archive_job *job, struct restore_worker *worker, struct error *err)
{
    const struct restore_request *request = job->request;
    const struct target_options options = {
        .database = job->name_now,
        .encoding = job->encoding,
        .plain_backslashes = job->plain_backslashes,
        .role = request->role,
        .search_path = request->search_path,
        .row_security = request->row_security,
        .exit_on_error = request->exit_on_error,
        .single_transaction = request->single_transaction,
        .transaction_size = request->transaction_size,
        .cancel = &job->cancel,
        .log = request->log,
        .told = archive_job_listener(job),
    };

    *worker = (struct restore_worker){.session = NULL};
    if (!target_session_open(&worker->session, request->settings, &options, err))
        return false;
    worker->sql = (struct entry_sql){
        .request = request,
        .contents = job->contents,
        .session = worker->session,
        .own_search_path = job->has_search_path || request->search_path != NULL,
        .context = job,
        .leaves = request->existing == RESTORE_INTO_EXISTING ? archive_job_leaves_object : NULL,
    };
    worker->data = (struct restore_data){
        .sql = &worker->sql,
        .context = job,
        .wanted = archive_job_wants,
        .more.directory = job->request->spool_directory,
        .lacks = archive_job_lacks_object,
        .is_fresh = archive_job_is_fresh,
        .triggers_stay = tell_triggers,
        .can_again = archive_input_can_seek(job->input),
        .escape_strings = job->plain_backslashes,
        .disable_triggers =
            request->disable_triggers && restore_selection_is_data_only(job->selection),
    };
    if (job->sums != NULL)
        worker->data.summer = content_summer_new(job->sums, err);
    return job->sums == NULL || worker->data.summer != NULL;
}

/* Under one transaction nothing stays unless all did. */
void archive_job_close(struct archive_job *job, struct restore_worker *worker)
{
    job->report->bytes += worker->data.bytes;
    job->report->large_objects += worker->data.large_objects;
    if (worker->session != NULL && !job->undone) {
        job->report->rows += target_session_counts(worker->session)->rows;
        job->report->bytes += target_session_counts(worker->session)->row_bytes;
    }
    restore_data_reset(&worker->data);
    entry_sql_reset(&worker->sql);
    target_session_close(worker->session);
    *worker = (struct restore_worker){.session = NULL};
}

/* ---- Definitions ---- */

bool archive_job_define(struct archive_job *job, struct restore_worker *worker, uint32_t number,
                        struct error *err)
{
    struct archive_entry entry;

    return archive_contents_entry(job->contents, number, &entry, err) &&
           entry_sql_define(&worker->sql, number, &entry, err);
}

/* SEARCHPATH says how everything else is read, unless somebody has said otherwise. */
bool archive_job_say_search_path(struct archive_job *job, struct restore_worker *worker,
                                 struct error *err)
{
    for (uint32_t i = 0; i < archive_contents_count(job->contents); i++) {
        if (archive_contents_node(job->contents, i).kind == ENTRY_SEARCHPATH &&
            job->request->search_path == NULL && !archive_job_define(job, worker, i, err))
            return false;
    }
    return true;
}

/* What stands in no section belongs to what stands before it. Of the data's own section what makes
 * large objects comes before the data, what says values of sequences behind. */
enum stage archive_job_stage(const struct archive_job *job, uint32_t number,
                             enum archive_section *section)
{
    struct contents_node node = archive_contents_node(job->contents, number);
    unsigned place = job->places == NULL ? 0 : job->places[number];

    if (restore_selection_pass(job->selection, number) != RESTORE_PASS_MAIN)
        return STAGE_LATER_PASSES;
    if (node.section != SECTION_NONE)
        *section = node.section;
    if ((place & PLACE_EARLY) != 0)
        return STAGE_BEFORE_DATA;
    if (*section == SECTION_POST_DATA || (place & PLACE_LATE) != 0)
        return STAGE_AFTER_DATA;
    if (*section == SECTION_DATA &&
        (node.kind == ENTRY_SEQUENCE_SET || node.kind == ENTRY_STATISTICS_DATA))
        return STAGE_BEHIND_DATA;
    return STAGE_BEFORE_DATA;
}
