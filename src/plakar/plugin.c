/* A process serves one of the two services, and which one the first call says: from then on calls
 * are handed to it, until Plakar closes it, goes away, or a signal comes. */
#include "plakar/plugin.h"

#include "plakar/exporter.h"
#include "plakar/importer.h"
#include "plakar/postgres_connector.h"
#include "plakar/transport.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct plugin {
    struct importer *importer;
    struct exporter exporter;
    struct cancel *cancel;
    const char *(*stopped_by)(void);
    int wake_fd;
};

/* ---- Which service a call is for ---- */

/* An exporter's calls have no data of their own: what hangs on them is static. A process is only
 * ever asked for one of the services; which one, the first call decides. */
struct route {
    struct plugin plugin;
    enum { SERVES_NOTHING, SERVES_IMPORTER, SERVES_EXPORTER } serves;
};

static bool on_begin(void *context, struct grpc_call *call, const char *path)
{
    struct route *route = context;

    if (route->serves != SERVES_EXPORTER && importer_begin(route->plugin.importer, call, path)) {
        route->serves = SERVES_IMPORTER;
        return true;
    }
    if (route->serves != SERVES_IMPORTER && exporter_begin(&route->plugin.exporter, call, path)) {
        route->serves = SERVES_EXPORTER;
        return true;
    }
    return false;
}

static void on_message(void *context, struct grpc_call *call, struct slice message)
{
    struct route *route = context;

    if (route->serves == SERVES_IMPORTER)
        importer_message(route->plugin.importer, call, message);
    else
        exporter_message(&route->plugin.exporter, call, message);
}

static void on_half_closed(void *context, struct grpc_call *call)
{
    struct route *route = context;

    if (route->serves == SERVES_IMPORTER)
        importer_half_closed(route->plugin.importer, call);
    else
        exporter_half_closed(&route->plugin.exporter, call);
}

static void on_ended(void *context, struct grpc_call *call, bool complete)
{
    struct route *route = context;

    if (route->serves == SERVES_IMPORTER)
        importer_ended(route->plugin.importer, call, complete);
    else
        exporter_ended(&route->plugin.exporter, call, complete);
}

/* ---- The loop ---- */

static void on_pump(void *context)
{
    importer_pump(((struct route *)context)->plugin.importer);
}

/* Ends the loop where nothing is under way; else the job ends, and the host hears why. */
static bool on_cancelled(void *context)
{
    struct plugin *plugin = &((struct route *)context)->plugin;
    const char *number = plugin->stopped_by == NULL ? NULL : plugin->stopped_by();
    char why[64];

    if (number == NULL)
        return true; /* the plugin's own doing */
    snprintf(why, sizeof(why), "cancelled by %s", number);
    return importer_stop(plugin->importer, why);
}

static bool on_done(void *context)
{
    const struct plugin *plugin = &((struct route *)context)->plugin;

    return importer_closed(plugin->importer) || plugin->exporter.closed;
}

static bool make_importer(struct plugin *plugin, const struct connector *connector,
                          const struct log *log, struct error *err)
{
    struct importer_options options = {.connector = connector,
                                       .cancel = plugin->cancel,
                                       .log = log,
                                       .stopped_by = plugin->stopped_by};

    plugin->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (plugin->wake_fd < 0)
        return error_set_errno(err, errno, "cannot make an event descriptor");
    options.wake_fd = plugin->wake_fd;
    plugin->importer = importer_new(&options, err);
    return plugin->importer != NULL;
}

bool plugin_serve(int in, int out, const struct connector *connector,
                  const struct plugin_options *options, struct error *err)
{
    struct route route = {
        .plugin = {.cancel = options->cancel, .stopped_by = options->stopped_by, .wake_fd = -1},
    };
    const struct grpc_handler handler = {&route, on_begin, on_message, on_half_closed, on_ended};
    struct transport transport = {
        .in = in,
        .out = out,
        .cancel = options->cancel,
        .context = &route,
        .pump = on_pump,
        .cancelled = on_cancelled,
        .done = on_done,
    };
    bool done = make_importer(&route.plugin, connector, options->log, err) &&
                (transport.connection = grpc_connection_new(&handler, err)) != NULL;

    transport.wake_fd = route.plugin.wake_fd;
    done = done && transport_run(&transport, err);
    grpc_connection_free(transport.connection);
    importer_free(route.plugin.importer);
    if (route.plugin.wake_fd >= 0)
        close(route.plugin.wake_fd);
    return done;
}

bool plugin_run(const struct option_program *program, size_t command,
                const struct plugin_options *options, struct error *err)
{
    struct postgres_connector *postgres;
    struct connector connector;
    int in, out;
    bool done;

    if (!transport_take_standard_descriptors(&in, &out, err))
        return false;
    postgres = postgres_connector_new(program, command, options, &connector, err);
    done = postgres != NULL && plugin_serve(in, out, &connector, options, err);
    postgres_connector_free(postgres);
    close(in);
    close(out);
    return done;
}
