/* The methods of the service, each with what may come before it. Nothing waits here: questions to
 * the server are asked in a thread, and a call is answered when the answer has come. */
#include "plakar/importer.h"

#include "plakar/import_job.h"
#include "plakar/importer.pb-c.h"
#include "plakar/init_request.h"
#include "plakar/ask_task.h"

#include <stdlib.h>

enum method { METHOD_INIT, METHOD_PING, METHOD_IMPORT, METHOD_OPEN, METHOD_CLOSE };

struct importer {
    struct importer_options options;
    bool configured;
    struct excludes excludes;
    size_t concurrency;
    struct import_job *job;
    struct grpc_call *import;      /* NULL once it is gone */
    struct ask_task *asking;       /* on behalf of Ping */
    struct grpc_call *asking_call; /* NULL once it is gone */
    struct grpc_call *close_call;
    bool closing, closed;
};

/* What hangs on a call. */
struct method_call {
    enum method method;
    bool asked; /* its message has come */
};

/* ---- Methods ---- */

static void do_init(struct importer *importer, struct grpc_call *call, struct slice message)
{
    const struct connector *connector = importer->options.connector;
    struct connector_identity identity = {.type = ""};
    struct init_request init;
    struct error err;

    error_clear(&err);
    if (importer->configured) {
        grpc_call_end(call, GRPC_FAILED_PRECONDITION, "Init was called before");
        return;
    }
    excludes_reset(&importer->excludes); /* of an Init that failed */
    if (init_request_parse(&init, message, &err) &&
        excludes_init(&importer->excludes, init.excludes, init.exclude_count, &err) &&
        connector->configure(connector->context, &init.request, &identity, &err)) {
        importer->concurrency = init.request.concurrency;
        importer->configured = true;
        init_request_answer(call, &identity, INIT_STREAM | INIT_NOMERGE);
    } else {
        call_fail(call, GRPC_INVALID_ARGUMENT, &err);
    }
    init_request_free(&init);
}

/* True if the call may go on. */
static bool check_ready(const struct importer *importer, struct grpc_call *call)
{
    if (importer->configured && !importer->closing)
        return true;
    grpc_call_end(call, GRPC_FAILED_PRECONDITION,
                  importer->closing ? "the importer is being closed" : "Init comes first");
    return false;
}

static void do_ping(struct importer *importer, struct grpc_call *call)
{
    const struct importer_options *options = &importer->options;
    struct error err;

    if (!check_ready(importer, call))
        return;
    if (importer->asking != NULL) {
        grpc_call_end(call, GRPC_FAILED_PRECONDITION, "another Ping is under way");
        return;
    }
    importer->asking = ask_task_start(options->connector->ping, options->connector->context,
                                      options->cancel, options->wake_fd, &err);
    importer->asking_call = importer->asking != NULL ? call : NULL;
    if (importer->asking == NULL)
        call_fail(call, GRPC_INTERNAL, &err);
}

static void do_import(struct importer *importer, struct grpc_call *call)
{
    const struct import_job_options options = {
        .connector = importer->options.connector,
        .cancel = importer->options.cancel,
        .log = importer->options.log,
        .excludes = &importer->excludes,
        .concurrency = importer->concurrency,
        .stopped_by = importer->options.stopped_by,
        .wake_fd = importer->options.wake_fd,
    };
    struct error err;

    if (!check_ready(importer, call))
        return;
    if (importer->job != NULL) {
        grpc_call_end(call, GRPC_FAILED_PRECONDITION, "Import was called before");
        return;
    }
    importer->job = import_job_start(&options, &err);
    if (importer->job == NULL) {
        call_fail(call, GRPC_INTERNAL, &err);
        return;
    }
    importer->import = call;
    grpc_call_accept(call);
}

static void do_open(struct importer *importer, struct grpc_call *call, struct slice message)
{
    Importer__OpenRequest *request;

    if (!check_ready(importer, call))
        return;
    request = importer__open_request__unpack(NULL, message.len, message.data);
    if (request == NULL || request->record == NULL)
        grpc_call_end(call, GRPC_INVALID_ARGUMENT, "the Open request cannot be read");
    else if (importer->job == NULL || request->record->is_xattr)
        grpc_call_end(call, GRPC_NOT_FOUND, "there is no such record");
    else
        import_job_open(importer->job, call, request->record->pathname);
    if (request != NULL)
        importer__open_request__free_unpacked(request, NULL);
}

static void take_acknowledgement(struct importer *importer, struct slice message)
{
    Importer__ImportRequest *request =
        importer__import_request__unpack(NULL, message.len, message.data);

    if (request == NULL)
        import_job_stop(importer->job, "Plakar sent an acknowledgement that cannot be read");
    else if (request->result != NULL && request->result->header != NULL)
        import_job_acknowledge(importer->job, request->result->header->pathname);
    if (request != NULL)
        importer__import_request__free_unpacked(request, NULL);
}

static void do_close(struct importer *importer, struct grpc_call *call)
{
    importer->closing = true;
    importer->close_call = call;
    cancel_request(importer->options.cancel);
    if (importer->job != NULL)
        import_job_stop(importer->job, "Plakar closed the importer");
    importer_pump(importer);
}

/* ---- Calls ---- */

