/*
 * The server's side of gRPC over one HTTP/2 connection: bytes in, bytes out, no I/O and no threads.
 * nghttp2 does the frames; this makes calls and messages of them.
 *
 * A call lives from `begin` to `ended`. Messages are sent in order, then the call is ended with a
 * status; nothing needs to fit into the peer's window: what does not waits. PING and SETTINGS are
 * answered by themselves, ahead of messages.
 *
 * Source: "gRPC over HTTP2" (grpc/grpc, doc/PROTOCOL-HTTP2.md), RFC 9113.
 */
#ifndef PGCASK_PLAKAR_GRPC_H
#define PGCASK_PLAKAR_GRPC_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

/* Numbers as on the wire. Plakar treats CANCELLED (1) and UNAVAILABLE (14) in ways of its own. */
enum grpc_status {
    GRPC_OK = 0,
    GRPC_UNKNOWN = 2,
    GRPC_INVALID_ARGUMENT = 3,
    GRPC_NOT_FOUND = 5,
    GRPC_RESOURCE_EXHAUSTED = 8,
    GRPC_FAILED_PRECONDITION = 9,
    GRPC_UNIMPLEMENTED = 12,
    GRPC_INTERNAL = 13
};

#define GRPC_PREFIX 5                       /* bytes before each message */
#define GRPC_RECEIVE_MAX (4U * 1024 * 1024) /* a longer request message ends its call */
#define GRPC_STREAMS_MAX 1024               /* calls at a time */

/* Bytes to be sent that are not copied: embedded in whatever holds them. release is called once
 * they are sent, or will never be. */
struct grpc_chunk {
    struct grpc_chunk *next;
    void (*release)(struct grpc_chunk *chunk);
    struct slice rest;
};

struct grpc_connection;
struct grpc_call;

/* None of these may free the connection. */
struct grpc_handler {
    void *context;
    /* A call was made. False: there is no such method. */
    bool (*begin)(void *context, struct grpc_call *call, const char *path);
    /* One whole message, borrowed. */
    void (*message)(void *context, struct grpc_call *call, struct slice message);
    /* The peer has sent its last message. */
    void (*half_closed)(void *context, struct grpc_call *call);
    /* The call is gone. complete: everything up to its status was sent; otherwise the peer reset
     * it or the connection ended. Not for calls that `begin` refused. */
    void (*ended)(void *context, struct grpc_call *call, bool complete);
};

struct grpc_connection *grpc_connection_new(const struct grpc_handler *handler, struct error *err);
void grpc_connection_free(struct grpc_connection *connection); /* calls `ended` for what is left */

/* Takes what arrived. False: the peer does not speak HTTP/2, or broke it; what is still to be
 * sent says so to it, and nothing more may be put in. */
bool grpc_connection_input(struct grpc_connection *connection, struct slice data,
                           struct error *err);

/* Appends what is to be sent until there is nothing more or out holds about `limit` bytes. */
bool grpc_connection_output(struct grpc_connection *connection, struct buffer *out, size_t limit,
                            struct error *err);

/* What the user hangs on a call; NULL at first. */
void grpc_call_set_data(struct grpc_call *call, void *data);
void *grpc_call_data(const struct grpc_call *call);

/* Sends the response's headers at once rather than with the first message. */
void grpc_call_accept(struct grpc_call *call);

/* Of that call the peer is given no more credit, but by grpc_call_give_window(): for what arrived
 * up to then. Until that it can send as much as a stream's window holds (2 MiB). */
void grpc_call_hold_window(struct grpc_call *call);
void grpc_call_give_window(struct grpc_call *call);

/* Queues a message; copied. */
bool grpc_call_send(struct grpc_call *call, struct slice message, struct error *err);

/* Queues bytes that hold one message with its prefix (see grpc_put_prefix); not empty. */
void grpc_call_send_chunk(struct grpc_call *call, struct grpc_chunk *chunk);
void grpc_put_prefix(uint8_t out[GRPC_PREFIX], size_t message_len);

/* Ends the call after what is queued. Only the first time counts. text: for people, any bytes. */
void grpc_call_end(struct grpc_call *call, enum grpc_status status, const char *text);
/* The same, dropping what is queued. */
void grpc_call_abort(struct grpc_call *call, enum grpc_status status, const char *text);

/* text as grpc-message wants it: percent-encoded UTF-8, here also one line and not long. */
bool grpc_encode_message(struct buffer *out, const char *text, struct error *err);

/* An error as one line of text: message; detail; hint. */
bool grpc_error_text(struct buffer *out, const struct error *error, struct error *err);

#endif
