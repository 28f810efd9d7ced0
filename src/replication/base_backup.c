/*
 * A base backup: the rows around the data, the archives, the manifest. The stream has two forms: up
 * to PostgreSQL 14 each archive and the manifest are a COPY of their own, which is read here; from
 * 15 all are one COPY, whose messages begin with their type (base_backup_typed.c).
 */
#include "replication/base_backup_internal.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>

#define TYPED_STREAM_SINCE 150000
#define TABLESPACES_MAX 10000
#define LINK_TARGET_MAX 100       /* bytes of a ustar header's field, with its NUL */
#define LOCATION_MAX 1024         /* PostgreSQL's MAXPGPATH */
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

bool base_backup_unexpected(struct error *err, const char *what)
{
    return error_set(err, ERROR_PROTOCOL, "the base backup stream is not as expected: %s", what);
}

/* ---- The rows around the data ---- */

static bool copy_text(struct slice value, char *out, size_t out_size)
{
    if (value.data == NULL || value.len >= out_size)
        return false;
    memcpy(out, value.data, value.len);
    out[value.len] = '\0';
    return true;
}

static bool take_position_row(struct base_backup *backup, uint64_t *lsn, uint32_t *timeline,
                              struct error *err)
{
    char text[LSN_TEXT_SIZE];
    uint64_t number;

    if (wire_row_columns(backup->conn) < 2 ||
        !copy_text(wire_row_value(backup->conn, 0), text, sizeof(text)) || !lsn_parse(text, lsn) ||
        !bytes_parse_u64(wire_row_value(backup->conn, 1), &number) || number > UINT32_MAX)
        return base_backup_unexpected(err, "a WAL position that cannot be read");
    *timeline = (uint32_t)number;
    return true;
}

/* PostgreSQL 13 and 14 take every link in pg_tblspc for a tablespace, whatever it is called. */
static bool take_name(const struct base_backup *backup, struct slice name,
                      struct base_backup_tablespace *tablespace, struct error *err)
{
    uint64_t number;

    if (bytes_parse_u64(name, &number) && number > 0 && number <= UINT32_MAX && name.data[0] != '0')
        tablespace->oid = (uint32_t)number;
    else if (backup->typed || name.len == 0 || name.len > NAME_BYTES_MAX ||
             memchr(name.data, '/', name.len) != NULL || memchr(name.data, '\0', name.len) != NULL)
        return base_backup_unexpected(err, "a tablespace with a strange OID");
    tablespace->name = strndup((const char *)name.data, name.len);
    return tablespace->name != NULL || error_set_memory(err);
}

static bool take_location(struct slice location, struct base_backup_tablespace *tablespace,
                          struct error *err)
{
    static const char in_place[] = "pg_tblspc/";

    if (location.data == NULL || memchr(location.data, '\0', location.len) != NULL)
        return base_backup_unexpected(err, "a tablespace without location");
    if (location.len >= LOCATION_MAX)
        return base_backup_unexpected(err, "a tablespace with too long a location");
    tablespace->in_place = tablespace->oid == 0 || location.len == 0 ||
                           (location.len >= sizeof(in_place) - 1 &&
                            memcmp(location.data, in_place, sizeof(in_place) - 1) == 0);
    tablespace->location = strndup((const char *)location.data, location.len);
    return tablespace->location != NULL || error_set_memory(err);
}

static bool take_tablespace_row(struct base_backup *backup, struct error *err)
{
    struct base_backup_tablespace *grown, tablespace = {0};
    struct slice oid, location, size;
    uint64_t number = 0;

    if (wire_row_columns(backup->conn) < 3)
        return base_backup_unexpected(err, "a tablespace without location and size");
    if (backup->tablespace_count == TABLESPACES_MAX)
        return base_backup_unexpected(err, "too many tablespaces");
    oid = wire_row_value(backup->conn, 0);
    location = wire_row_value(backup->conn, 1);
    size = wire_row_value(backup->conn, 2);
    if (oid.data != NULL && !take_name(backup, oid, &tablespace, err))
        return false;
    if (size.data != NULL && (!bytes_parse_u64(size, &number) || number > UINT64_MAX / 1024)) {
        free(tablespace.name);
        return base_backup_unexpected(err, "a tablespace with a strange size");
    }
    tablespace.bytes = number * 1024;
    grown = realloc(backup->tablespaces, (backup->tablespace_count + 1) * sizeof(*grown));
    if (grown == NULL) {
        free(tablespace.name);
        return error_set_memory(err);
    }
    backup->tablespaces = grown;
    backup->tablespaces[backup->tablespace_count++] = tablespace;
    return tablespace.name == NULL ||
           take_location(location, &grown[backup->tablespace_count - 1], err);
}

/* Waits for an event; an ErrorResponse ends the backup. */
static bool next_event(struct base_backup *backup, struct wire_event *event, struct error *err)
{
    struct error ignored;

    if (!wire_next(backup->conn, event, err))
        return false;
    if (event->type != WIRE_SERVER_ERROR)
        return true;
    if (!wire_is_broken(backup->conn))
        wire_drain(backup->conn, &ignored);
    return false;
}

