/* The exporter's own method, Export. */
#include "plakar/export_job.h"

#include <stdlib.h>

struct exporter {
    struct service *service;
    struct export_job *job;
    struct grpc_call *call; /* the one that the job is of */
};

static void begin_export(void *own, struct grpc_call *call)
{
    struct exporter *exporter = own;
    struct error err;

    if (!service_ready(exporter->service, call))
        return;
    if (exporter->job != NULL) {
        grpc_call_end(call, GRPC_FAILED_PRECONDITION, "Export was called before");
        return;
    }
    exporter->job = export_job_start(service_options(exporter->service), call, &err);
    if (exporter->job == NULL) {
        call_fail(call, GRPC_INTERNAL, &err);
        return;
    }
    exporter->call = call;
    grpc_call_accept(call);
}

static void take_message(void *own, struct grpc_call *call, struct slice message)
{
    struct exporter *exporter = own;

    if (call == exporter->call)
        export_job_message(exporter->job, message);
}

static void half_closed(void *own, struct grpc_call *call)
{
    struct exporter *exporter = own;

    if (call == exporter->call)
        export_job_half_closed(exporter->job);
}

static void export_ended(void *own, struct grpc_call *call, bool complete)
{
    struct exporter *exporter = own;

    (void)complete;
    if (call != exporter->call)
        return;
    exporter->call = NULL;
    export_job_ended(exporter->job);
}

/* ---- The service ---- */

static bool pump(void *own)
{
    struct exporter *exporter = own;

    if (exporter->job == NULL)
        return true;
    export_job_pump(exporter->job);
    return export_job_over(exporter->job);
}

static void close_exporter(void *own)
{
    struct exporter *exporter = own;

    if (exporter->job != NULL)
        export_job_stop(exporter->job, "Plakar closed the exporter", true);
}

static bool stop(void *own, const char *why)
{
    struct exporter *exporter = own;

    if (exporter->job == NULL)
        return false;
    /* Over already: the host is still to hear how it ended. */
    export_job_stop(exporter->job, why, true);
    export_job_pump(exporter->job);
    return exporter->call != NULL || !export_job_over(exporter->job);
}

static void *make(struct service *service, struct error *err)
{
    struct exporter *exporter = calloc(1, sizeof(*exporter));

    if (exporter == NULL)
        error_set_memory(err);
    else
        exporter->service = service;
    return exporter;
}

static void free_exporter(void *own)
{
    struct exporter *exporter = own;

    export_job_free(exporter->job);
    free(exporter);
}

const struct service_kind exporter_kind = {
    .prefix = "/plakar.exporter.Exporter/",
    .name = "exporter",
    .direction = CONNECTOR_EXPORTS,
    .flags = INIT_IN_ORDER,
    .init_pings = true,
    .methods = {{.name = "Export",
                 .streams = true,
                 .begun = begin_export,
                 .message = take_message,
                 .half_closed = half_closed,
                 .ended = export_ended}},
    .make = make,
    .free = free_exporter,
    .pump = pump,
    .close = close_exporter,
    .stop = stop,
};
