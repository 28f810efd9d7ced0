/*
 * A backup is read twice: once as a whole, to prove it and to find what is in it, and then each of
 * its archives by position, because a script has their entries in another order than they lie in.
 */
#include "restore/logical_text.h"

#include "base/array.h"
#include "base/error_names.h"
#include "base/random.h"
#include "manifest/manifest_decoder.h"
#include "manifest/manifest_stream.h"
#include "restore/backup_look.h"
#include "restore/backup_restore.h"
#include "restore/backup_source.h"
#include "restore/checking_source.h"
#include "restore/db_source.h"
#include "restore/list_file.h"
#include "restore/script_text.h"
#include "restore/spooled_place.h"
#include "restore/selection_lists.h"
#include "restore/wanted_databases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESTRICT_WORD 64

struct text_writing {
    const struct restore_request *request;
    const char *name;
    struct record_place place;
    struct spooled_place spooled;
    const struct archive_text_out *out;
    struct logical_text_report *report;
    struct archive_text_options options;
    char restrict_word[RESTRICT_WORD];
    struct buffer list;

    /* Of a backup. */
    struct manifest_decoder *manifest;
    struct wanted_databases *wanted;
    struct selection_lists *lists;
    struct buffer globals;
    char **archives; /* their paths, in their order */
    size_t archive_count, archive_capacity;
    bool has_manifest, has_summary;
    struct script_text *script; /* instead of archives, or NULL */
    char script_path[RECORD_PATH_MAX];
    char problem[512]; /* the first that was found */
};

/* ---- What a script cannot do ---- */

bool logical_text_check(const struct restore_request *request, struct error *err)
{
    const struct {
        bool asked;
        const char *option, *hint;
    } of_servers[] = {
        {request->database != NULL, OPTION_DATABASE, "psql says which database it goes into."},
        {request->existing == RESTORE_INTO_EXISTING, OPTION_INTO_EXISTING,
         "A script goes into whatever is there: leave it out."},
        {request->existing == RESTORE_RECREATE, OPTION_RECREATE,
         "A script that drops the database and makes it anew:  " OPTION_CLEAN " " OPTION_CREATE_DB},
        {request->jobs > 0, OPTION_JOBS, "A script is run in one session: leave it out."},
        {request->exit_on_error, OPTION_EXIT_ON_ERROR,
         "It is psql that ends at an error:  psql -v ON_ERROR_STOP=1"},
        {request->transaction_size > 0, OPTION_TRANSACTION_SIZE,
         "All in one transaction:  " OPTION_SINGLE_TRANSACTION},
        {request->search_path != NULL, ERROR_OPTION("search-path"),
         "A script sets the archive's own: leave it out."},
        {request->analyze, ERROR_OPTION("analyze"), "Run ANALYZE afterwards."},
        {request->dry_run, ERROR_OPTION("dry-run"), "The script is what would be done."},
    };

    for (size_t i = 0; i < sizeof(of_servers) / sizeof(of_servers[0]); i++) {
        if (!of_servers[i].asked)
            continue;
        error_set(err, ERROR_USAGE, ERROR_OURS("%s") " is for a restore into a server",
                  of_servers[i].option);
        return error_hint(err, ERROR_OURS("%s"), of_servers[i].hint);
    }
    if (!request->create_db || !request->single_transaction)
        return true;
    error_set(err, ERROR_USAGE,
              "a database is not made in a transaction: " OPTION_CREATE_DB
              " and " OPTION_SINGLE_TRANSACTION " are both set");
    return error_hint(err, "Leave one of them out.");
}

/* ---- One archive ---- */

static bool count_bytes(void *context, struct slice bytes, struct error *err)
{
    const struct text_writing *writing = context;

    writing->report->bytes += bytes.len;
    return writing->out->write(writing->out->context, bytes, err);
}

