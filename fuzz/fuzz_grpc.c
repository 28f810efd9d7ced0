/*
 * A gRPC connection against a hostile client: the first byte says in which pieces the rest comes
 * and how the handler answers.
 *
 * Holds: every call that begins ends, once.
 *
 * A message of 4 MiB at most is held, in a buffer that doubles.
 * Limits: -malloc_limit_mb=10 -max_len=16384
 */
#include "plakar/grpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct server {
    uint8_t mode;
    size_t open; /* calls */
};

static bool on_begin(void *context, struct grpc_call *call, const char *path)
{
    struct server *server = context;

    if (path[0] == '\0' || path[strlen(path) - 1] == 'x')
        return false;
    server->open++;
    if ((server->mode & 1) != 0)
        grpc_call_accept(call);
    return true;
}

static void on_message(void *context, struct grpc_call *call, struct slice message)
{
    const struct server *server = context;
    struct error err;
    size_t sum = 0;

    for (size_t i = 0; i < message.len; i++) /* touched, so that a sanitizer sees them */
        sum += message.data[i];
    if ((server->mode & 2) != 0)
        grpc_call_send(call, message, &err);
    if ((server->mode & 4) != 0 && sum % 7 == 0)
        grpc_call_abort(call, GRPC_UNKNOWN, "\xff enough\n");
}

static void on_half_closed(void *context, struct grpc_call *call)
{
    (void)context;
    grpc_call_end(call, GRPC_OK, "");
}

static void on_ended(void *context, struct grpc_call *call, bool complete)
{
    struct server *server = context;

    (void)call;
    (void)complete;
    if (server->open-- == 0)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct server server = {.mode = size > 0 ? data[0] : 0};
    const struct grpc_handler handler = {&server, on_begin, on_message, on_half_closed, on_ended};
    struct slice rest = size > 0 ? slice_make(data + 1, size - 1) : (struct slice){0};
    struct buffer out = {0};
    struct error err;
    struct grpc_connection *connection = grpc_connection_new(&handler, &err);
    size_t piece = (size_t)(server.mode >> 3) * 5 + 1;
    bool going = connection != NULL;

    while (going && rest.len > 0) {
        going = grpc_connection_input(
                    connection, slice_take(&rest, piece < rest.len ? piece : rest.len), &err) &&
                grpc_connection_output(connection, &out, 1000 + piece, &err);
        buffer_clear(&out);
    }
    grpc_connection_free(connection);
    if (server.open != 0)
        __builtin_trap();
    buffer_free(&out);
    return 0;
}
