/*
 * A base backup from its command to its end: the steps that lead from one event to the next. What
 * comes between the rows (base_backup_rows.c) has two forms, base_backup_copies.c up to PostgreSQL
 * 14 and base_backup_typed.c from 15 on.
 */
#include "replication/base_backup_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define TYPED_STREAM_SINCE 150000
#define LINK_TARGET_MAX 100       /* bytes of a ustar header's field, with its NUL */
#define EMPTY_MESSAGES_MAX 100000 /* in a row, without a byte for us */
#define LAST_EVENTS_MAX 16        /* rows and the like behind the last archive: three or four */

uint64_t base_backup_start_lsn(const struct base_backup *backup)
{
    return backup->start_lsn;
}

uint32_t base_backup_start_timeline(const struct base_backup *backup)
{
    return backup->start_timeline;
}

uint64_t base_backup_stop_lsn(const struct base_backup *backup)
{
    return backup->stop_lsn;
}

uint32_t base_backup_stop_timeline(const struct base_backup *backup)
{
    return backup->stop_timeline;
}

size_t base_backup_tablespace_count(const struct base_backup *backup)
{
    return backup->tablespace_count;
}

const struct base_backup_tablespace *base_backup_tablespace(const struct base_backup *backup,
                                                            size_t index)
{
    return &backup->tablespaces[index];
}

const char *base_backup_long_location(const struct base_backup *backup)
{
    for (size_t i = 0; i < backup->tablespace_count; i++) {
        const struct base_backup_tablespace *tablespace = &backup->tablespaces[i];

        if (tablespace->location != NULL && strlen(tablespace->location) >= LINK_TARGET_MAX)
            return tablespace->location;
    }
    return NULL;
}

bool base_backup_checksum_failure(const struct base_backup *backup, const char **message)
{
    *message = backup->checksum_message;
    return backup->checksum_failure;
}

static bool start(struct base_backup *backup, const struct base_backup_options *options,
                  struct error *err)
{
    struct buffer sql = {0};
    bool ok;

    backup->compressed = options->compression != COMPRESSION_NONE;
    backup->decompressor = decompressor_new(options->compression, err);
    if (backup->decompressor == NULL)
        return false;
    ok = base_backup_command(&sql, wire_server_version(backup->conn), options, err) &&
         wire_send_query(backup->conn, buffer_text(&sql), err) &&
         base_backup_read_rows(backup, err);
    buffer_free(&sql);
    return ok;
}

bool base_backup_start(struct base_backup **result, struct wire_conn *conn,
                       const struct base_backup_options *options, struct error *err)
{
    struct base_backup *backup = calloc(1, sizeof(*backup));

    *result = NULL;
    if (backup == NULL)
        return error_set_memory(err);
    backup->conn = conn;
    backup->typed = wire_server_version(conn) >= TYPED_STREAM_SINCE;
    backup->form = backup->typed ? &base_backup_typed : &base_backup_copies;
    if (!start(backup, options, err)) {
        base_backup_free(backup);
        return false;
    }
    *result = backup;
    return true;
}

static void free_tablespace(struct base_backup_tablespace *tablespace)
{
    free(tablespace->name);
    free(tablespace->location);
}

void base_backup_free(struct base_backup *backup)
{
    if (backup == NULL)
        return;
    for (size_t i = 0; i < backup->tablespace_count; i++)
        free_tablespace(&backup->tablespaces[i]);
    free(backup->tablespaces);
    buffer_free(&backup->message);
    decompressor_free(backup->decompressor);
    free(backup);
}

/* ---- Stepping ---- */

static enum step copy_begin(struct base_backup *backup, struct base_backup_event *event,
                            struct error *err)
{
    struct wire_event wire;

    if (!base_backup_next_message(backup, &wire, err))
        return STEP_FAILED;
    return backup->form->begin(backup, &wire, event, err);
}

