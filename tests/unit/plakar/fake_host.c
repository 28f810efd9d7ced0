#include "plakar/fake_host.h"

#include "base/bytes.h"
#include "plakar/connectors.pb-c.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#define IMPORTER_PREFIX "/importer.Importer/"

static bool on_begin(void *context, struct grpc_call *call, const char *path)
{
    return service_begin(((struct host *)context)->service, call, path);
}

static void on_message(void *context, struct grpc_call *call, struct slice message)
{
    service_message(((struct host *)context)->service, call, message);
}

static void on_half_closed(void *context, struct grpc_call *call)
{
    service_half_closed(((struct host *)context)->service, call);
}

static void on_ended(void *context, struct grpc_call *call, bool complete)
{
    service_ended(((struct host *)context)->service, call, complete);
}

void host_open(struct host *host, const struct fake_record *records, int64_t window)
{
    const struct grpc_handler handler = {host, on_begin, on_message, on_half_closed, on_ended};
    struct service_options options = {.connector = &host->connector, .cancel = &host->cancel};
    struct error err;

    *host = (struct host){0};
    fake_connector_init(&host->fake, records, &host->connector);
    assert_true(cancel_init(&host->cancel, &err));
    host->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    options.wake_fd = host->wake_fd;
    host->service = service_new(&importer_kind, &options, &err);
    host->connection = grpc_connection_new(&handler, &err);
    assert_true(host->service != NULL && host->connection != NULL);
    peer_init(&host->peer, window);
}

void host_close(struct host *host)
{
    grpc_connection_free(host->connection);
    service_free(host->service);
    assert_int_equal(host->fake.open_readers, 0);
    assert_int_equal(host->fake.open_sources, 0);
    peer_reset(&host->peer);
    close(host->wake_fd);
    cancel_reset(&host->cancel);
}

static bool exchange(struct host *host)
{
    struct slice bytes = peer_output(&host->peer);
    struct buffer out = {0};
    struct error err;
    bool any = bytes.len > 0;

    assert_true(grpc_connection_input(host->connection, bytes, &err));
    assert_true(grpc_connection_output(host->connection, &out, 256 * 1024, &err));
    any = any || out.len > 0;
    peer_input(&host->peer, buffer_slice(&out));
    buffer_free(&out);
    return any;
}

void host_step(struct host *host)
{
    struct pollfd event = {.fd = host->wake_fd, .events = POLLIN};
    uint64_t count;

    if (exchange(host))
        return;
    if (poll(&event, 1, 5) > 0) {
        assert_int_equal(read(host->wake_fd, &count, sizeof(count)), sizeof(count));
        service_pump(host->service);
    }
}

const struct peer_stream *host_stream(const struct host *host, size_t call)
{
    return &host->peer.streams[call];
}

static size_t call_with(struct host *host, const char *method, struct slice message, bool ends)
{
    struct buffer framed = {0};
    char path[128];
    size_t call;

    snprintf(path, sizeof(path), IMPORTER_PREFIX "%s", method);
    peer_message(&framed, message);
    call = peer_call(&host->peer, path, buffer_slice(&framed), ends);
    buffer_free(&framed);
    return call;
}

size_t host_unary(struct host *host, const char *method, struct slice message)
{
    size_t call = call_with(host, method, message, true);

    HOST_WAIT(host, host_stream(host, call)->closed);
    return call;
}

size_t host_init(struct host *host, const char *exclude, const char *key)
{
    Connectors__InitRequest request;
    Connectors__Options options;
    Connectors__ConfigEntry entry;
    Connectors__ConfigEntry *entries[] = {&entry};
    char *patterns[] = {(char *)(uintptr_t)exclude};
    char scheme[] = "fake+bin", hostname[] = "here", value[] = "v";
    uint8_t packed[512];

    connectors__init_request__init(&request);
    connectors__options__init(&options);
    connectors__config_entry__init(&entry);
    options.hostname = hostname;
    options.maxconcurrency = 3;
    options.excludes = patterns;
    options.n_excludes = exclude != NULL;
    entry.key = (char *)(uintptr_t)(key == NULL ? "" : key);
    entry.value = value;
    request.options = &options;
    request.proto = scheme;
    request.config = entries;
    request.n_config = key != NULL;
    return host_unary(host, "Init",
                      slice_make(packed, connectors__init_request__pack(&request, packed)));
}

