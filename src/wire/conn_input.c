/*
 * Receiving: the buffer and its room, waiting, whole messages, and what comes while we send. During
 * a stream the socket is let wait until there is more to read, which saves most of the wake-ups.
 */
#include "wire/conn_internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <sys/socket.h>

/* A rest up to this size is moved to the front to make room for a good read. */
#define MOVE_FREELY 4096
#define READ_WELL (INPUT_CAPACITY / 4)

/* A stream is awaited in larger pieces once this much of it has come without a pause. */
#define PATIENT_AFTER ((size_t)1 << 20)
#define PATIENT_BYTES (64 * 1024)
#define PATIENCE_MS 2

/* For the last words of a server to which nothing can be sent any more. */
#define LAST_WORDS_MS 2000

/* ---- Waiting ---- */

/* While connecting, whoever has the deadline words its passing. */
static bool wait_failed(struct wire_conn *conn, struct error *err)
{
    conn->broken = true;
    if (err->code == ERROR_TIMEOUT && conn->send_failed)
        return error_set(err, ERROR_CONNECTION_LOST, "cannot send to the server %s: %s", conn->peer,
                         conn->send_failure);
    if (conn->deadline != DEADLINE_NONE || err->code == ERROR_CANCELLED)
        return false;
    if (err->code != ERROR_TIMEOUT)
        return error_prefix(err, "server %s", conn->peer);
    error_set(err, ERROR_TIMEOUT, "the server %s has been silent for %lld s", conn->peer,
              (long long)(conn->wait_limit_ms / 1000));
    return error_reason(err, "server_silent");
}

bool conn_wait(struct wire_conn *conn, unsigned interest, struct error *err)
{
    int64_t deadline = deadline_after_ms(conn->wait_limit_ms);
    unsigned ready;

    if (conn->send_failed && deadline_after_ms(LAST_WORDS_MS) < deadline)
        deadline = deadline_after_ms(LAST_WORDS_MS);
    if (conn->deadline < deadline)
        deadline = conn->deadline;
    if (socket_wait(conn->transport.fd, interest, deadline, conn->cancel, &ready, err))
        return true;
    return wait_failed(conn, err);
}

/* ---- Room ---- */

static size_t unparsed(const struct wire_conn *conn)
{
    return conn->input_end - conn->input_start;
}

static void move_to_front(struct wire_conn *conn)
{
    if (conn->input_start == 0)
        return;
    memmove(conn->input, conn->input + conn->input_start, unparsed(conn));
    conn->input_end -= conn->input_start;
    conn->input_start = 0;
}

static bool resize(struct wire_conn *conn, size_t capacity, struct error *err)
{
    uint8_t *input;

    move_to_front(conn);
    input = realloc(conn->input, capacity);
    if (input == NULL) {
        conn->broken = true;
        return error_set_memory(err);
    }
    conn->input = input;
    conn->input_capacity = capacity;
    return true;
}

/* The buffer grows as bytes come: a length alone does not make it large. */
static bool grow_towards(struct wire_conn *conn, size_t need, struct error *err)
{
    size_t twice = 2 * conn->input_capacity;

    if (unparsed(conn) < conn->input_capacity) {
        move_to_front(conn);
        return true;
    }
    return resize(conn, need < twice ? need : twice, err);
}

/* Makes room for bytes on the way to `need` of them from input_start on: at least for one, if it
 * can be for a read of a good size. */
static bool make_room(struct wire_conn *conn, size_t need, struct error *err)
{
    if (unparsed(conn) == 0)
        conn->input_start = conn->input_end = 0;
    if (need > conn->input_capacity)
        return grow_towards(conn, need, err);
    /* The large message that made it grow is over. */
    if (conn->input_capacity > INPUT_CAPACITY && need <= INPUT_CAPACITY &&
        unparsed(conn) <= INPUT_CAPACITY)
        return resize(conn, INPUT_CAPACITY, err);
    if (need > conn->input_capacity - conn->input_start ||
        (unparsed(conn) <= MOVE_FREELY && conn->input_capacity - conn->input_end < READ_WELL))
        move_to_front(conn);
    return true;
}

/* ---- Receiving ---- */

static void take_from_aside(struct wire_conn *conn)
{
    size_t room = conn->input_capacity - conn->input_end;
    size_t len = conn->aside.len - conn->aside_start;

    if (len > room)
        len = room;
    memcpy(conn->input + conn->input_end, conn->aside.data + conn->aside_start, len);
    conn->input_end += len;
    conn->aside_start += len;
    if (conn->aside_start < conn->aside.len)
        return;
    conn->aside_start = 0;
    if (conn->aside.capacity > INPUT_CAPACITY)
        buffer_free(&conn->aside);
    else
        buffer_clear(&conn->aside);
}

