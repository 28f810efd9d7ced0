/* PostgreSQL behind the two services. */
#ifndef PGCASK_PLAKAR_POSTGRES_CONNECTOR_H
#define PGCASK_PLAKAR_POSTGRES_CONNECTOR_H

#include "plakar/configuration.h"
#include "plakar/connector.h"
#include "plakar/plugin.h"

struct postgres_connector;

/* Fills *connector. Of the plugin's options it borrows the log, and what its sessions need. */
struct postgres_connector *postgres_connector_new(const struct configuration_table *table,
                                                  const struct plugin_options *options,
                                                  struct connector *connector, struct error *err);
/* After everything that uses it has ended. NULL is allowed. */
void postgres_connector_free(struct postgres_connector *postgres);

#endif
