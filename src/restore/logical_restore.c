/*
 * What there is to restore shows in its first bytes, or in the names of its files: an archive by
 * itself, or a backup, which has several. Each archive goes into a database of its own.
 */
#include "restore/logical_restore.h"

#include "base/clock.h"
#include "base/error_names.h"
#include "manifest/physical_layout.h"
#include "record/store.h"
#include "restore/archive_restore.h"
#include "restore/backup_look.h"
#include "restore/backup_restore.h"
#include "restore/backup_source.h"
#include "restore/restore_report.h"
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
                            struct error *err)
{
    const struct archive_restore_options options = {.name = job->input->name};
    struct restore_progress *progress = job->request->progress;
    bool done;

    if (archive != NULL && progress != NULL)
        archive_input_count(archive, &progress->bytes);
    done = archive != NULL && archive_restore(archive, &options, job->request, job->report, err);
    archive_input_free(archive);
    return done;
}

/* An archive is of one database. */
static bool check_choice(const struct logical_job *job, struct error *err)
{
    bool some = job->request->databases.count > 0;

    if (!some && job->request->exclude_databases.count == 0)
        return true;
    error_set(err, ERROR_USAGE, ERROR_OURS("%s") " chooses among several databases",
              some ? OPTION_DATABASES : OPTION_EXCLUDE_DATABASES);
    return error_hint(err, "%s is an archive of one database: leave the option out.",
                      job->input->name);
}

static const char *format_of(const struct logical_job *job, enum archive_kind kind)
{
    if (kind == ARCHIVE_CUSTOM)
        return "custom";
    return job->input->place.kind == PLACE_DIRECTORY ? "directory" : "tar";
}

/* What comes through a pipe was begun to be read. */
static bool restore_lone(struct logical_job *job, struct record_source *source,
                         enum archive_kind kind, struct error *err)
{
    const struct cancel *cancel = job->request->cancel;

    if (!check_choice(job, err))
        return false;
    snprintf(job->report->format, sizeof(job->report->format), "%s", format_of(job, kind));
    if (!backup_look_can(&job->input->place))
        return restore_archive(
            job, archive_input_of_source(job->input->name, source, kind, cancel, err), err);
    return restore_archive(job, archive_input_open(&job->input->place, NULL, cancel, err), err);
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
    report->passed_over += found.passed_over;
    report->left += found.left;
    report->left_out += found.left_out;
    if (found.database[0] != '\0')
        snprintf(report->database, sizeof(report->database), "%s", found.database);
}

typedef bool script_feed(struct script_restore *script, struct slice bytes, struct error *err);

/* count: of the bytes; NULL: nobody asks. */
static bool feed_script(struct script_restore *script, struct reader *reader, script_feed *feed,
                        _Atomic uint64_t *count, struct error *err)
{
    enum reader_status status;
    struct slice data;

    while ((status = reader_next(reader, &data, err)) == READER_DATA) {
        if (count != NULL)
            atomic_fetch_add_explicit(count, data.len, memory_order_relaxed);
        if (!feed(script, data, err))
            return false;
    }
    return status == READER_END;
}

/* How long it is is known then. */
static bool look_over(const struct logical_job *job, struct script_restore *script,
                      struct reader *reader, struct error *err)
{
    struct restore_progress *progress = job->request->progress;

    return feed_script(script, reader, script_restore_look,
                       progress == NULL ? NULL : &progress->total_bytes, err) &&
           script_restore_look_finish(script, err);
}

static bool look_over_first(struct logical_job *job, struct script_restore *script,
                            struct error *err)
{
    struct record_source *again;
    struct slice ignored;
    bool done;

    if (!backup_look_can(&job->input->place))
        return true;
    again = backup_source_open(&job->input->place, job->request->cancel, err);
    if (again == NULL)
        return false;
    done = tar_source_peek(again, 1, &ignored, err) &&
           look_over(job, script, tar_source_raw_reader(again), err);
    source_close(again);
    return done;
}

static bool run_script(struct logical_job *job, struct script_restore *script,
                       struct reader *reader, struct error *err)
{
    struct restore_progress *progress = job->request->progress;

    if (job->request->dry_run)
        return look_over(job, script, reader, err);
    return look_over_first(job, script, err) &&
           feed_script(script, reader, script_restore_feed,
                       progress == NULL ? NULL : &progress->bytes, err) &&
           script_restore_finish(script, err);
}

/* Any text may be taken for a script until it ends without a statement. */
static bool refuse_text(const struct logical_job *job, const struct script_restore *script,
                        struct error *err)
{
    if (err->code != ERROR_CORRUPT || script_restore_has_begun(script))
        return false;
    error_set(err, ERROR_CORRUPT, "%s is no backup, no archive of pg_dump and no SQL script",
              job->input->name);
    return error_hint(err, "A backup is the folder or tar as a whole; of a script nothing but SQL "
                           "is run.");
}

