/* A gRPC client without sockets: it makes the bytes that a session is fed, and reads what the
 * session gives. HPACK and flow control are nghttp2's. */
#ifndef PGCASK_TESTS_GRPC_PEER_H
#define PGCASK_TESTS_GRPC_PEER_H

#include "base/buffer.h"

#include <nghttp2/nghttp2.h>

#define PEER_STREAMS 16

/* What came back on stream 2n + 1. */
struct peer_stream {
    struct buffer request; /* not yet sent */
    bool request_ends;
    bool headers, closed;
    uint32_t close_code;
    char http_status[8], content_type[64], status[8], message[8192];
    struct buffer data; /* all of it, with message prefixes */
};

struct grpc_peer {
    nghttp2_session *http;
    struct peer_stream streams[PEER_STREAMS];
    struct buffer out; /* bytes for the server */
    size_t pings_answered;
    size_t settings_seen;
};

/* window: what a stream may send before it is given more by nghttp2_submit_window_update; -1:
 * HTTP/2's own, and more is given by itself. */
void peer_init(struct grpc_peer *peer, int64_t window);
void peer_reset(struct grpc_peer *peer);

/* A new call; gives its index into streams. ends: no message will follow the given ones. */
size_t peer_call(struct grpc_peer *peer, const char *path, struct slice messages, bool ends);
/* More bytes of messages on a call. */
void peer_send(struct grpc_peer *peer, size_t call, struct slice messages, bool ends);

/* What it has to send, since the last time; borrowed until the next call. */
struct slice peer_output(struct grpc_peer *peer);
void peer_input(struct grpc_peer *peer, struct slice data);

/* Appends one message with its prefix. */
void peer_message(struct buffer *out, struct slice message);

#endif
