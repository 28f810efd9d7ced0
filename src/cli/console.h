/*
 * Standard error, shared by messages and the live progress line. Messages may come from any
 * thread; each is one write, with everything escaped that could harm a terminal.
 *
 * Each message begins a line with one of three words, so that a program that reads logs can tell:
 * "pgcask: error: ", "pgcask: warning: ", or, of what is only said, "pgcask: ". What follows it
 * begins with "detail: " or "hint: "; the further lines of one text are indented.
 */
#ifndef PGCASK_CLI_CONSOLE_H
#define PGCASK_CLI_CONSOLE_H

#include "base/error.h"
#include "base/log.h"

#include <jansson.h>
#include <pthread.h>
#include <stdint.h>

#define CONSOLE_WARNINGS_KNOWN 1000

struct console {
    pthread_mutex_t lock;
    bool terminal;    /* a live line is possible */
    bool line_shown;  /* the live line is on the screen */
    json_t *warnings; /* every warning so far, for the result; NULL if nobody asked */
    size_t warning_count;
    const struct error_speller *speller;   /* of what texts from below call options */
    uint64_t said[CONSOLE_WARNINGS_KNOWN]; /* hashes of warnings: each is said once */
    size_t said_count;
    struct log log; /* writes here; give it to the libraries */
};

bool console_init(struct console *console, bool keep_warnings, struct error *err);
void console_free(struct console *console);

/* Prints "pgcask: " and the message. */
void console_message(struct console *console, const char *format, ...) ERROR_PRINTF(2, 3);

/* A message that is also kept as a warning. What was said already is not said again: a server gives
 * the same warning to each session. */
void console_warning(struct console *console, const char *format, ...) ERROR_PRINTF(2, 3);

/* A warning of something that failed; it is said as often as it comes. */
void console_failure(struct console *console, const struct error *failure);

/* What preflight found: an error if it is fatal, else a warning; hint may be "". */
void console_finding(struct console *console, bool fatal, const char *message, const char *hint);

/* An error that concerns one file of a backup; what came of all of them is another error. */
void console_problem(struct console *console, const char *path, const char *problem);

/* message, then "detail: …" and "hint: …". */
void console_error(struct console *console, const struct error *err);

/* Nothing is written until console_release: somebody else has the terminal. */
void console_hold(struct console *console);
void console_release(struct console *console);

/* Replaces the live line; "" takes it away. Only on a terminal. */
void console_live_line(struct console *console, const char *text);

#endif
