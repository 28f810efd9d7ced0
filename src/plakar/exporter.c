/* Restoring through Plakar into a server is not possible yet. Its service is there all the same:
 * without it Plakar would say that the plugin is broken, and not what to do instead. */
#include "plakar/exporter.h"

#include "plakar/init_request.h"

/* Hung on calls to tell them apart. */
static char init, ping, export, closing;

#define NOT_YET                                                                                    \
    "not yet: restoring into a server; \"plakar restore -to DIRECTORY\" gives back the files: a "  \
    "data directory that is ready to start, or an archive for pg_restore"

bool exporter_begin(struct exporter *exporter, struct grpc_call *call, const char *path)
{
    const struct {
        const char *name;
        char *method;
    } methods[] = {{"Init", &init}, {"Ping", &ping}, {"Export", &export}, {"Close", &closing}};

    (void)exporter;
    if (strncmp(path, EXPORTER_PREFIX, strlen(EXPORTER_PREFIX)) != 0)
        return false;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(path + strlen(EXPORTER_PREFIX), methods[i].name) == 0)
            grpc_call_set_data(call, methods[i].method);
    }
    return grpc_call_data(call) != NULL;
}

void exporter_message(struct exporter *exporter, struct grpc_call *call, struct slice message)
{
    (void)exporter;
    (void)message;
    if (grpc_call_data(call) == &closing)
        call_answer_nothing(call);
    else if (grpc_call_data(call) != &export)
        grpc_call_end(call, GRPC_UNIMPLEMENTED, NOT_YET);
}

/* What is sent is read to its end, because Plakar shows the status only then. */
void exporter_half_closed(struct exporter *exporter, struct grpc_call *call)
{
    (void)exporter;
    grpc_call_end(call, GRPC_UNIMPLEMENTED, NOT_YET);
}

void exporter_ended(struct exporter *exporter, struct grpc_call *call, bool complete)
{
    (void)complete;
    if (grpc_call_data(call) == &closing)
        exporter->closed = true;
}
