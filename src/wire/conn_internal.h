/*
 * A connection from the inside, each file above those before it: conn.c has its life and what is
 * known of it, conn_async.c deals with what the server says by the way, conn_input.c receives and
 * frames messages, conn_output.c sends, conn_copy.c sends rows, conn_events.c turns messages into
 * events, conn_extended.c and conn_query.c are made of these, conn_cancel.c and conn_close.c end
 * things.
 *
 * Receiving. Bytes land in one buffer of 256 KiB. What lies between input_start and input_end is
 * not parsed yet. A CopyData body is lent from there in parts as it comes, so its length does not
 * matter; any other message is first made whole, for which the buffer may grow for a while.
 *
 * Sending. While a send is blocked, the server may be blocked too, because we do not read. So
 * what arrives then is put aside, and is the next input once the buffer is empty. During COPY IN
 * only notices and an error can arrive: they are dealt with at once, so that a trigger that raises
 * a notice for each row does not fill the memory.
 */
#ifndef PGCASK_WIRE_CONN_INTERNAL_H
#define PGCASK_WIRE_CONN_INTERNAL_H

#include "wire/message_internal.h"
#include "wire/transport_internal.h"
#include "wire/wire.h"

#define INPUT_CAPACITY ((size_t)256 * 1024)
#define ASIDE_MAX ((size_t)64 << 20)
/* Bytes that are read and thrown away in a row before the server counts as one that never ends. */
#define DISCARD_MAX ((uint64_t)64 << 20)
#define REPLICATION_ANSWER_MAX ((size_t)4 << 20) /* its commands answer with a few short rows */
#define PEER_SIZE 300

/* Which way copy data may still flow. */
enum copy_state { COPY_NONE, COPY_FROM_SERVER, COPY_TO_SERVER, COPY_BOTH_WAYS };

struct session_parameter {
    char *name;
    char *value;
};

struct wire_conn {
    struct transport transport;
    struct wire_settings *settings; /* a copy, for the CancelRequest's connection */
    struct socket_address address;
    char host[256]; /* as configured; "" for a unix socket */
    char peer[PEER_SIZE];
    bool uses_tls;

    bool watched; /* the settings' watcher was told that the session began */
    struct cancel *cancel;
    const struct log *log;
    int64_t wait_limit_ms;
    int64_t deadline; /* of the connection attempt; DEADLINE_NONE afterwards */
    void (*on_notice)(void *context, const char *severity, const char *sqlstate,
                      const char *message);
    void *on_notice_context;

    uint8_t *input;
    size_t input_capacity;
    size_t input_start;
    size_t input_end;
    bool input_ended;    /* the server has closed; what is buffered still counts */
    size_t answer_max;   /* bytes of a message that is held whole, and of a collected result */
    uint64_t taken;      /* bytes of messages so far */
    struct buffer aside; /* received while sending */
    size_t aside_start;

    bool in_copy_data;     /* inside a CopyData message … */
    bool copy_data_new;    /* … of which nothing was lent yet … */
    size_t copy_data_left; /* … and so much is to come */
    bool patient;          /* the socket is ready only when there is much to read */
    size_t streamed;       /* by COPY since it last was not */

    struct buffer output; /* queued whole messages */
    size_t sent_unlooked; /* bytes of COPY IN since the input was last looked at */
    bool send_failed;     /* drop what is to be sent: the input says why, or else … */
    char send_failure[200];
    bool send_torn; /* a message was left half sent */

    enum copy_state copy;
    bool copy_refused;       /* the server answered COPY IN with an error: drop copy data */
    unsigned awaiting_ready; /* ReadyForQuery messages to come */
    unsigned error_position; /* of the last error in the statement, in characters from 1 */
    char error_context[REPORT_TEXT_SIZE]; /* where it occurred, in the server's words */
    bool unsynced;                        /* extended-protocol messages are out without a Sync */
    bool broken;                          /* good for wire_close only */
    bool lost;                            /* the socket is of no use any more */

    struct report_shortener report; /* of the last that was long */
    struct buffer description;      /* body of the last RowDescription */
    struct message_column *columns;
    size_t columns_capacity, columns_count;
    struct slice *row;
    size_t row_capacity, row_count;

    struct session_parameter *parameters;
    size_t parameters_count;
    int server_version;
    uint32_t backend_pid;
    uint8_t key[256];
    size_t key_len;
};

/* ---- conn.c ---- */

struct wire_conn *conn_new(struct error *err);

/* Drops the socket, what is buffered and what the server told, for another attempt. */
void conn_disconnect(struct wire_conn *conn);
void conn_free(struct wire_conn *conn);

enum wire_encryption conn_encryption(const struct wire_conn *conn);

/* Tells the settings' watcher that the session has begun; conn_disconnect tells its end. */
void conn_announce(struct wire_conn *conn);

/* Fails if the connection is good for wire_close only. */
bool conn_check(const struct wire_conn *conn, struct error *err);

/* Marks the connection as good for wire_close only; `lost`: not even a Terminate gets through.
 * False, so that `return conn_break(…);` reads well. */
bool conn_break(struct wire_conn *conn, bool lost);

/* ---- conn_async.c ---- */

/* ParameterStatus, NoticeResponse, NotificationResponse: deals with them. *handled says whether
 * it was one of these. */
bool conn_handle_async(struct wire_conn *conn, char type, struct slice body, bool *handled,
                       struct error *err);

/* ---- conn_input.c ---- */

/* Waits for the socket within the wait limit, the deadline and the job's cancel. */
bool conn_wait(struct wire_conn *conn, unsigned interest, struct error *err);

/* Makes at least `need` unparsed bytes lie in a row at input_start. */
bool conn_fill(struct wire_conn *conn, size_t need, struct error *err);

/* Looks at the next header without taking it. */
bool conn_peek_header(struct wire_conn *conn, struct message_header *header, struct error *err);

/* Takes the whole message that conn_peek_header showed; body is lent until the next fill. */
bool conn_take_message(struct wire_conn *conn, const struct message_header *header,
                       struct slice *body, struct error *err);

/* Reads what has arrived without waiting, for a sender. */
bool conn_absorb(struct wire_conn *conn, struct error *err);

/* ---- conn_output.c ---- */

/* Sends what is queued, then the parts. A lost connection is not reported here but by the next
 * receive, which may still find the server's last words. */
bool conn_send(struct wire_conn *conn, struct slice head, struct slice body, struct error *err);

/* The same for the queue alone. */
bool conn_flush(struct wire_conn *conn, struct error *err);

/* ---- conn_cancel.c ---- */

bool cancel_request_send(const struct wire_conn *conn, int64_t deadline, struct error *err);

#endif
