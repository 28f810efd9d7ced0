/* What the exporter service asks of PostgreSQL. */
#ifndef PGCASK_PLAKAR_POSTGRES_RESTORE_H
#define PGCASK_PLAKAR_POSTGRES_RESTORE_H

#include "plakar/configuration.h"
#include "plakar/connector.h"

/* Whatever of it makes no sense is an error before anything is connected. */
bool postgres_restore_check(const struct configuration *configuration, struct error *err);

/* Whether the server lets us in, and the database that was named is there, or is to be made. */
bool postgres_restore_ping(const struct configuration *configuration, struct cancel *cancel,
                           const struct log *log, struct error *err);

/* See struct connector. */
bool postgres_restore_run(const struct configuration *configuration, struct cancel *cancel,
                          const struct log *log, struct record_source *records,
                          const struct connector_outcome *outcome, struct error *err);

#endif