static bool method_of(const char *path, enum method *method)
{
    static const char *const names[] = {
        [METHOD_INIT] = "Init", [METHOD_PING] = "Ping",   [METHOD_IMPORT] = "Import",
        [METHOD_OPEN] = "Open", [METHOD_CLOSE] = "Close",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(path + strlen(IMPORTER_PREFIX), names[i]) == 0) {
            *method = (enum method)i;
            return true;
        }
    }
    return false;
}

bool importer_begin(struct importer *importer, struct grpc_call *call, const char *path)
{
    struct method_call *data;
    enum method method;

    if (strncmp(path, IMPORTER_PREFIX, strlen(IMPORTER_PREFIX)) != 0 || !method_of(path, &method))
        return false;
    data = calloc(1, sizeof(*data));
    grpc_call_set_data(call, data);
    if (data == NULL) {
        grpc_call_end(call, GRPC_RESOURCE_EXHAUSTED, "out of memory");
        return true;
    }
    data->method = method;
    if (method == METHOD_IMPORT)
        do_import(importer, call);
    return true;
}

void importer_message(struct importer *importer, struct grpc_call *call, struct slice message)
{
    struct method_call *data = grpc_call_data(call);

    if (data == NULL)
        return;
    if (data->method == METHOD_IMPORT) {
        if (call == importer->import)
            take_acknowledgement(importer, message);
        importer_pump(importer);
        return;
    }
    if (data->asked) {
        grpc_call_abort(call, GRPC_INTERNAL, "a second message where one belongs");
        return;
    }
    data->asked = true;
    if (data->method == METHOD_INIT)
        do_init(importer, call, message);
    else if (data->method == METHOD_PING)
        do_ping(importer, call);
    else if (data->method == METHOD_OPEN)
        do_open(importer, call, message);
    else
        do_close(importer, call);
}

/* Plakar sends nothing more on Import: it has everything, or wants no more. */
static void import_half_closed(struct importer *importer)
{
    const struct error *failure;

    if (!import_job_over(importer->job, &failure)) {
        import_job_stop(importer->job, "Plakar stopped the backup");
        return;
    }
    importer_pump(importer);
    if (failure == NULL)
        grpc_call_end(importer->import, GRPC_OK, "");
}

void importer_half_closed(struct importer *importer, struct grpc_call *call)
{
    const struct method_call *data = grpc_call_data(call);

    if (data == NULL)
        return;
    if (data->method != METHOD_IMPORT && !data->asked)
        grpc_call_end(call, GRPC_INTERNAL, "a request without a message");
    else if (data->method == METHOD_IMPORT && call == importer->import)
        import_half_closed(importer);
}

void importer_ended(struct importer *importer, struct grpc_call *call, bool complete)
{
    const struct method_call *data = grpc_call_data(call);

    if (data == NULL)
        return;
    if (call == importer->import) {
        importer->import = NULL;
        import_job_stop(importer->job, "Plakar cancelled the backup");
    } else if (data->method == METHOD_OPEN && importer->job != NULL) {
        import_job_open_ended(importer->job, call, complete);
    } else if (call == importer->asking_call) {
        importer->asking_call = NULL;
    } else if (call == importer->close_call) {
        importer->close_call = NULL;
        importer->closed = true;
    }
    free(grpc_call_data(call));
    grpc_call_set_data(call, NULL);
}

/* ---- What threads have done ---- */

/* True if no question is under way. */
static bool pump_question(struct importer *importer)
{
    struct grpc_call *call = importer->asking_call;
    struct error err;
    bool ok;

    if (importer->asking == NULL)
        return true;
    if (!ask_task_over(importer->asking, &ok, &err))
        return false;
    ask_task_free(importer->asking);
    importer->asking = NULL;
    importer->asking_call = NULL;
    if (call == NULL)
        return true;
    if (ok)
        call_answer_nothing(call);
    else
        call_fail(call, GRPC_UNKNOWN, &err);
    return true;
}

void importer_pump(struct importer *importer)
{
    const struct error *failure;
    bool idle = pump_question(importer);

    if (importer->job != NULL) {
        import_job_pump(importer->job, importer->import);
        idle = import_job_over(importer->job, &failure) && idle;
    }
    if (importer->closing && importer->close_call != NULL && idle)
        call_answer_nothing(importer->close_call);
}

bool importer_stop(struct importer *importer, const char *why)
{
    const struct error *failure;

    if (importer->job == NULL)
        return importer->asking != NULL;
    /* Over already: the host is still to hear how it ended. */
    if (import_job_over(importer->job, &failure))
        return failure != NULL || importer->import != NULL || importer->asking != NULL;
    import_job_stop(importer->job, why);
    return true;
}

bool importer_closed(const struct importer *importer)
{
    return importer->closed;
}

struct importer *importer_new(const struct importer_options *options, struct error *err)
{
    struct importer *importer = calloc(1, sizeof(*importer));

    if (importer == NULL) {
        error_set_memory(err);
        return NULL;
    }
    importer->options = *options;
    return importer;
}

void importer_free(struct importer *importer)
{
    if (importer == NULL)
        return;
    cancel_request(importer->options.cancel);
    ask_task_free(importer->asking);
    import_job_free(importer->job);
    excludes_reset(&importer->excludes);
    free(importer);
}