static bool restore_script(struct logical_job *job, struct reader *reader, struct error *err)
{
    struct error ignored;
    char *database = target_database_name(job->request, NULL, NULL, false, &ignored);
    struct script_restore *script = script_restore_new(job->request, database, job->report, err);
    bool done;

    if (job->request->jobs > 1)
        preflight_add(&job->report->preflight, false, "An archive can have several (pg_dump -Fc).",
                      "a script is run in one session: " OPTION_JOBS " has no effect");
    done =
        script != NULL && (run_script(job, script, reader, err) || refuse_text(job, script, err));
    if (script != NULL)
        done = script_restore_end(script, done, err);
    snprintf(job->report->format, sizeof(job->report->format), "script");
    snprintf(job->report->database, sizeof(job->report->database), "%s",
             database == NULL ? "" : database);
    if (script != NULL)
        add_script(job->report, script);
    script_restore_free(script);
    free(database);
    return done;
}

/* What bzip2 writes may have no zero bytes at its beginning, either. */
static bool is_compressed(struct slice bytes)
{
    return bytes.len > 4 && memcmp(bytes.data, "BZh", 3) == 0 &&
           (bytes.data[4] == '1' || bytes.data[4] == 0x17);
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
    *script = bytes.len > 0 && bytes.data[0] != '{' && memchr(bytes.data, 0, bytes.len) == NULL &&
              !is_compressed(bytes);
    return true;
}

/* ---- What it is ---- */

static bool look_at(const struct logical_job *job, struct record_source *source,
                    enum archive_kind *kind, bool *script, struct error *err)
{
    const struct restore_input *input = job->input;

    if (!backup_source_find_archive(&input->place, source, kind, err) ||
        !archive_input_find_packed(&input->place, source, kind, job->request->cancel, err) ||
        (*kind == ARCHIVE_NONE && !is_script(job, source, script, err)))
        return false;
    return *kind != ARCHIVE_NONE || *script || input->may_be_backup == NULL ||
           input->may_be_backup(input->context, source, err);
}

/* Of what is compressed as a whole nobody knows how long it will be. */
static void expect_records(const struct logical_job *job)
{
    struct restore_progress *progress = job->request->progress;

    if (progress != NULL && !job->input->is_backup && backup_look_can_open(&job->input->place))
        atomic_store(&progress->total_bytes,
                     record_place_bytes(&job->input->place, job->request->cancel));
}

static bool restore_source(struct logical_job *job, struct record_source **source,
                           struct error *err)
{
    struct record_source *taken = *source;
    enum archive_kind kind = ARCHIVE_NONE;
    bool script = false;

    if (!job->input->is_backup && !look_at(job, taken, &kind, &script, err))
        return false;
    if (script)
        return restore_script(job, tar_source_raw_reader(taken), err);
    if (kind != ARCHIVE_NONE)
        return restore_lone(job, taken, kind, err);
    *source = NULL;
    expect_records(job);
    taken = backup_restore_arrange(
        taken, !job->input->is_backup && job->input->place.kind == PLACE_DIRECTORY, job->request,
        err);
    if (taken == NULL)
        return false;
    return backup_restore(taken, job->input->name,
                          job->input->is_backup ? NULL : &job->input->place, job->request,
                          job->report, err);
}

/* Records come in the order in which they were written. */
static struct record_source *open_source(const struct logical_job *job, struct error *err)
{
    if (job->input->source != NULL)
        return job->input->source;
    if (job->input->place.kind == PLACE_DIRECTORY)
        return record_place_open(&job->input->place, backup_restore_first, layout_last,
                                 job->request->cancel, err);
    return backup_source_open(&job->input->place, job->request->cancel, err);
}

bool logical_restore_run(const struct restore_request *request, const struct restore_input *input,
                         struct logical_restore_report *report, struct error *err)
{
    struct logical_job job = {.request = request, .input = input, .report = report};
    int64_t begun = clock_now_ms();
    struct record_source *source;
    bool done;

    *report = (struct logical_restore_report){0};
    source = open_source(&job, err);
    if (source == NULL)
        return false;
    done = restore_source(&job, &source, err);
    source_close(source);
    restore_report_say_search_path(report, request, done, err);
    report->seconds = (double)(clock_now_ms() - begun) / 1000;
    return done;
}

/* ---- Before it ---- */

bool logical_restore_ping(const struct restore_request *request, struct error *err)
{
    struct error ignored;
    char *database = target_database_name(request, NULL, NULL, false, &ignored);
    bool any = database == NULL || request->create_db || request->existing == RESTORE_RECREATE;
    struct wire_conn *conn = NULL;
    bool done = any ? target_connect_any(&conn, request, TARGET_BYTES, err)
                    : target_connect(&conn, request, database, TARGET_BYTES, err);

    if (!done && !any && strcmp(err->sqlstate, "3D000") == 0)
        error_hint(err, "It is made by " OPTION_CREATE_DB ".");
    if (done)
        wire_close(conn);
    free(database);
    return done;
}
