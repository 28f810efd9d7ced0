/*
 * Calls and messages over nghttp2's callbacks. What is sent is framed where it lies and handed over
 * chunk by chunk when the peer's window has room; what comes is joined until a message is whole,
 * within a limit. A call is forgotten when its stream closes, whoever ended it.
 */
#include "plakar/grpc.h"

#include "base/bytes.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#define STREAM_WINDOW (2 * 1024 * 1024)
#define CONNECTION_WINDOW (16 * 1024 * 1024)
#define PATH_SIZE 256
#define FRAME_HEADER 9

struct grpc_call {
    struct grpc_call *previous, *next;
    struct grpc_connection *connection;
    int32_t stream;
    void *data;
    char path[PATH_SIZE];

    /* The request's messages. */
    struct buffer input; /* an unfinished one, with its prefix */
    bool begun;          /* the handler knows it */
    bool refused;        /* what still comes does not matter */
    bool half_closed;
    bool held;   /* the peer's window is given back by the user alone */
    size_t owed; /* bytes of it that have not been given back */

    /* The response. */
    struct grpc_chunk *first, **last;
    size_t queued;
    size_t promised; /* of these, bytes that nghttp2 has counted into a frame already */
    bool headers_sent;
    bool ending;
    bool end_sent;
    enum grpc_status status;
    struct buffer status_text; /* encoded */
};

struct grpc_connection {
    nghttp2_session *http;
    struct grpc_handler handler;
    struct grpc_call *calls;
    struct buffer *out; /* during grpc_connection_output */
    size_t limit;
    bool failed;
};

/* ---- Sending ---- */

static nghttp2_nv header(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value),
                        .flags = NGHTTP2_NV_FLAG_NONE};
}

/* Fills the two headers that end a call; gives their number. */
static size_t status_headers(const struct grpc_call *call, char number[16], nghttp2_nv out[2])
{
    snprintf(number, 16, "%d", (int)call->status);
    out[0] = header("grpc-status", number);
    if (call->status_text.len == 0)
        return 1;
    out[1] = header("grpc-message", buffer_text(&call->status_text));
    return 2;
}

static void fail_connection(struct grpc_connection *connection)
{
    connection->failed = true;
}

static void submit_trailers(struct grpc_call *call)
{
    nghttp2_nv headers[2];
    char number[16];
    size_t count = status_headers(call, number, headers);

    if (nghttp2_submit_trailer(call->connection->http, call->stream, headers, count) != 0)
        fail_connection(call->connection);
}

/* nghttp2 asks how many bytes the next DATA frame shall have; on_send_data then gives them. */
static ssize_t on_read_data(nghttp2_session *http, int32_t stream, uint8_t *bytes, size_t len,
                            uint32_t *flags, nghttp2_data_source *source, void *context)
{
    struct grpc_call *call = source->ptr;

    (void)http;
    (void)stream;
    (void)bytes;
    (void)context;
    if (call->queued > 0) {
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
        call->promised = call->queued < len ? call->queued : len;
        return (ssize_t)call->promised;
    }
    if (!call->ending)
        return NGHTTP2_ERR_DEFERRED;
    *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
    submit_trailers(call);
    return 0;
}

/* Takes the first chunk off. */
static void drop_chunk(struct grpc_call *call)
{
    struct grpc_chunk *chunk = call->first;

    call->first = chunk->next;
    if (call->first == NULL)
        call->last = &call->first;
    call->queued -= chunk->rest.len;
    chunk->next = NULL;
    chunk->release(chunk);
}

static int on_send_data(nghttp2_session *http, nghttp2_frame *frame, const uint8_t *frame_header,
                        size_t len, nghttp2_data_source *source, void *context)
{
    struct grpc_connection *connection = context;
    struct grpc_call *call = source->ptr;
    struct error ignored;

    (void)http;
    (void)frame;
    if (connection->out->len >= connection->limit)
        return NGHTTP2_ERR_WOULDBLOCK;
    if (!buffer_reserve(connection->out, FRAME_HEADER + len, &ignored) ||
        !buffer_append(connection->out, frame_header, FRAME_HEADER, &ignored))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    while (len > 0) {
        size_t part = call->first->rest.len < len ? call->first->rest.len : len;
        struct slice bytes = slice_take(&call->first->rest, part);

        call->queued -= part;
        len -= part;
        if (!buffer_append(connection->out, bytes.data, bytes.len, &ignored))
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        if (call->first->rest.len == 0)
            drop_chunk(call);
    }
    call->promised = 0;
    return 0;
}