/* A server that only ever says "progress" would keep us for ever. */
static enum step check_getting_on(struct base_backup *backup, enum step step, struct error *err)
{
    backup->empty_messages = step == STEP_AGAIN ? backup->empty_messages + 1 : 0;
    if (backup->empty_messages <= EMPTY_MESSAGES_MAX)
        return step;
    base_backup_unexpected(err, "messages without content, and no end of them");
    return STEP_FAILED;
}

static enum step copy_data(struct base_backup *backup, struct base_backup_event *event,
                           struct error *err)
{
    struct wire_event wire;

    if (!base_backup_next_message(backup, &wire, err))
        return STEP_FAILED;
    if (wire.type == WIRE_COPY_DONE)
        return backup->form->done(backup, event, err);
    if (wire.type != WIRE_COPY_DATA) {
        base_backup_unexpected(err, "something else in the middle of an archive");
        return STEP_FAILED;
    }
    return check_getting_on(backup, backup->form->take(backup, &wire, event, err), err);
}

/* XX001 is data_corrupted. The server sends it in place of the final CommandComplete, after
 * everything else, when pages failed their checksum. */
static bool is_checksum_failure(const struct base_backup *backup, const struct error *err)
{
    return backup->stop_known && strcmp(err->sqlstate, "XX001") == 0;
}

static enum step stop(struct base_backup *backup, struct base_backup_event *event,
                      struct error *err)
{
    struct wire_event wire;

    for (unsigned events = 0;; events++) {
        if (!wire_next(backup->conn, &wire, err))
            return STEP_FAILED;
        if (events == LAST_EVENTS_MAX)
            wire.type = WIRE_COPY_DATA; /* anything that has no place here */
        switch ((int)wire.type) {
        case WIRE_ROW_DESCRIPTION:
        case WIRE_COMMAND_COMPLETE:
            break;
        case WIRE_ROW:
            if (!base_backup_take_stop_row(backup, err))
                return STEP_FAILED;
            break;
        case WIRE_SERVER_ERROR:
            if (!is_checksum_failure(backup, err))
                return STEP_FAILED;
            backup->checksum_failure = true;
            snprintf(backup->checksum_message, sizeof(backup->checksum_message), "%.*s",
                     (int)sizeof(backup->checksum_message) - 1, err->message);
            error_clear(err);
            break;
        case WIRE_READY:
            if (!backup->stop_known) {
                base_backup_unexpected(err, "it ends without a stop position");
                return STEP_FAILED;
            }
            backup->part = PART_DONE;
            event->type = BASE_BACKUP_END;
            return STEP_EVENT;
        default:
            base_backup_unexpected(err, "something else behind the last archive");
            return STEP_FAILED;
        }
    }
}

static enum step take_step(struct base_backup *backup, struct base_backup_event *event,
                           struct error *err)
{
    /* What the last message brought is used up before the next one is read. */
    if (backup->in_archive && backup->unpacking) {
        if (!base_backup_unpack(backup, event, err))
            return STEP_FAILED;
        return event->data.len > 0 ? STEP_EVENT : STEP_AGAIN;
    }
    if (backup->announced)
        return base_backup_announce(backup, event, err);
    switch (backup->part) {
    case PART_COPY_BEGIN:
        return copy_begin(backup, event, err);
    case PART_COPY_DATA:
        return copy_data(backup, event, err);
    case PART_STOP:
        return stop(backup, event, err);
    case PART_DONE:
        break;
    }
    base_backup_unexpected(err, "nothing follows its end");
    return STEP_FAILED;
}

bool base_backup_next(struct base_backup *backup, struct base_backup_event *event,
                      struct error *err)
{
    enum step step;

    *event = (struct base_backup_event){0};
    do
        step = take_step(backup, event, err);
    while (step == STEP_AGAIN);
    return step == STEP_EVENT;
}

bool base_backup_has_data_ahead(const struct base_backup *backup)
{
    struct slice ahead;
    bool first;

    if (!backup->in_archive || backup->compressed)
        return false;
    ahead = wire_copy_data_ahead(backup->conn, &first);
    return backup->form->is_data(backup, ahead, first);
}
