/* The logical backup of one database for the caller. */
#include "backup/logical_backup.h"

#include "library/library_internal.h"

#include <stdio.h>

bool library_logical_options(const struct pgcask_settings *settings,
                             const struct pgcask_logical_options *given, struct library_job *job,
                             struct logical_backup_options *options, struct error *err)
{
    struct pgcask_logical_options taken;

    *options = (struct logical_backup_options){.cancel = &job->cancel, .log = &job->log};
    if (!library_take(&taken, sizeof(taken), given, "pgcask_logical_options", err) ||
        !library_settings_check(settings, &options->settings, err) ||
        !library_digest(taken.digest, &options->digest, err))
        return false;
    options->lock_timeout_ms = taken.lock_timeout_ms;
    options->lock_timeout_total_ms = taken.lock_timeout_total_ms;
    options->stall_timeout_ms = taken.stall_timeout_ms;
    options->allow_newer_server = taken.allow_newer_server;
    return compression_parse(taken.compression == NULL ? "none" : taken.compression,
                             &options->compression, &options->compression_level, err);
}

static bool open_backup(struct pgcask_source *source, const struct pgcask_settings *settings,
                        const struct pgcask_logical_options *given, struct error *err)
{
    struct logical_backup_options options;

    return library_logical_options(settings, given, &source->job, &options, err) &&
           logical_backup_new(&options, &source->inner, err);
}

struct pgcask_source *pgcask_logical_backup_open(const struct pgcask_settings *settings,
                                                 const struct pgcask_logical_options *options,
                                                 const struct pgcask_control *control,
                                                 struct pgcask_error *error)
{
    struct pgcask_source *source = library_source_new(control, error);
    struct error err;

    if (source == NULL)
        return NULL;
    source->kind = LIBRARY_LOGICAL_BACKUP;
    library_job_tell(&source->job);
    return library_source_opened(source, open_backup(source, settings, options, &err), &err, error);
}

bool pgcask_logical_backup_get_report(const struct pgcask_source *source,
                                      struct pgcask_logical_report *report,
                                      struct pgcask_error *error)
{
    struct logical_backup_report from;
    struct pgcask_logical_report filled;
    struct error err;

    if (source->kind != LIBRARY_LOGICAL_BACKUP) {
        error_set(&err, ERROR_USAGE, "this source is no logical backup of a server");
        return library_fail(error, &err);
    }
    logical_backup_report(source->inner, &from);
    filled = (struct pgcask_logical_report){
        .server_version_num = from.server_version_num,
        .bytes = from.bytes,
        .rows = from.rows,
        .total_bytes = from.total_bytes,
        .entries = from.entries,
        .tables = from.tables,
        .manifest_unavailable = from.manifest_unavailable,
    };
    snprintf(filled.wal_lsn, sizeof(filled.wal_lsn), "%s", from.wal_lsn);
    return library_give(report, &filled, sizeof(filled), "pgcask_logical_report", &err) ||
           library_fail(error, &err);
}
