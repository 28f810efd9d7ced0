/* Nothing waits here: questions to the server are asked in a thread, and a call is answered when
 * the answer has come. */
#include "plakar/service.h"

#include "plakar/ask_task.h"

#include <stdio.h>
#include <stdlib.h>

struct service {
    const struct service_kind *kind;
    struct service_options options;
    void *own;
    bool configured;
    struct connector_identity identity;
    struct ask_task *asking; /* on behalf of Ping, or of Init */
    bool asking_for_init;
    struct grpc_call *asking_call; /* NULL once it is gone */
    struct grpc_call *close_call;
    bool closing, closed;
};

/* What hangs on a call. */
struct service_call {
    const struct service_method *method;
    bool asked; /* its message has come */
};

/* ---- Init, Ping and Close ---- */

static bool start_asking(struct service *service, struct grpc_call *call, bool for_init)
{
    const struct connector *connector = service->options.connector;
    struct error err;

    service->asking = ask_task_start(connector->ping, connector->context, service->options.cancel,
                                     service->options.wake_fd, &err);
    if (service->asking == NULL) {
        call_fail(call, GRPC_INTERNAL, &err);
        return false;
    }
    service->asking_call = call;
    service->asking_for_init = for_init;
    return true;
}

static bool configure(struct service *service, struct init_request *init, struct slice message,
                      struct error *err)
{
    const struct connector *connector = service->options.connector;
    const struct service_kind *kind = service->kind;

    if (!init_request_parse(init, message, err) ||
        (kind->init != NULL && !kind->init(service->own, init, err)))
        return false;
    init->request.direction = kind->direction;
    return connector->configure(connector->context, &init->request, &service->identity, err);
}

static void do_init(void *context, struct grpc_call *call, struct slice message)
{
    struct service *service = context;
    struct init_request init;
    struct error err;

    error_clear(&err);
    if (service->configured || service->asking != NULL || service->closing) {
        grpc_call_end(call, GRPC_FAILED_PRECONDITION, "Init was called before");
        return;
    }
    if (!configure(service, &init, message, &err))
        call_fail(call, GRPC_INVALID_ARGUMENT, &err);
    else if (service->kind->init_pings)
        start_asking(service, call, true);
    else {
        service->configured = true;
        init_request_answer(call, &service->identity, service->kind->flags);
    }
    init_request_free(&init);
}

bool service_ready(const struct service *service, struct grpc_call *call)
{
    char text[64];

    if (service->configured && !service->closing)
        return true;
    snprintf(text, sizeof(text), "the %s is being closed", service->kind->name);
    grpc_call_end(call, GRPC_FAILED_PRECONDITION, service->closing ? text : "Init comes first");
    return false;
}

static void do_ping(void *context, struct grpc_call *call, struct slice message)
{
    struct service *service = context;

    (void)message;
    if (!service_ready(service, call))
        return;
    if (service->asking != NULL)
        grpc_call_end(call, GRPC_FAILED_PRECONDITION, "another Ping is under way");
    else
        start_asking(service, call, false);
}

static void do_close(void *context, struct grpc_call *call, struct slice message)
{
    struct service *service = context;

    (void)message;
    service->closing = true;
    service->close_call = call;
    cancel_request(service->options.cancel);
    service->kind->close(service->own);
    service_pump(service);
}

static void close_ended(void *context, struct grpc_call *call, bool complete)
{
    struct service *service = context;

    (void)complete;
    if (call != service->close_call)
        return;
    service->close_call = NULL;
    service->closed = true;
}

static void question_ended(void *context, struct grpc_call *call, bool complete)
{
    struct service *service = context;

    (void)complete;
    if (call == service->asking_call)
        service->asking_call = NULL;
}

static const struct service_method common_methods[] = {
    {.name = "Init", .message = do_init, .ended = question_ended},
    {.name = "Ping", .message = do_ping, .ended = question_ended},
    {.name = "Close", .message = do_close, .ended = close_ended},
};

#define COMMON_COUNT (sizeof(common_methods) / sizeof(common_methods[0]))

/* ---- Calls ---- */

static bool is_common(const struct service_method *method)
{
    return method >= common_methods && method < common_methods + COMMON_COUNT;
}

static void *context_of(struct service *service, const struct service_method *method)
{
    return is_common(method) ? service : service->own;
}