/* Reads one result set, giving each row to `row`, up to its CommandComplete. */
static bool read_result_set(struct base_backup *backup,
                            bool (*row)(struct base_backup *, struct error *), struct error *err)
{
    struct wire_event event;

    if (!next_event(backup, &event, err))
        return false;
    if (event.type != WIRE_ROW_DESCRIPTION)
        return base_backup_unexpected(err, "no rows where rows should be");
    for (;;) {
        if (!next_event(backup, &event, err))
            return false;
        if (event.type == WIRE_COMMAND_COMPLETE)
            return true;
        if (event.type != WIRE_ROW)
            return base_backup_unexpected(err, "no rows where rows should be");
        if (!row(backup, err))
            return false;
    }
}

static bool take_start_row(struct base_backup *backup, struct error *err)
{
    if (backup->start_known)
        return base_backup_unexpected(err, "two start positions");
    backup->start_known = true;
    return take_position_row(backup, &backup->start_lsn, &backup->start_timeline, err);
}

static bool take_stop_row(struct base_backup *backup, struct error *err)
{
    if (backup->stop_known)
        return base_backup_unexpected(err, "two stop positions");
    backup->stop_known = true;
    return take_position_row(backup, &backup->stop_lsn, &backup->stop_timeline, err);
}

/* The base directory comes last and only once, and no tablespace twice. */
static bool check_tablespaces(const struct base_backup *backup, struct error *err)
{
    size_t count = backup->tablespace_count;

    if (count == 0 || backup->tablespaces[count - 1].name != NULL)
        return base_backup_unexpected(err, "the base directory is not the last of the tablespaces");
    for (size_t i = 0; i + 1 < count; i++) {
        if (backup->tablespaces[i].name == NULL)
            return base_backup_unexpected(err, "two base directories");
        for (size_t j = 0; j < i; j++) {
            if (strcmp(backup->tablespaces[i].name, backup->tablespaces[j].name) == 0)
                return base_backup_unexpected(err, "a tablespace is listed twice");
        }
    }
    return true;
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
         read_result_set(backup, take_start_row, err) &&
         (backup->start_known ||
          base_backup_unexpected(err, "it begins without a start position")) &&
         read_result_set(backup, take_tablespace_row, err) && check_tablespaces(backup, err);
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

/* ---- Archives and the manifest ---- */

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
static bool unpack(struct base_backup *backup, struct base_backup_event *event, struct error *err)
{
    event->type = BASE_BACKUP_ARCHIVE_DATA;
    event->tablespace = backup->current;
    if (!decompressor_next(backup->decompressor, &backup->packed, &event->data, err))
        return false;
    backup->unpacking = event->data.len > 0 || backup->packed.len > 0;
    return true;
}

/* ---- Data, of either form of the stream ---- */

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
    if (!unpack(backup, event, err))
        return STEP_FAILED;
    return event->data.len > 0 ? STEP_EVENT : STEP_AGAIN;
}

/* ---- Stepping ---- */

static enum step copy_begin(struct base_backup *backup, struct base_backup_event *event,
                            struct error *err)
{
    struct wire_event wire;

    if (!next_event(backup, &wire, err))
        return STEP_FAILED;
    if (wire.type == WIRE_COPY_OUT) {
        backup->part = PART_COPY_DATA;
        if (backup->typed)
            return STEP_AGAIN;
        if (backup->next_tablespace < backup->tablespace_count)
            return base_backup_event_if(base_backup_begin_archive(backup, event, err));
        if (!backup->backup_manifest_seen)
            return base_backup_event_if(base_backup_begin_backup_manifest(backup, event, err));
    } else if (!backup->typed && wire.type == WIRE_ROW_DESCRIPTION &&
               backup->backup_manifest_seen) {
        backup->part = PART_STOP;
        return STEP_AGAIN;
    }
    base_backup_unexpected(err, "no archive where one should begin");
    return STEP_FAILED;
}

/* CopyDone: ends what was going on; with the typed stream, everything. */
static enum step copy_done(struct base_backup *backup, struct base_backup_event *event,
                           struct error *err)
{
    if (backup->typed && !backup->backup_manifest_seen) {
        base_backup_unexpected(err, "it ends without a manifest");
        return STEP_FAILED;
    }
    backup->part = backup->typed ? PART_STOP : PART_COPY_BEGIN;
    backup->in_backup_manifest = false;
    return backup->in_archive ? base_backup_event_if(base_backup_end_archive(backup, event, err))
                              : STEP_AGAIN;
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

    if (!next_event(backup, &wire, err))
        return STEP_FAILED;
    if (wire.type == WIRE_COPY_DONE)
        return copy_done(backup, event, err);
    if (wire.type != WIRE_COPY_DATA) {
        base_backup_unexpected(err, "something else in the middle of an archive");
        return STEP_FAILED;
    }
    if (backup->typed)
        return check_getting_on(backup, base_backup_take_typed(backup, &wire, event, err), err);
    return check_getting_on(backup, base_backup_take_data(backup, wire.data, event, err), err);
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
            if (!take_stop_row(backup, err))
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
        if (!unpack(backup, event, err))
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
    if (!backup->typed)
        return ahead.len > 0;
    if (first) /* a message of data has more than its type byte */
        return ahead.len > 1 && ahead.data[0] == 'd';
    return ahead.len > 0 && backup->message_type == 'd';
}
