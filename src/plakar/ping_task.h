/* A ping in a thread of its own: the I/O thread never waits for a server. */
#ifndef PGCASK_PLAKAR_PING_TASK_H
#define PGCASK_PLAKAR_PING_TASK_H

#include "plakar/connector.h"

struct ping_task;

struct ping_task *ping_task_start(const struct connector *connector, struct cancel *cancel,
                                  int wake_fd, struct error *err);
/* True once it is over; *ok, and *err if not. wake_fd was written to then. */
bool ping_task_over(struct ping_task *task, bool *ok, struct error *err);
/* Waits for its end: cancel it first. NULL is allowed. */
void ping_task_free(struct ping_task *task);

#endif
