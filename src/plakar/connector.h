/*
 * What stands behind the importer service: something that makes a backup. The service knows
 * records, Plakar and its habits; the connector knows the database.
 */
#ifndef PGCASK_PLAKAR_CONNECTOR_H
#define PGCASK_PLAKAR_CONNECTOR_H

#include "base/cancel.h"
#include "base/error.h"
#include "base/log.h"
#include "record/record.h"

struct connector_setting {
    const char *key, *value;
};

/* What Init brings; borrowed during the call. */
struct connector_request {
    const char *scheme;   /* "postgres+bin" */
    const char *hostname; /* of the machine; may be "" */
    const struct connector_setting *settings;
    size_t setting_count;
    size_t concurrency; /* most records that are read at a time; at least 1 */
};

/* Who a source is in Plakar's eyes. Snapshots are told apart and put together by these three, so
 * they must not change from version to version. */
#define CONNECTOR_ORIGIN_SIZE 1024
struct connector_identity {
    char origin[CONNECTOR_ORIGIN_SIZE];
    const char *type; /* static text */
};

struct connector {
    void *context;

    /* Judges and keeps what was asked for; nothing is connected yet. */
    bool (*configure)(void *context, const struct connector_request *request,
                      struct connector_identity *identity, struct error *err);

    /* The rest is called from one thread that is not configure's, one at a time; a wait must end
     * when cancel is requested. */
    bool (*ping)(void *context, struct cancel *cancel, struct error *err);
    bool (*start)(void *context, struct cancel *cancel, struct record_source **source,
                  struct error *err);
    /* Where in the log the backup starts, as far as the source knows by now; else 0. */
    uint64_t (*position)(void *context, const struct record_source *source);
    /* Whether the backup is nothing without that record. */
    bool (*needs)(void *context, const char *path);
    /* The source gave its last record, and all of them arrived: a word to people. */
    void (*completed)(void *context, const struct record_source *source);
};

#endif
