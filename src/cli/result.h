/*
 * The object that --json puts on standard output: exactly one, at the end, whatever happened.
 * Setters do nothing on a NULL object, so that commands need not ask whether --json was given.
 */
#ifndef PGCASK_CLI_RESULT_H
#define PGCASK_CLI_RESULT_H

#include "base/error.h"

#include <jansson.h>
#include <stdint.h>

/* What docs/json.md and docs/pgcask.schema.json describe; it grows when a member changes its
 * meaning or is gone. */
#define RESULT_SCHEMA 1

/* The object of a command: says which schema, which pgcask and which command it is of. */
json_t *result_new(const char *command);

/* A JSON string of any bytes: what is no UTF-8 is written as \xHH. */
json_t *result_text(const char *text);

void result_set(json_t *object, const char *name, json_t *value); /* takes over value */
void result_set_text(json_t *object, const char *name, const char *text);
/* Nothing if the text is empty: what is not known is left out. */
void result_set_known(json_t *object, const char *name, const char *text);
void result_set_number(json_t *object, const char *name, uint64_t number);
void result_set_flag(json_t *object, const char *name, bool flag);

/* The same of one of our messages: options are spelled as on the command line. */
json_t *result_message(const char *text);

/* {"code", "reason", "message", "detail", "hint", "sqlstate", "errno"}; what is empty is left out.
 */
json_t *result_error(const struct error *err);

/* Writes the object and a line feed to a file of that name, which is open. */
bool result_print(const json_t *object, int fd, const char *name, struct error *err);

#endif
