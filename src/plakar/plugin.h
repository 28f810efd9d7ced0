/* The Plakar plugin: both services over descriptors 0 and 1, until the host is done or gone. */
#ifndef PGCASK_PLAKAR_PLUGIN_H
#define PGCASK_PLAKAR_PLUGIN_H

#include "base/log.h"
#include "plakar/configuration.h"
#include "plakar/connector.h"
#include "wire/wire.h"

struct plugin_options {
    struct cancel *cancel;
    const char *(*stopped_by)(void); /* names the signal that requested cancel, or NULL */
    const struct log *log;
    const struct wire_watcher *watcher;                 /* of the sessions; NULL: nobody */
    const struct wire_password_source *password_source; /* NULL: none */
};

/* Serves until Close was answered or the host is gone. in and out are closed by the caller. */
bool plugin_serve(int in, int out, const struct connector *connector,
                  const struct plugin_options *options, struct error *err);

/* The whole plugin with the connectors of pgcask. Must be called before anything is written to
 * standard output. */
bool plugin_run(const struct configuration_table *table, const struct plugin_options *options,
                struct error *err);

#endif
