/*
 * Archives and the backup_manifest as they begin, go on and end, whichever form the stream has:
 * what the server compressed is unpacked here, and the order is the one that was announced.
 */
#include "replication/base_backup_internal.h"

bool base_backup_unexpected(struct error *err, const char *what)
{
    return error_set(err, ERROR_PROTOCOL, "the base backup stream is not as expected: %s", what);
}

bool base_backup_begin_archive(struct base_backup *backup, struct base_backup_event *event,
                               struct error *err)
{
    if (backup->next_tablespace == backup->tablespace_count)
        return base_backup_unexpected(err, "more archives than tablespaces");
    backup->current = &backup->tablespaces[backup->next_tablespace++];
    backup->in_archive = true;
    event->type = BASE_BACKUP_ARCHIVE;
    event->tablespace = backup->current;
    return decompressor_begin(backup->decompressor, err);
}

bool base_backup_end_archive(struct base_backup *backup, struct base_backup_event *event,
                             struct error *err)
{
    backup->in_archive = false;
    event->type = BASE_BACKUP_ARCHIVE_END;
    event->tablespace = backup->current;
    return decompressor_finish(backup->decompressor, err);
}

bool base_backup_begin_backup_manifest(struct base_backup *backup, struct base_backup_event *event,
                                       struct error *err)
{
    if (backup->next_tablespace != backup->tablespace_count)
        return base_backup_unexpected(err, "the manifest comes before the last archive");
    backup->in_backup_manifest = true;
    backup->backup_manifest_seen = true;
    event->type = BASE_BACKUP_MANIFEST;
    return true;
}

/* Lends unpacked bytes of the current archive, if there are any in `packed`. */
bool base_backup_unpack(struct base_backup *backup, struct base_backup_event *event,
                        struct error *err)
{
    event->type = BASE_BACKUP_ARCHIVE_DATA;
    event->tablespace = backup->current;
    if (!decompressor_next(backup->decompressor, &backup->packed, &event->data, err))
        return false;
    backup->unpacking = event->data.len > 0 || backup->packed.len > 0;
    return true;
}

enum step base_backup_event_if(bool ok)
{
    return ok ? STEP_EVENT : STEP_FAILED;
}

enum step base_backup_take_data(struct base_backup *backup, struct slice data,
                                struct base_backup_event *event, struct error *err)
{
    if (data.len == 0)
        return STEP_AGAIN;
    if (backup->in_backup_manifest) {
        event->type = BASE_BACKUP_MANIFEST_DATA;
        event->data = data;
        return STEP_EVENT;
    }
    if (!backup->in_archive) {
        base_backup_unexpected(err, "data outside of an archive");
        return STEP_FAILED;
    }
    if (!backup->compressed) {
        event->type = BASE_BACKUP_ARCHIVE_DATA;
        event->tablespace = backup->current;
        event->data = data;
        return STEP_EVENT;
    }
    backup->packed = data;
    if (!base_backup_unpack(backup, event, err))
        return STEP_FAILED;
    return event->data.len > 0 ? STEP_EVENT : STEP_AGAIN;
}

enum step base_backup_end_copy(struct base_backup *backup, struct base_backup_event *event,
                               struct error *err)
{
    backup->in_backup_manifest = false;
    return backup->in_archive ? base_backup_event_if(base_backup_end_archive(backup, event, err))
                              : STEP_AGAIN;
}
