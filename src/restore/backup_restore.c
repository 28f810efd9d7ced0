/*
 * The records of a backup come one after the other, through the source that proves it: each is
 * restored as it goes by, and what was restored of a backup that turns out to be damaged is told to
 * be so. Roles come before the archives that name them.
 */
#include "restore/backup_restore_internal.h"

#include "base/error_names.h"
#include "manifest/manifest_decoder.h"
#include "manifest/manifest_stream.h"
#include "restore/archive_restore.h"
#include "restore/backup_archives.h"
#include "restore/backup_begin.h"
#include "restore/backup_look.h"
#include "restore/checking_source.h"
#include "restore/restore_report.h"
#include "restore/db_source.h"
#include "restore/script_restore.h"
#include "restore/selection_lists.h"
#include "restore/target_databases.h"
#include "restore/wanted_databases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Records ---- */

static bool refuse_list(const struct backup_job *job, size_t wanted, struct error *err)
{
    if (job->request->list_file == NULL || wanted < 2)
        return true;
    error_set(err, ERROR_USAGE, "a list of entries is of one archive, and %zu databases are wanted",
              wanted);
    return error_hint(err, "Choose one: " OPTION_DATABASES);
}

/* Each of several goes into the one of its own name. */
static bool refuse_name(const struct backup_job *job, bool several, size_t count, struct error *err)
{
    char number[24] = "several", what[300];

    if (!target_database_is_named(job->request) || !several)
        return true;
    if (count > 0)
        snprintf(number, sizeof(number), "%zu", count);
    if (job->request->database == NULL) {
        snprintf(what, sizeof(what), "%.200s is of %s databases", job->name, number);
        return target_database_refuse_several(job->request, true, what, err);
    }
    error_set(err, ERROR_USAGE,
              OPTION_DATABASE " is for the restore of one database, and %s is of %s", job->name,
              number);
    return error_hint(err, "Choose among them: " OPTION_DATABASES);
}

/* Of several that are chosen among, the only one may go anywhere. */
static void settle_several(struct backup_job *job, bool several, size_t wanted)
{
    job->several = several && (!target_database_is_named(job->request) || wanted != 1);
}

static bool refuse_cluster(const struct backup_job *job, struct error *err)
{
    return job->facts->kind != MANIFEST_PHYSICAL || backup_begin_refuse_cluster(job->name, err);
}

/* What another program put together without a manifest.json says nowhere how many archives there
 * are; which file is of which database, each archive says itself. */
static bool begin_without_manifest(struct backup_job *job, struct error *err)
{
    struct backup_names names = {0};

    if (job->place != NULL && !backup_look_names(job->place, job->request->cancel, &names, err))
        return false;
    if (names.summary && !names.manifest)
        return backup_begin_refuse(job->name, job->place, job->record.path, err);
    job->begun = true;
    settle_several(
        job, job->place == NULL ? !target_database_is_named(job->request) : names.archives > 1,
        names.archives);
    return job->place == NULL ||
           (refuse_name(job, job->several, names.archives, err) &&
            refuse_list(job, job->request->databases.count == 0 ? names.archives : 0, err));
}

/* manifest.json may be still to come, where records come in the order of their names. */
static bool check_begin(struct backup_job *job, enum logical_part part, struct error *err)
{
    if (job->begun || part == LOGICAL_PART_MANIFEST)
        return true;
    if (part == LOGICAL_PART_SUMMARY || part == LOGICAL_PART_FOREIGN)
        return backup_begin_refuse(job->name, job->place, job->record.path, err);
    return begin_without_manifest(job, err);
}

/* It says of which databases archives there are: what names none of them is told before anything is
 * done, unless they have come already. Another program's names no database if it is of all. */
