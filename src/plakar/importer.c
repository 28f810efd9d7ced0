/* The importer's own methods, Import and Open, each with what may come before it. */
#include "plakar/import_job.h"
#include "plakar/importer.pb-c.h"
#include "plakar/service.h"

#include <stdlib.h>

struct importer {
    struct service *service;
    struct excludes excludes;
    size_t concurrency;
    struct import_job *job;
    struct grpc_call *import; /* NULL once it is gone */
};

static bool pump(void *own)
{
    struct importer *importer = own;
    const struct error *failure;

    if (importer->job == NULL)
        return true;
    import_job_pump(importer->job, importer->import);
    return import_job_over(importer->job, &failure);
}

/* ---- Import ---- */

static void begin_import(void *own, struct grpc_call *call)
{
    struct importer *importer = own;
    const struct service_options *service = service_options(importer->service);
    const struct import_job_options options = {
        .connector = service->connector,
        .cancel = service->cancel,
        .log = service->log,
        .excludes = &importer->excludes,
        .concurrency = importer->concurrency,
        .stopped_by = service->stopped_by,
        .wake_fd = service->wake_fd,
    };
    struct error err;

    if (!service_ready(importer->service, call))
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

static void take_acknowledgement(void *own, struct grpc_call *call, struct slice message)
{
    struct importer *importer = own;
    Importer__ImportRequest *request;

    if (call != importer->import)
        return;
    request = importer__import_request__unpack(NULL, message.len, message.data);
    if (request == NULL)
        import_job_stop(importer->job, "Plakar sent an acknowledgement that cannot be read");
    else if (request->result != NULL && request->result->header != NULL)
        import_job_acknowledge(importer->job, request->result->header->pathname);
    if (request != NULL)
        importer__import_request__free_unpacked(request, NULL);
    service_pump(importer->service);
}

/* Plakar sends nothing more on Import: it has everything, or wants no more. */
static void import_half_closed(void *own, struct grpc_call *call)
{
    struct importer *importer = own;
    const struct error *failure;

    if (call != importer->import)
        return;
    if (!import_job_over(importer->job, &failure)) {
        import_job_stop(importer->job, "Plakar stopped the backup");
        return;
    }
    pump(importer);
    if (failure == NULL)
        grpc_call_end(importer->import, GRPC_OK, "");
}

static void import_ended(void *own, struct grpc_call *call, bool complete)
{
    struct importer *importer = own;

    (void)complete;
    if (call != importer->import)
        return;
    importer->import = NULL;
    import_job_stop(importer->job, "Plakar cancelled the backup");
}

/* ---- Open ---- */

static void do_open(void *own, struct grpc_call *call, struct slice message)
{
    struct importer *importer = own;
    Importer__OpenRequest *request;

    if (!service_ready(importer->service, call))
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

static void open_ended(void *own, struct grpc_call *call, bool complete)
{
    struct importer *importer = own;

    if (importer->job != NULL)
        import_job_open_ended(importer->job, call, complete);
}

/* ---- The service ---- */

static bool take_init(void *own, const struct init_request *init, struct error *err)
{
    struct importer *importer = own;

    excludes_reset(&importer->excludes); /* of an Init that failed */
    importer->concurrency = init->request.concurrency;
    return excludes_init(&importer->excludes, init->excludes, init->exclude_count, err);
}

static void close_importer(void *own)
{
    struct importer *importer = own;

    if (importer->job != NULL)
        import_job_stop(importer->job, "Plakar closed the importer");
}

static bool stop(void *own, const char *why)
{
    struct importer *importer = own;
    const struct error *failure;

    if (importer->job == NULL)
        return false;
    /* Over already: the host is still to hear how it ended. */
    if (import_job_over(importer->job, &failure))
        return failure != NULL || importer->import != NULL;
    import_job_stop(importer->job, why);
    return true;
}

static void *make(struct service *service, struct error *err)
{
    struct importer *importer = calloc(1, sizeof(*importer));

    if (importer == NULL)
        error_set_memory(err);
    else
        importer->service = service;
    return importer;
}

static void free_importer(void *own)
{
    struct importer *importer = own;

    import_job_free(importer->job);
    excludes_reset(&importer->excludes);
    free(importer);
}

const struct service_kind importer_kind = {
    .prefix = "/importer.Importer/",
    .name = "importer",
    .direction = CONNECTOR_IMPORTS,
    .flags = INIT_STREAM | INIT_NOMERGE,
    .methods = {{.name = "Import",
                 .streams = true,
                 .begun = begin_import,
                 .message = take_acknowledgement,
                 .half_closed = import_half_closed,
                 .ended = import_ended},
                {.name = "Open", .message = do_open, .ended = open_ended}},
    .make = make,
    .free = free_importer,
    .init = take_init,
    .pump = pump,
    .close = close_importer,
    .stop = stop,
};
