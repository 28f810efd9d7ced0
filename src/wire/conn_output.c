/*
 * Sending without a deadlock: whenever the socket takes no more, what the server has to say is read
 * before waiting. What is large goes out from where it lies.
 */
#include "wire/conn_internal.h"

#include <stdio.h>

#define PARTS 3

struct sending {
    struct iovec parts[PARTS];
    int first; /* parts before it are sent */
    size_t sent;
};

static void add_part(struct sending *sending, int index, struct slice bytes)
{
    /* iovec has no const; nothing writes through it. */
    sending->parts[index].iov_base = (void *)(uintptr_t)bytes.data;
    sending->parts[index].iov_len = bytes.len;
}

static void advance(struct sending *sending, size_t sent)
{
    sending->sent += sent;
    while (sending->first < PARTS && sent >= sending->parts[sending->first].iov_len) {
        sent -= sending->parts[sending->first].iov_len;
        sending->first++;
    }
    if (sending->first < PARTS && sent > 0) {
        struct iovec *part = &sending->parts[sending->first];

        part->iov_base = (uint8_t *)part->iov_base + sent;
        part->iov_len -= sent;
    }
}

/* One blocked moment: takes what the server says meanwhile, then waits for room. */
static bool wait_to_send(struct wire_conn *conn, unsigned interest, struct error *err)
{
    if (!conn_absorb(conn, err))
        return false;
    /* A closed socket is always readable: it would make this a busy loop. */
    if (!conn->input_ended)
        interest |= SOCKET_READ;
    return conn_wait(conn, interest, err);
}

static bool send_all(struct wire_conn *conn, struct sending *sending, struct error *err)
{
    struct error failure;

    error_clear(&failure);
    advance(sending, 0);
    while (sending->first < PARTS && !conn->send_failed) {
        unsigned interest = SOCKET_WRITE;
        size_t sent;

        switch (transport_write(&conn->transport, &sending->parts[sending->first],
                                PARTS - sending->first, &sent, &failure)) {
        case IO_OK:
            advance(sending, sent);
            continue;
        case IO_WANT_READ:
            interest = SOCKET_READ;
            break;
        case IO_WANT_WRITE:
            break;
        case IO_END:
        case IO_FAILED:
        default:
            conn->send_failed = true;
            snprintf(conn->send_failure, sizeof(conn->send_failure), "%.199s", failure.message);
            continue;
        }
        if (!wait_to_send(conn, interest, err)) {
            conn->send_torn = true;
            return false;
        }
    }
    return true;
}

/* During COPY IN the server speaks only when something is wrong; without a look now and then,
 * whoever loads 100 GB would hear of an error in the first row at the end. */
static bool look_at_input(struct wire_conn *conn, size_t sent, struct error *err)
{
    const size_t often_enough = 256 * 1024;

    conn->sent_unlooked += sent;
    if (conn->copy != COPY_TO_SERVER || conn->sent_unlooked < often_enough)
        return true;
    conn->sent_unlooked = 0;
    return conn_absorb(conn, err);
}

bool conn_send(struct wire_conn *conn, struct slice head, struct slice body, struct error *err)
{
    struct sending sending = {.first = 0};
    bool ok;

    if (!cancel_check(conn->cancel, err))
        return conn_break(conn, false);
    add_part(&sending, 0, buffer_slice(&conn->output));
    add_part(&sending, 1, head);
    add_part(&sending, 2, body);
    ok = send_all(conn, &sending, err) && look_at_input(conn, sending.sent, err);
    if (conn->output.capacity > 4 * INPUT_CAPACITY)
        buffer_free(&conn->output);
    else
        buffer_clear(&conn->output);
    return ok;
}

bool conn_flush(struct wire_conn *conn, struct error *err)
{
    if (conn->output.len == 0)
        return true;
    return conn_send(conn, slice_make(NULL, 0), slice_make(NULL, 0), err);
}
