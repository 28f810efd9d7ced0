/* One thread a question, one eventfd to say that it has an answer: the I/O thread joins it only
 * when it is over. */
#include "plakar/ask_task.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct ask_task {
    ask_task_fn *ask;
    void *context;
    struct cancel *cancel;
    int wake_fd;
    pthread_t thread;
    bool ok;
    struct error error;
    atomic_bool over; /* ok and error are set */
};

static void *run(void *argument)
{
    struct ask_task *task = argument;
    const uint64_t one = 1;
    ssize_t written;

    task->ok = task->ask(task->context, task->cancel, &task->error);
    atomic_store(&task->over, true);
    written = write(task->wake_fd, &one, sizeof(one));
    (void)written;
    return NULL;
}

struct ask_task *ask_task_start(ask_task_fn *ask, void *context, struct cancel *cancel, int wake_fd,
                                struct error *err)
{
    struct ask_task *task = calloc(1, sizeof(*task));
    int code;

    if (task == NULL) {
        error_set_memory(err);
        return NULL;
    }
    task->ask = ask;
    task->context = context;
    task->cancel = cancel;
    task->wake_fd = wake_fd;
    error_clear(&task->error);
    code = pthread_create(&task->thread, NULL, run, task);
    if (code == 0)
        return task;
    error_set_errno(err, code, "cannot start a thread");
    free(task);
    return NULL;
}

bool ask_task_over(struct ask_task *task, bool *ok, struct error *err)
{
    if (!atomic_load(&task->over))
        return false;
    *ok = task->ok;
    *err = task->error;
    return true;
}

void ask_task_free(struct ask_task *task)
{
    if (task == NULL)
        return;
    pthread_join(task->thread, NULL);
    free(task);
}
