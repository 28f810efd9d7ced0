/*
 * The stream of PostgreSQL 15 and later: one COPY whose messages begin with their type. 'n' begins
 * an archive and names it, 'm' begins the manifest, 'd' is data of either, 'p' progress.
 */
#include "replication/base_backup_internal.h"

#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

#define ARCHIVE_NAME_MAX 2048

/* An 'n' message names an archive; which one it is follows from the order, and must agree. */
static bool check_archive_name(const struct base_backup *backup, struct error *err)
{
    struct slice rest = buffer_slice(&backup->message);
    const struct base_backup_tablespace *tablespace;
    char expected[NAME_BYTES_MAX + sizeof(".tar")];
    const char *name, *location;

    if (!bytes_take_string(&rest, &name) || !bytes_take_string(&rest, &location) || rest.len > 0)
        return base_backup_unexpected(err, "an archive's name that cannot be read");
    if (backup->next_tablespace == backup->tablespace_count)
        return base_backup_unexpected(err, "more archives than tablespaces");
    tablespace = &backup->tablespaces[backup->next_tablespace];
    snprintf(expected, sizeof(expected), "%s.tar",
             tablespace->name == NULL ? "base" : tablespace->name);
    if (strncmp(name, expected, strlen(expected)) != 0)
        return base_backup_unexpected(err, "the archives are not in the order of the tablespaces");
    return true;
}

enum step base_backup_announce(struct base_backup *backup, struct base_backup_event *event,
                               struct error *err)
{
    backup->announced = backup->in_archive;
    if (backup->in_archive)
        return base_backup_event_if(base_backup_end_archive(backup, event, err));
    if (backup->in_backup_manifest) {
        base_backup_unexpected(err, "something follows the manifest");
        return STEP_FAILED;
    }
    if (backup->message_type == 'm')
        return base_backup_event_if(base_backup_begin_backup_manifest(backup, event, err));
    return base_backup_event_if(check_archive_name(backup, err) &&
                                base_backup_begin_archive(backup, event, err));
}

static enum step begin(struct base_backup *backup, const struct wire_event *wire,
                       struct base_backup_event *event, struct error *err)
{
    (void)event;
    if (wire->type == WIRE_COPY_OUT) {
        backup->part = PART_COPY_DATA;
        return STEP_AGAIN;
    }
    base_backup_unexpected(err, "no archive where one should begin");
    return STEP_FAILED;
}

/* A piece of a message. */
static enum step take(struct base_backup *backup, const struct wire_event *wire,
                      struct base_backup_event *event, struct error *err)
{
    struct slice data = wire->data;

    if (wire->first) {
        if (!bytes_take_u8(&data, &backup->message_type)) {
            base_backup_unexpected(err, "an empty message");
            return STEP_FAILED;
        }
        buffer_clear(&backup->message);
    }
    switch (backup->message_type) {
    case 'd':
        return base_backup_take_data(backup, data, event, err);
    case 'p': /* progress: we count ourselves */
        return STEP_AGAIN;
    case 'n':
    case 'm':
        if (backup->message.len + data.len > ARCHIVE_NAME_MAX) {
            base_backup_unexpected(err, "an archive's name is too long");
            return STEP_FAILED;
        }
        if (!buffer_append(&backup->message, data.data, data.len, err))
            return STEP_FAILED;
        return wire->last ? base_backup_announce(backup, event, err) : STEP_AGAIN;
    default:
        base_backup_unexpected(err, "a message of an unknown type");
        return STEP_FAILED;
    }
}

/* CopyDone ends everything. */
static enum step done(struct base_backup *backup, struct base_backup_event *event,
                      struct error *err)
{
    if (!backup->backup_manifest_seen) {
        base_backup_unexpected(err, "it ends without a manifest");
        return STEP_FAILED;
    }
    backup->part = PART_STOP;
    return base_backup_end_copy(backup, event, err);
}

static bool is_data(const struct base_backup *backup, struct slice ahead, bool first)
{
    if (first) /* a message of data has more than its type byte */
        return ahead.len > 1 && ahead.data[0] == 'd';
    return ahead.len > 0 && backup->message_type == 'd';
}

const struct base_backup_form base_backup_typed = {begin, take, done, is_data};
