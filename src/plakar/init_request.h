/* Init, the same for importers and exporters. */
#ifndef PGCASK_PLAKAR_INIT_REQUEST_H
#define PGCASK_PLAKAR_INIT_REQUEST_H

#include "plakar/connector.h"
#include "plakar/grpc.h"

struct init_request {
    struct connector_request request; /* borrowed from below */
    char *const *excludes;            /* patterns; borrowed likewise */
    size_t exclude_count;
    void *unpacked;
    struct connector_setting *settings;
};

bool init_request_parse(struct init_request *init, struct slice message, struct error *err);
void init_request_free(struct init_request *init);

/* Flags of InitResponse. */
#define INIT_STREAM 4    /* one pass over the records, no second process to count them */
#define INIT_NOMERGE 16  /* never two sources in one snapshot */
#define INIT_IN_ORDER 64 /* records are wanted folder by folder, each with what is in it */

/* Answers Init and ends the call. */
void init_request_answer(struct grpc_call *call, const struct connector_identity *identity,
                         uint32_t flags);

/* Ends a call with an error's text. */
void call_fail(struct grpc_call *call, enum grpc_status status, const struct error *error);

/* Answers with an empty message and ends the call. */
void call_answer_nothing(struct grpc_call *call);

#endif
