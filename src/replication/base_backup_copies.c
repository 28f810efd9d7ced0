/*
 * The stream up to PostgreSQL 14: each archive, and the backup_manifest behind them, is a COPY of
 * its own, and what it is follows from the order alone.
 */
#include "replication/base_backup_internal.h"

static enum step begin(struct base_backup *backup, const struct wire_event *wire,
                       struct base_backup_event *event, struct error *err)
{
    if (wire->type == WIRE_COPY_OUT) {
        backup->part = PART_COPY_DATA;
        if (backup->next_tablespace < backup->tablespace_count)
            return base_backup_event_if(base_backup_begin_archive(backup, event, err));
        if (!backup->backup_manifest_seen)
            return base_backup_event_if(base_backup_begin_backup_manifest(backup, event, err));
    } else if (wire->type == WIRE_ROW_DESCRIPTION && backup->backup_manifest_seen) {
        backup->part = PART_STOP;
        return STEP_AGAIN;
    }
    base_backup_unexpected(err, "no archive where one should begin");
    return STEP_FAILED;
}

static enum step take(struct base_backup *backup, const struct wire_event *wire,
                      struct base_backup_event *event, struct error *err)
{
    return base_backup_take_data(backup, wire->data, event, err);
}

static enum step done(struct base_backup *backup, struct base_backup_event *event,
                      struct error *err)
{
    backup->part = PART_COPY_BEGIN;
    return base_backup_end_copy(backup, event, err);
}

static bool is_data(const struct base_backup *backup, struct slice ahead, bool first)
{
    (void)backup;
    (void)first;
    return ahead.len > 0;
}

const struct base_backup_form base_backup_copies = {begin, take, done, is_data};
