/* A small message is copied, so that whoever sends it need not keep it until the peer has room. */
#include "plakar/grpc.h"

#include "base/bytes.h"

#include <stdlib.h>

void grpc_put_prefix(uint8_t out[GRPC_PREFIX], size_t message_len)
{
    out[0] = 0; /* not compressed */
    bytes_put_u32(out + 1, (uint32_t)message_len);
}

struct copied_chunk {
    struct grpc_chunk base;
    uint8_t bytes[];
};

static void copied_release(struct grpc_chunk *chunk)
{
    free(chunk);
}

bool grpc_call_send(struct grpc_call *call, struct slice message, struct error *err)
{
    struct copied_chunk *chunk = malloc(sizeof(*chunk) + GRPC_PREFIX + message.len);

    if (chunk == NULL)
        return error_set_memory(err);
    grpc_put_prefix(chunk->bytes, message.len);
    if (message.len > 0)
        memcpy(chunk->bytes + GRPC_PREFIX, message.data, message.len);
    chunk->base = (struct grpc_chunk){
        .release = copied_release,
        .rest = slice_make(chunk->bytes, GRPC_PREFIX + message.len),
    };
    grpc_call_send_chunk(call, &chunk->base);
    return true;
}