static bool write_archive(struct text_writing *writing, struct archive_input *input,
                          struct error *err)
{
    const struct archive_text_out out = {writing, count_bytes};
    const char *database = archive_contents_header(archive_input_contents(input))->database;

    writing->report->databases++;
    snprintf(writing->report->database, sizeof(writing->report->database), "%s",
             database == NULL ? "" : database);
    return archive_text_write(input, writing->request, &writing->options, &out, err);
}

static bool write_lone(struct text_writing *writing, enum archive_kind kind, struct error *err)
{
    const struct restore_request *request = writing->request;
    struct archive_input *input;
    bool done;

    if (request->databases.count > 0 || request->exclude_databases.count > 0) {
        error_set(err, ERROR_USAGE, ERROR_OURS("%s") " chooses among several databases",
                  request->databases.count > 0 ? OPTION_DATABASES : OPTION_EXCLUDE_DATABASES);
        return error_hint(err, "%s is an archive of one database: leave the option out.",
                          writing->name);
    }
    snprintf(writing->report->format, sizeof(writing->report->format), "%s",
             kind == ARCHIVE_CUSTOM                   ? "custom"
             : writing->place.kind == PLACE_DIRECTORY ? "directory"
                                                      : "tar");
    writing->options.database = request->create_db ? PLAIN_CREATES : PLAIN_INTO_ANY;
    input = archive_input_open(&writing->place, NULL, request->cancel, err);
    done = input != NULL && write_archive(writing, input, err);
    archive_input_free(input);
    return done;
}

/* ---- What is in a backup ---- */

static void note_problem(void *context, enum verify_problem kind, const char *path,
                         const char *problem)
{
    struct text_writing *writing = context;

    (void)kind;
    if (writing->problem[0] == '\0')
        snprintf(writing->problem, sizeof(writing->problem), "%s: %s", path, problem);
    log_message(writing->request->log, LOG_WARNING, "%s: %s", path, problem);
}

static bool drain(struct reader *reader, struct buffer *keep, struct error *err)
{
    enum reader_status status;
    struct slice bytes;

    while ((status = reader_next(reader, &bytes, err)) == READER_DATA) {
        if (keep != NULL && !buffer_append(keep, bytes.data, bytes.len, err))
            return false;
    }
    return status == READER_END;
}

static bool read_manifest(struct text_writing *writing, struct reader *reader, struct error *err)
{
    enum reader_status status;
    struct slice bytes;

    while ((status = reader_next(reader, &bytes, err)) == READER_DATA) {
        if (!manifest_decoder_feed(writing->manifest, bytes, err))
            return error_prefix(err, "%s: manifest.json", writing->name);
    }
    if (status != READER_END)
        return false;
    if (manifest_decoder_facts(writing->manifest)->kind != MANIFEST_PHYSICAL)
        return true;
    error_set(err, ERROR_UNSUPPORTED, "%s is a physical backup: it is restored to a data directory",
              writing->name);
    return error_hint(err, "A server starts on it: " OPTION_TO " DATA-DIRECTORY");
}

static bool add_archive(struct text_writing *writing, const char *path, size_t len,
                        struct error *err)
{
    char **grown;

    if (writing->archive_count == writing->archive_capacity) {
        grown = array_grow(writing->archives, &writing->archive_capacity, sizeof(*grown), err);
        if (grown == NULL)
            return false;
        writing->archives = grown;
    }
    writing->archives[writing->archive_count] = strndup(path, len);
    return writing->archives[writing->archive_count++] != NULL || error_set_memory(err);
}

/* all.sql is looked through while it is proved, and written once all of the backup is. */
static bool look_at_script(struct text_writing *writing, struct reader *reader, struct error *err)
{
    enum reader_status status;
    struct slice bytes;

    if (!script_text_check(writing->request, err))
        return false;
    writing->script = script_text_new(writing->request, writing->out, err);
    if (writing->script == NULL)
        return false;
    while ((status = reader_next(reader, &bytes, err)) == READER_DATA) {
        if (!script_text_look(writing->script, bytes, err))
            return false;
    }
    return status == READER_END && script_text_look_finish(writing->script, err);
}

