/*
 * Where notes for people go. A struct log is given to whatever may have something to say; the
 * command writes it to standard error, an embedder wherever it likes. NULL is silence.
 */
#ifndef PGCASK_BASE_LOG_H
#define PGCASK_BASE_LOG_H

#include "base/error.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING };

struct log {
    void (*write)(void *context, enum log_level level, const char *message);
    void *context;
    enum log_level threshold; /* lower levels are not formatted at all */
};

/* The message is borrowed by `write` for the call, which may come from any thread that has the log.
 */
void log_message(const struct log *log, enum log_level level, const char *format, ...)
    ERROR_PRINTF(3, 4);

#endif
