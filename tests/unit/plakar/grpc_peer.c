#include "plakar/grpc_peer.h"

#include "base/bytes.h"

#include <assert.h>
#include <stdio.h>

static struct peer_stream *stream_of(struct grpc_peer *peer, int32_t id)
{
    size_t index = (size_t)(id - 1) / 2;

    assert(id > 0 && index < PEER_STREAMS);
    return &peer->streams[index];
}

static void copy_text(char *out, size_t out_size, const uint8_t *value, size_t len)
{
    snprintf(out, out_size, "%.*s", (int)len, (const char *)value);
}

static int on_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *context)
{
    struct peer_stream *stream = stream_of(context, frame->hd.stream_id);
    struct slice which = slice_make(name, name_len);

    (void)http;
    (void)flags;
    stream->headers = true;
    if (slice_equals(which, slice_string(":status")))
        copy_text(stream->http_status, sizeof(stream->http_status), value, value_len);
    else if (slice_equals(which, slice_string("content-type")))
        copy_text(stream->content_type, sizeof(stream->content_type), value, value_len);
    else if (slice_equals(which, slice_string("grpc-status")))
        copy_text(stream->status, sizeof(stream->status), value, value_len);
    else if (slice_equals(which, slice_string("grpc-message")))
        copy_text(stream->message, sizeof(stream->message), value, value_len);
    return 0;
}

static int on_data(nghttp2_session *http, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t len, void *context)
{
    struct error err;

    (void)http;
    (void)flags;
    return buffer_append(&stream_of(context, id)->data, data, len, &err) ? 0 : -1;
}

static int on_frame(nghttp2_session *http, const nghttp2_frame *frame, void *context)
{
    struct grpc_peer *peer = context;

    (void)http;
    if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0)
        peer->pings_answered++;
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0)
        peer->settings_seen++;
    return 0;
}

static int on_close(nghttp2_session *http, int32_t id, uint32_t code, void *context)
{
    struct peer_stream *stream = stream_of(context, id);

    (void)http;
    stream->closed = true;
    stream->close_code = code;
    return 0;
}

static ssize_t on_read(nghttp2_session *http, int32_t id, uint8_t *out, size_t len, uint32_t *flags,
                       nghttp2_data_source *source, void *context)
{
    struct peer_stream *stream = stream_of(context, id);
    size_t part = stream->request.len < len ? stream->request.len : len;

    (void)http;
    (void)source;
    if (part > 0)
        memcpy(out, stream->request.data, part);
    buffer_consume(&stream->request, part);
    if (stream->request.len == 0 && stream->request_ends)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    else if (part == 0)
        return NGHTTP2_ERR_DEFERRED;
    return (ssize_t)part;
}

void peer_init(struct grpc_peer *peer, int64_t window)
{
    nghttp2_settings_entry setting = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, (uint32_t)window};
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;

    *peer = (struct grpc_peer){0};
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, window >= 0);
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new2(&peer->http, callbacks, peer, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(peer->http, NGHTTP2_FLAG_NONE, &setting, window < 0 ? 0 : 1);
    nghttp2_session_set_local_window_size(peer->http, NGHTTP2_FLAG_NONE, 0, 100000000);
}

void peer_reset(struct grpc_peer *peer)
{
    nghttp2_session_del(peer->http);
    for (size_t i = 0; i < PEER_STREAMS; i++) {
        buffer_free(&peer->streams[i].request);
        buffer_free(&peer->streams[i].data);
    }
    buffer_free(&peer->out);
}

static nghttp2_nv header(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        strlen(value), NGHTTP2_NV_FLAG_NONE};
}

size_t peer_call(struct grpc_peer *peer, const char *path, struct slice messages, bool ends)
{
    const nghttp2_nv headers[] = {
        header(":method", "POST"),
        header(":scheme", "http"),
        header(":path", path),
        header(":authority", "127.0.0.1:0"),
        header("content-type", "application/grpc"),
        header("user-agent", "grpc-go/1.81.1"),
        header("te", "trailers"),
    };
    const nghttp2_data_provider provider = {.read_callback = on_read};
    int32_t id = nghttp2_submit_request(peer->http, NULL, headers,
                                        sizeof(headers) / sizeof(headers[0]), &provider, NULL);

    assert(id > 0);
    peer_send(peer, (size_t)(id - 1) / 2, messages, ends);
    return (size_t)(id - 1) / 2;
}

void peer_send(struct grpc_peer *peer, size_t call, struct slice messages, bool ends)
{
    struct peer_stream *stream = &peer->streams[call];
    struct error err;

    assert(buffer_append(&stream->request, messages.data, messages.len, &err));
    stream->request_ends = ends;
    nghttp2_session_resume_data(peer->http, (int32_t)call * 2 + 1);
}

struct slice peer_output(struct grpc_peer *peer)
{
    struct error err;
    const uint8_t *data;
    ssize_t len;

    buffer_clear(&peer->out);
    while ((len = nghttp2_session_mem_send(peer->http, &data)) > 0)
        assert(buffer_append(&peer->out, data, (size_t)len, &err));
    assert(len == 0);
    return buffer_slice(&peer->out);
}

void peer_input(struct grpc_peer *peer, struct slice data)
{
    ssize_t len = nghttp2_session_mem_recv(peer->http, data.data, data.len);

    assert(len == (ssize_t)data.len);
}

void peer_message(struct buffer *out, struct slice message)
{
    struct error err;

    assert(buffer_append_byte(out, 0, &err) && buffer_append_u32(out, (uint32_t)message.len, &err));
    assert(buffer_append(out, message.data, message.len, &err));
}
