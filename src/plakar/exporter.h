/* The service plakar.exporter.Exporter: so far it says what it cannot do yet. */
#ifndef PGCASK_PLAKAR_EXPORTER_H
#define PGCASK_PLAKAR_EXPORTER_H

#include "plakar/connector.h"
#include "plakar/grpc.h"

struct exporter {
    bool closed; /* Close was answered */
};

/* The handler's functions, for calls whose path begins with EXPORTER_PREFIX. */
#define EXPORTER_PREFIX "/plakar.exporter.Exporter/"
bool exporter_begin(struct exporter *exporter, struct grpc_call *call, const char *path);
void exporter_message(struct exporter *exporter, struct grpc_call *call, struct slice message);
void exporter_half_closed(struct exporter *exporter, struct grpc_call *call);
void exporter_ended(struct exporter *exporter, struct grpc_call *call, bool complete);

#endif
