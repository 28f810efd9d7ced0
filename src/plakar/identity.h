/* Who a source is in Plakar's eyes. */
#ifndef PGCASK_PLAKAR_IDENTITY_H
#define PGCASK_PLAKAR_IDENTITY_H

#include "plakar/connector.h"
#include "wire/wire.h"

/*
 * "db.example.org:5432": the cluster's address, without user or password. A loopback address or a
 * socket's folder is another cluster on each machine, so the machine's name stands before it:
 * "backup01:5432", "backup01:/run/postgresql:5432". Several hosts are joined by commas. Settings
 * are complete; hostname may be "": the machine is asked then.
 */
bool identity_origin(const struct wire_settings *settings, const char *hostname,
                     char out[CONNECTOR_ORIGIN_SIZE], struct error *err);

#endif
