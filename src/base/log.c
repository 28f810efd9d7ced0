/* A note is formatted only where somebody listens, and goes out as one text. */
#include "base/log.h"

#include <stdio.h>

void log_message(const struct log *log, enum log_level level, const char *format, ...)
{
    char text[2048];
    va_list args;

    if (log == NULL || log->write == NULL || level < log->threshold)
        return;
    va_start(args, format);
    error_format(text, sizeof(text), format, args);
    va_end(args);
    log->write(log->context, level, text);
}