static bool begin_with_manifest(struct backup_job *job, struct error *err)
{
    bool ours = json_object_get(job->facts->head, "producer") != NULL, exactly;
    const char *database = json_string_value(json_object_get(job->facts->head, "database"));
    struct backup_names names = {0};
    size_t total, wanted;

    job->begun = true;
    wanted = backup_archives_wanted(job->facts, job->wanted, &total, &exactly);
    if (!ours && job->place != NULL &&
        !backup_look_names(job->place, job->request->cancel, &names, err))
        return false;
    if (job->archives == 0)
        settle_several(
            job, ours ? total > 1 : names.archives > 1 || database == NULL || database[0] == '\0',
            wanted);
    if (names.archives > 0)
        total = names.archives;
    return refuse_name(job, job->several, total, err) &&
           refuse_list(job, job->request->databases.count == 0 || ours ? wanted : 0, err) &&
           (!exactly || wanted_databases_check(job->wanted, err));
}

static bool read_manifest(struct backup_job *job, struct error *err)
{
    enum reader_status status;
    struct slice bytes;

    job->has_manifest = true;
    while ((status = reader_next(job->record.reader, &bytes, err)) == READER_DATA) {
        if (!manifest_decoder_feed(job->manifest, bytes, err))
            return error_prefix(err, "%s: manifest.json", job->name);
    }
    return status == READER_END && refuse_cluster(job, err) && begin_with_manifest(job, err);
}

/* At the end: a single archive or script needs none, and may be all that was asked for. */
static void warn_of_manifest(const struct backup_job *job)
{
    if (!job->has_manifest && job->files > 1)
        log_message(job->request->log, LOG_WARNING,
                    "there is no manifest.json in %s: whether all that belongs to it is there is "
                    "not known",
                    job->name);
}

static bool is_of_several(const struct backup_job *job)
{
    return job->several;
}

/* ---- Scripts ---- */

/* What roles there are takes some hundred bytes for each. */
#define GLOBALS_MOST ((size_t)64 << 20)

static bool feed_script(struct script_restore *script, struct reader *reader, struct error *err)
{
    enum reader_status status;
    struct slice bytes;

    while ((status = reader_next(reader, &bytes, err)) == READER_DATA) {
        if (!script_restore_feed(script, bytes, err))
            return false;
    }
    return status == READER_END && script_restore_finish(script, err);
}

/* A server that is not reached says nothing of what was to be restored. */
static bool say_where(struct error *err, const char *name)
{
    bool unreached =
        err->code == ERROR_CONNECT || err->code == ERROR_AUTHENTICATION || err->code == ERROR_TLS;

    return unreached ? false : error_prefix(err, "%s", name);
}

static void count_script(struct backup_job *job, const struct script_restore *script)
{
    struct script_report found;

    script_restore_report(script, &found);
    job->report->objects += found.statements;
    job->report->rows += found.rows;
    job->report->bytes += found.row_bytes;
    job->report->passed_over += found.passed_over;
    job->report->left += found.left;
    job->report->left_out += found.left_out;
    job->report->databases += found.databases;
    if (found.database[0] != '\0')
        snprintf(job->report->database, sizeof(job->report->database), "%s", found.database);
}

/* The globals by themselves are looked over with the archives that follow. */
static bool look_over_first(struct backup_job *job, struct script_restore *script, const char *path,
                            struct error *err)
{
    return job->place == NULL || strcmp(path, LOGICAL_SCRIPT_PATH) != 0 ||
           (backup_look_script(job->place, path, script, job->request->cancel, err) &&
            backup_prove_first(job, err));
}

static bool feed(struct backup_job *job, struct script_restore *script, struct reader *reader,
                 const char *path, struct error *err)
{
    if (job->request->dry_run)
        return backup_look_feed(script, reader, err);
    return look_over_first(job, script, path, err) && feed_script(script, reader, err);
}

/* What it says of the role that restores is said at the very end: sessions are to follow. */
static bool run_script(struct backup_job *job, const struct restore_request *request,
                       struct reader *reader, const char *path, struct error *err)
{
    struct script_restore *script = script_restore_new(request, NULL, job->report, err);
    bool done = script != NULL && reader != NULL && feed(job, script, reader, path, err);

    if (script != NULL)
        done = script_restore_end(script, done, err);
    if (script != NULL)
        count_script(job, script);
    script_restore_free(job->globals);
    job->globals = script;
    return done ? true : say_where(err, path);
}

/* Nobody who asks for a table asks for another password of a role. */
static bool leave_globals(struct backup_job *job)
{
    job->found.why_left = "a part of the backup was asked for";
    buffer_free_secret(&job->globals_text);
    return true;
}

