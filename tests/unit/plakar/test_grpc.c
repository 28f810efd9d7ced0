#include "plakar/grpc_peer.h"

#include "base/bytes.h"
#include "plakar/grpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A server whose handler writes down what happens. */
struct fixture {
    struct grpc_connection *connection;
    struct grpc_peer peer;
    struct grpc_call *call; /* the last one begun */
    struct buffer log;
    size_t released;
    size_t calls;
};

static void note(struct fixture *fixture, const char *format, size_t number)
{
    struct error err;

    assert_true(buffer_printf(&fixture->log, &err, "%s%zu ", format, number));
}

static bool on_begin(void *context, struct grpc_call *call, const char *path)
{
    struct fixture *fixture = context;

    if (strcmp(path, "/none") == 0)
        return false;
    fixture->call = call;
    grpc_call_set_data(call, fixture);
    note(fixture, "begin", ++fixture->calls);
    return true;
}

static void on_message(void *context, struct grpc_call *call, struct slice message)
{
    (void)call;
    note(context, "message", message.len);
    for (size_t i = 0; i < message.len; i++)
        assert_int_equal(message.data[i], (uint8_t)(i * 7));
}

static void on_half_closed(void *context, struct grpc_call *call)
{
    (void)call;
    note(context, "end", 0);
}

static void on_ended(void *context, struct grpc_call *call, bool complete)
{
    struct fixture *fixture = context;

    assert_ptr_equal(grpc_call_data(call), fixture);
    note(fixture, "ended", complete);
    if (fixture->call == call)
        fixture->call = NULL;
}

static struct grpc_connection *new_connection(struct fixture *fixture)
{
    const struct grpc_handler handler = {fixture, on_begin, on_message, on_half_closed, on_ended};
    struct error err;
    struct grpc_connection *connection = grpc_connection_new(&handler, &err);

    assert_non_null(connection);
    return connection;
}

static void open_fixture(struct fixture *fixture, int64_t window)
{
    *fixture = (struct fixture){0};
    fixture->connection = new_connection(fixture);
    peer_init(&fixture->peer, window);
}

static void close_fixture(struct fixture *fixture)
{
    grpc_connection_free(fixture->connection);
    peer_reset(&fixture->peer);
    buffer_free(&fixture->log);
}

static bool server_speaks(struct fixture *fixture, size_t limit)
{
    struct buffer out = {0};
    struct error err;
    bool any;

    assert_true(grpc_connection_output(fixture->connection, &out, limit, &err));
    any = out.len > 0;
    peer_input(&fixture->peer, buffer_slice(&out));
    buffer_free(&out);
    return any;
}

/* Lets both talk until neither has anything more to say. */
static void talk(struct fixture *fixture)
{
    struct error err;
    bool any;

    do {
        struct slice bytes = peer_output(&fixture->peer);

        any = bytes.len > 0;
        assert_true(grpc_connection_input(fixture->connection, bytes, &err));
        any = server_speaks(fixture, 256 * 1024) || any;
    } while (any);
}

/* Two messages of those lengths with bytes that on_message expects. */
static void make_messages(struct buffer *out, size_t first, size_t second)
{
    uint8_t *bytes = malloc(first + second + 1);

    assert_non_null(bytes);
    for (size_t i = 0; i < first + second; i++)
        bytes[i] = (uint8_t)(i * 7);
    peer_message(out, slice_make(bytes, first));
    peer_message(out, slice_make(bytes, second));
    free(bytes);
}

struct test_chunk {
    struct grpc_chunk base;
    struct fixture *fixture;
    uint8_t bytes[GRPC_PREFIX + 200000];
};

static void release_chunk(struct grpc_chunk *base)
{
    struct test_chunk *chunk = (struct test_chunk *)base;

    chunk->fixture->released++;
    free(chunk);
}

/* A message of `len` bytes that is not copied. */
static void send_chunk(struct fixture *fixture, size_t len)
{
    struct test_chunk *chunk = malloc(sizeof(*chunk));

    assert_non_null(chunk);
    chunk->fixture = fixture;
    grpc_put_prefix(chunk->bytes, len);
    for (size_t i = 0; i < len; i++)
        chunk->bytes[GRPC_PREFIX + i] = (uint8_t)(i * 3);
    chunk->base.release = release_chunk;
    chunk->base.rest = slice_make(chunk->bytes, GRPC_PREFIX + len);
    grpc_call_send_chunk(fixture->call, &chunk->base);
}

