/* The physical job up to the first archive: session, configuration, slot, checkpoint. */
#include "backup/physical_internal.h"

#include "base/bytes.h"
#include "base/error_names.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>

#define CONNECT_WAIT_MS (60 * 1000)
#define FAST_CHECKPOINT_WAIT_MS (2 * 3600 * 1000)
#define SPREAD_CHECKPOINT_WAIT_MS (26 * 3600 * 1000) /* checkpoint_timeout is at most a day */

bool physical_enter(struct physical_backup *job, enum backup_phase phase, struct error *err)
{
    return backup_enter_phase(&job->request, &job->report, phase, err);
}

/* The number in a text that has exactly one, else 0. */
static uint64_t only_number(const char *text)
{
    const char *digits = text + strcspn(text, "0123456789");
    size_t len = strspn(digits, "0123456789");
    uint64_t number;

    if (len == 0 || digits[len + strcspn(digits + len, "0123456789")] != '\0' ||
        !bytes_parse_u64(slice_make(digits, len), &number))
        return 0;
    return number;
}

static void take_notice(void *context, const char *severity, const char *sqlstate,
                        const char *message)
{
    struct physical_backup *job = context;
    char start[1001];
    json_t *text;

    (void)sqlstate;
    if (strcmp(severity, "WARNING") != 0)
        return;
    physical_note_lost(job, message);
    job->last_warning_number = only_number(message);
    if (json_array_size(job->notices) >= NOTICES_KEPT) {
        job->notices_dropped++;
        return;
    }
    snprintf(start, sizeof(start), "%s", message);
    text = utf8_to_json(start); /* in whatever encoding; the cut may be within a character */
    if (text != NULL)
        json_array_append_new(job->notices, text);
}

bool physical_connect(struct physical_backup *job, struct error *err)
{
    const struct backup_request *request = &job->request;

    if (!replication_connect(&job->conn, request->settings, "pgcask backup", CONNECT_WAIT_MS,
                             job->cancel, request->log, err))
        return false;
    wire_set_notice_handler(job->conn, take_notice, job);
    if (job->pinned != NULL)
        return true;
    job->pinned = wire_settings_pin(request->settings, job->conn, err);
    job->request.settings = job->pinned;
    return job->pinned != NULL;
}

/* "16MB", "1GB": what SHOW says of a number of bytes. */
static bool parse_segment_size(const char *text, uint64_t *size)
{
    char *unit;
    uint64_t number = strtoull(text, &unit, 10);

    if (strcmp(unit, "MB") == 0)
        *size = number << 20;
    else if (strcmp(unit, "GB") == 0)
        *size = number << 30;
    else if (strcmp(unit, "kB") == 0)
        *size = number << 10;
    else
        return false;
    return *size >= (1 << 20) && *size <= (1 << 30) && (*size & (*size - 1)) == 0;
}

bool physical_learn_about_server(struct physical_backup *job, struct error *err)
{
    struct backup_report *report = &job->report;
    char text[64];

    report->server_version_num = wire_server_version(job->conn);
    if (!replication_check_version(report->server_version_num, &job->newer_server, err) ||
        !replication_identify_system(job->conn, &job->identity, err))
        return false;
    if (job->newer_server)
        log_message(job->request.log, LOG_WARNING,
                    "the server is PostgreSQL %d; this version of pgcask was tested with 13 to 18",
                    report->server_version_num / 10000);
    snprintf(report->physical.system_identifier, sizeof(report->physical.system_identifier), "%s",
             job->identity.system_identifier);
    if (!replication_show(job->conn, "wal_segment_size", text, sizeof(text), err))
        return false;
    if (!parse_segment_size(text, &job->wal_segment_size))
        return error_set(err, ERROR_PROTOCOL, "wal_segment_size is \"%s\"", text);
    return true;
}

/* "zstd:3" */
static bool parse_transfer_compression(const char *text, struct base_backup_options *options,
                                       struct error *err)
{
    const char *colon;

    if (text == NULL)
        return true;
    colon = strchr(text, ':');
    if (!compression_from_name(text, colon == NULL ? strlen(text) : (size_t)(colon - text),
                               &options->compression)) {
        error_set(err, ERROR_USAGE, "unknown transfer compression \"%s\"", text);
        return error_hint(err, "It is gzip, lz4 or zstd, with :LEVEL where wanted.");
    }
    options->compression_level = colon == NULL ? NULL : colon + 1;
    return true;
}