/* Nothing is done before the first archive has been looked at: so they are held. */
static bool hold_globals(struct backup_job *job, struct error *err)
{
    enum reader_status status = READER_END;
    struct slice bytes;

    bool of_part = restore_request_is_of_part(job->request);

    if (job->request->no_globals || (of_part && job->archives > 0))
        return true;
    if (job->archives > 0) {
        error_set(err, ERROR_UNSUPPORTED, "%s comes behind a database that names its roles",
                  job->record.path);
        return error_hint(err, "Put the backup into a directory and restore that; or leave roles "
                               "away (no_globals).");
    }
    snprintf(job->globals_path, sizeof(job->globals_path), "%s", job->record.path);
    while ((status = reader_next(job->record.reader, &bytes, err)) == READER_DATA) {
        if (job->globals_text.len + bytes.len > GLOBALS_MOST)
            return error_set(err, ERROR_UNSUPPORTED, "%s is over 64 MiB long", job->record.path);
        if (!buffer_append(&job->globals_text, bytes.data, bytes.len, err))
            return false;
    }
    return status == READER_END &&
           restore_globals_read(&job->found, buffer_slice(&job->globals_text), err) &&
           (!of_part || leave_globals(job));
}

static bool run_globals(void *context, struct error *err)
{
    struct backup_job *job = context;
    struct reader *reader;
    bool done;

    if (job->globals_text.len == 0)
        return true;
    reader = reader_from_memory(buffer_slice(&job->globals_text), err);
    job->report->in_globals = true;
    done = run_script(job, &job->of_globals, reader, job->globals_path, err);
    job->report->in_globals = false;
    reader_close(reader);
    buffer_free(&job->globals_text);
    return done;
}

/* What is in the way of the first archive is known. */
static bool begin_work(void *context, struct error *err)
{
    return backup_prove_first(context, err) && run_globals(context, err);
}

/* ---- Archives ---- */

static struct archive_restore_options options_of(struct backup_job *job, const char *name)
{
    return (struct archive_restore_options){
        .name = name,
        .of_several = is_of_several(job),
        .lists = is_of_several(job) ? job->lists : NULL,
        .globals_are_apart = job->globals != NULL || job->globals_text.len > 0,
        .globals = job->found.roles.count + job->found.tablespaces.count > 0 && job->archives <= 1
                       ? &job->found
                       : NULL,
        .planned = job->planned,
        .before = begin_work,
        .proved = job->opened == NULL && json_array_size(job->facts->archive_names) == 1
                      ? backup_prove
                      : NULL,
        .context = job,
    };
}

/* Of several each is made that is not there, as by the CREATE DATABASE of all.sql. */
static const struct restore_request *request_of_archives(const struct backup_job *job)
{
    bool made = is_of_several(job) && !job->request->data_only && job->request->sections == 0;

    return made ? &job->of_several : job->request;
}

/* What is in the way of any of several is told before the first. */
static bool plan_all(struct backup_job *job, struct error *err)
{
    const struct archive_restore_options options = options_of(job, NULL);

    job->archives++;
    if (job->planned || !is_of_several(job) || job->opened == NULL)
        return true;
    job->planned = true;
    return backup_look_archives(job->place, job->opened, job->facts->layout, job->wanted, &options,
                                request_of_archives(job), job->report, err);
}

static bool restore_one(struct backup_job *job, struct archive_input *input,
                        const struct archive_restore_options *options, struct error *err)
{
    size_t before = job->report->databases;
    bool done;

    if (!refuse_name(job, job->chosen > 1 && !is_of_several(job), 0, err))
        return false;
    done = archive_restore(input, options, request_of_archives(job), job->report, err);

    if (done && !job->request->dry_run && job->report->databases > before)
        restore_report_ended(job->report);
    return done;
}

static bool restore_input(struct backup_job *job, struct archive_input *input, const char *name,
                          struct error *err)
{
    const struct archive_restore_options options = options_of(job, name);
    const char *database;
    bool done;

