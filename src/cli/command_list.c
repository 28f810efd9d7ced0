/* pgcask list: what a backup says about itself. Reads only until both descriptions were seen; of an
 * archive, its table of contents. */
#include "cli/archive_report.h"
#include "cli/command.h"
#include "cli/description.h"
#include "cli/format.h"
#include "cli/listing_result.h"
#include "cli/location.h"
#include "cli/near_miss.h"

#include "base/text.h"
#include "manifest/manifest.h"

#include <inttypes.h>
#include <stdlib.h>

struct listing {
    struct command *command;
    struct description description;
    bool manifest_seen, summary_seen;
    bool complete; /* the summary was read to its end and matches its own checksum */
    bool verbose;
    json_t *records;  /* --verbose --json */
    json_t *archives; /* the same */
};

/* ---- Reading -----------------------------------------------------------------------------------
 */

typedef bool feed_function(struct description *description, struct slice piece, struct error *err);

/* False if the file cannot be read. *sound is whether what it says could be understood; if not,
 * the rest of it is left unread. */
static bool read_file(struct listing *listing, struct reader *reader, feed_function *feed,
                      bool *sound, struct error *err)
{
    struct slice piece;

    *sound = true;
    while (*sound) {
        switch (reader_next(reader, &piece, err)) {
        case READER_DATA:
            *sound = feed(&listing->description, piece, err);
            break;
        case READER_END:
            return true;
        case READER_FAILED:
            return false;
        }
        if (!cancel_check(listing->command->cancel, err))
            return false;
    }
    return true;
}

/* A description that makes no sense is told and makes the exit status 3; the other one may still
 * say something. */
static void note_unsound(struct listing *listing, const struct error *err)
{
    console_warning(listing->command->console, ERROR_OURS("%s"), err->message);
    listing->command->problems = true;
}

/* The archive of a database in a logical backup: "/app.dump". */
static bool is_archive(const struct record *record)
{
    size_t len = strlen(record->path);

    return record->type == RECORD_FILE && len > 6 && strcmp(record->path + len - 5, ".dump") == 0 &&
           strchr(record->path + 1, '/') == NULL;
}

static bool take_archive(struct listing *listing, const struct record *record, struct error *err)
{
    struct archive_report report;
    bool done;

    archive_report_init(&report, listing->command);
    report.only_contents = true;
    done = archive_report_custom(&report, record->path, record->reader, err);
    if (!done && err->code == ERROR_CORRUPT) {
        note_unsound(listing, err);
        done = true;
    }
    if (report.object != NULL) {
        result_set_text(report.object, "path", record->path);
        if (listing->archives == NULL)
            listing->archives = json_array();
        json_array_append(listing->archives, report.object);
    }
    archive_report_reset(&report);
    return done;
}

static bool take_record(struct listing *listing, const struct record *record, struct error *err)
{
    struct description *description = &listing->description;
    bool sound;

    if (record->type == RECORD_FILE && strcmp(record->path, MANIFEST_PATH) == 0) {
        listing->manifest_seen = true;
        if (!read_file(listing, record->reader, description_feed_manifest, &sound, err))
            return false;
        if (!sound || !description_finish_manifest(description, err))
            note_unsound(listing, err);
    } else if (record->type == RECORD_FILE && strcmp(record->path, SUMMARY_PATH) == 0) {
        listing->summary_seen = true;
        description->summary_bytes = record->size > 0 ? (uint64_t)record->size : 0;
        if (!read_file(listing, record->reader, description_feed_summary, &sound, err))
            return false;
        listing->complete = sound && description_finish_summary(description, err);
        if (!listing->complete)
            note_unsound(listing, err);
    } else if (listing->verbose && is_archive(record)) {
        return take_archive(listing, record, err);
    }
    return true;
}

static void show_record(struct listing *listing, const struct record *record)
{
    static const char *const types[] = {"file", "directory", "link"};
    char size[FORMAT_SIZE] = "";
    json_t *object;

    if (record->type == RECORD_FILE && record->size >= 0)
        format_size((uint64_t)record->size, size);
    command_say(listing->command, "%9s  %s%s%s", size, record->path,
                record->type == RECORD_LINK ? " -> " : "",
                record->type == RECORD_LINK ? record->link_target : "");
    if (listing->records == NULL)
        return;
    object = json_object();
    result_set_text(object, "path", record->path);
    result_set_text(object, "type", types[record->type]);
    if (record->type == RECORD_FILE && record->size >= 0)
        result_set_number(object, "bytes", (uint64_t)record->size);
    json_array_append_new(listing->records, object);
}

