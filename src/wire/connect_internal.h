/*
 * What the files of one connection attempt share: connect.c (which host and address),
 * connect_address.c (which encryption), connect_startup.c (startup and authentication),
 * connect_target.c (whether the session is of the kind that is wanted).
 */
#ifndef PGCASK_WIRE_CONNECT_INTERNAL_H
#define PGCASK_WIRE_CONNECT_INTERNAL_H

#include "wire/conn_internal.h"
#include "wire/settings_internal.h"

/* What went wrong at the addresses before the last one. */
struct connect_failures {
    unsigned count, left_out;
    char text[600];
    char hint[2048]; /* as large as struct error's */
};

struct attempt {
    struct wire_conn *conn;
    const struct wire_settings *settings;
    const struct wire_connect_options *options;
    const char *host; /* this try's, as configured: a name, a socket folder, else the address */
    const char *port;
    const char *database;
    const char *user;
    bool secured;     /* the way of encryption came about, which may be none */
    bool passed;      /* the server said AuthenticationOk */
    bool unfit;       /* there was a session, and it is not what target_session_attrs asks for */
    bool any_will_do; /* the second pass of target_session_attrs=prefer-standby */
    struct connect_failures failures;
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

/* Replaces the hint of an error that the server answered the attempt with (connect_hints.c). */
void connect_hint(const struct attempt *attempt, struct error *err);

/* From the first message on a connection (which may be under TLS) to ReadyForQuery. */
bool connect_start_session(struct attempt *attempt, struct error *err);

/* Whether the session is what target_session_attrs asks for. If not, it is ended, and unfit set. */
bool connect_check_target(struct attempt *attempt, struct error *err);

#endif