    if (input == NULL)
        return false;
    if (job->request->progress != NULL)
        archive_input_count(input, &job->request->progress->bytes);
    database = archive_contents_header(archive_input_contents(input))->database;
    done = !wanted_databases_has(job->wanted, database == NULL ? "" : database) ||
           (refuse_list(job, ++job->chosen, err) && restore_one(job, input, &options, err));
    archive_input_free(input);
    return done ? true : say_where(err, name);
}

static bool restore_custom(struct backup_job *job, struct error *err)
{
    char path[RECORD_PATH_MAX];

    snprintf(path, sizeof(path), "%s", job->record.path);
    if (job->opened != NULL)
        return restore_input(job, backup_open_archive(job, path, err), path, err);
    return restore_input(
        job, archive_input_of_reader(path, job->record.reader, job->request->cancel, err), path,
        err);
}

/* ---- Folders ---- */

/* The next file of the folder; the record behind its last one is kept. */
static bool next_file(void *context, const char **name, struct reader **reader, struct error *err)
{
    struct backup_job *job = context;
    size_t len = strlen(job->folder);
    enum source_status status;

    *name = NULL;
    while ((status = backup_next_record(job, err)) == SOURCE_RECORD) {
        if (strncmp(job->record.path, job->folder, len) != 0 || job->record.path[len] != '/') {
            job->pending = true;
            return true;
        }
        if (job->record.type != RECORD_FILE)
            continue;
        *name = job->record.path + len + 1;
        *reader = job->record.reader;
        return true;
    }
    return status == SOURCE_END;
}

static bool restore_folder(struct backup_job *job, const struct logical_place *place,
                           struct error *err)
{
    const struct archive_file_source files = {.context = job, .next = next_file};
    char folder[RECORD_PATH_MAX];

    snprintf(folder, sizeof(folder), "%.*s", (int)place->folder.len,
             (const char *)place->folder.data);
    snprintf(job->folder, sizeof(job->folder), "%s", folder);
    if (job->opened != NULL)
        return restore_input(job, backup_open_archive(job, folder, err), folder, err);
    job->pending = true; /* its first file */
    return restore_input(job, archive_input_of_files(folder, &files, job->request->cancel, err),
                         folder, err);
}

/* ---- All of it ---- */

static bool note_record(struct backup_job *job, const struct logical_place *place,
                        struct error *err)
{
    job->of_script |= place->part == LOGICAL_PART_SCRIPT;
    job->files += place->part != LOGICAL_PART_MANIFEST && place->part != LOGICAL_PART_SUMMARY &&
                  place->part != LOGICAL_PART_FOREIGN && place->file == NULL;
    return backup_archives_came(job->came, place, err);
}

/* Which of its databases it goes to, each of its statements says itself. */
static bool refuse_script_name(const struct backup_job *job, struct error *err)
{
    return job->request->database != NULL || !target_database_is_named(job->request) ||
           target_database_refuse_several(job->request, false,
                                          "the backup is a script of several, all.sql", err);
}

static bool restore_record(struct backup_job *job, struct error *err)
{
    struct logical_place place = logical_layout_place(job->facts->layout, job->record.path);

    if (!check_begin(job, place.part, err) || !note_record(job, &place, err))
        return false;
    switch (place.part) {
    case LOGICAL_PART_MANIFEST:
        return read_manifest(job, err);
    case LOGICAL_PART_GLOBALS:
        return hold_globals(job, err);
    case LOGICAL_PART_SCRIPT:
        return refuse_script_name(job, err) &&
               run_script(job, job->request, job->record.reader, job->record.path, err);
    case LOGICAL_PART_ARCHIVE:
        return plan_all(job, err) && restore_custom(job, err);
    case LOGICAL_PART_FIRST_TOC:
    case LOGICAL_PART_TOC:
    case LOGICAL_PART_DATA:
    case LOGICAL_PART_BLOBS_TOC:
    case LOGICAL_PART_BLOB:
        if (backup_is_of_folder(job, &place))
            return true;
        return plan_all(job, err) && restore_folder(job, &place, err);
    case LOGICAL_PART_SUMMARY:
    case LOGICAL_PART_FOREIGN:
        break;
    }
    return true;
}

