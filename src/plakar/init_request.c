/* Plakar's Init message taken apart, and the answers that importer and exporter have in common. */
#include "plakar/init_request.h"

#include "plakar/connectors.pb-c.h"

#include <stdlib.h>

#define CONCURRENCY_MAX 256

static size_t concurrency_of(const Connectors__Options *options)
{
    if (options == NULL || options->maxconcurrency < 1)
        return 1;
    return options->maxconcurrency > CONCURRENCY_MAX ? CONCURRENCY_MAX
                                                     : (size_t)options->maxconcurrency;
}

bool init_request_parse(struct init_request *init, struct slice message, struct error *err)
{
    Connectors__InitRequest *unpacked =
        connectors__init_request__unpack(NULL, message.len, message.data);

    *init = (struct init_request){.unpacked = unpacked};
    if (unpacked == NULL)
        return error_set(err, ERROR_PROTOCOL, "Plakar's Init request cannot be read");
    init->settings = calloc(unpacked->n_config + 1, sizeof(*init->settings));
    if (init->settings == NULL)
        return error_set_memory(err);
    for (size_t i = 0; i < unpacked->n_config; i++)
        init->settings[i] =
            (struct connector_setting){unpacked->config[i]->key, unpacked->config[i]->value};
    init->request = (struct connector_request){
        .scheme = unpacked->proto,
        .hostname = unpacked->options == NULL ? "" : unpacked->options->hostname,
        .settings = init->settings,
        .setting_count = unpacked->n_config,
        .concurrency = concurrency_of(unpacked->options),
    };
    if (unpacked->options != NULL) {
        init->excludes = unpacked->options->excludes;
        init->exclude_count = unpacked->options->n_excludes;
    }
    return true;
}

static void forget(char *value)
{
    explicit_bzero(value, strlen(value));
}

void init_request_free(struct init_request *init)
{
    Connectors__InitRequest *unpacked = init->unpacked;

    /* Which of them are secrets is not known here. */
    for (size_t i = 0; unpacked != NULL && i < unpacked->n_config; i++)
        forget(unpacked->config[i]->value);
    if (unpacked != NULL)
        connectors__init_request__free_unpacked(unpacked, NULL);
    free(init->settings);
    *init = (struct init_request){0};
}

void init_request_answer(struct grpc_call *call, const struct connector_identity *identity,
                         uint32_t flags)
{
    Connectors__InitResponse response;
    struct buffer packed = {0};
    struct error err;
    size_t len;

    error_clear(&err);
    connectors__init_response__init(&response);
    response.origin = (char *)(uintptr_t)identity->origin;
    response.type = (char *)(uintptr_t)identity->type;
    response.root = (char *)(uintptr_t) "/";
    response.flags = flags;
    len = connectors__init_response__get_packed_size(&response);
    if (buffer_reserve(&packed, len, &err)) {
        packed.len = connectors__init_response__pack(&response, packed.data);
        if (grpc_call_send(call, buffer_slice(&packed), &err))
            grpc_call_end(call, GRPC_OK, "");
    }
    if (err.code != ERROR_NONE)
        call_fail(call, GRPC_INTERNAL, &err);
    buffer_free(&packed);
}

void call_fail(struct grpc_call *call, enum grpc_status status, const struct error *error)
{
    struct buffer text = {0};
    struct error ignored;

    if (!grpc_error_text(&text, error, &ignored))
        buffer_clear(&text);
    grpc_call_end(call, status, buffer_text(&text));
    buffer_free(&text);
}

void call_answer_nothing(struct grpc_call *call)
{
    struct error err;

    if (grpc_call_send(call, slice_make(NULL, 0), &err))
        grpc_call_end(call, GRPC_OK, "");
    else
        call_fail(call, GRPC_INTERNAL, &err);
}
