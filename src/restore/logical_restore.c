/*
 * What there is to restore shows in its first bytes, or in the names of its files: an archive by
 * itself, or a backup, which has several. Each archive goes into a database of its own.
 */
#include "restore/logical_restore.h"

#include "base/clock.h"
#include "base/error_names.h"
#include "record/store.h"
#include "restore/archive_restore.h"
#include "restore/backup_source.h"
#include "restore/script_restore.h"
#include "restore/target_databases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct logical_job {
    const struct restore_request *request;
    const struct restore_input *input;
    struct logical_restore_report *report;
};

/* ---- One archive ---- */

static bool restore_archive(struct logical_job *job, struct archive_input *archive,
                            const char *name, bool of_several, struct error *err)
{
    const struct archive_header *header = archive_contents_header(archive_input_contents(archive));
    char *database = target_database_name(job->request, header->database, name, of_several, err);
    bool done;

    if (database == NULL)
        return false;
    snprintf(job->report->database, sizeof(job->report->database), "%s", database);
    job->report->databases++;
    done = archive_restore(archive, name, job->request, database, job->report, err);
    free(database);
    return done;
}

static bool restore_lone(struct logical_job *job, struct archive_input *archive, struct error *err)
{
    bool done = archive != NULL && restore_archive(job, archive, job->input->name, false, err);

    archive_input_free(archive);
    return done;
}

/* It comes through a pipe. */
static bool restore_stream(struct logical_job *job, struct record_source *source,
                           enum archive_kind kind, struct error *err)
{
    snprintf(job->report->format, sizeof(job->report->format), "%s",
             kind == ARCHIVE_CUSTOM ? "custom" : "tar");
    return restore_lone(
        job, archive_input_of_source(job->input->name, source, kind, job->request->cancel, err),
        err);
}

static bool restore_place(struct logical_job *job, enum archive_kind kind, struct error *err)
{
    snprintf(job->report->format, sizeof(job->report->format), "%s",
             kind == ARCHIVE_CUSTOM                      ? "custom"
             : job->input->place.kind == PLACE_DIRECTORY ? "directory"
                                                         : "tar");
    return restore_lone(
        job, archive_input_open(&job->input->place, NULL, job->request->cancel, err), err);
}

/* ---- A script ---- */

static void add_script(struct logical_restore_report *report, const struct script_restore *script)
{
    struct script_report found;

    script_restore_report(script, &found);
    report->databases += found.databases;
    report->objects += found.statements;
    report->rows += found.rows;
    report->bytes += found.row_bytes;
}

static bool feed_script(struct script_restore *script, struct reader *reader, struct error *err)
{
    enum reader_status status;
    struct slice data;

    while ((status = reader_next(reader, &data, err)) == READER_DATA) {
        if (!script_restore_feed(script, data, err))
            return false;
    }
    return status == READER_END && script_restore_finish(script, err) &&
           script_restore_conclude(script, err);
}

static bool restore_script(struct logical_job *job, struct reader *reader, struct error *err)
{
    struct error ignored;
    char *database = target_database_name(job->request, NULL, NULL, false, &ignored);
    struct script_restore *script = script_restore_new(job->request, database, job->report, err);
    bool done = script != NULL && feed_script(script, reader, err);

    snprintf(job->report->format, sizeof(job->report->format), "script");
    snprintf(job->report->database, sizeof(job->report->database), "%s",
             database == NULL ? "" : database);
    if (script != NULL)
        add_script(job->report, script);
    script_restore_free(script);
    free(database);
    return done;
}

/* A tar has zero bytes in its first block, and an SQL script has none anywhere. */
static bool is_script(const struct logical_job *job, struct record_source *source, bool *script,
                      struct error *err)
{
    struct slice bytes;

    *script = false;
    if (job->input->place.kind == PLACE_DIRECTORY)
        return true;
    if (!tar_source_peek(source, 512, &bytes, err))
        return false;
    *script = bytes.len > 0 && memchr(bytes.data, 0, bytes.len) == NULL;
    return true;
}

/* ---- What it is ---- */

static bool restore_source(struct logical_job *job, struct record_source *source, struct error *err)
{
    enum archive_kind kind;
    bool script = false;

    if (!backup_source_find_archive(&job->input->place, source, &kind, err) ||
        (kind == ARCHIVE_NONE && !is_script(job, source, &script, err)))
        return false;
    if (script)
        return restore_script(job, tar_source_raw_reader(source), err);
    if (kind == ARCHIVE_NONE)
        return error_set(err, ERROR_UNSUPPORTED, "%s: not yet: a backup into a server",
                         job->input->name);
    return job->input->place.kind == PLACE_TAR_STREAM ? restore_stream(job, source, kind, err)
                                                      : restore_place(job, kind, err);
}

static bool check_request(const struct restore_request *request, struct error *err)
{
    if (request->jobs <= 1 || !request->single_transaction)
        return true;
    error_set(
        err, ERROR_USAGE,
        ERROR_OPTION("jobs") " %u and " ERROR_OPTION("single-transaction") " do not go together",
        request->jobs);
    return error_hint(err, "A transaction is one session's.");
}

bool logical_restore_run(const struct restore_request *request, const struct restore_input *input,
                         struct logical_restore_report *report, struct error *err)
{
    struct logical_job job = {.request = request, .input = input, .report = report};
    int64_t begun = clock_now_ms();
    struct record_source *source;
    bool done;

    *report = (struct logical_restore_report){0};
    if (!check_request(request, err))
        return false;
    source = backup_source_open(&input->place, request->cancel, err);
    if (source == NULL)
        return false;
    done = restore_source(&job, source, err);
    source_close(source);
    report->seconds = (double)(clock_now_ms() - begun) / 1000;
    return done;
}
