/*
 * A connection to something that is no PostgreSQL server, in clear or under TLS that is checked:
 * for whoever has to ask such a thing before it can log in. Bytes only; one thread at a time.
 */
#ifndef PGCASK_WIRE_LINK_H
#define PGCASK_WIRE_LINK_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/slice.h"

struct wire_link;

struct wire_link_options {
    const char *host, *port;
    bool tls;
    const char *ca_file; /* whose certificates TLS trusts; NULL: the system's */
    int64_t connect_by;  /* for name and address, on base/clock.h's clock */
    int64_t deadline;    /* of all that comes after */
    const struct cancel *cancel;
};

/* The options are borrowed for the call, cancel for longer. On failure *link is NULL. */
bool wire_link_open(struct wire_link **link, const struct wire_link_options *options,
                    struct error *err);
bool wire_link_send(struct wire_link *link, struct slice data, struct error *err);
/* At least one byte; *got is 0 where the other side has ended. */
bool wire_link_receive(struct wire_link *link, uint8_t *data, size_t len, size_t *got,
                       struct error *err);
void wire_link_close(struct wire_link *link);

#endif