static bool ended(struct wire_conn *conn, struct error *err)
{
    conn_break(conn, true);
    error_set(err, ERROR_CONNECTION_LOST, "the server %s closed the connection unexpectedly",
              conn->peer);
    return error_hint(err, "The server's log says why; it may have stopped or restarted.");
}

/* Reads once into the free rest. *got is 0 if there is nothing now. */
static bool read_now(struct wire_conn *conn, size_t *got, unsigned *interest, struct error *err)
{
    enum io_status status = transport_read(&conn->transport, conn->input + conn->input_end,
                                           conn->input_capacity - conn->input_end, got, err);

    switch (status) {
    case IO_OK:
        conn->input_end += *got;
        return true;
    case IO_WANT_READ:
        *interest = SOCKET_READ;
        return true;
    case IO_WANT_WRITE:
        *interest = SOCKET_WRITE;
        return true;
    case IO_END:
        return ended(conn, err);
    case IO_FAILED:
    default:
        /* While connecting, whoever connects names the server. */
        if (conn->deadline == DEADLINE_NONE)
            error_prefix(err, "server %s", conn->peer);
        return conn_break(conn, true);
    }
}

/* ---- Streams ---- */

/* A server sends 8 KiB at a time, and each time would wake us up. While much comes, the socket is
 * ready only when there is more of it; if that takes a moment, what there is is read after all. */
static void set_patient(struct wire_conn *conn, bool patient)
{
    int least = patient ? PATIENT_BYTES : 1;

    conn->streamed = 0;
    conn->patient =
        setsockopt(conn->transport.fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least)) == 0 &&
        patient;
}

static void note_stream(struct wire_conn *conn, size_t got)
{
    if (conn->patient || conn->uses_tls || conn->copy != COPY_FROM_SERVER)
        return;
    conn->streamed += got;
    if (conn->streamed >= PATIENT_AFTER)
        set_patient(conn, true);
}

static bool wait_a_moment(struct wire_conn *conn, struct error *err)
{
    unsigned ready;

    if (socket_wait(conn->transport.fd, SOCKET_READ, deadline_after_ms(PATIENCE_MS), conn->cancel,
                    &ready, err))
        return true;
    if (err->code != ERROR_TIMEOUT)
        return wait_failed(conn, err);
    set_patient(conn, false);
    return true;
}

/* Adds at least a byte to the input: what was put aside first, then what is there, then waits. */
static bool receive(struct wire_conn *conn, struct error *err)
{
    unsigned interest = SOCKET_READ;
    size_t got;

    if (conn->aside.len > conn->aside_start) {
        take_from_aside(conn);
        return true;
    }
    if (conn->input_ended)
        return ended(conn, err);
    /* A server that never pauses would otherwise keep us from seeing these. */
    if (!cancel_check(conn->cancel, err))
        return conn_break(conn, false);
    if (conn->deadline != DEADLINE_NONE && deadline_poll_ms(conn->deadline) == 0) {
        conn->broken = true;
        return error_set(err, ERROR_TIMEOUT, "the time for connecting is over");
    }
    for (;;) {
        if (!read_now(conn, &got, &interest, err))
            return false;
        if (got > 0) {
            note_stream(conn, got);
            return true;
        }
        if (!(conn->patient ? wait_a_moment(conn, err) : conn_wait(conn, interest, err)))
            return false;
    }
}

bool conn_fill(struct wire_conn *conn, size_t need, struct error *err)
{
    while (unparsed(conn) < need) {
        if (!make_room(conn, need, err) || !receive(conn, err))
            return false;
    }
    return true;
}

/* ---- Messages ---- */

static bool is_long_report(const struct message_header *header)
{
    return (header->type == 'E' || header->type == 'N') && header->body_len > REPORT_LONG;
}

/* What quotes a statement of 100 MB is not held for the sake of its first words. */
static bool take_long_report(struct wire_conn *conn, const struct message_header *header,
                             struct slice *body, struct error *err)
{
    struct report_shortener *report = &conn->report;
    size_t left = header->body_len;

    buffer_clear(&report->body);
    *report = (struct report_shortener){.body = report->body};
    conn->input_start += MESSAGE_HEADER_SIZE;
    /* One may be of any length, but not many behind each other: see DISCARD_MAX. */
    conn->taken += MESSAGE_HEADER_SIZE + (uint64_t)(header->type == 'E' ? left / 16 : left);
    while (left > 0) {
        struct slice piece;

        if (!conn_fill(conn, 1, err))
            return false;
        piece = slice_make(conn->input + conn->input_start, unparsed(conn));
        if (piece.len > left)
            piece.len = left;
        conn->input_start += piece.len;
        left -= piece.len;
        if (!report_shortener_feed(report, piece, err))
            return conn_break(conn, false);
    }
    if (!report_shortener_finish(report, err))
        return conn_break(conn, false);
    *body = buffer_slice(&report->body);
    return true;
}