static bool look_at_record(struct text_writing *writing, const struct record *record,
                           struct error *err)
{
    const struct manifest_facts *facts = manifest_decoder_facts(writing->manifest);
    struct logical_place place = logical_layout_place(facts->layout, record->path);

    writing->has_manifest |= place.part == LOGICAL_PART_MANIFEST;
    writing->has_summary |= place.part == LOGICAL_PART_SUMMARY;
    switch (place.part) {
    case LOGICAL_PART_MANIFEST:
        return read_manifest(writing, record->reader, err);
    case LOGICAL_PART_GLOBALS:
        return drain(record->reader, writing->request->no_globals ? NULL : &writing->globals, err);
    case LOGICAL_PART_SCRIPT:
        snprintf(writing->script_path, sizeof(writing->script_path), "%s", record->path);
        return look_at_script(writing, record->reader, err)
                   ? true
                   : error_prefix(err, "%s", writing->script_path);
    case LOGICAL_PART_ARCHIVE:
        return add_archive(writing, record->path, strlen(record->path), err) &&
               drain(record->reader, NULL, err);
    case LOGICAL_PART_TOC:
        return add_archive(writing, record->path, place.folder.len, err) &&
               drain(record->reader, NULL, err);
    case LOGICAL_PART_FIRST_TOC:
    case LOGICAL_PART_DATA:
    case LOGICAL_PART_BLOBS_TOC:
    case LOGICAL_PART_BLOB:
    case LOGICAL_PART_SUMMARY:
    case LOGICAL_PART_FOREIGN:
        break;
    }
    return drain(record->reader, NULL, err);
}

static bool has_something(const struct text_writing *writing)
{
    return writing->archive_count > 0 || writing->script != NULL || writing->globals.len > 0;
}

/* What lies there without a manifest.json may be what another program has put together, unless
 * something of ours is missing. */
static bool refuse_begin(const struct text_writing *writing, struct error *err)
{
    error_set(err, ERROR_CORRUPT, "%s is no backup of pgcask: there is no manifest.json in it",
              writing->name);
    return error_hint(err, "A backup of pgcask has it at its top. An archive of pg_dump needs "
                           "none, but has nothing beside it.");
}

static bool look_at_records(struct text_writing *writing, struct record_source *source,
                            struct error *err)
{
    enum source_status status;
    struct record record;

    while ((status = source_next(source, &record, err)) == SOURCE_RECORD) {
        bool done = record.type != RECORD_FILE || look_at_record(writing, &record, err);

        if (record.type == RECORD_FILE)
            reader_close(record.reader);
        if (!done)
            return false;
    }
    if (status != SOURCE_END)
        return false;
    if (!writing->has_manifest && (writing->has_summary || !has_something(writing)))
        return refuse_begin(writing, err);
    if (checking_source_whole(source) && has_something(writing))
        return true;
    error_set(err, ERROR_CORRUPT, "%s is damaged or incomplete: %s", writing->name,
              writing->problem[0] != '\0' ? writing->problem : "it does not end as a backup does");
    return error_hint(err, "Nothing of it was written.");
}

static bool look_at_backup(struct text_writing *writing, struct record_source *source,
                           struct error *err)
{
    const struct verify_options proof = {
        .problem = note_problem,
        .context = writing,
        .cancel = writing->request->cancel,
        .log = writing->request->log,
        .may_lack_manifest = true,
    };
    struct record_source *checked;
    bool done;

    source = backup_restore_arrange(source, writing->place.kind == PLACE_DIRECTORY,
                                    writing->request, err);
    checked = source == NULL ? NULL : checking_source_new(source, &proof, err);
    if (checked == NULL)
        return false;
    writing->manifest = manifest_decoder_new(0, err);
    done = writing->manifest != NULL && look_at_records(writing, checked, err);
    source_close(checked);
    return done;
}