/* ---- Receiving ---- */

static void the_first_frame_is_settings_before_anything_came(void **state)
{
    struct fixture fixture;
    struct buffer out = {0};
    struct error err;

    (void)state;
    open_fixture(&fixture, -1);
    assert_true(grpc_connection_output(fixture.connection, &out, 1 << 20, &err));
    assert_true(out.len > 9);
    assert_int_equal(out.data[3], 4); /* SETTINGS */
    buffer_free(&out);
    close_fixture(&fixture);
}

static void a_request_means_the_same_however_it_is_cut(void **state)
{
    static const char expected[] = "begin1 begin2 message300 message0 end0 message5 message9 end0 ";
    struct buffer messages = {0}, others = {0}, bytes = {0};
    struct fixture fixture;
    struct slice all;
    struct error err;

    (void)state;
    open_fixture(&fixture, -1);
    make_messages(&messages, 300, 0);
    make_messages(&others, 5, 9);
    peer_call(&fixture.peer, "/a", buffer_slice(&messages), true);
    peer_call(&fixture.peer, "/a", buffer_slice(&others), true); /* HPACK: the dynamic table */
    all = peer_output(&fixture.peer);
    assert_true(buffer_append(&bytes, all.data, all.len, &err));
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        grpc_connection_free(fixture.connection);
        fixture.connection = new_connection(&fixture);
        fixture.calls = 0;
        buffer_clear(&fixture.log);
        assert_true(grpc_connection_input(fixture.connection, slice_make(bytes.data, cut), &err));
        assert_true(grpc_connection_input(fixture.connection,
                                          slice_make(bytes.data + cut, bytes.len - cut), &err));
        assert_string_equal(buffer_text(&fixture.log), expected);
    }
    grpc_connection_free(fixture.connection);
    fixture.connection = new_connection(&fixture);
    fixture.calls = 0;
    buffer_clear(&fixture.log);
    for (size_t i = 0; i < bytes.len; i++)
        assert_true(grpc_connection_input(fixture.connection, slice_make(bytes.data + i, 1), &err));
    assert_string_equal(buffer_text(&fixture.log), expected);
    buffer_free(&messages);
    buffer_free(&others);
    buffer_free(&bytes);
    close_fixture(&fixture);
}

static void a_message_may_span_many_frames(void **state)
{
    struct fixture fixture;
    struct buffer messages = {0};

    (void)state;
    open_fixture(&fixture, -1);
    make_messages(&messages, 1000000, 70000);
    peer_call(&fixture.peer, "/a", buffer_slice(&messages), true);
    talk(&fixture);
    assert_string_equal(buffer_text(&fixture.log), "begin1 message1000000 message70000 end0 ");
    buffer_free(&messages);
    close_fixture(&fixture);
}

static void expect_refusal(struct slice messages, bool ends, const char *status, const char *log)
{
    struct fixture fixture;
    size_t call;

    open_fixture(&fixture, -1);
    call = peer_call(&fixture.peer, "/a", messages, ends);
    talk(&fixture);
    assert_string_equal(fixture.peer.streams[call].status, status);
    assert_string_equal(buffer_text(&fixture.log), log);
    close_fixture(&fixture);
}

static void a_message_that_is_too_long_is_refused_before_it_has_come(void **state)
{
    static const uint8_t prefix[] = {0, 0x00, 0x40, 0x00, 0x01, 'x'};

    (void)state;
    expect_refusal(slice_make(prefix, sizeof(prefix)), false, "8", "begin1 ");
}

static void a_compressed_message_is_refused(void **state)
{
    static const uint8_t message[] = {1, 0, 0, 0, 1, 'x'};

    (void)state;
    expect_refusal(slice_make(message, sizeof(message)), false, "12", "begin1 ");
}

static void a_request_that_ends_inside_a_message_is_refused(void **state)
{
    static const uint8_t message[] = {0, 0, 0, 0, 2, 'x'};

    (void)state;
    expect_refusal(slice_make(message, sizeof(message)), true, "13", "begin1 ended1 ");
    expect_refusal(slice_make(message, 3), true, "13", "begin1 ended1 ");
}