/* A script has neither list. */
static bool check_matched(const struct backup_job *job, struct error *err)
{
    return job->archives == 0 || (wanted_databases_check(job->wanted, err) &&
                                  (!is_of_several(job) || selection_lists_check(job->lists, err)));
}

static bool restore_records(struct backup_job *job, struct error *err)
{
    enum source_status status;

    while ((status = backup_next_record(job, err)) == SOURCE_RECORD) {
        bool done = job->record.type != RECORD_FILE || restore_record(job, err);

        if (!job->pending && job->record.type == RECORD_FILE)
            reader_close(job->record.reader);
        if (!done)
            return false;
    }
    if (status != SOURCE_END)
        return false;
    warn_of_manifest(job);
    return (job->opened != NULL ? backup_prove_first(job, err)
                                : backup_check_whole(job, job->source, err)) &&
           (!job->has_manifest || job->of_script ||
            backup_archives_check(job->came, job->facts, job->wanted, job->name, err)) &&
           check_matched(job, err);
}

/* They are of no database, and nothing of a database is chosen of them. */
static struct restore_request request_of_globals(const struct restore_request *request)
{
    struct restore_request of_globals = *request;

    of_globals.database = of_globals.list_file = of_globals.search_path = NULL;
    of_globals.databases = of_globals.exclude_databases = (struct option_list){0};
    memset(of_globals.lists, 0, sizeof(of_globals.lists));
    of_globals.sections = 0;
    of_globals.schema_only = of_globals.data_only = of_globals.disable_triggers = false;
    of_globals.single_transaction = of_globals.analyze = of_globals.create_db = false;
    return of_globals;
}

/* What cannot be opened again is proved while it passes. */
static bool take_source(struct backup_job *job, struct record_source *source, struct error *err)
{
    const struct verify_options proof = {
        .problem = backup_note_problem,
        .context = job,
        .observer = job->request->observer,
        .cancel = job->request->cancel,
        .log = job->request->log,
        .may_lack_manifest = true,
    };

    if (job->place == NULL || !backup_look_can_open(job->place)) {
        job->source = checking_source_new(source, &proof, err);
        return job->source != NULL;
    }
    job->source = source;
    job->opened = archive_place_open(job->place->path, job->request->cancel, err);
    return job->opened != NULL;
}

static bool run(struct backup_job *job, struct record_source *source, struct error *err)
{
    if (!take_source(job, source, err))
        return false;
    job->manifest = manifest_decoder_new(MANIFEST_DATABASES, err);
    if (job->manifest == NULL)
        return false;
    job->facts = manifest_decoder_facts(job->manifest);
    if (!restore_records(job, err))
        return false;
    snprintf(job->report->layout, sizeof(job->report->layout), "%s",
             logical_layout_name(job->facts->layout));
    /* Of a backup without a database that is wanted. */
    if (!job->request->dry_run && !run_globals(job, err))
        return false;
    return true;
}

static bool prepare(struct backup_job *job, struct error *err)
{
    job->wanted = wanted_databases_new(job->request, err);
    job->lists = job->wanted == NULL ? NULL : selection_lists_new(job->request->lists, err);
    job->came = job->lists == NULL ? NULL : backup_archives_new(err);
    return job->came != NULL;
}

bool backup_restore(struct record_source *source, const char *name,
                    const struct record_place *place, const struct restore_request *request,
                    struct logical_restore_report *report, struct error *err)
{
    struct backup_job job = {
        .name = name,
        .place = place != NULL && backup_look_can(place) ? place : NULL,
        .request = request,
        .report = report,
        .of_globals = request_of_globals(request),
        .of_several = *request,
    };
    bool done = prepare(&job, err);

    job.of_several.create_db = true;
    if (done)
        done = run(&job, source, err);
    else
        source_close(source);
    if (!done)
        restore_report_say_ended(report, err);
    wanted_databases_free(job.wanted);
    selection_lists_free(job.lists);
    backup_archives_free(job.came);
    script_restore_free(job.globals);
    restore_globals_reset(&job.found);
    buffer_free_secret(&job.globals_text);
    manifest_decoder_free(job.manifest);
    archive_place_free(job.opened);
    source_close(job.source);
    return done;
}
