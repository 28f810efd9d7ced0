/*
 * What one thread reads of an archive, on its way to several who restore it: in packets of half a
 * MiB, copied once. Each worker has a queue of some packets, and no more: whoever reads waits.
 * What waits for others is woken by the first failure of anybody, which all of them are told.
 */
#ifndef PGCASK_RESTORE_PACKET_QUEUE_H
#define PGCASK_RESTORE_PACKET_QUEUE_H

#include "base/failure.h"
#include "base/slice.h"

#include <pthread.h>
#include <stdint.h>

#define PACKET_BYTES ((size_t)512 * 1024)
#define PACKET_EVENTS 3072

enum packet_kind {
    PACKET_ENTRIES,  /* data of entries, or of a part of one */
    PACKET_ROWS,     /* whole rows of a table that several workers share */
    PACKET_ROWS_END, /* there are no more of these */
    PACKET_GIVE_UP   /* what is not complete never will be */
};

/* As struct archive_data_handler has them. */
enum packet_event_kind { EVENT_BEGIN, EVENT_BYTES, EVENT_OBJECT, EVENT_OBJECT_END, EVENT_END };

struct packet_event {
    enum packet_event_kind kind;
    uint32_t number; /* of the entry, or the large object */
    uint64_t amount; /* bytes, or rows at the end */
};

struct shared_rows;

struct packet {
    enum packet_kind kind;
    struct shared_rows *shared;
    struct packet_event *events; /* [PACKET_EVENTS], but for rows */
    size_t count;
    uint8_t *bytes; /* [PACKET_BYTES] */
    size_t len;
    struct packet *next;
};

struct packet_queue {
    struct packet *first, *last;
    unsigned waiting; /* in it, and the one that is being worked at */
};

struct packet_queues {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned count;
    struct packet_queue *queues;
    uint32_t chosen; /* for the last packet */
    struct packet *spare;
    bool ended;             /* there will be no more */
    struct failure failure; /* of the first that failed */
};

bool packet_queues_init(struct packet_queues *queues, unsigned count, struct error *err);
void packet_queues_reset(struct packet_queues *queues);

/* An empty one. NULL if there is no memory. */
struct packet *packet_take_spare(struct packet_queues *queues, struct error *err);
void packet_free(struct packet *packet);

/* Hands it to that worker, or (ANY_WORKER) to the one with the least to do, when it has room:
 * *given_to says who, and may be NULL. The packet is taken in any case. Fails with what a worker
 * has failed with. */
#define ANY_WORKER UINT32_MAX
bool packet_put(struct packet_queues *queues, struct packet *packet, uint32_t worker,
                uint32_t *given_to, struct error *err);
void packet_queues_end(struct packet_queues *queues);

/* The next for that worker; NULL: there is none, and if it was to `wait`, will be none. */
struct packet *packet_get(struct packet_queues *queues, uint32_t worker, bool wait);
/* Its work is done. */
void packet_done(struct packet_queues *queues, uint32_t worker, struct packet *packet);

/* Nobody waits for anything any more. */
void packet_queues_fail(struct packet_queues *queues, const struct error *err);

#endif
