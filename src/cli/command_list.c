/* pgcask list: what a backup says about itself. Reads only until both descriptions were seen; of an
 * archive, its table of contents. */
#include "cli/archive_report.h"
#include "cli/command.h"
#include "cli/format.h"
#include "cli/listing_result.h"
#include "cli/location.h"
#include "cli/near_miss.h"
#include "cli/script_report.h"

#include "base/text.h"
#include "manifest/logical_layout.h"
#include "restore/backup_source.h"
#include "restore/db_source.h"
#include "restore/listing.h"

#include <inttypes.h>
#include <stdlib.h>

struct list {
    struct command *command;
    struct listing listing;
    bool verbose;
    bool loose;       /* there is no manifest.json: each archive speaks for itself */
    size_t said;      /* of these */
    json_t *records;  /* --verbose --json */
    json_t *archives; /* the same */
};

/* ---- Reading ---- */

/* It is told and makes the exit status 3. */
static void note_unsound(void *context, const char *path, const struct error *err)
{
    const struct list *list = context;

    (void)path;
    console_warning(list->command->console, ERROR_OURS("%s"), err->message);
    list->command->problems = true;
}

static bool take_archive(void *context, const struct record *record, const char *archive,
                         bool folder, struct error *err)
{
    struct list *list = context;
    struct archive_report report;
    bool done;

    if (list->loose)
        command_say(list->command, "%s%s", list->said++ == 0 ? "" : "\n", archive);
    archive_report_init(&report, list->command);
    report.scan.only_contents = true;
    done = (folder ? archive_report_contents : archive_report_custom)(&report, record->path,
                                                                      record->reader, err);
    if (!done && err->code == ERROR_CORRUPT) {
        note_unsound(list, record->path, err);
        done = true;
    }
    if (report.object != NULL) {
        result_set_text(report.object, "path", archive);
        if (list->archives == NULL)
            list->archives = json_array();
        json_array_append(list->archives, report.object);
    }
    archive_report_reset(&report);
    return done;
}

static bool say_record(struct list *list, const struct record *record)
{
    static const char *const types[] = {"file", "directory", "link"};
    char size[FORMAT_SIZE] = "";
    json_t *object;

    if (record->type == RECORD_FILE && record->size >= 0)
        format_size((uint64_t)record->size, size);
    command_say(list->command, "%9s  %s%s%s", size, record->path,
                record->type == RECORD_LINK ? " -> " : "",
                record->type == RECORD_LINK ? record->link_target : "");
    if (list->records == NULL)
        return true;
    object = json_object();
    result_set_text(object, "path", record->path);
    result_set_text(object, "type", types[record->type]);
    if (record->type == RECORD_FILE && record->size >= 0)
        result_set_number(object, "bytes", (uint64_t)record->size);
    json_array_append_new(list->records, object);
    return true;
}

static bool show_record(void *context, const struct record *record, struct error *err)
{
    struct list *list = context;
    enum logical_part part;

    (void)err;
    if (!list->loose || list->verbose)
        return say_record(list, record);
    part = logical_layout_part(record->path);
    if (part == LOGICAL_PART_GLOBALS || part == LOGICAL_PART_SCRIPT)
        command_say(list->command, "%s%s\n%-12s %s", list->said++ == 0 ? "" : "\n", record->path,
                    "kind", "an SQL script");
    return true;
}

/* ---- Telling ---- */

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

/* Those of a backup of several, as it says itself at its end. */
static void say_backed_up(const struct command *command, const json_t *summary)
{
    const json_t *database, *databases = json_object_get(summary, "databases");
    uint64_t count = number_of(summary, "database_count");
    size_t index;

    command_say(command, "%-12s %" PRIu64 " backed up", "databases", count);
    json_array_foreach(databases, index, database)
    {
        uint64_t entries = number_of(database, "entries"), tables = number_of(database, "tables");
        uint64_t rows = number_of(database, "rows");

        command_say(command,
                    "    %-20s %" PRIu64 " entr%s, %" PRIu64 " table%s with %" PRIu64 " row%s%s",
                    text_of(database, "name"), entries, entries == 1 ? "y" : "ies", tables,
                    TEXT_S(tables), rows, TEXT_S(rows),
                    json_is_true(json_object_get(database, "same_snapshot"))
                        ? ""
                        : ", in a snapshot of its own");
    }
    if (count > json_array_size(databases))
        command_say(command, "    and %" PRIu64 " more", count - json_array_size(databases));
}

