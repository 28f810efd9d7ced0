/* Verify, restore and relocate for the caller: the work is src/restore's, here public structures
 * become its own and reports the other way. */
#include "library/library_internal.h"

#include "restore/backup_source.h"
#include "restore/restore.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Verify ---- */

struct verification {
    struct pgcask_source *source;
    pgcask_problem_fn *problem;
    void *context;
};

#define SAME_KIND(name)                                                                            \
    _Static_assert((int)PGCASK_PROBLEM_##name == (int)VERIFY_##name, "the kinds differ")

SAME_KIND(OTHER);
SAME_KIND(MISSING);
SAME_KIND(CHANGED);
SAME_KIND(UNEXPECTED);
SAME_KIND(DAMAGED);
SAME_KIND(ORDER);

const char *pgcask_problem_kind_name(enum pgcask_problem_kind kind)
{
    bool known = kind > PGCASK_PROBLEM_OTHER && kind <= PGCASK_PROBLEM_ORDER;

    return verify_problem_name(known ? (enum verify_problem)kind : VERIFY_OTHER);
}

void library_problem_tell(pgcask_problem_fn *problem, void *context, enum pgcask_problem_kind kind,
                          const char *path, const char *text)
{
    char spelled[1024];
    const struct pgcask_problem told = {
        .struct_size = sizeof(told),
        .kind = kind,
        .path = path,
        .text = spelled,
    };

    if (problem == NULL)
        return;
    error_spell_copy(spelled, sizeof(spelled), text, &library_speller);
    problem(context, &told);
}

static void tell_problem(void *context, enum verify_problem kind, const char *path,
                         const char *text)
{
    const struct verification *verification = context;

    library_problem_tell(verification->problem, verification->context,
                         (enum pgcask_problem_kind)kind, path, text);
}

static struct record_source *reopen(void *context, struct error *err)
{
    const struct pgcask_source *source = ((const struct verification *)context)->source;

    return backup_source_open(&source->place, &source->job.cancel, err);
}

static bool verify(struct verification *verification, struct verify_report *report,
                   struct error *err)
{
    struct pgcask_source *source = verification->source;
    struct library_job *job = &source->job;
    bool again = source->kind == LIBRARY_DIRECTORY || source->kind == LIBRARY_TAR;
    const struct verify_options options = {
        .problem = tell_problem,
        .context = verification,
        .observer = &job->observer,
        .cancel = &job->cancel,
        .log = &job->log,
        .reopen = again ? reopen : NULL,
    };
    struct record_source *records;

    return library_source_lend(source, &records, err) &&
           backup_verify(records, &options, report, err);
}

static void fill_verify_report(const struct verify_report *from,
                               struct pgcask_verify_report *report)
{
    *report = (struct pgcask_verify_report){
        .problems = from->problems,
        .files = from->files,
        .bytes = from->bytes,
        .checksum_failures = from->checksum_failures,
        .stop_timeline = from->stop_timeline,
        .rows = from->rows,
        .databases = from->databases,
        .without_summary = from->without_summary,
    };
    snprintf(report->layout, sizeof(report->layout), "%s", from->layout);
    snprintf(report->database, sizeof(report->database), "%s", from->database);
    snprintf(report->system_identifier, sizeof(report->system_identifier), "%s",
             from->system_identifier);
    snprintf(report->start_lsn, sizeof(report->start_lsn), "%s", from->start_lsn);
    snprintf(report->stop_lsn, sizeof(report->stop_lsn), "%s", from->stop_lsn);
    snprintf(report->finished_at, sizeof(report->finished_at), "%s", from->finished_at);
}

/* A report that cannot be given is known before the work. */
static bool check_report(void *report, const char *name, struct error *err)
{
    const size_t nothing = 0;

    return library_give(report, &nothing, sizeof(nothing), name, err);
}

bool pgcask_verify(struct pgcask_source *source, pgcask_problem_fn *problem, void *context,
                   struct pgcask_verify_report *report, struct pgcask_error *error)
{
    static const char name[] = "pgcask_verify_report";
    struct verification verification = {source, problem, context};
    struct verify_report from = {0};
    struct pgcask_verify_report filled;
    struct error err, ignored;
    bool done = check_report(report, name, &err) && verify(&verification, &from, &err);

    if (done)
        library_job_tell(&source->job);
    fill_verify_report(&from, &filled);
    library_give(report, &filled, sizeof(filled), name, &ignored);
    return done || library_fail(error, &err);
}

/* ---- Restore ---- */

/* The two structures have the same members, but each may grow on its own. */
static bool take_mappings(const struct pgcask_restore_options *given,
                          struct tablespace_mapping **mappings, struct error *err)
{
    *mappings = calloc(given->mapping_count + 1, sizeof(**mappings));
    if (*mappings == NULL)
        return error_set_memory(err);
    for (size_t i = 0; i < given->mapping_count; i++) {
        const struct pgcask_tablespace_mapping *mapping = &given->mappings[i];

        if (mapping->old_location == NULL || mapping->new_location == NULL ||
            mapping->new_location[0] != '/')
            return error_set(err, ERROR_USAGE,
                             "a tablespace mapping needs an old location and an absolute new one");
        (*mappings)[i].old_location = mapping->old_location;
        (*mappings)[i].new_location = mapping->new_location;
    }
    return true;
}

static bool restore(struct pgcask_source *source, const char *data_directory,
                    const struct pgcask_restore_options *given,
                    const struct tablespace_mapping *mappings,
                    struct physical_restore_report *report, struct error *err)
{
    struct library_job *job = &source->job;
    const struct physical_restore_options options = {
        .mappings = mappings,
        .mapping_count = given->mapping_count,
        .replace = given->replace,
        .observer = &job->observer,
        .cancel = &job->cancel,
        .log = &job->log,
    };
    struct record_source *records;
    struct quiet_signals quiet;
    bool done;

    if (!library_source_lend(source, &records, err))
        return false;
    library_job_set_phase(job, "restoring");
    quiet_signals_begin(&quiet);
    done = physical_restore(records, data_directory, &options, report, err);
    quiet_signals_end(&quiet);
    if (done)
        library_job_tell(job);
    return done;
}

static void fill_restore_report(const struct physical_restore_report *from,
                                struct pgcask_restore_report *report)
{
    struct pgcask_verify_report verified;

    fill_verify_report(&from->verify, &verified);
    *report = (struct pgcask_restore_report){
        .files = from->files,
        .bytes = from->bytes,
        .tablespaces = from->tablespaces,
        .checksum_failures = verified.checksum_failures,
        .stop_timeline = verified.stop_timeline,
    };
    memcpy(report->system_identifier, verified.system_identifier,
           sizeof(report->system_identifier));
    memcpy(report->start_lsn, verified.start_lsn, sizeof(report->start_lsn));
    memcpy(report->stop_lsn, verified.stop_lsn, sizeof(report->stop_lsn));
    memcpy(report->finished_at, verified.finished_at, sizeof(report->finished_at));
}

bool pgcask_restore(struct pgcask_source *source, const char *data_directory,
                    const struct pgcask_restore_options *options,
                    struct pgcask_restore_report *report, struct pgcask_error *error)
{
    static const char name[] = "pgcask_restore_report";
    struct tablespace_mapping *mappings = NULL;
    struct pgcask_restore_options taken;
    struct physical_restore_report from = {0};
    struct pgcask_restore_report filled;
    struct error err, ignored;
    bool done = library_take(&taken, sizeof(taken), options, "pgcask_restore_options", &err) &&
                check_report(report, name, &err) && take_mappings(&taken, &mappings, &err) &&
                restore(source, data_directory, &taken, mappings, &from, &err);

    free(mappings);
    fill_restore_report(&from, &filled);
    library_give(report, &filled, sizeof(filled), name, &ignored);
    return done || library_fail(error, &err);
}

/* ---- Relocate ---- */

bool pgcask_relocate(const char *data_directory, size_t *changed, struct pgcask_error *error)
{
    struct error err;
    size_t count = 0;
    bool done = data_directory_relocate(data_directory, true, &count, &err);

    if (changed != NULL)
        *changed = count;
    return done || library_fail(error, &err);
}
