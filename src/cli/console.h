/*
 * Standard error, shared by messages and the live progress line. Messages may come from any
 * thread; each is one write, with everything escaped that could harm a terminal.
 */
#ifndef PGCASK_CLI_CONSOLE_H
#define PGCASK_CLI_CONSOLE_H

#include "base/error.h"
#include "base/log.h"

#include <jansson.h>
#include <pthread.h>

struct console {
    pthread_mutex_t lock;
    bool terminal;    /* a live line is possible */
    bool line_shown;  /* the live line is on the screen */
    json_t *warnings; /* every warning so far, for the result; NULL if nobody asked */
    size_t warning_count;
    struct log log; /* writes here; give it to the libraries */
};

bool console_init(struct console *console, bool keep_warnings, struct error *err);
void console_free(struct console *console);

/* Prints "pgcask: " and the message. */
void console_message(struct console *console, const char *format, ...) ERROR_PRINTF(2, 3);

/* A message that is also kept as a warning. */
void console_warning(struct console *console, const char *format, ...) ERROR_PRINTF(2, 3);

/* message, then "detail: …" and "hint: …". */
void console_error(struct console *console, const struct error *err);

/* Nothing is written until console_release: somebody else has the terminal. */
void console_hold(struct console *console);
void console_release(struct console *console);

/* Replaces the live line; "" takes it away. Only on a terminal. */
void console_live_line(struct console *console, const char *text);

#endif
