/*
 * The head of summary.json: what was backed up, from where to where in the WAL, and what the server
 * said about it. Its warnings are kept in its own words, whatever language these are in.
 */
#include "backup/physical_internal.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/utf8.h"

#include <stdio.h>

static json_t *describe_tablespaces(const struct physical_backup *job)
{
    json_t *list = json_array();

    for (size_t i = 0; i + 1 < base_backup_tablespace_count(job->backup); i++) {
        const struct base_backup_tablespace *tablespace = base_backup_tablespace(job->backup, i);

        if (tablespace->oid == 0) /* a link of other people's: its files are under /data */
            continue;
        json_array_append_new(list, json_pack("{s:I, s:o, s:b}", "oid", (json_int_t)tablespace->oid,
                                              "location", utf8_to_json(tablespace->location),
                                              "in_place", (int)tablespace->in_place));
    }
    return list;
}

static json_t *describe_options(const struct physical_backup *job)
{
    const struct backup_request *request = &job->request;

    return json_pack("{s:o, s:s, s:I, s:s?, s:b}", "label", utf8_to_json(request->label),
                     "checkpoint", request->checkpoint == CHECKPOINT_SPREAD ? "spread" : "fast",
                     "max_rate_kib", (json_int_t)request->max_rate_kib, "transfer_compression",
                     request->transfer_compression, "verify_checksums",
                     (int)!request->no_verify_checksums);
}

static void append_text(json_t *list, const char *text)
{
    json_array_append_new(list, utf8_to_json(text));
}

static json_t *describe_warnings(const struct physical_backup *job)
{
    json_t *list = json_array();
    char text[256];

    if (job->newer_server)
        append_text(list, "the server is newer than any that this version of pgcask was tested "
                          "with");
    if (job->report.physical.configuration_missing > 0)
        append_text(list, "configuration files are missing: see \"configuration\"");
    if (job->notices_dropped > 0) {
        snprintf(text, sizeof(text), "%zu more warning%s of the server not listed",
                 job->notices_dropped, TEXT_S(job->notices_dropped));
        append_text(list, text);
    }
    return list;
}

/* Other warnings about checksums have totals, or come with the backup for other reasons. In another
 * language than English none is known, and the server's final error stands for all. */
static bool names_a_page(const char *text)
{
    return strstr(text, "checksum verification failed in file") != NULL;
}

static json_t *describe_checksum_failures(const struct physical_backup *job)
{
    json_t *list = json_array();
    const char *message;
    size_t index;
    json_t *notice;

    if (!base_backup_checksum_failure(job->backup, &message))
        return list;
    json_array_foreach(job->notices, index, notice)
    {
        if (names_a_page(json_string_value(notice)))
            json_array_append(list, notice);
    }
    if (json_array_size(list) == 0)
        append_text(list, message);
    return list;
}

/* The last warning before the server's final error has the total, in any language; a single failure
 * has no total. */
void physical_count_checksum_failures(struct physical_backup *job)
{
    struct backup_report *report = &job->report;
    json_t *list = describe_checksum_failures(job);

    if (json_array_size(list) > 0) {
        report->physical.checksum_failures =
            job->last_warning_number > 1 ? (size_t)job->last_warning_number : 1;
        if (report->physical.checksum_failures < json_array_size(list))
            report->physical.checksum_failures = json_array_size(list);
        snprintf(report->physical.checksum_failure_first,
                 sizeof(report->physical.checksum_failure_first), "%s",
                 json_string_value(json_array_get(list, 0)));
    }
    json_decref(list);
}

bool physical_summary_content(struct physical_backup *job, struct slice *content, struct error *err)
{
    const struct backup_report *report = &job->report;
    char started[CLOCK_TEXT_SIZE], finished[CLOCK_TEXT_SIZE];
    enum digest_algorithm digest = job->request.digest;
    json_t *head;

    clock_format_utc(job->started_at, started);
    clock_format_utc(time(NULL), finished);
    head = json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:b, s:s, s:i, s:s, s:i, s:I, s:s, s:s, s:I, s:I, s:I, s:o, s:o,"
        " s:o, s:O, s:o, s:I, s:o}",
        "kind", "physical",                                      /* what it is */
        "started_at", started, "finished_at", finished,          /* when */
        "system_identifier", report->physical.system_identifier, /* of which cluster */
        "server_version_num", report->server_version_num,        /* by which server */
        "in_recovery", (int)job->in_recovery,                    /* a standby */
        "start_lsn", report->physical.start_lsn, "start_timeline",
        (int)report->physical.start_timeline, "stop_lsn", report->physical.stop_lsn,
        "stop_timeline", (int)report->physical.stop_timeline, "wal_segment_size",
        (json_int_t)job->wal_segment_size, /* bytes */
        "manifest_checksums",              /* what backup_manifest has */
        digest_name(record_proof_listed_beside(digest)), "digest",
        digest_name(digest),                                                    /* in this file */
        "files", (json_int_t)report->files, "bytes", (json_int_t)report->bytes, /* before this */
        "wal_bytes", (json_int_t)report->physical.wal_bytes,                    /* of these */
        "tablespaces", describe_tablespaces(job), "options", describe_options(job), "warnings",
        describe_warnings(job), "server_warnings", job->notices, "checksum_failures",
        describe_checksum_failures(job), "checksum_failure_count",
        (json_int_t)report->physical.checksum_failures, "configuration",
        configuration_describe(&job->configuration));
    if (head == NULL)
        return error_set_memory(err);
    return summary_writer_finish(job->summary, head, content, err);
}
