#include "library/library_internal.h"

#include "backup/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LABEL_MAX 1024

/* ---- Options ---- */

static bool check_label(const char *label, struct error *err)
{
    if (label == NULL)
        return true;
    if (strnlen(label, LABEL_MAX + 1) > LABEL_MAX)
        return error_set(err, ERROR_USAGE, "the label is longer than %d bytes", LABEL_MAX);
    for (; *label != '\0'; label++) {
        if ((unsigned char)*label < ' ')
            return error_set(err, ERROR_USAGE, "the label holds a control character");
    }
    return true;
}

static bool check_numbers(const struct pgcask_backup_options *options, struct error *err)
{
    uint32_t rate = options->max_rate_kib;

    if (rate != 0 && (rate < 32 || rate > 1048576))
        return error_set(err, ERROR_USAGE,
                         "max_rate_kib is %" PRIu32 "; it can be 32 to 1048576, or 0", rate);
    return true;
}

bool library_digest(enum pgcask_digest given, enum digest_algorithm *digest, struct error *err)
{
    if (given != PGCASK_DIGEST_DEFAULT && given != PGCASK_DIGEST_SHA256)
        return error_set(err, ERROR_USAGE, "unknown digest %d", (int)given);
    *digest = given == PGCASK_DIGEST_SHA256 ? DIGEST_SHA256 : DIGEST_XXH3_128;
    return true;
}

bool library_backup_options(const struct pgcask_settings *settings,
                            const struct pgcask_backup_options *given, struct library_job *job,
                            struct physical_backup_options *options, struct error *err)
{
    struct pgcask_backup_options taken;
    const struct wire_settings *wire;

    if (!library_take(&taken, sizeof(taken), given, "pgcask_backup_options", err) ||
        !library_settings_check(settings, &wire, err) || !check_label(taken.label, err) ||
        !check_numbers(&taken, err))
        return false;
    *options = (struct physical_backup_options){
        .settings = wire,
        .label = taken.label,
        .spread_checkpoint = taken.spread_checkpoint,
        .max_rate_kib = taken.max_rate_kib,
        .max_retained_wal = taken.max_retained_wal,
        .transfer_compression = taken.transfer_compression,
        .no_verify_checksums = taken.no_verify_checksums,
        .stall_timeout_ms = taken.stall_timeout_ms,
        .cancel = &job->cancel,
        .log = &job->log,
    };
    return library_digest(taken.digest, &options->digest, err);
}

/* ---- The backup ---- */

static bool keep_text(char **copy, const char **text, struct error *err)
{
    if (*text == NULL)
        return true;
    *copy = strdup(*text);
    *text = *copy;
    return *copy != NULL || error_set_memory(err);
}

static bool open_backup(struct pgcask_source *source, const struct pgcask_settings *settings,
                        const struct pgcask_backup_options *given, struct error *err)
{
    struct physical_backup_options options;

    return library_backup_options(settings, given, &source->job, &options, err) &&
           keep_text(&source->label, &options.label, err) &&
           keep_text(&source->transfer_compression, &options.transfer_compression, err) &&
           physical_backup_new(&options, &source->inner, err);
}

struct pgcask_source *pgcask_backup_open(const struct pgcask_settings *settings,
                                         const struct pgcask_backup_options *options,
                                         const struct pgcask_control *control,
                                         struct pgcask_error *error)
{
    struct pgcask_source *source = library_source_new(control, error);
    struct error err;

    if (source == NULL)
        return NULL;
    source->kind = LIBRARY_BACKUP;
    library_job_tell(&source->job);
    return library_source_opened(source, open_backup(source, settings, options, &err), &err, error);
}

static void fill_report(const struct physical_backup_report *from,
                        struct pgcask_backup_report *report)
{
    *report = (struct pgcask_backup_report){
        .start_timeline = from->start_timeline,
        .stop_timeline = from->stop_timeline,
        .server_version_num = from->server_version_num,
        .bytes = from->bytes,
        .files = from->files,
        .wal_bytes = from->wal_bytes,
        .total_bytes = from->total_bytes,
        .tablespaces = from->tablespaces,
        .checksum_failures = from->checksum_failures,
        .manifest_unavailable = from->manifest_unavailable,
    };
    snprintf(report->start_lsn, sizeof(report->start_lsn), "%s", from->start_lsn);
    snprintf(report->stop_lsn, sizeof(report->stop_lsn), "%s", from->stop_lsn);
    snprintf(report->system_identifier, sizeof(report->system_identifier), "%s",
             from->system_identifier);
    snprintf(report->checksum_failure_first, sizeof(report->checksum_failure_first), "%s",
             from->checksum_failure_first);
}

bool pgcask_backup_get_report(const struct pgcask_source *source,
                              struct pgcask_backup_report *report, struct pgcask_error *error)
{
    struct physical_backup_report from;
    struct pgcask_backup_report filled;
    struct error err;

    if (source->kind != LIBRARY_BACKUP) {
        error_set(&err, ERROR_USAGE, "this source is no backup of a server");
        return library_fail(error, &err);
    }
    physical_backup_report(source->inner, &from);
    fill_report(&from, &filled);
    return library_give(report, &filled, sizeof(filled), "pgcask_backup_report", &err) ||
           library_fail(error, &err);
}
