/* What those who read an archive have: a buffer and decompressors, kept for whoever comes next. */
#include "restore/archive_input_internal.h"

#include <stdlib.h>

struct archive_worker *archive_worker_take(struct archive_input *input, struct error *err)
{
    struct archive_worker *worker;

    pthread_mutex_lock(&input->idle_lock);
    worker = input->idle;
    if (worker != NULL)
        input->idle = worker->next;
    pthread_mutex_unlock(&input->idle_lock);
    if (worker != NULL)
        return worker;
    worker = calloc(1, sizeof(*worker));
    if (worker != NULL)
        worker->buffer = malloc(ARCHIVE_READ_SIZE);
    if (worker != NULL && worker->buffer != NULL)
        return worker;
    free(worker);
    error_set_memory(err);
    return NULL;
}

void archive_worker_give_back(struct archive_input *input, struct archive_worker *worker)
{
    if (worker == NULL)
        return;
    pthread_mutex_lock(&input->idle_lock);
    worker->next = input->idle;
    input->idle = worker;
    pthread_mutex_unlock(&input->idle_lock);
}

struct data_checker *archive_worker_checker(struct archive_worker *worker,
                                            enum compression compression, struct error *err)
{
    struct data_checker *checker = &worker->checkers[compression];

    if (checker->decompressor == NULL && !data_checker_init(checker, compression, err))
        return NULL;
    return checker;
}

void archive_workers_free(struct archive_input *input)
{
    while (input->idle != NULL) {
        struct archive_worker *worker = input->idle;

        input->idle = worker->next;
        for (size_t i = 0; i <= COMPRESSION_ZSTD; i++)
            data_checker_reset(&worker->checkers[i]);
        free(worker->buffer);
        free(worker);
    }
}
