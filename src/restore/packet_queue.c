/*
 * Queues with one lock for all: a packet is a lot of work, so that nobody waits for it. Packets go
 * round, with their memory, which is as much as fits into the queues.
 */
#include "restore/packet_queue.h"

#include <stdlib.h>

/* Of a queue: one is worked at, the others are there when it is done. */
#define QUEUE_ROOM 4

bool packet_queues_init(struct packet_queues *queues, unsigned count, struct error *err)
{
    *queues = (struct packet_queues){.count = count};
    pthread_mutex_init(&queues->lock, NULL);
    pthread_cond_init(&queues->changed, NULL);
    queues->queues = calloc(count, sizeof(*queues->queues));
    return queues->queues != NULL ? true : error_set_memory(err);
}

void packet_free(struct packet *packet)
{
    free(packet->events);
    free(packet->bytes);
    free(packet);
}

static void free_all(struct packet *packet)
{
    while (packet != NULL) {
        struct packet *next = packet->next;

        packet_free(packet);
        packet = next;
    }
}

void packet_queues_reset(struct packet_queues *queues)
{
    for (unsigned i = 0; queues->queues != NULL && i < queues->count; i++)
        free_all(queues->queues[i].first);
    free_all(queues->spare);
    free(queues->queues);
    pthread_cond_destroy(&queues->changed);
    pthread_mutex_destroy(&queues->lock);
}

static struct packet *packet_new(struct error *err)
{
    struct packet *packet = calloc(1, sizeof(*packet));

    if (packet == NULL) {
        error_set_memory(err);
        return NULL;
    }
    packet->events = malloc(PACKET_EVENTS * sizeof(*packet->events));
    packet->bytes = malloc(PACKET_BYTES);
    if (packet->events != NULL && packet->bytes != NULL)
        return packet;
    packet_free(packet);
    error_set_memory(err);
    return NULL;
}

struct packet *packet_take_spare(struct packet_queues *queues, struct error *err)
{
    struct packet *packet;

    pthread_mutex_lock(&queues->lock);
    packet = queues->spare;
    if (packet != NULL)
        queues->spare = packet->next;
    pthread_mutex_unlock(&queues->lock);
    if (packet == NULL)
        return packet_new(err);
    packet->kind = PACKET_ENTRIES;
    packet->shared = NULL;
    packet->count = packet->len = 0;
    packet->next = NULL;
    return packet;
}

/* ---- Putting ---- */

/* Of those that have as little to do the one behind the last that was chosen. */
static uint32_t least_busy(const struct packet_queues *queues)
{
    uint32_t least = (queues->chosen + 1) % queues->count;

    for (uint32_t i = 1; i < queues->count; i++) {
        uint32_t other = (queues->chosen + 1 + i) % queues->count;

        if (queues->queues[other].waiting < queues->queues[least].waiting)
            least = other;
    }
    return least;
}

static struct packet_queue *await_room(struct packet_queues *queues, uint32_t worker,
                                       uint32_t *given_to)
{
    for (;;) {
        uint32_t to = worker == ANY_WORKER ? least_busy(queues) : worker;

        if (queues->failure.failed)
            return NULL;
        if (queues->queues[to].waiting < QUEUE_ROOM) {
            queues->chosen = to;
            if (given_to != NULL)
                *given_to = to;
            return &queues->queues[to];
        }
        pthread_cond_wait(&queues->changed, &queues->lock);
    }
}

static void append(struct packet_queue *queue, struct packet *packet)
{
    packet->next = NULL;
    if (queue->first == NULL)
        queue->first = packet;
    else
        queue->last->next = packet;
    queue->last = packet;
    queue->waiting++;
}

bool packet_put(struct packet_queues *queues, struct packet *packet, uint32_t worker,
                uint32_t *given_to, struct error *err)
{
    struct packet_queue *queue;
    bool done;

    pthread_mutex_lock(&queues->lock);
    queue = await_room(queues, worker, given_to);
    if (queue != NULL)
        append(queue, packet);
    done = failure_check(&queues->failure, err);
    pthread_cond_broadcast(&queues->changed);
    pthread_mutex_unlock(&queues->lock);
    if (queue == NULL)
        packet_free(packet);
    return done;
}

void packet_queues_end(struct packet_queues *queues)
{
    pthread_mutex_lock(&queues->lock);
    queues->ended = true;
    pthread_cond_broadcast(&queues->changed);
    pthread_mutex_unlock(&queues->lock);
}

/* ---- Getting ---- */

struct packet *packet_get(struct packet_queues *queues, uint32_t worker, bool wait)
{
    struct packet_queue *queue = &queues->queues[worker];
    struct packet *packet;

    pthread_mutex_lock(&queues->lock);
    while (wait && queue->first == NULL && !queues->ended && !queues->failure.failed)
        pthread_cond_wait(&queues->changed, &queues->lock);
    packet = queues->failure.failed ? NULL : queue->first;
    if (packet != NULL)
        queue->first = packet->next;
    pthread_mutex_unlock(&queues->lock);
    return packet;
}

void packet_done(struct packet_queues *queues, uint32_t worker, struct packet *packet)
{
    pthread_mutex_lock(&queues->lock);
    queues->queues[worker].waiting--;
    packet->next = queues->spare;
    queues->spare = packet;
    pthread_cond_broadcast(&queues->changed);
    pthread_mutex_unlock(&queues->lock);
}

void packet_queues_fail(struct packet_queues *queues, const struct error *err)
{
    pthread_mutex_lock(&queues->lock);
    failure_keep(&queues->failure, err);
    pthread_cond_broadcast(&queues->changed);
    pthread_mutex_unlock(&queues->lock);
}
