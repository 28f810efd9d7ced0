/* The verdict is made once, by whoever comes last or is the first to see that something failed. */
#include "restore/shared_rows.h"

#include <stdlib.h>

struct shared_rows *shared_rows_new(struct packet_queues *queues, uint32_t number,
                                    struct error *err)
{
    struct shared_rows *shared = calloc(1, sizeof(*shared));

    if (shared != NULL) {
        *shared = (struct shared_rows){.queues = queues, .number = number};
        shared->joined = calloc(queues->count, sizeof(*shared->joined));
        if (shared->joined != NULL)
            return shared;
    }
    free(shared);
    error_set_memory(err);
    return NULL;
}

void shared_rows_free(struct shared_rows *shared)
{
    if (shared != NULL)
        free(shared->joined);
    free(shared);
}

bool shared_rows_are_lost(struct shared_rows *shared)
{
    bool lost;

    pthread_mutex_lock(&shared->queues->lock);
    lost = shared->verdict == SHARED_GOES;
    pthread_mutex_unlock(&shared->queues->lock);
    return lost;
}

void shared_rows_lose(struct shared_rows *shared)
{
    pthread_mutex_lock(&shared->queues->lock);
    shared->verdict = SHARED_GOES;
    pthread_cond_broadcast(&shared->queues->changed);
    pthread_mutex_unlock(&shared->queues->lock);
}

bool shared_rows_vote(struct shared_rows *shared, bool taken, uint64_t rows)
{
    struct packet_queues *queues = shared->queues;
    bool stays;

    pthread_mutex_lock(&queues->lock);
    shared->voted++;
    shared->rows += rows;
    if (!taken)
        shared->verdict = SHARED_GOES;
    else if (shared->voted == shared->members && shared->verdict == SHARED_IS_OPEN)
        shared->verdict = SHARED_STAYS;
    pthread_cond_broadcast(&queues->changed);
    while (shared->verdict == SHARED_IS_OPEN && !queues->failure.failed)
        pthread_cond_wait(&queues->changed, &queues->lock);
    if (shared->verdict == SHARED_IS_OPEN)
        shared->verdict = SHARED_GOES;
    stays = shared->verdict == SHARED_STAYS;
    pthread_mutex_unlock(&queues->lock);
    return stays;
}

enum shared_end shared_rows_leave(struct shared_rows *shared, bool kept, uint64_t *rows)
{
    enum shared_end end = SHARED_OTHERS_GO_ON;

    pthread_mutex_lock(&shared->queues->lock);
    shared->left++;
    shared->kept += kept;
    *rows = shared->rows;
    if (shared->left == shared->members)
        end = shared->kept == 0                 ? SHARED_NOTHING
              : shared->kept == shared->members ? SHARED_COMPLETE
                                                : SHARED_PARTIAL;
    pthread_mutex_unlock(&shared->queues->lock);
    return end;
}

bool shared_rows_are_over(struct shared_rows *shared)
{
    bool over;

    pthread_mutex_lock(&shared->queues->lock);
    over = shared->members > 0 && shared->left == shared->members;
    pthread_mutex_unlock(&shared->queues->lock);
    return over;
}
