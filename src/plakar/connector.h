/*
 * What stands behind the two services: something that makes a backup, and restores one. The service
 * knows records, Plakar and its habits; the connector knows the database.
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

enum connector_direction { CONNECTOR_IMPORTS, CONNECTOR_EXPORTS };

/* What Init brings; borrowed during the call. */
struct connector_request {
    enum connector_direction direction;
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

/* What becomes of the records that are restored. The functions may be called from any thread. */
struct connector_outcome {
    void *context;
    /* From here on what fails is about the record of that path. */
    void (*begun)(void *context, const char *path);
    /* Something of it failed. path: of the record, or NULL for the one begun last. */
    void (*failed)(void *context, const char *path, const char *text);
    /* All of it was restored, but for what failed. Records that this is not said of are it when
     * the restore ends well. */
    void (*done)(void *context, const char *path);
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
    /* Whether a file whose content is that of the last snapshot may be taken from there. */
    bool (*reusable)(void *context, const struct record *record);
    /* Whether the backup is nothing without that record. Any thread may ask. */
    bool (*needs)(void *context, const char *path);
    /* The source gave its last record, and all of them arrived: a word to people. */
    void (*completed)(void *context, const struct record_source *source);

    /* Restores the records of the source, which is taken over. False if anything of it was not
     * restored, with all that people have to know in *err. */
    bool (*restore)(void *context, struct cancel *cancel, struct record_source *records,
                    const struct connector_outcome *outcome, struct error *err);
};

#endif