bool conn_peek_header(struct wire_conn *conn, struct message_header *header, struct error *err)
{
    if (!conn_fill(conn, MESSAGE_HEADER_SIZE, err))
        return false;
    if (!message_parse_header(conn->input + conn->input_start, header, err))
        return conn_break(conn, false);
    if (header->type == 'd' || is_long_report(header) || header->body_len <= conn->answer_max)
        return true;
    error_set(err, ERROR_PROTOCOL,
              "the server sent a %s message of %zu bytes; at most %zu are accepted",
              message_type_name(header->type), header->body_len, conn->answer_max);
    return conn_break(conn, false);
}

bool conn_take_message(struct wire_conn *conn, const struct message_header *header,
                       struct slice *body, struct error *err)
{
    /* wire_next takes CopyData in parts, of whatever length. Elsewhere it has no business. */
    if (header->type == 'd') {
        conn_break(conn, false);
        return error_set(err, ERROR_PROTOCOL, "the server sent CopyData where it makes no sense");
    }
    if (is_long_report(header))
        return take_long_report(conn, header, body, err);
    if (!conn_fill(conn, MESSAGE_HEADER_SIZE + header->body_len, err))
        return false;
    *body = slice_make(conn->input + conn->input_start + MESSAGE_HEADER_SIZE, header->body_len);
    conn->input_start += MESSAGE_HEADER_SIZE + header->body_len;
    conn->taken += MESSAGE_HEADER_SIZE + header->body_len;
    return true;
}

/* ---- While sending ---- */

static bool put_aside(struct wire_conn *conn, struct error *err)
{
    const size_t step = 64 * 1024;
    enum io_status status;
    size_t got;

    if (conn->aside_start > conn->aside.len / 2) {
        buffer_consume(&conn->aside, conn->aside_start);
        conn->aside_start = 0;
    }
    for (;;) {
        if (conn->aside.len - conn->aside_start > ASIDE_MAX) {
            conn_break(conn, false);
            return error_set(err, ERROR_PROTOCOL,
                             "the server answered with more than %zu bytes before it took what is "
                             "sent to it",
                             ASIDE_MAX);
        }
        if (!buffer_reserve(&conn->aside, step, err))
            return conn_break(conn, false);
        status =
            transport_read(&conn->transport, conn->aside.data + conn->aside.len, step, &got, err);
        if (status != IO_OK)
            break;
        conn->aside.len += got;
    }
    conn->input_ended = status == IO_END || status == IO_FAILED;
    return true;
}

/* Takes notices and the like off the input. What is left at the front is incomplete, or the error
 * that ends COPY IN; *need is how much of it would be whole. */
static bool take_asyncs(struct wire_conn *conn, size_t *need, struct error *err)
{
    for (;;) {
        struct message_header header;
        struct slice body = {0};
        bool handled;

        *need = MESSAGE_HEADER_SIZE;
        if (unparsed(conn) < *need)
            return true;
        if (!message_parse_header(conn->input + conn->input_start, &header, err))
            return conn_break(conn, false);
        if (header.type != 'N' && header.type != 'S' && header.type != 'A') {
            conn->copy_refused = true;
            return true;
        }
        *need += header.body_len;
        if (unparsed(conn) < *need)
            return true;
        if (!conn_take_message(conn, &header, &body, err) ||
            !conn_handle_async(conn, header.type, body, &handled, err))
            return false;
    }
}

static bool absorb_copy_in(struct wire_conn *conn, struct error *err)
{
    size_t need, got;

    while (!conn->copy_refused) {
        enum io_status status;

        if (!take_asyncs(conn, &need, err))
            return false;
        if (conn->copy_refused)
            break;
        if (!make_room(conn, need, err))
            return false;
        status = transport_read(&conn->transport, conn->input + conn->input_end,
                                conn->input_capacity - conn->input_end, &got, err);
        conn->input_ended = status == IO_END || status == IO_FAILED;
        if (status != IO_OK)
            break;
        conn->input_end += got;
    }
    return true;
}

bool conn_absorb(struct wire_conn *conn, struct error *err)
{
    if (conn->input_ended)
        return true;
    if (conn->copy == COPY_TO_SERVER && !conn->copy_refused && conn->aside.len == 0) {
        if (!absorb_copy_in(conn, err))
            return false;
        if (!conn->copy_refused)
            return true;
    }
    return conn->input_ended ? true : put_aside(conn, err);
}
