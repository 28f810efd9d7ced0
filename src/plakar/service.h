/*
 * What Plakar's services have in common: Init, Ping and Close, the order in which calls may come,
 * and what hangs on a call. A service of one kind adds its own methods. No I/O: see transport.h.
 */
#ifndef PGCASK_PLAKAR_SERVICE_H
#define PGCASK_PLAKAR_SERVICE_H

#include "plakar/connector.h"
#include "plakar/grpc.h"
#include "plakar/init_request.h"

struct service_options {
    const struct connector *connector;
    struct cancel *cancel;
    const struct log *log;
    /* NULL, or names the signal that requested cancel; NULL if none did. Any thread calls it. */
    const char *(*stopped_by)(void);
    int wake_fd; /* an eventfd that makes the I/O thread call service_pump */
};

struct service;

/* A method beside Init, Ping and Close. Functions that are NULL have nothing to do. */
struct service_method {
    const char *name;
    bool streams; /* any number of messages; otherwise one */
    void (*begun)(void *own, struct grpc_call *call);
    void (*message)(void *own, struct grpc_call *call, struct slice message);
    /* Plakar sends nothing more on the call. */
    void (*half_closed)(void *own, struct grpc_call *call);
    /* The call is gone; complete: everything up to its status was sent. */
    void (*ended)(void *own, struct grpc_call *call, bool complete);
};

#define SERVICE_METHODS_MAX 2

/* The importer, or the exporter. `own` is what `make` gave. */
struct service_kind {
    const char *prefix; /* of its methods' paths */
    const char *name;   /* for messages */
    enum connector_direction direction;
    uint32_t flags;  /* of InitResponse */
    bool init_pings; /* Init is answered once the server has */
    struct service_method methods[SERVICE_METHODS_MAX];

    void *(*make)(struct service *service, struct error *err);
    void (*free)(void *own); /* ends what still runs */
    /* What of Init the connector does not know. NULL: nothing. */
    bool (*init)(void *own, const struct init_request *init, struct error *err);
    /* Moves what threads have ready into the calls. True: none of them runs. */
    bool (*pump)(void *own);
    void (*close)(void *own); /* Plakar wants no more */
    /* A signal asks to end. False: there is nothing to be ended. */
    bool (*stop)(void *own, const char *why);
};

extern const struct service_kind importer_kind, exporter_kind;

struct service *service_new(const struct service_kind *kind, const struct service_options *options,
                            struct error *err);
/* Ends what still runs. After the gRPC connection is freed. NULL is allowed. */
void service_free(struct service *service);

/* Whether a path is one of the kind's methods. */
bool service_kind_has(const struct service_kind *kind, const char *path);

/* The handler's functions. */
bool service_begin(struct service *service, struct grpc_call *call, const char *path);
void service_message(struct service *service, struct grpc_call *call, struct slice message);
void service_half_closed(struct service *service, struct grpc_call *call);
void service_ended(struct service *service, struct grpc_call *call, bool complete);

/* Moves what threads have ready into the connection. */
void service_pump(struct service *service);

/* A signal asks to end. False: there is nothing to be ended. */
bool service_stop(struct service *service, const char *why);

/* Close was answered: nothing more will be asked. */
bool service_closed(const struct service *service);

/* ---- For the kinds ---- */

const struct service_options *service_options(const struct service *service);

/* True if the call may go on; false: it was ended, because Init has not come or Close has. */
bool service_ready(const struct service *service, struct grpc_call *call);

#endif