void host_import(struct host *host)
{
    struct slice nothing = {0};

    host->import = peer_call(&host->peer, IMPORTER_PREFIX "Import", nothing, false);
    HOST_WAIT(host, host_stream(host, host->import)->headers);
}

/* A message that holds nothing but a path, three levels up or two. */
static size_t pack_path(const char *path, bool acknowledgement, uint8_t out[1024])
{
    Connectors__Record record;
    Connectors__Result result;
    Importer__ImportRequest ack;
    Importer__OpenRequest open;

    connectors__record__init(&record);
    connectors__result__init(&result);
    importer__import_request__init(&ack);
    importer__open_request__init(&open);
    record.pathname = (char *)(uintptr_t)path;
    result.header = &record;
    ack.result = &result;
    open.record = &record;
    return acknowledgement ? importer__import_request__pack(&ack, out)
                           : importer__open_request__pack(&open, out);
}

size_t host_open_record(struct host *host, const char *path)
{
    uint8_t packed[1024];

    return call_with(host, "Open", slice_make(packed, pack_path(path, false, packed)), true);
}

void host_acknowledge(struct host *host, const char *path)
{
    struct buffer framed = {0};
    uint8_t packed[1024];

    peer_message(&framed, slice_make(packed, pack_path(path, true, packed)));
    peer_send(&host->peer, host->import, buffer_slice(&framed), false);
    buffer_free(&framed);
}

void host_half_close(struct host *host)
{
    struct slice nothing = {0};

    peer_send(&host->peer, host->import, nothing, true);
}

Importer__ImportResponse *host_next(struct host *host)
{
    const struct buffer *data = &host_stream(host, host->import)->data;
    struct slice rest = slice_make(data->data + host->import_read, data->len - host->import_read);
    Importer__ImportResponse *response;
    size_t len;

    if (data->len - host->import_read < GRPC_PREFIX)
        return NULL;
    len = bytes_get_u32(rest.data + 1);
    if (rest.len < GRPC_PREFIX + len)
        return NULL;
    response = importer__import_response__unpack(NULL, len, rest.data + GRPC_PREFIX);
    assert_non_null(response);
    host->import_read += GRPC_PREFIX + len;
    return response;
}

const char *host_next_path(struct host *host, char out[256])
{
    Importer__ImportResponse *response = NULL;

    HOST_WAIT(host, (response = host_next(host)) != NULL ||
                        host_stream(host, host->import)->status[0] != '\0');
    if (response == NULL)
        return NULL;
    snprintf(out, 256, "%s", response->finished ? "" : response->record->pathname);
    importer__import_response__free_unpacked(response, NULL);
    return out;
}

void host_check_content(const struct host *host, size_t call, size_t size)
{
    struct slice data = buffer_slice(&host_stream(host, call)->data);
    size_t at = 0;

    while (data.len > 0) {
        size_t len = bytes_get_u32(data.data + 1), shift = 0, chunk = 0;
        struct slice message = slice_make(data.data + GRPC_PREFIX, len);

        assert_true(len <= 1024 * 1024 && len > 2);
        assert_int_equal(slice_take(&message, 1).data[0], 0x0a);
        do
            chunk |= (size_t)(message.data[0] & 0x7f) << shift, shift += 7;
        while ((slice_take(&message, 1).data[0] & 0x80) != 0);
        assert_int_equal(chunk, message.len);
        for (size_t i = 0; i < chunk; i++, at++)
            assert_int_equal(message.data[i], fake_byte(at));
        slice_take(&data, GRPC_PREFIX + len);
    }
    assert_int_equal(at, size);
}

void host_take(struct host *host, const char *path, size_t size)
{
    size_t call = host_open_record(host, path);

    HOST_WAIT(host, host_stream(host, call)->closed);
    assert_string_equal(host_stream(host, call)->status, "0");
    host_check_content(host, call, size);
    host_acknowledge(host, path);
}
