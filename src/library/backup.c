/* Backups of either kind for the caller: opening one as a source, and how it goes. */
#include "library/library_internal.h"

#include "backup/backup.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Opening ---- */

/* The caller's texts last as long as the call. */
static bool keep_text(char **copy, const char **text, struct error *err)
{
    if (*text == NULL)
        return true;
    *copy = strdup(*text);
    *text = *copy;
    return *copy != NULL || error_set_memory(err);
}

static bool on_phase(void *context, const struct backup_report *report, struct error *err)
{
    struct pgcask_source *source = context;

    (void)err;
    source->job.progress.total_bytes = report->total_bytes;
    library_job_set_phase(&source->job, backup_phase_name(report->phase));
    return true;
}

static bool open_backup(struct pgcask_source *source, enum library_command command,
                        const struct pgcask_settings *settings, const void *given,
                        struct error *err)
{
    struct backup_request request;

    if (!library_request(&request, command, settings, given, &source->job, err) ||
        !keep_text(&source->label, &request.label, err) ||
        !keep_text(&source->transfer_compression, &request.transfer_compression, err) ||
        !keep_text(&source->compression, &request.compression, err))
        return false;
    request.on_phase = on_phase;
    request.context = source;
    return backup_open(&request, &source->inner, err);
}

static struct pgcask_source *open_source(enum library_command command,
                                         const struct pgcask_settings *settings, const void *given,
                                         const struct pgcask_control *control,
                                         struct pgcask_error *error)
{
    struct pgcask_source *source = library_source_new(control, error);
    struct error err;

    if (source == NULL)
        return NULL;
    source->kind = command == LIBRARY_PHYSICAL ? LIBRARY_BACKUP : LIBRARY_LOGICAL_BACKUP;
    library_job_tell(&source->job);
    return library_source_opened(source, open_backup(source, command, settings, given, &err), &err,
                                 error);
}

struct pgcask_source *pgcask_backup_open(const struct pgcask_settings *settings,
                                         const struct pgcask_backup_options *options,
                                         const struct pgcask_control *control,
                                         struct pgcask_error *error)
{
    return open_source(LIBRARY_PHYSICAL, settings, options, control, error);
}

struct pgcask_source *pgcask_logical_backup_open(const struct pgcask_settings *settings,
                                                 const struct pgcask_logical_options *options,
                                                 const struct pgcask_control *control,
                                                 struct pgcask_error *error)
{
    return open_source(LIBRARY_LOGICAL, settings, options, control, error);
}

/* ---- How it goes ---- */

bool pgcask_backup_get_report(const struct pgcask_source *source,
                              struct pgcask_backup_report *report, struct pgcask_error *error)
{
    const struct backup_report *from;
    const struct physical_report *physical;
    struct pgcask_backup_report filled;
    struct error err;

    if (source->kind != LIBRARY_BACKUP) {
        error_set(&err, ERROR_USAGE, "this source is no backup of a server");
        return library_fail(error, &err);
    }
    from = backup_report(source->inner);
    physical = &from->physical;
    filled = (struct pgcask_backup_report){
        .start_timeline = physical->start_timeline,
        .stop_timeline = physical->stop_timeline,
        .server_version_num = from->server_version_num,
        .bytes = from->bytes,
        .files = from->files,
        .wal_bytes = physical->wal_bytes,
        .total_bytes = from->total_bytes,
        .tablespaces = physical->tablespaces,
        .checksum_failures = physical->checksum_failures,
        .manifest_unavailable = from->manifest_unavailable,
    };
    snprintf(filled.start_lsn, sizeof(filled.start_lsn), "%s", physical->start_lsn);
    snprintf(filled.stop_lsn, sizeof(filled.stop_lsn), "%s", physical->stop_lsn);
    snprintf(filled.system_identifier, sizeof(filled.system_identifier), "%s",
             physical->system_identifier);
    snprintf(filled.checksum_failure_first, sizeof(filled.checksum_failure_first), "%s",
             physical->checksum_failure_first);
    return library_give(report, &filled, sizeof(filled), "pgcask_backup_report", &err) ||
           library_fail(error, &err);
}

bool pgcask_logical_backup_get_report(const struct pgcask_source *source,
                                      struct pgcask_logical_report *report,
                                      struct pgcask_error *error)
{
    const struct backup_report *from;
    struct pgcask_logical_report filled;
    struct error err;

    if (source->kind != LIBRARY_LOGICAL_BACKUP) {
        error_set(&err, ERROR_USAGE, "this source is no logical backup of a server");
        return library_fail(error, &err);
    }
    from = backup_report(source->inner);
    filled = (struct pgcask_logical_report){
        .server_version_num = from->server_version_num,
        .bytes = from->bytes,
        .rows = from->logical.rows,
        .total_bytes = from->total_bytes,
        .entries = from->logical.entries,
        .tables = from->logical.tables,
        .manifest_unavailable = from->manifest_unavailable,
    };
    snprintf(filled.wal_lsn, sizeof(filled.wal_lsn), "%s", from->logical.wal_lsn);
    return library_give(report, &filled, sizeof(filled), "pgcask_logical_report", &err) ||
           library_fail(error, &err);
}
