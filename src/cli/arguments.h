/*
 * The words of the command line, with secrets taken out of them before anything else looks: a
 * password in a connection string is overwritten in argv's own memory, where ps(1) would show it,
 * and every message that repeats an argument repeats the overwritten form. The original is kept
 * for the one place that connects.
 */
#ifndef PGCASK_CLI_ARGUMENTS_H
#define PGCASK_CLI_ARGUMENTS_H

#include "base/error.h"

#include <stddef.h>

struct arguments {
    size_t count;
    char **shown; /* argv itself, overwritten */
    char **originals;
};

bool arguments_init(struct arguments *arguments, int argc, char **argv, struct error *err);
void arguments_free(struct arguments *arguments); /* wipes the originals */

/* What was typed where `shown` points into one of the words; shown itself if it does not. */
const char *arguments_original(const struct arguments *arguments, const char *shown);

/* Overwrites the passwords of a connection URI or key=value string with '*', in place. */
void arguments_hide_secrets(char *text);

#endif