static ssize_t on_send(nghttp2_session *http, const uint8_t *bytes, size_t len, int flags,
                       void *context)
{
    struct grpc_connection *connection = context;
    struct error ignored;

    (void)http;
    (void)flags;
    if (connection->out->len >= connection->limit)
        return NGHTTP2_ERR_WOULDBLOCK;
    return buffer_append(connection->out, bytes, len, &ignored) ? (ssize_t)len
                                                                : NGHTTP2_ERR_CALLBACK_FAILURE;
}

void grpc_call_accept(struct grpc_call *call)
{
    const nghttp2_nv headers[] = {header(":status", "200"),
                                  header("content-type", "application/grpc")};
    const nghttp2_data_provider provider = {.source.ptr = call, .read_callback = on_read_data};

    if (call->headers_sent)
        return;
    call->headers_sent = true;
    if (nghttp2_submit_response(call->connection->http, call->stream, headers, 2, &provider) != 0)
        fail_connection(call->connection);
}

void grpc_call_send_chunk(struct grpc_call *call, struct grpc_chunk *chunk)
{
    if (call->ending) {
        chunk->release(chunk);
        return;
    }
    chunk->next = NULL;
    *call->last = chunk;
    call->last = &chunk->next;
    call->queued += chunk->rest.len;
    grpc_call_accept(call);
    nghttp2_session_resume_data(call->connection->http, call->stream);
}

void grpc_call_end(struct grpc_call *call, enum grpc_status status, const char *text)
{
    nghttp2_nv headers[4] = {header(":status", "200"), header("content-type", "application/grpc")};
    struct error ignored;
    char number[16];
    size_t count;

    if (call->ending)
        return;
    call->ending = true;
    call->status = status;
    if (status != GRPC_OK && !grpc_encode_message(&call->status_text, text, &ignored))
        buffer_clear(&call->status_text);
    if (call->headers_sent) {
        nghttp2_session_resume_data(call->connection->http, call->stream);
        return;
    }
    call->headers_sent = true;
    count = 2 + status_headers(call, number, headers + 2);
    if (nghttp2_submit_response(call->connection->http, call->stream, headers, count, NULL) != 0)
        fail_connection(call->connection);
}

/* Drops what is queued beyond what stands in a frame that is being sent. */
static void drop_queued(struct grpc_call *call)
{
    struct grpc_chunk **link = &call->first;
    size_t keep = call->promised;

    call->queued = keep;
    while (*link != NULL && keep > 0) {
        if ((*link)->rest.len > keep)
            (*link)->rest.len = keep;
        keep -= (*link)->rest.len;
        link = &(*link)->next;
    }
    call->last = link;
    while (*link != NULL) {
        struct grpc_chunk *chunk = *link;

        *link = chunk->next;
        chunk->next = NULL;
        chunk->release(chunk);
    }
}

void grpc_call_abort(struct grpc_call *call, enum grpc_status status, const char *text)
{
    if (!call->ending)
        drop_queued(call);
    grpc_call_end(call, status, text);
}

/* ---- Calls ---- */

void grpc_call_set_data(struct grpc_call *call, void *data)
{
    call->data = data;
}

void *grpc_call_data(const struct grpc_call *call)
{
    return call->data;
}

static struct grpc_call *call_new(struct grpc_connection *connection, int32_t stream)
{
    struct grpc_call *call = calloc(1, sizeof(*call));

    if (call == NULL)
        return NULL;
    call->connection = connection;
    call->stream = stream;
    call->last = &call->first;
    call->next = connection->calls;
    if (call->next != NULL)
        call->next->previous = call;
    connection->calls = call;
    return call;
}

static void call_free(struct grpc_call *call)
{
    struct grpc_connection *connection = call->connection;

    if (call->begun)
        connection->handler.ended(connection->handler.context, call, call->end_sent);
    while (call->first != NULL)
        drop_chunk(call);
    if (call->previous != NULL)
        call->previous->next = call->next;
    else
        connection->calls = call->next;
    if (call->next != NULL)
        call->next->previous = call->previous;
    buffer_free(&call->input);
    buffer_free(&call->status_text);
    free(call);
}

static struct grpc_call *call_of(nghttp2_session *http, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(http, stream);
}

