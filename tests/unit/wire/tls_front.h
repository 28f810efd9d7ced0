/*
 * TLS in front of a scripted server: takes a connection, answers the request for TLS, and passes
 * what is said under it to the scripted server and back. Each connection has a thread of its own.
 */
#ifndef PGCASK_TESTS_WIRE_TLS_FRONT_H
#define PGCASK_TESTS_WIRE_TLS_FRONT_H

#include "wire/certificates.h"

struct tls_front_options {
    const struct identity *identity;
    const struct identity *client_authority; /* a client needs a certificate of it; NULL: none */
    const char *answer;                      /* to the request for TLS; NULL: "S" */
    bool direct;                             /* no request: TLS at once */
    const char *protocol;                    /* chosen by ALPN; NULL: none */
    int newest;                              /* TLS1_2_VERSION, …; 0: any */
    bool rude;                               /* ends without close_notify */
};

struct tls_front;

/* port: the scripted server's, on 127.0.0.1. The options are copied, identities borrowed. */
struct tls_front *tls_front_new(const char *port, const struct tls_front_options *options);
const char *tls_front_port(const struct tls_front *front);

/* Waits for the connections to end. */
void tls_front_free(struct tls_front *front);

#endif