/* ---- A script ---- */

static bool pass_script(void *context, struct reader *reader, struct error *err)
{
    struct text_writing *writing = context;
    enum reader_status status;
    struct slice bytes;

    while ((status = reader_next(reader, &bytes, err)) == READER_DATA) {
        if (!script_text_write(writing->script, bytes, err))
            return false;
    }
    return status == READER_END && script_text_finish(writing->script, err);
}

static void report_script(struct text_writing *writing)
{
    const struct script_text_report *found = script_text_reported(writing->script);

    writing->report->bytes += found->bytes;
    writing->report->databases += found->databases;
    snprintf(writing->report->database, sizeof(writing->report->database), "%s", found->database);
}

/* The record of that path once more. */
static bool write_record(struct text_writing *writing, struct error *err)
{
    if (!backup_look_record(&writing->place, writing->script_path, pass_script, writing,
                            writing->request->cancel, err))
        return false;
    report_script(writing);
    return true;
}

/* ---- A backup ---- */

static bool is_in_every_cluster(const char *database)
{
    return strcmp(database, "template1") == 0 || strcmp(database, "postgres") == 0;
}

/* Of several each goes into the one of its own name. */
static enum plain_database goes_into(const struct text_writing *writing, const char *database)
{
    if (writing->archive_count == 1)
        return writing->request->create_db ? PLAIN_CREATES : PLAIN_INTO_ANY;
    if (!writing->request->create_db)
        return PLAIN_GOES_THERE;
    return is_in_every_cluster(database) ? PLAIN_INTO_ITS_OWN : PLAIN_CREATES;
}

/* The records of a snapshot's folder of databases are called as if it were not there. */
static struct archive_input *open_archive(const struct text_writing *writing, const char *path,
                                          struct error *err)
{
    const struct cancel *cancel = writing->request->cancel;
    char below[sizeof(DB_SOURCE_FOLDER) + RECORD_PATH_MAX];
    struct archive_input *input = archive_input_open(&writing->place, path, cancel, err);

    if (input != NULL || writing->has_manifest)
        return input;
    snprintf(below, sizeof(below), "%s%s", DB_SOURCE_FOLDER, path);
    return archive_input_open(&writing->place, below, cancel, err);
}

static bool write_one(struct text_writing *writing, const char *path, struct error *err)
{
    struct archive_input *input = open_archive(writing, path, err);
    const char *database;
    bool done;

    if (input == NULL)
        return error_prefix(err, "%s", path);
    database = archive_contents_header(archive_input_contents(input))->database;
    writing->options.database = goes_into(writing, database == NULL ? "" : database);
    done = !wanted_databases_has(writing->wanted, database == NULL ? "" : database) ||
           write_archive(writing, input, err);
    archive_input_free(input);
    return done ? true : error_prefix(err, "%s", path);
}

static bool check_several(const struct text_writing *writing, struct error *err)
{
    const struct restore_request *request = writing->request;

    if (writing->archive_count < 2 || (request->list_file == NULL && !request->single_transaction))
        return true;
    error_set(err, ERROR_USAGE, ERROR_OURS("%s") " is of one database, and %s has %zu",
              request->list_file != NULL ? OPTION_LIST_FILE : OPTION_SINGLE_TRANSACTION,
              writing->name, writing->archive_count);
    return error_hint(err, "Leave it out, or name one archive of the backup as the source.");
}