static bool start_keeper(struct physical_backup *job, struct error *err)
{
    struct slot_keeper_options options = {
        .settings = job->request.settings,
        .system_identifier = job->report.physical.system_identifier,
        .max_retained_wal = job->request.max_retained_wal,
        .job_cancel = &job->own_cancel,
        .log = job->request.log,
    };

    return slot_keeper_start(&job->keeper, &options, err);
}

/* The session may have been idle for long while the manifest was taken: a broken one is made new.
 */
static bool refresh_session(struct physical_backup *job, struct error *err)
{
    struct system_identity identity;

    if (!replication_identify_system(job->conn, &identity, err)) {
        if (!wire_is_broken(job->conn) || err->code == ERROR_CANCELLED)
            return false;
        wire_close(job->conn);
        job->conn = NULL;
        if (!physical_connect(job, err) || !replication_identify_system(job->conn, &identity, err))
            return false;
    }
    if (strcmp(identity.system_identifier, job->report.physical.system_identifier) != 0)
        return error_set(err, ERROR_REFUSED,
                         "another server answers now: its system identifier is %s, it was %s",
                         identity.system_identifier, job->report.physical.system_identifier);
    return true;
}

static void note_start(struct physical_backup *job)
{
    struct backup_report *report = &job->report;

    lsn_format(base_backup_start_lsn(job->backup), report->physical.start_lsn);
    report->physical.start_timeline = base_backup_start_timeline(job->backup);
    report->physical.tablespaces = base_backup_tablespace_count(job->backup) - 1;
    for (size_t i = 0; i <= report->physical.tablespaces; i++) {
        const struct base_backup_tablespace *tablespace = base_backup_tablespace(job->backup, i);

        report->total_bytes += tablespace->bytes;
        if (tablespace->oid != 0 && !tablespace->in_place)
            report->physical.has_tablespaces_note = true;
    }
}

static bool run_base_backup_command(struct physical_backup *job,
                                    const struct base_backup_options *base, struct error *err)
{
    log_message(job->request.log, LOG_INFO, "waiting for the server's checkpoint");
    wire_set_wait_limit(job->conn, base->spread_checkpoint ? SPREAD_CHECKPOINT_WAIT_MS
                                                           : FAST_CHECKPOINT_WAIT_MS);
    if (base_backup_start(&job->backup, job->conn, base, err))
        return true;
    if (base->compression != COMPRESSION_NONE && err->code == ERROR_SERVER)
        error_hint(err, "Choose a " OPTION_TRANSFER_COMPRESSION
                        " that the server was built with, or leave it out.");
    return error_prefix(err, "cannot start a base backup");
}

/* A link whose target has 100 bytes or more does not fit into the server's tar: it would fail when
 * it comes to it, at the end. It says before the data where the tablespaces are; then it is asked
 * again to describe them in tablespace_map instead. */
static bool begin_base_backup(struct physical_backup *job, struct base_backup_options *base,
                              struct error *err)
{
    const char *longest;

    if (!run_base_backup_command(job, base, err))
        return false;
    longest = base_backup_long_location(job->backup);
    if (longest == NULL)
        return true;
    log_message(job->request.log, LOG_INFO,
                "a tablespace's path is too long for links: asking the server for a map (%s)",
                longest);
    if (!physical_check_beside_map(job, longest, err))
        return false;
    base_backup_free(job->backup);
    job->backup = NULL;
    wire_close(job->conn);
    job->conn = NULL;
    base->tablespace_map = true;
    job->links_by_us = true;
    return physical_connect(job, err) && run_base_backup_command(job, base, err);
}

bool physical_start(struct physical_backup *job, struct error *err)
{
    const struct backup_request *request = &job->request;
    struct base_backup_options base = {
        .label = request->label,
        .spread_checkpoint = request->checkpoint == CHECKPOINT_SPREAD,
        .max_rate_kib = (uint32_t)request->max_rate_kib,
        .no_verify_checksums = request->no_verify_checksums,
        .manifest_checksums = record_proof_listed_beside(request->digest),
    };

    if (!physical_enter(job, BACKUP_CHECKPOINT, err) ||
        !parse_transfer_compression(request->transfer_compression, &base, err) ||
        !configuration_gather(&job->configuration, request->settings, job->cancel, request->log,
                              err) ||
        !refresh_session(job, err) || !start_keeper(job, err))
        return false;
    if (!begin_base_backup(job, &base, err) || !physical_check_lost(job, err))
        return false;
    wire_set_wait_limit(job->conn, request->stall_timeout_ms);
    note_start(job);
    log_message(request->log, LOG_INFO, "the backup starts at %s", job->report.physical.start_lsn);
    job->step = PHYSICAL_FOLDERS;
    return physical_enter(job, BACKUP_COPYING, err);
}
