/*
 * What was restored is read as any database is, by a backup of it, which goes nowhere: its archive
 * is taken apart as it streams by. So both sides of the comparison have gone through the same code,
 * and what they are compared in is what an archive says.
 */
#include "trial/trial_internal.h"

#include "backup/backup.h"
#include "manifest/logical_layout.h"
#include "restore/archive_input.h"

#include <stdio.h>
#include <string.h>

#define STALL_MS (10 * 60 * 1000)
#define LOCK_MS (60 * 1000)

/* ---- The data that stream by ---- */

static bool begin(void *context, uint32_t number, bool *wanted, struct error *err)
{
    *wanted = true;
    return content_summer_begin(context, number, err);
}

static bool object(void *context, uint32_t number, uint32_t oid, struct error *err)
{
    (void)number;
    (void)err;
    content_summer_object(context, oid);
    return true;
}

static bool bytes(void *context, uint32_t number, struct slice bytes, struct error *err)
{
    (void)number;
    return content_summer_bytes(context, bytes, err);
}

static bool object_end(void *context, uint32_t number, struct error *err)
{
    (void)number;
    (void)err;
    content_summer_object_end(context);
    return true;
}

static bool end(void *context, uint32_t number, uint64_t rows, struct error *err)
{
    (void)number;
    (void)rows;
    (void)err;
    content_summer_end(context);
    return true;
}

static bool sum_all(struct trial *trial, struct archive_input *input, struct content_sums *sums,
                    struct error *err)
{
    struct content_summer *summer = content_summer_new(sums, err);
    const struct archive_data_handler handler = {
        .context = summer,
        .begin = begin,
        .object = object,
        .bytes = bytes,
        .object_end = object_end,
        .end = end,
    };
    bool done =
        summer != NULL && archive_input_read_all(input, &handler, trial->restore.cancel, err);

    content_summer_free(summer);
    return done;
}

/* ---- Both sides ---- */

/* The words of an entry are the server's, of its version, and those of what wrote the archive:
 * pg_dump has other blanks and parentheses. */
static bool is_exact(const struct archive_header *archive, const struct archive_header *made)
{
    int server = trial_major(archive->server_version);

    return server != 0 && server == trial_major(made->server_version) &&
           archive->dumper_version != NULL && made->dumper_version != NULL &&
           strcmp(archive->dumper_version, made->dumper_version) == 0;
}

static bool compare_with(struct trial *trial, const char *name, const struct content_sums *sums,
                         struct archive_input *input, struct error *err)
{
    struct archive_contents *contents = archive_input_contents(input);
    struct content_sums *found = content_sums_new(contents, trial->hooks.key, err);
    struct trial_sides sides = {
        .archive = {trial->contents, sums, trial->database},
        .made = {contents, found, name},
        .exact = trial->script == NULL && is_exact(archive_contents_header(trial->contents),
                                                   archive_contents_header(contents)),
    };
    bool done = found != NULL && sum_all(trial, input, found, err);

    if (done && trial->script != NULL) {
        trial->report->by_name = true;
        trial_note(trial, "%s",
                   trial->script->commented
                       ? "a script has no table of contents: of its objects those were compared "
                         "that its comments name, by kind, schema and name, and tables whose rows "
                         "it copies by their columns as well"
                       : "the script has no comments that name its objects, as pg_dump writes "
                         "them: these were not compared");
    } else if (done && !sides.exact) {
        trial->report->by_name = true;
        trial_note(
            trial,
            "the archive is of PostgreSQL %s, made by %s, and the server is PostgreSQL %s: "
            "definitions were compared by kind, schema and name, tables by their columns as well",
            archive_contents_header(trial->contents)->server_version,
            archive_contents_header(trial->contents)->dumper_version,
            archive_contents_header(contents)->server_version);
    }
    if (trial->script == NULL || trial->script->commented)
        done = done && trial_compare_entries(trial, &sides, err);
    done = done && trial_compare_rows(trial, &sides, err);
    content_sums_free(found);
    return done;
}

/* ---- The backup ---- */

static bool take_archive(struct trial *trial, const char *name, const struct content_sums *sums,
                         struct reader *reader, struct error *err)
{
    struct archive_input *input = archive_input_of_reader(name, reader, trial->restore.cancel, err);
    bool done = input != NULL && compare_with(trial, name, sums, input, err);

    archive_input_free(input);
    return done;
}

/* The backup is all of its records, each of them whole. */
static bool read_past(struct reader *reader, struct error *err)
{
    enum reader_status status;
    struct slice ignored;

    do
        status = reader_next(reader, &ignored, err);
    while (status == READER_DATA);
    return status == READER_END;
}

static bool take_records(struct trial *trial, const char *name, const struct content_sums *sums,
                         struct record_source *source, struct error *err)
{
    enum source_status status;
    struct record record;
    bool compared = false;

    while ((status = source_next(source, &record, err)) == SOURCE_RECORD) {
        bool done = true;

        if (record.type != RECORD_FILE)
            continue;
        if (logical_layout_place(LOGICAL_CLASSIC, record.path).part == LOGICAL_PART_ARCHIVE)
            done = compared = take_archive(trial, name, sums, record.reader, err);
        done = done && read_past(record.reader, err);
        reader_close(record.reader);
        if (!done)
            return false;
    }
    return status == SOURCE_END &&
           (compared ||
            error_set(err, ERROR_PROTOCOL, "a backup of the database %s has no archive", name));
}

/* Rows are read in the encoding that the archive has them in. */
static bool set_encoding(struct trial *trial, struct wire_settings *settings, struct error *err)
{
    struct archive_entry entry;

    trial->encoding[0] = '\0';
    for (uint32_t i = 0; i < archive_contents_count(trial->contents); i++) {
        if (archive_contents_node(trial->contents, i).kind != ENTRY_ENCODING)
            continue;
        if (!archive_contents_entry(trial->contents, i, &entry, err))
            return false;
        if (entry.definition != NULL)
            sscanf(entry.definition, "%*[^']'%63[^']", trial->encoding);
    }
    return trial->encoding[0] == '\0' ||
           wire_settings_set(settings, "client_encoding", trial->encoding, err);
}

bool trial_compare(struct trial *trial, const char *name, const struct content_sums *sums,
                   struct error *err)
{
    struct wire_settings *settings = wire_settings_clone(trial->restore.settings, err);
    struct backup_request request = {
        .settings = settings,
        .cancel = trial->restore.cancel,
        .digest = DIGEST_XXH3_128,
        .stall_timeout_ms = STALL_MS,
        .lock_timeout_ms = LOCK_MS,
        .layout = LOGICAL_CLASSIC,
        .without_summary = true,
    };
    struct record_source *source = NULL;
    bool done = settings != NULL && set_encoding(trial, settings, err) &&
                wire_settings_set(settings, "dbname", name, err) &&
                backup_open(&request, &source, err) && take_records(trial, name, sums, source, err);

    source_close(source);
    wire_settings_free(settings);
    if (done)
        trial->report->databases++;
    return done || error_prefix(err, "what was restored cannot be compared");
}