/* ---- Receiving ---- */

void grpc_call_hold_window(struct grpc_call *call)
{
    call->held = true;
}

void grpc_call_give_window(struct grpc_call *call)
{
    if (call->owed > 0 &&
        nghttp2_session_consume_stream(call->connection->http, call->stream, call->owed) != 0)
        fail_connection(call->connection);
    call->owed = 0;
}

/* The connection's window is never held: other calls come through it. */
static void count_received(nghttp2_session *http, int32_t stream, struct grpc_call *call,
                           size_t len)
{
    bool held = call != NULL && call->held && !call->refused;

    nghttp2_session_consume_connection(http, len);
    if (held)
        call->owed += len;
    else
        nghttp2_session_consume_stream(http, stream, len);
}

static void refuse(struct grpc_call *call, enum grpc_status status, const char *text)
{
    call->refused = true;
    grpc_call_give_window(call);
    grpc_call_abort(call, status, text);
}

static int on_begin_headers(nghttp2_session *http, const nghttp2_frame *frame, void *context)
{
    struct grpc_connection *connection = context;
    struct grpc_call *call;

    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    call = call_new(connection, frame->hd.stream_id);
    if (call == NULL)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    nghttp2_session_set_stream_user_data(http, frame->hd.stream_id, call);
    return 0;
}

static int on_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *context)
{
    struct grpc_call *call = call_of(http, frame->hd.stream_id);

    (void)flags;
    (void)context;
    if (call == NULL || call->begun ||
        !slice_equals(slice_make(name, name_len), slice_string(":path")))
        return 0;
    snprintf(call->path, sizeof(call->path), "%.*s", (int)(value_len < PATH_SIZE ? value_len : 0),
             (const char *)value);
    return 0;
}

static void begin_call(struct grpc_call *call)
{
    const struct grpc_handler *handler = &call->connection->handler;

    if (handler->begin(handler->context, call, call->path)) {
        call->begun = true;
        return;
    }
    refuse(call, GRPC_UNIMPLEMENTED, "this plugin has no such method");
}

static void end_of_request(struct grpc_call *call)
{
    const struct grpc_handler *handler = &call->connection->handler;

    call->half_closed = true;
    if (call->refused)
        return;
    if (call->input.len > 0)
        refuse(call, GRPC_INTERNAL, "the request ends inside a message");
    else
        handler->half_closed(handler->context, call);
}

static int on_frame(nghttp2_session *http, const nghttp2_frame *frame, void *context)
{
    struct grpc_call *call = call_of(http, frame->hd.stream_id);

    (void)context;
    if (call == NULL || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !call->begun && !call->refused)
        begin_call(call);
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 && !call->half_closed)
        end_of_request(call);
    return 0;
}

/* Whole messages are given as they lie in the input; only what is cut is put together. */
static bool take_message(struct grpc_call *call, struct slice *data, struct error *err)
{
    const struct grpc_handler *handler = &call->connection->handler;
    struct buffer *input = &call->input;
    size_t missing, len;
    const uint8_t *prefix;

    if (input->len > 0 || data->len < GRPC_PREFIX) {
        missing = input->len < GRPC_PREFIX ? GRPC_PREFIX - input->len : 0;
        missing = missing < data->len ? missing : data->len;
        if (!buffer_append(input, data->data, missing, err))
            return false;
        slice_take(data, missing);
        if (input->len < GRPC_PREFIX)
            return true;
    }
    prefix = input->len > 0 ? input->data : data->data;
    len = bytes_get_u32(prefix + 1);
    if (prefix[0] != 0) {
        refuse(call, GRPC_UNIMPLEMENTED, "compressed messages are not supported");
    } else if (len > GRPC_RECEIVE_MAX) {
        refuse(call, GRPC_RESOURCE_EXHAUSTED, "a request message is longer than 4 MiB");
    } else if (input->len == 0 && data->len - GRPC_PREFIX >= len) {
        slice_take(data, GRPC_PREFIX);
        handler->message(handler->context, call, slice_take(data, len));
    } else {
        missing = GRPC_PREFIX + len - input->len;
        missing = missing < data->len ? missing : data->len;
        if (!buffer_append(input, data->data, missing, err))
            return false;
        slice_take(data, missing);
        if (input->len == GRPC_PREFIX + len) {
            handler->message(handler->context, call, slice_make(input->data + GRPC_PREFIX, len));
            buffer_clear(input);
        }
    }
    return true;
}