static bool write_backup(struct text_writing *writing, struct error *err)
{
    const struct manifest_facts *facts = manifest_decoder_facts(writing->manifest);

    snprintf(writing->report->layout, sizeof(writing->report->layout), "%s",
             logical_layout_name(facts->layout));
    writing->wanted = wanted_databases_new(writing->request, err);
    if (writing->wanted == NULL)
        return false;
    writing->lists = selection_lists_new(writing->request->lists, err);
    if (writing->lists == NULL || !check_several(writing, err) ||
        !count_bytes(writing, buffer_slice(&writing->globals), err))
        return false;
    if (writing->script != NULL)
        return write_record(writing, err);
    writing->options.lists = writing->archive_count > 1 ? writing->lists : NULL;
    for (size_t i = 0; i < writing->archive_count; i++) {
        if (!write_one(writing, writing->archives[i], err))
            return false;
    }
    return wanted_databases_check(writing->wanted, err) &&
           (writing->archive_count < 2 || selection_lists_check(writing->lists, err));
}

/* ---- All of it ---- */

/* A tar has zero bytes in its first block, and an SQL script has none anywhere. */
static bool is_script(const struct text_writing *writing, struct record_source *source,
                      bool *script, struct error *err)
{
    struct slice bytes;

    *script = false;
    if (writing->place.kind == PLACE_DIRECTORY)
        return true;
    if (!tar_source_peek(source, 512, &bytes, err))
        return false;
    *script = bytes.len > 0 && bytes.data[0] != '{' && memchr(bytes.data, 0, bytes.len) == NULL;
    return true;
}

static bool write_lone_script(struct text_writing *writing, struct record_source *source,
                              struct error *err)
{
    struct record_source *again = NULL;
    struct slice ignored;
    bool done = look_at_script(writing, tar_source_raw_reader(source), err);

    snprintf(writing->report->format, sizeof(writing->report->format), "script");
    if (done)
        again = backup_source_open(&writing->place, writing->request->cancel, err);
    done = again != NULL && tar_source_peek(again, 1, &ignored, err) &&
           pass_script(writing, tar_source_raw_reader(again), err);
    source_close(again);
    if (done)
        report_script(writing);
    return done;
}

static bool write_source(struct text_writing *writing, struct record_source *source,
                         struct error *err)
{
    enum archive_kind kind = ARCHIVE_NONE;
    bool script = false;
    bool done = backup_source_find_archive(&writing->place, source, &kind, err) &&
                (kind != ARCHIVE_NONE || is_script(writing, source, &script, err));

    if (done && kind == ARCHIVE_NONE && !script)
        return look_at_backup(writing, source, err) && write_backup(writing, err);
    if (done && script)
        done = write_lone_script(writing, source, err);
    source_close(source);
    return done && (script || write_lone(writing, kind, err));
}

static bool prepare(struct text_writing *writing, struct error *err)
{
    const char *list = writing->request->list_file;

    if (!random_word(writing->restrict_word, sizeof(writing->restrict_word), err) ||
        (list != NULL && !list_file_read(list, &writing->list, err)))
        return false;
    writing->options.restrict_word = writing->restrict_word;
    if (list != NULL)
        writing->options.list = buffer_slice(&writing->list);
    return spooled_place_make(&writing->spooled, &writing->place, writing->name, writing->request,
                              err);
}

bool logical_text_write(const struct restore_request *request, const struct restore_input *input,
                        const struct archive_text_out *out, struct logical_text_report *report,
                        struct error *err)
{
    struct text_writing writing = {
        .request = request,
        .name = input->name,
        .place = input->place,
        .spooled = {.fd = -1},
        .out = out,
        .report = report,
    };
    struct record_source *source = NULL;
    bool done;

    *report = (struct logical_text_report){0};
    if (prepare(&writing, err))
        source = backup_source_open(&writing.place, request->cancel, err);
    done = source != NULL && write_source(&writing, source, err);
    spooled_place_close(&writing.spooled);
    for (size_t i = 0; i < writing.archive_count; i++)
        free(writing.archives[i]);
    free(writing.archives);
    buffer_free(&writing.globals);
    buffer_free(&writing.list);
    script_text_free(writing.script);
    selection_lists_free(writing.lists);
    wanted_databases_free(writing.wanted);
    manifest_decoder_free(writing.manifest);
    return done;
}