static void say_logical(const struct command *command, const json_t *summary)
{
    char size[FORMAT_SIZE];

    format_size(number_of(summary, "bytes"), size);
    command_say(command, "%-12s %s", "layout", text_of(summary, "layout"));
    if (json_object_get(summary, "databases") != NULL)
        say_backed_up(command, summary);
    else
        command_say(command, "%-12s %s", "database", text_of(summary, "database"));
    if (text_of(summary, "wal_lsn")[0] != '\0')
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

/* Databases of the cluster that are not in a backup of several. */
static void say_left_out(const struct command *command, const json_t *databases)
{
    const json_t *database;
    size_t index;

    json_array_foreach(databases, index, database)
    {
        if (json_is_false(json_object_get(database, "backed_up")))
            command_say(command, "%-12s %s", "left out", text_of(database, "name"));
    }
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

        if (json_object_get(database, "relations") == NULL) {
            command_say(command, "    %-20s relations not known", text_of(database, "name"));
            continue;
        }
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

/* What a logical backup leaves out because it was asked to, or because it had to. */
static void say_filters(const struct command *command, const json_t *object)
{
    json_t *filters = json_object_get(object, "filters"), *list, *entry;
    const char *name;
    size_t index;

    if (json_is_true(json_object_get(object, "partial")))
        command_say(command, "%-12s %s", "partial", "yes: it was told to leave something out");
    json_object_foreach(filters, name, list)
    {
        if (json_is_true(list))
            command_say(command, "%-12s %s", name, "yes");
        say_texts(command, name, list);
        json_array_foreach(list, index, entry)
        {
            if (json_is_object(entry))
                command_say(command, "    %s: %s", text_of(entry, "table"),
                            text_of(entry, "condition"));
        }
    }
    if (json_is_false(json_object_get(object, "verifiers")))
        command_say(command, "%-12s %s", "passwords", "left out");
}

static void say_configuration(const struct command *command, const json_t *configuration)
{
    say_pairs(command, "configuration", json_object_get(configuration, "files"), "record", "");
    say_pairs(command, "not stored", json_object_get(configuration, "missing"), "path", "reason");
}

static void say_all(const struct list *list)
{
    const struct command *command = list->command;
    const json_t *object = list->listing.description.object;
    const json_t *summary = json_object_get(object, "summary");

    command_say(command, "%-12s %s", "complete", list->listing.complete ? "yes" : "no");
    if (summary != NULL)
        say_summary(command, summary);
    if (!list->listing.manifest_seen)
        return;
    command_say(command, "%-12s %s at %s:%s%s", "server", text_of(object, "server_version"),
                text_of(object, "host"), text_of(object, "port"),
                json_is_true(json_object_get(object, "in_recovery")) ? ", a standby" : "");
    command_say(command, "%-12s %s", "cluster", text_of(object, "cluster_system_identifier"));
    if (json_object_get(summary, "databases") != NULL)
        say_left_out(command, json_object_get(object, "databases"));
    else
        say_databases(command, json_object_get(object, "databases"));
    say_filters(command, object);
    say_pairs(command, "tablespaces", json_object_get(object, "tablespaces"), "name", "location");
    say_pairs(command, "not known", json_object_get(object, "unavailable"), "field", "reason");
    say_texts(command, "warnings", json_object_get(summary, "warnings"));
    say_configuration(command, json_object_get(summary, "configuration"));
    if (number_of(summary, "checksum_failure_count") > 0)
        command_say(command, "page checksum failures %" PRIu64,
                    number_of(summary, "checksum_failure_count"));
    say_texts(command, "the server reported", json_object_get(summary, "checksum_failures"));
}

/* What is missing of it is told and makes the exit status 3. */
static void note_missing(const struct list *list)
{
    if (list->listing.manifest_seen && list->listing.summary_seen)
        return;
    console_warning(list->command->console, "the backup is not complete: it has no %s",
                    list->listing.manifest_seen ? "summary.json" : "manifest.json");
    list->command->problems = true;
}

static bool list_archive(struct command *command, const char *name, struct record_source *source,
                         enum archive_kind archive, struct error *err)
{
    struct archive_report report;
    bool done;

    archive_report_init(&report, command);
    report.scan.only_contents = true;
    result_set_text(command->result, "kind", "archive");
    done = archive == ARCHIVE_CUSTOM
               ? archive_report_custom(&report, name, tar_source_raw_reader(source), err)
               : archive_report_files(&report, source, err);
    if (command->result != NULL)
        json_object_update(command->result, report.object);
    archive_report_reset(&report);
    return done;
}

static bool list_script(struct command *command, const char *name, struct record_source *source,
                        struct error *err)
{
    struct script_report report = {.command = command, .lists = true};
    bool done = script_report_read(&report, tar_source_raw_reader(source), err);

    if (done)
        err->code = ERROR_NONE;
    if (!done && err->code != ERROR_CORRUPT && err->code != ERROR_UNSUPPORTED) {
        json_decref(report.contents);
        return false;
    }
    script_report_fill(&report);
    result_set_flag(command->result, "complete", done && report.known);
    script_report_say(&report, done);
    if (done)
        return true;
    console_warning(command->console, "%s: " ERROR_OURS("%s"), name, err->message);
    command->problems = true;
    return true;
}

/* What another program has put together of stock tools' files. */
static bool list_loose(struct list *list, struct record_source *source, struct error *err)
{
    const struct listing_options options = {
        .context = list,
        .cancel = list->command->cancel,
        .record = show_record,
        .archive = take_archive,
        .unsound = note_unsound,
    };
    json_t *result = list->command->result;

    if (result != NULL && list->verbose)
        list->records = json_array();
    command_say(list->command, "%-12s %s", "manifest",
                "none: what lies here may not be all that there was; of each archive:");
    result_set_text(result, "kind", "logical");
    result_set_flag(result, "complete", false);
    return listing_read(&list->listing, source, &options, err);
}

static bool list_backup(struct list *list, struct record_source *source, struct error *err)
{
    const struct listing_options options = {
        .context = list,
        .cancel = list->command->cancel,
        .record = list->verbose ? show_record : NULL,
        .archive = list->verbose ? take_archive : NULL,
        .unsound = note_unsound,
    };
    json_t *result = list->command->result;
    bool done;

    if (list->verbose && result != NULL)
        list->records = json_array();
    done = listing_read(&list->listing, source, &options, err);
    if (list->listing.manifest_seen || list->listing.summary_seen) {
        say_all(list);
        result_set_flag(result, "complete", list->listing.complete);
        listing_fill_result(result, &list->listing);
    }
    if (!done || !listing_check_found(&list->listing, err))
        return false;
    note_missing(list);
    return true;
}

static bool list_location(struct list *list, const struct location *from, struct error *err)
{
    struct record_source *source =
        backup_source_open_for_listing(&from->place, list->command->cancel, err);
    bool is_folder = from->place.kind == PLACE_DIRECTORY, script = false;
    enum archive_kind archive = ARCHIVE_NONE;
    bool done;

    if (source == NULL)
        return false;
    list->loose = is_folder && near_miss_lacks_manifest(from->name);
    done = backup_source_find_archive(&from->place, source, &archive, err) &&
           (archive != ARCHIVE_NONE || script_report_is_script(source, is_folder, &script, err));
    if (done && script) {
        done = list_script(list->command, from->name, source, err);
    } else if (done && archive == ARCHIVE_NONE && list->loose) {
        source = db_source_new(source, err);
        done = source != NULL && list_loose(list, source, err);
    } else if (done && archive == ARCHIVE_NONE)
        done = near_miss_check_source(from->name, from->place.kind == PLACE_DIRECTORY, source,
                                      "list -", err) &&
               list_backup(list, source, err);
    else if (done)
        done = list_archive(list->command, from->name, source, archive, err);
    source_close(source);
    return done;
}

bool command_list(struct command *command, struct error *err)
{
    struct list *list = calloc(1, sizeof(*list)); /* large for a stack */
    struct location from;
    bool done;

    if (list == NULL)
        return error_set_memory(err);
    list->command = command;
    list->verbose = options_flag(command->options, "verbose");
    result_set_text(command->result, "source", options_argument(command->options, 0));
    done = listing_init(&list->listing, err) &&
           location_of_source(&from, command_argument(command, 0), err) &&
           list_location(list, &from, err);
    if (list->records != NULL)
        result_set(command->result, "records", list->records);
    if (list->archives != NULL)
        result_set(command->result, "archives", list->archives);
    listing_reset(&list->listing);
    free(list);
    return done;
}