static int on_data(nghttp2_session *http, uint8_t flags, int32_t stream, const uint8_t *bytes,
                   size_t len, void *context)
{
    struct grpc_call *call = call_of(http, stream);
    struct slice data = slice_make(bytes, len);
    struct error ignored;

    (void)flags;
    (void)context;
    count_received(http, stream, call, len);
    while (call != NULL && !call->refused && data.len > 0) {
        if (!take_message(call, &data, &ignored))
            return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    return 0;
}

static int on_frame_sent(nghttp2_session *http, const nghttp2_frame *frame, void *context)
{
    struct grpc_call *call = call_of(http, frame->hd.stream_id);

    (void)context;
    if (call != NULL && frame->hd.type == NGHTTP2_HEADERS &&
        (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
        call->end_sent = true;
    return 0;
}

static int on_stream_close(nghttp2_session *http, int32_t stream, uint32_t code, void *context)
{
    struct grpc_call *call = call_of(http, stream);

    (void)code;
    (void)context;
    if (call == NULL)
        return 0;
    nghttp2_session_set_stream_user_data(http, stream, NULL);
    call_free(call);
    return 0;
}

/* ---- Sessions ---- */

static bool make_http(struct grpc_connection *connection, struct error *err)
{
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *option;
    int code;

    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return error_set_memory(err);
    if (nghttp2_option_new(&option) != 0) {
        nghttp2_session_callbacks_del(callbacks);
        return error_set_memory(err);
    }
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    code = nghttp2_session_server_new2(&connection->http, callbacks, connection, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return code == 0 || error_set_memory(err);
}

/* Our SETTINGS must be the first frame; the peer waits for it before it sends anything. */
static bool greet(struct grpc_connection *connection, struct error *err)
{
    static const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, GRPC_STREAMS_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
    };

    if (nghttp2_submit_settings(connection->http, NGHTTP2_FLAG_NONE, settings,
                                sizeof(settings) / sizeof(settings[0])) != 0 ||
        nghttp2_session_set_local_window_size(connection->http, NGHTTP2_FLAG_NONE, 0,
                                              CONNECTION_WINDOW) != 0)
        return error_set_memory(err);
    return true;
}

struct grpc_connection *grpc_connection_new(const struct grpc_handler *handler, struct error *err)
{
    struct grpc_connection *connection = calloc(1, sizeof(*connection));

    if (connection == NULL) {
        error_set_memory(err);
        return NULL;
    }
    connection->handler = *handler;
    if (make_http(connection, err) && greet(connection, err))
        return connection;
    grpc_connection_free(connection);
    return NULL;
}

void grpc_connection_free(struct grpc_connection *connection)
{
    if (connection == NULL)
        return;
    for (struct grpc_call *call = connection->calls, *next; call != NULL; call = next) {
        next = call->next;
        call_free(call);
    }
    nghttp2_session_del(connection->http);
    free(connection);
}

bool grpc_connection_input(struct grpc_connection *connection, struct slice data, struct error *err)
{
    ssize_t code = nghttp2_session_mem_recv(connection->http, data.data, data.len);

    if (code == NGHTTP2_ERR_NOMEM || code == NGHTTP2_ERR_CALLBACK_FAILURE || connection->failed)
        return error_set_memory(err);
    if (code < 0)
        return error_set(err, ERROR_PROTOCOL, "the peer does not speak HTTP/2: %s",
                         nghttp2_strerror((int)code));
    /* After a GOAWAY for an error of the peer nothing is read any more. */
    if (nghttp2_session_want_read(connection->http) == 0)
        return error_set(err, ERROR_PROTOCOL, "the peer broke HTTP/2");
    return true;
}

bool grpc_connection_output(struct grpc_connection *connection, struct buffer *out, size_t limit,
                            struct error *err)
{
    int code;

    connection->out = out;
    connection->limit = limit;
    code = nghttp2_session_send(connection->http);
    connection->out = NULL;
    if (code == NGHTTP2_ERR_NOMEM || code == NGHTTP2_ERR_CALLBACK_FAILURE || connection->failed)
        return error_set_memory(err);
    if (code != 0)
        return error_set(err, ERROR_PROTOCOL, "HTTP/2: %s", nghttp2_strerror(code));
    return true;
}