static bool read_source(struct listing *listing, struct record_source *source, struct error *err)
{
    struct record record;

    while (listing->verbose || !listing->manifest_seen || !listing->summary_seen) {
        enum source_status status;
        bool done;

        if (!cancel_check(listing->command->cancel, err))
            return false;
        status = source_next(source, &record, err);
        if (status != SOURCE_RECORD)
            return status == SOURCE_END;
        if (listing->verbose)
            show_record(listing, &record);
        done = take_record(listing, &record, err);
        reader_close(record.reader);
        if (!done)
            return false;
    }
    return true;
}

/* ---- Telling -----------------------------------------------------------------------------------
 */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "unknown" : text;
}

static uint64_t number_of(const json_t *object, const char *name)
{
    json_int_t number = json_integer_value(json_object_get(object, name));

    return number < 0 ? 0 : (uint64_t)number;
}

static void say_physical(const struct command *command, const json_t *summary)
{
    char size[FORMAT_SIZE], wal[FORMAT_SIZE];

    format_size(number_of(summary, "bytes"), size);
    format_size(number_of(summary, "wal_bytes"), wal);
    command_say(command, "%-12s %s", "label",
                text_of(json_object_get(summary, "options"), "label"));
    command_say(command, "%-12s %s to %s on timeline %" PRIu64, "positions",
                text_of(summary, "start_lsn"), text_of(summary, "stop_lsn"),
                number_of(summary, "stop_timeline"));
    command_say(command, "%-12s %s in %" PRIu64 " file%s, of which %s are WAL", "size", size,
                number_of(summary, "files"), TEXT_S(number_of(summary, "files")), wal);
}

static void say_logical(const struct command *command, const json_t *summary)
{
    char size[FORMAT_SIZE];

    format_size(number_of(summary, "bytes"), size);
    command_say(command, "%-12s %s", "database", text_of(summary, "database"));
    command_say(command, "%-12s %s", "position", text_of(summary, "wal_lsn"));
    command_say(command, "%-12s %" PRIu64 " in the table of contents", "entries",
                number_of(summary, "entries"));
    command_say(command, "%-12s %" PRIu64 " with %" PRIu64 " row%s", "tables",
                number_of(summary, "tables"), number_of(summary, "rows"),
                TEXT_S(number_of(summary, "rows")));
    command_say(command, "%-12s %s, compression %s", "size", size, text_of(summary, "compression"));
}

static void say_summary(const struct command *command, const json_t *summary)
{
    command_say(command, "%-12s %s", "kind", text_of(summary, "kind"));
    command_say(command, "%-12s %s", "started", text_of(summary, "started_at"));
    command_say(command, "%-12s %s", "finished", text_of(summary, "finished_at"));
    if (strcmp(text_of(summary, "kind"), "logical") == 0)
        say_logical(command, summary);
    else
        say_physical(command, summary);
}

/* "about 12 rows", and what that leaves out: the server has counted no table that it never
 * analysed. */
static void format_rows(const json_t *database, char *out, size_t size)
{
    uint64_t rows = number_of(database, "row_estimate");
    uint64_t missing = number_of(database, "tables_not_analysed");

    if (json_object_get(database, "row_estimate") == NULL)
        snprintf(out, size, "rows unknown (never analysed)");
    else if (missing > 0)
        snprintf(out, size, "about %" PRIu64 " row%s, and %" PRIu64 " table%s never analysed", rows,
                 TEXT_S(rows), missing, TEXT_S(missing));
    else
        snprintf(out, size, "about %" PRIu64 " row%s", rows, TEXT_S(rows));
}

static void say_databases(const struct command *command, const json_t *databases)
{
    size_t index;
    const json_t *database;

    command_say(command, "%-12s %zu", "databases", json_array_size(databases));
    json_array_foreach(databases, index, database)
    {
        uint64_t relations = number_of(database, "relations");
        char rows[128];

        format_rows(database, rows, sizeof(rows));
        command_say(command, "    %-20s %" PRIu64 " relation%s, %s", text_of(database, "name"),
                    relations, TEXT_S(relations), rows);
    }
}

static void say_pairs(const struct command *command, const char *what, const json_t *list,
                      const char *first, const char *second)
{
    size_t index;
    const json_t *entry;

    if (json_array_size(list) > 0)
        command_say(command, "%-12s %zu", what, json_array_size(list));
    json_array_foreach(list, index, entry)
    {
        command_say(command, "    %-20s %s", text_of(entry, first),
                    second[0] == '\0' ? "" : text_of(entry, second));
    }
}

static void say_texts(const struct command *command, const char *what, const json_t *list)
{
    size_t index;
    const json_t *entry;

    if (json_array_size(list) > 0)
        command_say(command, "%-12s %zu", what, json_array_size(list));
    json_array_foreach(list, index, entry)
    {
        if (json_is_string(entry))
            command_say(command, "    %s", json_string_value(entry));
    }
}

