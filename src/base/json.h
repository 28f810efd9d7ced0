/*
 * jansson where memory may run out: its dump can leave out a key without saying so, and its parser
 * calls a text wrong when only memory was short.
 */
#ifndef PGCASK_BASE_JSON_H
#define PGCASK_BASE_JSON_H

#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#include <jansson.h>

/* Appends the value as text; flags are json_dumps's. */
bool json_text_append(struct buffer *out, const json_t *value, size_t flags, struct error *err);

/* The value of a text; flags are json_loadb's. NULL: ERROR_MEMORY, or ERROR_CORRUPT with what is
 * wrong about the text. */
json_t *json_text_parse(struct slice text, size_t flags, struct error *err);

#endif
