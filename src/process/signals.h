/* SIGINT, SIGTERM and SIGHUP cancel the job; a broken pipe or a file size limit is an error of
 * the write that met it, not the end of the process. */
#ifndef PGCASK_PROCESS_SIGNALS_H
#define PGCASK_PROCESS_SIGNALS_H

#include "base/cancel.h"

/* Must be called once, before any thread is made; cancel must live until the process ends. */
bool signals_install(struct cancel *cancel, struct error *err);

/* "SIGTERM": the first signal that asked to stop, or NULL. */
const char *signals_received(void);

#endif
