/*
 * What the files of one connection attempt share: connect.c (which host and address),
 * connect_address.c (which encryption), connect_startup.c (startup and authentication).
 */
#ifndef PGCASK_WIRE_CONNECT_INTERNAL_H
#define PGCASK_WIRE_CONNECT_INTERNAL_H

#include "wire/conn_internal.h"

struct attempt {
    struct wire_conn *conn;
    const struct wire_settings *settings;
    const struct wire_connect_options *options;
    const char *host; /* to connect to: hostaddr, else host */
    const char *port;
    const char *database;
    const char *user;
    bool passed; /* the server said AuthenticationOk */
};

/* The first of two texts that is neither NULL nor empty, else c. */
static inline const char *connect_first_set(const char *a, const char *b, const char *c)
{
    if (a != NULL && a[0] != '\0')
        return a;
    return b != NULL && b[0] != '\0' ? b : c;
}

/* Connects to conn->address by conn->deadline, in the ways of encryption that the mode allows, and
 * starts the session. */
bool connect_address(struct attempt *attempt, enum tls_mode mode, struct error *err);

/* From the first message on a connection (which may be under TLS) to ReadyForQuery. */
bool connect_start_session(struct attempt *attempt, struct error *err);

#endif
