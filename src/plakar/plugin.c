/* A process serves one of the two services, and which one the first call says: from then on calls
 * are handed to it, until Plakar closes it, goes away, or a signal comes. */
#include "plakar/plugin.h"

#include "plakar/postgres_connector.h"
#include "plakar/service.h"
#include "plakar/transport.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct plugin {
    struct service_options options;
    struct service *service; /* NULL before the first call */
};

/* ---- Which service calls are for ---- */

static bool make_service(struct plugin *plugin, const char *path)
{
    static const struct service_kind *const kinds[] = {&importer_kind, &exporter_kind};
    struct error ignored;

    for (size_t i = 0; plugin->service == NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (service_kind_has(kinds[i], path))
            plugin->service = service_new(kinds[i], &plugin->options, &ignored);
    }
    return plugin->service != NULL;
}

static bool on_begin(void *context, struct grpc_call *call, const char *path)
{
    struct plugin *plugin = context;

    return make_service(plugin, path) && service_begin(plugin->service, call, path);
}

static void on_message(void *context, struct grpc_call *call, struct slice message)
{
    service_message(((struct plugin *)context)->service, call, message);
}

static void on_half_closed(void *context, struct grpc_call *call)
{
    service_half_closed(((struct plugin *)context)->service, call);
}

static void on_ended(void *context, struct grpc_call *call, bool complete)
{
    service_ended(((struct plugin *)context)->service, call, complete);
}

/* ---- The loop ---- */

static void on_pump(void *context)
{
    struct plugin *plugin = context;

    if (plugin->service != NULL)
        service_pump(plugin->service);
}

/* Ends the loop where nothing is under way; else the job ends, and the host hears why. */
static bool on_cancelled(void *context)
{
    struct plugin *plugin = context;
    const char *number = plugin->options.stopped_by == NULL ? NULL : plugin->options.stopped_by();
    char why[64];

    if (number == NULL)
        return true; /* the plugin's own doing */
    snprintf(why, sizeof(why), "cancelled by %s", number);
    return plugin->service != NULL && service_stop(plugin->service, why);
}

static bool on_done(void *context)
{
    const struct plugin *plugin = context;

    return plugin->service != NULL && service_closed(plugin->service);
}

/* By a signal. */
static bool on_hurried(void *context)
{
    const struct plugin *plugin = context;

    return plugin->options.stopped_by != NULL && plugin->options.stopped_by() != NULL;
}

bool plugin_serve(int in, int out, const struct connector *connector,
                  const struct plugin_options *options, struct error *err)
{
    struct plugin plugin = {.options = {.connector = connector,
                                        .cancel = options->cancel,
                                        .log = options->log,
                                        .stopped_by = options->stopped_by}};
    const struct grpc_handler handler = {&plugin, on_begin, on_message, on_half_closed, on_ended};
    struct transport transport = {
        .in = in,
        .out = out,
        .cancel = options->cancel,
        .context = &plugin,
        .pump = on_pump,
        .cancelled = on_cancelled,
        .done = on_done,
        .hurried = on_hurried,
    };
    bool done;

    transport.wake_fd = plugin.options.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (transport.wake_fd < 0)
        return error_set_errno(err, errno, "cannot make an event descriptor");
    transport.connection = grpc_connection_new(&handler, err);
    done = transport.connection != NULL && transport_run(&transport, err);
    grpc_connection_free(transport.connection);
    service_free(plugin.service);
    close(transport.wake_fd);
    return done;
}

bool plugin_run(const struct configuration_table *table, const struct plugin_options *options,
                struct error *err)
{
    struct postgres_connector *postgres;
    struct connector connector;
    int in, out;
    bool done;

    if (!transport_take_standard_descriptors(&in, &out, err))
        return false;
    postgres = postgres_connector_new(table, options, &connector, err);
    done = postgres != NULL && plugin_serve(in, out, &connector, options, err);
    postgres_connector_free(postgres);
    close(in);
    close(out);
    return done;
}
