/*
 * The rows around the data of a base backup: where it starts, which tablespaces come and, at its
 * end, where it stops. Whatever a server sends in them is checked before anything is made of it.
 */
#include "replication/base_backup_internal.h"

#include "base/bytes.h"

#include <stdlib.h>

#define TABLESPACES_MAX 10000
#define LOCATION_MAX 1024 /* PostgreSQL's MAXPGPATH */

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
bool base_backup_next_message(struct base_backup *backup, struct wire_event *event,
                              struct error *err)
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

    if (!base_backup_next_message(backup, &event, err))
        return false;
    if (event.type != WIRE_ROW_DESCRIPTION)
        return base_backup_unexpected(err, "no rows where rows should be");
    for (;;) {
        if (!base_backup_next_message(backup, &event, err))
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

bool base_backup_take_stop_row(struct base_backup *backup, struct error *err)
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

bool base_backup_read_rows(struct base_backup *backup, struct error *err)
{
    return read_result_set(backup, take_start_row, err) &&
           (backup->start_known ||
            base_backup_unexpected(err, "it begins without a start position")) &&
           read_result_set(backup, take_tablespace_row, err) && check_tablespaces(backup, err);
}
