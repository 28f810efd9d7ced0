/*
 * list shows an archive's header and table of contents, verify proves it whole and counts: both
 * hear of it through the same handler, so that they call everything the same, in lines for people
 * and in the JSON result.
 */
#include "cli/archive_report.h"

#include "base/clock.h"
#include "cli/format.h"

#include <inttypes.h>
#include <stdio.h>

void archive_report_init(struct archive_report *report, struct command *command)
{
    *report = (struct archive_report){.command = command};
    report->scan.cancel = command->cancel;
    report->verbose = options_flag(command->options, "verbose");
    report->object = command->result == NULL ? NULL : json_object();
}

void archive_report_reset(struct archive_report *report)
{
    json_decref(report->object);
    json_decref(report->contents);
    report->object = report->contents = NULL;
}

/* ---- What is found ---- */

static const char *or_dash(const char *text)
{
    return text == NULL ? "-" : text;
}

static bool take_header(void *context, const struct archive_header *header, struct error *err)
{
    struct archive_report *report = context;
    char created[CLOCK_TEXT_SIZE], version[16];

    (void)err;
    clock_format_utc(header->created, created);
    snprintf(version, sizeof(version), "1.%d", header->minor);
    result_set_text(report->object, "archive_version", version);
    result_set_text(report->object, "database", header->database);
    result_set_text(report->object, "server_version", header->server_version);
    result_set_text(report->object, "dumper_version", header->dumper_version);
    result_set_text(report->object, "created_at", created);
    result_set_text(report->object, "compression", compression_name(header->compression));
    result_set_number(report->object, "entries", header->entry_count);
    if (!report->scan.only_contents)
        return true;
    command_say(report->command, "%-12s %s", "database", or_dash(header->database));
    command_say(report->command, "%-12s %s", "server", or_dash(header->server_version));
    command_say(report->command, "%-12s %s", "dumped by", or_dash(header->dumper_version));
    command_say(report->command, "%-12s %s", "created", created);
    command_say(report->command, "%-12s %s, version %s of the format, compression %s", "archive",
                report->scan.files > 0 ? "a file for each table" : "custom", version,
                compression_name(header->compression));
    command_say(report->command, "%-12s %" PRIu32, "entries", header->entry_count);
    return true;
}

static void add_entry(struct archive_report *report, const struct archive_entry *entry)
{
    json_t *object = json_object();

    result_set_number(object, "id", (uint64_t)entry->dump_id);
    result_set_text(object, "kind", entry->desc);
    if (entry->schema != NULL)
        result_set_text(object, "schema", entry->schema);
    result_set_text(object, "name", entry->tag);
    if (entry->owner != NULL)
        result_set_text(object, "owner", entry->owner);
    if (report->contents == NULL)
        report->contents = json_array();
    json_array_append_new(report->contents, object);
}

/* As pg_restore --list has it, so that the line can be given to its --use-list. No name may begin
 * another line. */
static void say_entry(const struct archive_report *report, const struct archive_entry *entry)
{
    char line[4096];

    snprintf(line, sizeof(line), "%" PRId32 "; %" PRIu32 " %" PRIu32 " %s %s %s %s", entry->dump_id,
             entry->catalog_oid, entry->object_oid, entry->desc, or_dash(entry->schema), entry->tag,
             entry->owner == NULL ? "" : entry->owner);
    for (char *at = line; *at != '\0'; at++) {
        if (*at == '\n' || *at == '\r')
            *at = ' ';
    }
    command_say(report->command, "%s", line);
}

static bool take_entry(void *context, uint32_t number, const struct archive_entry *entry,
                       struct error *err)
{
    struct archive_report *report = context;

    (void)number;
    (void)err;
    if (report->verbose && report->scan.only_contents) {
        say_entry(report, entry);
        if (report->object != NULL)
            add_entry(report, entry);
    }
    return true;
}

static bool finish(struct archive_report *report, bool done)
{
    report->scan.own = NULL;
    if (report->scan.format != NULL)
        result_set_text(report->object, "format", report->scan.format);
    result_set_number(report->object, "entries_with_data", report->scan.entries_with_data);
    if (report->contents != NULL)
        result_set(report->object, "contents", json_incref(report->contents));
    return done;
}

bool archive_report_custom(struct archive_report *report, const char *name, struct reader *reader,
                           struct error *err)
{
    const struct archive_handler own = {
        .context = report, .header = take_header, .entry = take_entry};

    report->scan.own = &own;
    return finish(report, archive_scan_custom(&report->scan, name, reader, err));
}

bool archive_report_contents(struct archive_report *report, const char *name, struct reader *reader,
                             struct error *err)
{
    const struct archive_handler own = {
        .context = report, .header = take_header, .entry = take_entry};

    report->scan.own = &own;
    return finish(report, archive_scan_contents(&report->scan, name, reader, err));
}

bool archive_report_files(struct archive_report *report, struct record_source *source,
                          struct error *err)
{
    const struct archive_handler own = {
        .context = report, .header = take_header, .entry = take_entry};

    report->scan.own = &own;
    return finish(report, archive_scan_files(&report->scan, source, err));
}