static void say_configuration(const struct command *command, const json_t *configuration)
{
    say_pairs(command, "configuration", json_object_get(configuration, "files"), "record", "");
    say_pairs(command, "not stored", json_object_get(configuration, "missing"), "path", "reason");
}

static void say_all(const struct listing *listing)
{
    const struct command *command = listing->command;
    const json_t *object = listing->description.object;
    const json_t *summary = json_object_get(object, "summary");

    command_say(command, "%-12s %s", "complete", listing->complete ? "yes" : "no");
    if (summary != NULL)
        say_summary(command, summary);
    if (!listing->manifest_seen)
        return;
    command_say(command, "%-12s %s at %s:%s%s", "server", text_of(object, "server_version"),
                text_of(object, "host"), text_of(object, "port"),
                json_is_true(json_object_get(object, "in_recovery")) ? ", a standby" : "");
    command_say(command, "%-12s %s", "cluster", text_of(object, "cluster_system_identifier"));
    say_databases(command, json_object_get(object, "databases"));
    say_pairs(command, "tablespaces", json_object_get(object, "tablespaces"), "name", "location");
    say_pairs(command, "not known", json_object_get(object, "unavailable"), "field", "reason");
    say_texts(command, "warnings", json_object_get(summary, "warnings"));
    say_configuration(command, json_object_get(summary, "configuration"));
    if (number_of(summary, "checksum_failure_count") > 0)
        command_say(command, "page checksum failures %" PRIu64,
                    number_of(summary, "checksum_failure_count"));
    say_texts(command, "the server reported", json_object_get(summary, "checksum_failures"));
}

static bool check_found(struct listing *listing, struct error *err)
{
    if (!listing->manifest_seen && !listing->summary_seen) {
        error_set(err, ERROR_CORRUPT, "it holds neither manifest.json nor summary.json");
        return error_hint(err, "It is no backup made by pgcask, or only a part of one.");
    }
    if (!listing->manifest_seen || !listing->summary_seen) {
        console_warning(listing->command->console, "the backup is not complete: it has no %s",
                        listing->manifest_seen ? "summary.json" : "manifest.json");
        listing->command->problems = true;
    }
    return true;
}

static bool list_archive(struct command *command, const char *name, struct record_source *source,
                         enum location_archive archive, struct error *err)
{
    struct archive_report report;
    bool done;

    archive_report_init(&report, command);
    report.only_contents = true;
    result_set_text(command->result, "kind", "archive");
    done = archive == LOCATION_ARCHIVE_CUSTOM
               ? archive_report_custom(&report, name, tar_source_raw_reader(source), err)
               : archive_report_files(&report, source, err);
    if (command->result != NULL)
        json_object_update(command->result, report.object);
    archive_report_reset(&report);
    return done;
}

static bool list_backup(struct listing *listing, struct record_source *source, struct error *err)
{
    json_t *result = listing->command->result;
    bool done;

    if (listing->verbose && result != NULL)
        listing->records = json_array();
    done = read_source(listing, source, err);

    if (listing->manifest_seen || listing->summary_seen) {
        say_all(listing);
        result_set_flag(result, "complete", listing->complete);
        listing_fill_result(result, listing->description.object);
    }
    return done && check_found(listing, err);
}

static bool list(struct listing *listing, const char *name, enum location_kind kind,
                 struct error *err)
{
    struct record_source *source =
        location_open_for_listing(name, kind, listing->command->cancel, err);
    enum location_archive archive = LOCATION_NO_ARCHIVE;
    bool done;

    if (source == NULL)
        return false;
    done = location_find_archive(name, kind, source, &archive, err);
    if (done && archive == LOCATION_NO_ARCHIVE)
        done = near_miss_check_source(name, kind == LOCATION_DIRECTORY, source, err) &&
               list_backup(listing, source, err);
    else if (done)
        done = list_archive(listing->command, name, source, archive, err);
    source_close(source);
    return done;
}

bool command_list(struct command *command, struct error *err)
{
    struct listing *listing = calloc(1, sizeof(*listing)); /* large for a stack */
    const char *name = command_argument(command, 0);
    enum location_kind kind;
    uint64_t bytes;
    bool done;

    if (listing == NULL)
        return error_set_memory(err);
    listing->command = command;
    listing->verbose = options_flag(command->options, "verbose");
    result_set_text(command->result, "source", options_argument(command->options, 0));
    done = description_init(&listing->description, err) &&
           location_of_source(name, &kind, &bytes, err) && list(listing, name, kind, err);
    if (listing->records != NULL)
        result_set(command->result, "records", listing->records);
    if (listing->archives != NULL)
        result_set(command->result, "archives", listing->archives);
    description_reset(&listing->description);
    free(listing);
    return done;
}