static const struct service_method *find_method(const struct service_kind *kind, const char *path)
{
    size_t len = strlen(kind->prefix);

    if (strncmp(path, kind->prefix, len) != 0)
        return NULL;
    for (size_t i = 0; i < COMMON_COUNT; i++) {
        if (strcmp(path + len, common_methods[i].name) == 0)
            return &common_methods[i];
    }
    for (size_t i = 0; i < SERVICE_METHODS_MAX && kind->methods[i].name != NULL; i++) {
        if (strcmp(path + len, kind->methods[i].name) == 0)
            return &kind->methods[i];
    }
    return NULL;
}

bool service_kind_has(const struct service_kind *kind, const char *path)
{
    return find_method(kind, path) != NULL;
}

bool service_begin(struct service *service, struct grpc_call *call, const char *path)
{
    const struct service_method *method = find_method(service->kind, path);
    struct service_call *data;

    if (method == NULL)
        return false;
    data = calloc(1, sizeof(*data));
    grpc_call_set_data(call, data);
    if (data == NULL) {
        grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return true;
    }
    data->method = method;
    if (method->begun != NULL)
        method->begun(context_of(service, method), call);
    return true;
}

void service_message(struct service *service, struct grpc_call *call, struct slice message)
{
    struct service_call *data = grpc_call_data(call);

    if (data == NULL)
        return;
    if (data->asked && !data->method->streams) {
        grpc_call_abort(call, GRPC_INTERNAL, "a second message where one belongs");
        return;
    }
    data->asked = true;
    data->method->message(context_of(service, data->method), call, message);
}

void service_half_closed(struct service *service, struct grpc_call *call)
{
    const struct service_call *data = grpc_call_data(call);

    if (data == NULL)
        return;
    if (!data->asked && !data->method->streams)
        grpc_call_end(call, GRPC_INTERNAL, "a request without a message");
    else if (data->method->half_closed != NULL)
        data->method->half_closed(context_of(service, data->method), call);
}

void service_ended(struct service *service, struct grpc_call *call, bool complete)
{
    struct service_call *data = grpc_call_data(call);

    if (data == NULL)
        return;
    if (data->method->ended != NULL)
        data->method->ended(context_of(service, data->method), call, complete);
    free(data);
    grpc_call_set_data(call, NULL);
}

/* ---- What threads have done ---- */

/* True if no question is under way. */
static bool pump_question(struct service *service)
{
    struct grpc_call *call = service->asking_call;
    struct error err;
    bool ok;

    if (service->asking == NULL)
        return true;
    if (!ask_task_over(service->asking, &ok, &err))
        return false;
    ask_task_free(service->asking);
    service->asking = NULL;
    service->asking_call = NULL;
    if (ok && service->asking_for_init)
        service->configured = true;
    if (call == NULL)
        return true;
    if (!ok)
        call_fail(call, GRPC_UNKNOWN, &err);
    else if (service->asking_for_init)
        init_request_answer(call, &service->identity, service->kind->flags);
    else
        call_answer_nothing(call);
    return true;
}

void service_pump(struct service *service)
{
    bool idle = pump_question(service);

    idle = service->kind->pump(service->own) && idle;
    if (service->closing && service->close_call != NULL && idle)
        call_answer_nothing(service->close_call);
}

bool service_stop(struct service *service, const char *why)
{
    bool stopping = service->kind->stop(service->own, why);

    return stopping || service->asking != NULL;
}

bool service_closed(const struct service *service)
{
    return service->closed;
}

const struct service_options *service_options(const struct service *service)
{
    return &service->options;
}

/* ---- Making and ending it ---- */

struct service *service_new(const struct service_kind *kind, const struct service_options *options,
                            struct error *err)
{
    struct service *service = calloc(1, sizeof(*service));

    if (service == NULL) {
        error_set_memory(err);
        return NULL;
    }
    service->kind = kind;
    service->options = *options;
    service->own = kind->make(service, err);
    if (service->own != NULL)
        return service;
    free(service);
    return NULL;
}

void service_free(struct service *service)
{
    if (service == NULL)
        return;
    cancel_request(service->options.cancel);
    ask_task_free(service->asking);
    service->kind->free(service->own);
    free(service);
}
