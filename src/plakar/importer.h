/* The service importer.Importer: Init, Ping, Import, Open, Close. No I/O: see transport.h. */
#ifndef PGCASK_PLAKAR_IMPORTER_H
#define PGCASK_PLAKAR_IMPORTER_H

#include "plakar/connector.h"
#include "plakar/grpc.h"

struct importer_options {
    const struct connector *connector;
    struct cancel *cancel;
    const struct log *log;
    const char *(*stopped_by)(void); /* see struct import_job_options */
    int wake_fd;                     /* an eventfd that makes the I/O thread call importer_pump */
};

struct importer;

struct importer *importer_new(const struct importer_options *options, struct error *err);
/* Ends what still runs. After the gRPC connection is freed. NULL is allowed. */
void importer_free(struct importer *importer);

/* The handler's functions, for calls whose path begins with IMPORTER_PREFIX. */
#define IMPORTER_PREFIX "/importer.Importer/"
bool importer_begin(struct importer *importer, struct grpc_call *call, const char *path);
void importer_message(struct importer *importer, struct grpc_call *call, struct slice message);
void importer_half_closed(struct importer *importer, struct grpc_call *call);
void importer_ended(struct importer *importer, struct grpc_call *call, bool complete);

/* Moves what threads have ready into the connection. */
void importer_pump(struct importer *importer);

/* A signal asks to end. False: there is nothing to be ended. */
bool importer_stop(struct importer *importer, const char *why);

/* Close was answered: nothing more will be asked. */
bool importer_closed(const struct importer *importer);

#endif
