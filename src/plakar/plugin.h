/* The Plakar plugin: both services over descriptors 0 and 1, until the host is done or gone. */
#ifndef PGCASK_PLAKAR_PLUGIN_H
#define PGCASK_PLAKAR_PLUGIN_H

#include "base/log.h"
#include "base/options.h"
#include "plakar/connector.h"

/* Serves until Close was answered or the host is gone. in and out are closed by the caller.
 * stopped_by: names the signal that requested cancel, or NULL. */
bool plugin_serve(int in, int out, const struct connector *connector, struct cancel *cancel,
                  const char *(*stopped_by)(void), const struct log *log, struct error *err);

/* The whole plugin with the connectors of pgcask; `command` is the one of the table whose options
 * are the configuration's keys. Must be called before anything is written to standard output. */
bool plugin_run(const struct option_program *program, size_t command, struct cancel *cancel,
                const char *(*stopped_by)(void), const struct log *log, struct error *err);

#endif
