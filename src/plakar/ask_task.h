/* A question to the server in a thread of its own: the I/O thread never waits for one. */
#ifndef PGCASK_PLAKAR_ASK_TASK_H
#define PGCASK_PLAKAR_ASK_TASK_H

#include "plakar/connector.h"

struct ask_task;

typedef bool ask_task_fn(void *context, struct cancel *cancel, struct error *err);

struct ask_task *ask_task_start(ask_task_fn *ask, void *context, struct cancel *cancel, int wake_fd,
                                struct error *err);
/* True once it is over; *ok, and *err if not. wake_fd was written to then. */
bool ask_task_over(struct ask_task *task, bool *ok, struct error *err);
/* Waits for its end: cancel it first. NULL is allowed. */
void ask_task_free(struct ask_task *task);

#endif
