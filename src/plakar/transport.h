/*
 * The plugin's one loop: bytes between two descriptors and a gRPC connection, in one thread.
 * Threads that have something ready write to wake_fd.
 */
#ifndef PGCASK_PLAKAR_TRANSPORT_H
#define PGCASK_PLAKAR_TRANSPORT_H

#include "base/cancel.h"
#include "plakar/grpc.h"

struct transport {
    int in, out; /* made non-blocking */
    int wake_fd; /* an eventfd */
    const struct cancel *cancel;
    struct grpc_connection *connection;
    void *context;
    void (*pump)(void *context);      /* after wake_fd was written to */
    bool (*cancelled)(void *context); /* once, when cancel is requested; false ends the loop */
    /* True: everything is flushed, and the loop ends when the peer has gone, or after 30 s, … */
    bool (*done)(void *context);
    bool (*hurried)(void *context); /* … or as soon as this is true */
};

/* Runs until done, or the peer is gone (which is no error), or it broke the protocol. */
bool transport_run(const struct transport *transport, struct error *err);

/* Descriptors 0 and 1 are the connection to the host: moves them where nothing else finds them,
 * and puts /dev/null on 0 and standard error on 1. */
bool transport_take_standard_descriptors(int *in, int *out, struct error *err);

#endif
