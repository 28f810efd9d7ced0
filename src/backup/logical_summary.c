/*
 * The head of a logical backup's summary.json: what list and the next reader are told of the job as
 * a whole, once every record before it was read to its end.
 */
#include "backup/logical_internal.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"
#include "manifest/logical_layout.h"

#include <stdio.h>

/* Of more databases than this only how many there were is told: whoever reads the head has limits,
 * too (src/manifest/summary_decoder.c). */
#define DATABASES_LISTED 5000

#define LINES_MOST 1000 /* of what was left out; the log has them all */
#define AND_MORE "more was left out than is told here: the messages of the backup have all of it"

static json_t *line_about(const char *database, const char *line)
{
    struct buffer text = {0};
    struct error ignored;
    json_t *value;

    if (!buffer_printf(&text, &ignored, "database %s: %s", database, line)) {
        buffer_free(&text);
        return NULL;
    }
    value = utf8_to_json(buffer_text(&text));
    buffer_free(&text);
    return value;
}

static json_t *left_out_line(const struct logical_database *database, const char *line)
{
    return database->job->request.all_databases ? line_about(database->name, line)
                                                : utf8_to_json(line);
}

static json_t *absent_line(const struct logical_absent *absent)
{
    char line[128];

    snprintf(line, sizeof(line), "left out, %s", logical_absent_reason(absent->why));
    return line_about(absent->name, line);
}

/* Takes the line. */
static bool keep_line(struct logical_backup *job, json_t *line, struct error *err)
{
    size_t kept = json_array_size(job->left_out);

    if (kept >= LINES_MOST) {
        json_decref(line);
        line = kept == LINES_MOST ? json_string(AND_MORE) : NULL;
    }
    return kept > LINES_MOST || json_array_append_new(job->left_out, line) == 0 ||
           error_set_memory(err);
}

bool logical_summary_note_absent(struct logical_backup *job, struct error *err)
{
    job->left_out = json_array();
    for (size_t i = 0; i < job->absent_count; i++) {
        if (!keep_line(job, absent_line(&job->absent[i]), err))
            return false;
    }
    return true;
}

bool logical_summary_note_line(void *context, const char *line, struct error *err)
{
    struct logical_backup *job = context;

    log_message(job->request.log, LOG_WARNING, "%s", line);
    return keep_line(job, utf8_to_json(line), err);
}

bool logical_summary_note(struct logical_database *database, struct error *err)
{
    const char *line;

    for (size_t i = 0; (line = catalog_left_out(database->catalog, i)) != NULL; i++) {
        if (!keep_line(database->job, left_out_line(database, line), err))
            return false;
    }
    return true;
}

/* Of databases whose catalogs are read only later, and there may be many, manifest.json is too
 * early. */
json_t *logical_left_out_json(const struct logical_backup *job)
{
    json_t *list = json_copy(job->left_out);
    const char *line;

    for (size_t i = 0; i < job->database_count; i++) {
        const struct logical_database *database = &job->databases[i];

        if (database->catalog == NULL)
            continue;
        for (size_t at = 0; json_array_size(list) < LINES_MOST &&
                            (line = catalog_left_out(database->catalog, at)) != NULL;
             at++)
            json_array_append_new(list, left_out_line(database, line));
    }
    return list;
}

static json_t *describe_warnings(const struct logical_backup *job)
{
    json_t *list = json_incref(job->left_out);

    if (job->report.server_version_num >= 190000)
        json_array_append_new(list, json_string("the server is newer than any that this version "
                                                "of pgcask was tested with"));
    if (!job->verifiers && logical_has_globals(job))
        json_array_append_new(list, json_string("passwords of roles are left out: the role of the "
                                                "backup may not read pg_authid"));
    return list;
}

static json_t *describe_database(const struct logical_database *database)
{
    return json_pack("{s:o, s:b, s:s, s:I, s:I, s:I}", "name", utf8_to_json(database->name),
                     "same_snapshot", database->same_snapshot, "wal_lsn", database->wal_lsn,
                     "entries", (json_int_t)database->entries, "tables",
                     (json_int_t)database->tables, "rows", (json_int_t)database->rows);
}

static json_t *describe_databases(const struct logical_backup *job)
{
    json_t *list = json_array();

    for (size_t i = 0; i < job->database_count && i < DATABASES_LISTED; i++)
        json_array_append_new(list, describe_database(&job->databases[i]));
    return list;
}

/* What was backed up: one database in its snapshot, or several. */
static bool add_databases(const struct logical_backup *job, json_t *head)
{
    if (job->request.all_databases)
        return json_object_set_new(head, "database_count",
                                   json_integer((json_int_t)job->database_count)) == 0 &&
               json_object_set_new(head, "databases", describe_databases(job)) == 0;
    return json_object_set_new(head, "database", utf8_to_json(job->databases[0].name)) == 0 &&
           json_object_set_new(head, "snapshot", json_string(job->databases[0].snapshot)) == 0;
}

static json_t *describe_job(const struct logical_backup *job)
{
    const struct logical_report *report = &job->report.logical;
    char started[CLOCK_TEXT_SIZE], finished[CLOCK_TEXT_SIZE];

    clock_format_utc(job->started_at, started);
    clock_format_utc(time(NULL), finished);
    return json_pack(
        "{s:s, s:s, s:b, s:o, s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:o}", "kind",
        "logical", "layout", logical_layout_name(job->request.layout), "partial",
        logical_is_partial(&job->request, job->filter), "filters",
        logical_filters_json(&job->request, job->filter), "started_at", started, "finished_at",
        finished, "server_version_num", job->report.server_version_num, "wal_lsn", report->wal_lsn,
        "digest", digest_name(job->request.digest), "compression",
        compression_name(job->compression), "entries", (json_int_t)report->entries, "tables",
        (json_int_t)report->tables, "rows", (json_int_t)report->rows, "files",
        (json_int_t)job->report.files, "bytes", (json_int_t)job->report.bytes, "warnings",
        describe_warnings(job));
}

bool logical_summary_content(struct logical_backup *job, struct slice *content, struct error *err)
{
    json_t *head = describe_job(job);

    if (head == NULL || !add_databases(job, head)) {
        json_decref(head);
        return error_set_memory(err);
    }
    return summary_writer_finish(job->summary, head, content, err);
}
