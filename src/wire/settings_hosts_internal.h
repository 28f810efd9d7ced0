/*
 * The servers that settings name: the lists of host, hostaddr and port, element by element, as
 * "Specifying Multiple Hosts" in PostgreSQL's documentation has them.
 */
#ifndef PGCASK_WIRE_SETTINGS_HOSTS_INTERNAL_H
#define PGCASK_WIRE_SETTINGS_HOSTS_INTERNAL_H

#include "wire/wire.h"

#define HOST_PORT_SIZE 6

struct host {
    /* As configured, for certificates and the passfile; "" if there is only an address; a socket
     * folder, "@name", or a default where nothing was configured. */
    char *name;
    char *address; /* hostaddr; "" if none */
    char port[HOST_PORT_SIZE];
};

struct host_list {
    struct host *items;
    size_t count; /* at least 1 */
};

/* Fails with ERROR_USAGE where the lists do not fit together or a port is none. On failure there is
 * nothing to free. */
bool host_list_read(struct host_list *list, const struct wire_settings *settings,
                    struct error *err);
void host_list_free(struct host_list *list);

#endif
