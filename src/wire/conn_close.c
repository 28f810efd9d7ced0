/*
 * Ending a session so that nothing of it stays behind. A server that works does not look at its
 * socket, and one that sends is blocked until somebody reads. So a busy one is cancelled through
 * another connection, gets the messages that end what it may be waiting for, and is read from until
 * it closes: then its backend is gone. All of that within a second, whatever the server does.
 */
#include "wire/conn_internal.h"

#include "base/clock.h"

#include <poll.h>

#define CLOSE_LIMIT_MS 1000

/* A cancel request that comes before the server has begun with what we sent last is without effect,
 * and nobody can tell us. So it is repeated, each time after a longer pause. */
static const int pauses_ms[] = {100, 400};
#define REPEATS (sizeof(pauses_ms) / sizeof(pauses_ms[0]))

/* What is still queued was never sent: it does not matter any more. */
static bool build_farewell(struct wire_conn *conn, struct error *err)
{
    buffer_clear(&conn->output);
    if (conn->copy == COPY_TO_SERVER && !message_append_copy_fail(&conn->output, "given up", err))
        return false;
    if (conn->copy == COPY_BOTH_WAYS && !message_append_copy_done(&conn->output, err))
        return false;
    return message_append_terminate(&conn->output, err);
}

/* One try to send the rest of the farewell; what cannot go waits for the next. */
static bool say_farewell(struct wire_conn *conn, struct slice *farewell)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)farewell->data, .iov_len = farewell->len};
    enum io_status status;
    struct error ignored;
    size_t sent;

    if (farewell->len == 0)
        return true;
    status = transport_write(&conn->transport, &part, 1, &sent, &ignored);
    slice_take(farewell, sent);
    return status != IO_END && status != IO_FAILED;
}

/* True at the end of what the server has to say. Under TLS too the bytes are thrown away as they
 * are: nobody looks at them. */
static bool discard_input(struct wire_conn *conn, int64_t deadline)
{
    struct transport raw = {.fd = conn->transport.fd};
    enum io_status status = IO_OK;
    struct error ignored;
    size_t got;

    while (status == IO_OK && deadline_poll_ms(deadline) > 0)
        status = transport_read(&raw, conn->input, conn->input_capacity, &got, &ignored);
    return status == IO_END || status == IO_FAILED;
}

/* True if the session has ended. */
static bool part_until(struct wire_conn *conn, struct slice *farewell, int64_t until)
{
    struct error ignored;
    unsigned ready;

    while (!discard_input(conn, until)) {
        unsigned interest = SOCKET_READ | (farewell->len > 0 ? SOCKET_WRITE : 0);

        /* A poll with no time left still succeeds on a flooded socket: the clock has to decide. */
        if (deadline_poll_ms(until) == 0 ||
            !socket_wait(conn->transport.fd, interest, until, NULL, &ready, &ignored))
            return false;
        if (!say_farewell(conn, farewell))
            return true;
    }
    return true;
}

static void part_from_busy_server(struct wire_conn *conn, struct slice farewell, int64_t deadline)
{
    struct error ignored;

    for (size_t i = 0; i < REPEATS; i++) {
        int64_t until = deadline_after_ms(pauses_ms[i]);

        if (part_until(conn, &farewell, until < deadline ? until : deadline))
            return;
        cancel_request_send(conn, deadline, &ignored);
    }
    part_until(conn, &farewell, deadline);
}

static bool is_busy(const struct wire_conn *conn)
{
    return conn->awaiting_ready > 0 || conn->unsynced;
}

static void end_session(struct wire_conn *conn)
{
    int64_t deadline = deadline_after_ms(CLOSE_LIMIT_MS);
    bool busy = is_busy(conn);
    struct slice farewell = {NULL, 0};
    struct error ignored;

    if (busy)
        cancel_request_send(conn, deadline, &ignored);
    /* A Terminate behind half a message would be taken for the rest of that message. */
    if (conn->send_torn || conn->send_failed)
        shutdown(conn->transport.fd, SHUT_WR);
    else if (build_farewell(conn, &ignored))
        farewell = buffer_slice(&conn->output);
    if (!say_farewell(conn, &farewell) || !busy)
        return;
    part_from_busy_server(conn, farewell, deadline);
}

/* The connection has ended on our side. A server that works may not know of it for long: whatever
 * stands between may have told us only. */
static void end_lost_session(const struct wire_conn *conn)
{
    int64_t deadline = deadline_after_ms(CLOSE_LIMIT_MS);
    struct error ignored;
    bool sent;

    if (!is_busy(conn) || conn->key_len == 0)
        return;
    sent = cancel_request_send(conn, deadline, &ignored);
    for (size_t i = 0; sent && i < REPEATS; i++) {
        poll(NULL, 0, pauses_ms[i]);
        sent = cancel_request_send(conn, deadline, &ignored);
    }
}

void wire_close(struct wire_conn *conn)
{
    if (conn == NULL)
        return;
    if (conn->transport.fd >= 0 && !conn->lost && !conn->input_ended)
        end_session(conn);
    else
        end_lost_session(conn);
    conn_free(conn);
}