static void an_unknown_method_is_unimplemented(void **state)
{
    struct fixture fixture;
    struct buffer messages = {0};
    size_t call;

    (void)state;
    open_fixture(&fixture, -1);
    make_messages(&messages, 1, 1);
    call = peer_call(&fixture.peer, "/none", buffer_slice(&messages), true);
    talk(&fixture);
    assert_string_equal(fixture.peer.streams[call].status, "12");
    assert_string_equal(fixture.peer.streams[call].http_status, "200");
    assert_string_equal(buffer_text(&fixture.log), "");
    buffer_free(&messages);
    close_fixture(&fixture);
}

static void what_is_not_http2_is_an_error(void **state)
{
    struct fixture fixture;
    struct error err;

    (void)state;
    open_fixture(&fixture, -1);
    assert_false(grpc_connection_input(fixture.connection,
                                       slice_string("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
    close_fixture(&fixture);
}

static void a_frame_that_is_too_long_is_an_error(void **state)
{
    static const uint8_t frame[] = {0x7f, 0xff, 0xff, 0, 0, 0, 0, 0, 1};
    struct fixture fixture;
    struct error err;
    bool taken;

    (void)state;
    open_fixture(&fixture, -1);
    talk(&fixture);
    taken = grpc_connection_input(fixture.connection, slice_make(frame, sizeof(frame)), &err);
    server_speaks(&fixture, 1 << 20); /* GOAWAY */
    if (taken)
        assert_false(grpc_connection_input(fixture.connection, slice_string(""), &err));
    close_fixture(&fixture);
}

/* ---- Sending ---- */

static size_t begin_call(struct fixture *fixture, bool ends)
{
    struct buffer messages = {0};
    size_t call;

    make_messages(&messages, 1, 0);
    call = peer_call(&fixture->peer, "/a", buffer_slice(&messages), ends);
    talk(fixture);
    assert_non_null(fixture->call);
    buffer_free(&messages);
    return call;
}

static void an_answer_has_headers_a_message_and_a_status(void **state)
{
    struct fixture fixture;
    const struct peer_stream *stream;
    struct error err;

    (void)state;
    open_fixture(&fixture, -1);
    stream = &fixture.peer.streams[begin_call(&fixture, true)];
    assert_true(grpc_call_send(fixture.call, slice_string("abc"), &err));
    assert_true(grpc_call_send(fixture.call, slice_string(""), &err));
    grpc_call_end(fixture.call, GRPC_OK, "");
    talk(&fixture);
    assert_string_equal(stream->http_status, "200");
    assert_string_equal(stream->content_type, "application/grpc");
    assert_memory_equal(stream->data.data, "\0\0\0\0\3abc\0\0\0\0\0", 13);
    assert_string_equal(stream->status, "0");
    assert_string_equal(stream->message, "");
    assert_true(stream->closed);
    assert_string_equal(buffer_text(&fixture.log), "begin1 message1 message0 end0 ended1 ");
    close_fixture(&fixture);
}

static void an_error_may_come_without_and_after_messages(void **state)
{
    for (int sends = 0; sends < 2; sends++) {
        struct fixture fixture;
        const struct peer_stream *stream;
        struct error err;

        (void)state;
        open_fixture(&fixture, -1);
        stream = &fixture.peer.streams[begin_call(&fixture, true)];
        if (sends)
            assert_true(grpc_call_send(fixture.call, slice_string("abc"), &err));
        grpc_call_end(fixture.call, GRPC_UNKNOWN, "100% \xc3\xbc\nno");
        grpc_call_end(fixture.call, GRPC_OK, "only the first counts");
        talk(&fixture);
        assert_string_equal(stream->status, "2");
        assert_string_equal(stream->message, "100%25 %C3%BC no");
        assert_int_equal(stream->data.len, sends ? 8 : 0);
        close_fixture(&fixture);
    }
}

static void headers_can_be_sent_before_messages(void **state)
{
    struct fixture fixture;
    const struct peer_stream *stream;

    (void)state;
    open_fixture(&fixture, -1);
    stream = &fixture.peer.streams[begin_call(&fixture, false)];
    assert_false(stream->headers);
    grpc_call_accept(fixture.call);
    talk(&fixture);
    assert_true(stream->headers);
    assert_false(stream->closed);
    close_fixture(&fixture);
}

static void nothing_is_sent_into_a_closed_window_but_pings_are_answered(void **state)
{
    struct fixture fixture;
    const struct peer_stream *stream;
    size_t call;

    (void)state;
    open_fixture(&fixture, 0);
    call = begin_call(&fixture, true);
    stream = &fixture.peer.streams[call];
    send_chunk(&fixture, 100000);
    grpc_call_end(fixture.call, GRPC_OK, "");
    talk(&fixture);
    assert_int_equal(stream->data.len, 0);
    assert_int_equal(fixture.released, 0);

    nghttp2_submit_ping(fixture.peer.http, NGHTTP2_FLAG_NONE,
                        (const uint8_t *)"\2\4\x10\x10\x09\x0e\7\7");
    talk(&fixture);
    assert_int_equal(fixture.peer.pings_answered, 1);
    assert_int_equal(stream->data.len, 0);

    nghttp2_submit_window_update(fixture.peer.http, NGHTTP2_FLAG_NONE, (int32_t)call * 2 + 1, 1000);
    talk(&fixture);
    assert_int_equal(stream->data.len, 1000);
    nghttp2_submit_window_update(fixture.peer.http, NGHTTP2_FLAG_NONE, (int32_t)call * 2 + 1,
                                 1000000);
    talk(&fixture);
    assert_int_equal(stream->data.len, 100005);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(stream->data.data[GRPC_PREFIX + i], (uint8_t)(i * 3));
    assert_int_equal(fixture.released, 1);
    assert_string_equal(stream->status, "0");
    close_fixture(&fixture);
}

static void a_ping_is_answered_ahead_of_what_is_queued(void **state)
{
    struct fixture fixture;
    struct error err;
    size_t turns = 0;

    (void)state;
    open_fixture(&fixture, 10000000);
    begin_call(&fixture, true);
    talk(&fixture);
    for (int i = 0; i < 20; i++)
        send_chunk(&fixture, 200000);
    server_speaks(&fixture, 32768);
    nghttp2_submit_ping(fixture.peer.http, NGHTTP2_FLAG_NONE, NULL);
    assert_true(grpc_connection_input(fixture.connection, peer_output(&fixture.peer), &err));
    for (; fixture.peer.pings_answered == 0; turns++)
        assert_true(server_speaks(&fixture, 32768));
    assert_true(turns <= 2);
    close_fixture(&fixture);
}

static void a_reset_call_gives_its_chunks_back(void **state)
{
    struct fixture fixture;
    size_t call;

    (void)state;
    open_fixture(&fixture, 50000);
    call = begin_call(&fixture, true);
    send_chunk(&fixture, 100000);
    send_chunk(&fixture, 100000);
    talk(&fixture);
    assert_int_equal(fixture.released, 0);
    nghttp2_submit_rst_stream(fixture.peer.http, NGHTTP2_FLAG_NONE, (int32_t)call * 2 + 1,
                              NGHTTP2_CANCEL);
    talk(&fixture);
    assert_int_equal(fixture.released, 2);
    assert_string_equal(buffer_text(&fixture.log), "begin1 message1 message0 end0 ended0 ");

    begin_call(&fixture, true); /* the connection is as good as before */
    grpc_call_end(fixture.call, GRPC_OK, "");
    close_fixture(&fixture);
}

static void an_aborted_call_keeps_its_frames_whole(void **state)
{
    /* Wherever the output was stopped, also inside of a frame that is counted already. */
    for (size_t limit = 1; limit < 60000; limit += 777) {
        struct fixture fixture;
        const struct peer_stream *stream;

        (void)state;
        open_fixture(&fixture, 1000000);
        stream = &fixture.peer.streams[begin_call(&fixture, true)];
        for (int i = 0; i < 5; i++)
            send_chunk(&fixture, 9000);
        server_speaks(&fixture, limit);
        grpc_call_abort(fixture.call, GRPC_UNKNOWN, "no more");
        assert_true(fixture.released > 0);
        talk(&fixture);
        assert_int_equal(fixture.released, 5);
        assert_string_equal(stream->message, "no more");
        assert_true(stream->data.len <= limit + 2 * 16384);
        close_fixture(&fixture);
    }
}

static void calls_are_independent(void **state)
{
    struct fixture fixture;
    struct grpc_call *calls[8];
    size_t streams[8];

    (void)state;
    open_fixture(&fixture, -1);
    for (size_t i = 0; i < 8; i++) {
        streams[i] = begin_call(&fixture, true);
        calls[i] = fixture.call;
    }
    for (size_t i = 8; i-- > 0;) {
        fixture.call = calls[i];
        send_chunk(&fixture, 30000 + i);
        grpc_call_end(calls[i], GRPC_OK, "");
        talk(&fixture);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(fixture.peer.streams[streams[i]].data.len, GRPC_PREFIX + 30000 + i);
        assert_string_equal(fixture.peer.streams[streams[i]].status, "0");
    }
    close_fixture(&fixture);
}

static void a_connection_that_ends_ends_its_calls(void **state)
{
    struct fixture fixture;

    (void)state;
    open_fixture(&fixture, 0);
    begin_call(&fixture, false);
    send_chunk(&fixture, 10);
    grpc_connection_free(fixture.connection);
    fixture.connection = NULL;
    assert_int_equal(fixture.released, 1);
    assert_string_equal(buffer_text(&fixture.log), "begin1 message1 message0 ended0 ");
    close_fixture(&fixture);
}

/* ---- Texts ---- */

static void expect_encoded(const char *text, const char *expected)
{
    struct buffer out = {0};
    struct error err;

    assert_true(grpc_encode_message(&out, text, &err));
    assert_string_equal(buffer_text(&out), expected);
    buffer_free(&out);
}

static void messages_are_one_line_of_encoded_utf8(void **state)
{
    (void)state;
    expect_encoded("", "");
    expect_encoded("plain ~ text", "plain ~ text");
    expect_encoded("a\r\n\tb\x7f", "a   b ");
    expect_encoded("%", "%25");
    expect_encoded("\xe2\x82\xac", "%E2%82%AC");
    expect_encoded("bad \xff\xc3(", "bad \\xff\\xc3(");
}

static void a_long_message_is_cut_between_characters(void **state)
{
    struct buffer text = {0}, out = {0};
    struct error err;

    (void)state;
    buffer_append_string(&text, "x", &err);
    for (int i = 0; i < 3000; i++)
        buffer_append_string(&text, "\xe2\x82\xac", &err);
    assert_true(grpc_encode_message(&out, buffer_text(&text), &err));
    assert_true(out.len > 1000 && out.len < 8000);
    assert_int_equal((out.len - 1) % 9, 0);
    buffer_free(&text);
    buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_frame_is_settings_before_anything_came),
        cmocka_unit_test(a_request_means_the_same_however_it_is_cut),
        cmocka_unit_test(a_message_may_span_many_frames),
        cmocka_unit_test(a_message_that_is_too_long_is_refused_before_it_has_come),
        cmocka_unit_test(a_compressed_message_is_refused),
        cmocka_unit_test(a_request_that_ends_inside_a_message_is_refused),
        cmocka_unit_test(an_unknown_method_is_unimplemented),
        cmocka_unit_test(what_is_not_http2_is_an_error),
        cmocka_unit_test(a_frame_that_is_too_long_is_an_error),
        cmocka_unit_test(an_answer_has_headers_a_message_and_a_status),
        cmocka_unit_test(an_error_may_come_without_and_after_messages),
        cmocka_unit_test(headers_can_be_sent_before_messages),
        cmocka_unit_test(nothing_is_sent_into_a_closed_window_but_pings_are_answered),
        cmocka_unit_test(a_ping_is_answered_ahead_of_what_is_queued),
        cmocka_unit_test(a_reset_call_gives_its_chunks_back),
        cmocka_unit_test(an_aborted_call_keeps_its_frames_whole),
        cmocka_unit_test(calls_are_independent),
        cmocka_unit_test(a_connection_that_ends_ends_its_calls),
        cmocka_unit_test(messages_are_one_line_of_encoded_utf8),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
