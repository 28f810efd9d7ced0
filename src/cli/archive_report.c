#include "cli/archive_report.h"

#include "base/clock.h"
#include "cli/format.h"

#include <inttypes.h>
#include <stdio.h>

void archive_report_init(struct archive_report *report, struct command *command)
{
    *report = (struct archive_report){.command = command};
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
    if (!report->only_contents)
        return true;
    command_say(report->command, "%-12s %s", "database", or_dash(header->database));
    command_say(report->command, "%-12s %s", "server", or_dash(header->server_version));
    command_say(report->command, "%-12s %s", "dumped by", or_dash(header->dumper_version));
    command_say(report->command, "%-12s %s", "created", created);
    command_say(report->command, "%-12s %s, version %s of the format, compression %s", "archive",
                report->files > 0 ? "a file for each table" : "custom", version,
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
    report->entries++;
    report->entries_with_data += entry->has_data;
    if (report->verbose && report->only_contents) {
        say_entry(report, entry);
        if (report->object != NULL)
            add_entry(report, entry);
    }
    return cancel_check(report->command->cancel, err);
}

static bool take_data(void *context, int32_t dump_id, struct slice bytes, struct error *err)
{
    struct archive_report *report = context;

    (void)dump_id;
    (void)err;
    report->data_bytes += bytes.len;
    return true;
}

static bool take_data_end(void *context, int32_t dump_id, uint64_t rows, struct error *err)
{
    struct archive_report *report = context;

    (void)dump_id;
    (void)err;
    report->rows += rows;
    return true;
}

static struct archive_handler handler_of(struct archive_report *report)
{
    return (struct archive_handler){report, take_header, take_entry, take_data, take_data_end};
}

static void fill_object(struct archive_report *report, const char *format)
{
    result_set_text(report->object, "format", format);
    result_set_number(report->object, "entries_with_data", report->entries_with_data);
    if (report->contents != NULL)
        result_set(report->object, "contents", json_incref(report->contents));
}

/* What is wrong with the archive itself is a problem; the rest ends the work. */
static bool note(struct archive_report *report, const char *path, struct error *err)
{
    if (report->problem == NULL && report->only_contents)
        return err->code == ERROR_CANCELLED ? false : error_prefix(err, "%s", path);
    if (err->code != ERROR_CORRUPT || report->problem == NULL)
        return false;
    report->problems++;
    report->problem(report->context, VERIFY_DAMAGED, path, err->message);
    return true;
}

static bool next_bytes(const struct archive_report *report, struct reader *reader,
                       struct slice *bytes, struct error *err)
{
    enum reader_status status;

    *bytes = (struct slice){0};
    if (!cancel_check(report->command->cancel, err))
        return false;
    status = reader_next(reader, bytes, err);
    if (status == READER_FAILED)
        return false;
    if (status == READER_END)
        bytes->len = 0;
    else if (report->observer != NULL && report->observer->bytes_moved != NULL)
        report->observer->bytes_moved(report->observer->context, bytes->len);
    return true;
}

/* ---- Custom ---- */

static bool read_custom(struct archive_report *report, const char *name, struct reader *reader,
                        struct archive_decoder *decoder, struct error *err)
{
    for (;;) {
        struct slice bytes;

        if (!next_bytes(report, reader, &bytes, err))
            return false;
        if (bytes.len == 0)
            return archive_decoder_finish(decoder, err) || note(report, name, err);
        if (!archive_decoder_feed(decoder, bytes, err))
            return note(report, name, err);
        if (report->only_contents && archive_decoder_contents_size(decoder) > 0)
            return true;
    }
}

bool archive_report_custom(struct archive_report *report, const char *name, struct reader *reader,
                           struct error *err)
{
    const struct archive_handler handler = handler_of(report);
    struct archive_decoder *decoder = archive_decoder_new(&handler, err);
    bool done;

    if (decoder == NULL)
        return false;
    done = read_custom(report, name, reader, decoder, err);
    fill_object(report, "custom");
    archive_decoder_free(decoder);
    return done;
}

/* ---- Files ---- */

static bool read_file(struct archive_report *report, struct archive_folder *folder,
                      const struct record *record, struct error *err)
{
    const char *name = record->path + 1;

    /* A script for psql that makes use of a tar archive's other members. */
    if (strcmp(name, "restore.sql") == 0)
        return true;
    report->files++;
    if (record->type != RECORD_FILE) {
        error_set(err, ERROR_CORRUPT, "an unexpected file: the table of contents does not name it");
        return note(report, name, err);
    }
    if (!archive_folder_begin(folder, name, err))
        return note(report, name, err);
    for (;;) {
        struct slice bytes;

        if (!next_bytes(report, record->reader, &bytes, err))
            return false;
        if (bytes.len == 0)
            return archive_folder_end(folder, err) || note(report, name, err);
        if (!archive_folder_feed(folder, bytes, err))
            return note(report, name, err);
    }
}

static bool read_files(struct archive_report *report, struct archive_folder *folder,
                       struct record_source *source, struct error *err)
{
    enum source_status status;
    struct record record;

    while ((status = source_next(source, &record, err)) == SOURCE_RECORD) {
        bool done = read_file(report, folder, &record, err);

        reader_close(record.reader);
        if (!done)
            return false;
        /* Without a table of contents nothing can be said of the other files. */
        if (report->only_contents || (report->files == 1 && report->problems > 0))
            return true;
    }
    return status == SOURCE_END &&
           (archive_folder_finish(folder, err) || note(report, "toc.dat", err));
}

bool archive_report_files(struct archive_report *report, struct record_source *source,
                          struct error *err)
{
    const struct archive_handler handler = handler_of(report);
    struct archive_folder *folder = archive_folder_new(&handler, err);
    bool done;

    if (folder == NULL)
        return false;
    done = read_files(report, folder, source, err);
    fill_object(report, "directory");
    archive_folder_free(folder);
    return done;
}
