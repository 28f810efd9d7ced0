/*
 * The head of a logical backup's summary.json: what list and the next reader are told of the job as
 * a whole, once every record before it was read to its end.
 */
#include "backup/logical_internal.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"
#include "manifest/logical_layout.h"

static json_t *describe_warnings(const struct logical_backup *job)
{
    json_t *list = json_array();
    const char *line;

    for (size_t i = 0; (line = catalog_left_out(job->catalog, i)) != NULL; i++)
        json_array_append_new(list, utf8_to_json(line));
    if (job->report.server_version_num >= 190000)
        json_array_append_new(list, json_string("the server is newer than any that this version "
                                                "of pgcask was tested with"));
    return list;
}

bool logical_summary_content(struct logical_backup *job, struct slice *content, struct error *err)
{
    const struct backup_report *report = &job->report;
    char started[CLOCK_TEXT_SIZE], finished[CLOCK_TEXT_SIZE];
    json_t *head;

    clock_format_utc(job->started_at, started);
    clock_format_utc(time(NULL), finished);
    head =
        json_pack("{s:s, s:s, s:b, s:o, s:s, s:s, s:o, s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:I, "
                  "s:I, s:I, s:o}",
                  "kind", "logical", "layout", logical_layout_name(job->request.layout), "partial",
                  logical_is_partial(&job->request, job->filter), "filters",
                  logical_filters_json(&job->request, job->filter), "started_at", started,
                  "finished_at", finished, "database", utf8_to_json(job->database),
                  "server_version_num", report->server_version_num, "snapshot", job->snapshot,
                  "wal_lsn", report->logical.wal_lsn, "digest", digest_name(job->request.digest),
                  "compression", compression_name(job->compression), "entries",
                  (json_int_t)report->logical.entries, "tables", (json_int_t)report->logical.tables,
                  "rows", (json_int_t)report->logical.rows, "files", (json_int_t)report->files,
                  "bytes", (json_int_t)report->bytes, "warnings", describe_warnings(job));
    if (head == NULL)
        return error_set_memory(err);
    return summary_writer_finish(job->summary, head, content, err);
}
