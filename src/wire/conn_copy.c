/*
 * Copy data towards the server, as messages of the connection: small ones wait in its queue for
 * more, large ones go out from where they lie. What they are part of, rows or a walsender's stream,
 * and what an answer to them means, is known to src/copy and src/replication.
 */
#include "wire/conn_internal.h"

#define GATHER_MAX ((size_t)32 * 1024)    /* smaller data waits in the queue for more … */
#define GATHER_ENOUGH ((size_t)64 * 1024) /* … until it is this much */
#define CHUNK_MAX ((size_t)1 << 20)       /* the server holds each CopyData message whole */
#define RECORD_SIZE ((size_t)16 * 1024)   /* of TLS */

/* *drop: there is nobody to send it to, and no reason to complain. */
static bool check_direction(struct wire_conn *conn, bool *drop, struct error *err)
{
    *drop = conn->copy_refused;
    if (!conn_check(conn, err))
        return false;
    if (conn->copy_refused || conn->copy == COPY_TO_SERVER || conn->copy == COPY_BOTH_WAYS)
        return true;
    return error_set(err, ERROR_USAGE, "the server does not expect copy data now");
}

/* The header goes in front of the data without a copy of the data. Under TLS, where each write is
 * a record at least, the first record is put together here. */
static bool send_large(struct wire_conn *conn, struct slice data, struct error *err)
{
    uint8_t header[MESSAGE_HEADER_SIZE];

    message_put_copy_data_header(header, data.len);
    if (conn->uses_tls) {
        size_t first = data.len < RECORD_SIZE ? data.len : RECORD_SIZE - MESSAGE_HEADER_SIZE;

        if (!buffer_append(&conn->output, header, sizeof(header), err) ||
            !buffer_append(&conn->output, data.data, first, err))
            return conn_break(conn, false);
        slice_take(&data, first);
        return conn_send(conn, data, slice_make(NULL, 0), err);
    }
    return conn_send(conn, slice_make(header, sizeof(header)), data, err);
}

static bool send_gathered(struct wire_conn *conn, struct slice data, struct error *err)
{
    if (!message_append_copy_data(&conn->output, data, err))
        return false;
    return conn->output.len < GATHER_ENOUGH ? true : conn_flush(conn, err);
}

bool wire_copy_send(struct wire_conn *conn, struct slice data, struct error *err)
{
    bool drop;

    if (!check_direction(conn, &drop, err))
        return false;
    /* Both ways: each call is a message of its own meaning, and the other side waits for it. */
    if (!drop && conn->copy == COPY_BOTH_WAYS)
        return send_large(conn, data, err);
    while (data.len > 0 && !conn->copy_refused) {
        struct slice chunk = slice_take(&data, data.len > CHUNK_MAX ? CHUNK_MAX : data.len);

        if (chunk.len <= GATHER_MAX ? !send_gathered(conn, chunk, err)
                                    : !send_large(conn, chunk, err))
            return false;
    }
    return true;
}

bool wire_copy_is_refused(const struct wire_conn *conn)
{
    return conn->copy_refused || conn->send_failed || conn->input_ended;
}

static void end_sending(struct wire_conn *conn)
{
    conn->copy = conn->copy == COPY_BOTH_WAYS ? COPY_FROM_SERVER : COPY_NONE;
}

bool wire_copy_done(struct wire_conn *conn, struct error *err)
{
    bool drop;

    if (!check_direction(conn, &drop, err))
        return false;
    if (drop)
        return true;
    if (!message_append_copy_done(&conn->output, err) || !conn_flush(conn, err))
        return false;
    end_sending(conn);
    return true;
}

bool wire_copy_fail(struct wire_conn *conn, const char *reason, struct error *err)
{
    bool drop;

    if (!check_direction(conn, &drop, err))
        return false;
    if (drop)
        return true;
    if (!message_append_copy_fail(&conn->output, reason, err) || !conn_flush(conn, err))
        return false;
    end_sending(conn);
    return true;
}
