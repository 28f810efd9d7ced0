/*
 * Writes one JSON document piece by piece: containers are opened and closed by hand, whatever lies
 * inside them is a jansson value. Two spaces of indentation a level, no newline at the end.
 */
#ifndef PGCASK_MANIFEST_JSON_WRITER_H
#define PGCASK_MANIFEST_JSON_WRITER_H

#include "base/buffer.h"

#include <jansson.h>

struct json_writer {
    struct buffer *out; /* the caller may take what is there away between two calls */
    unsigned depth;     /* containers open */
    bool started;       /* the innermost one has something in it already */
};

void json_writer_init(struct json_writer *writer, struct buffer *out);

/* key: of the member, in plain ASCII; NULL for an array's element and for the document itself.
 * bracket: '{' or '['. */
bool json_writer_open(struct json_writer *writer, const char *key, char bracket, struct error *err);

/* bracket: '}' or ']'. */
bool json_writer_close(struct json_writer *writer, char bracket, struct error *err);

bool json_writer_value(struct json_writer *writer, const char *key, const json_t *value,
                       struct error *err);

/* Takes the reference, also on failure. NULL (jansson's "out of memory") fails. */
bool json_writer_take(struct json_writer *writer, const char *key, json_t *value,
                      struct error *err);

/* The text may be anything: what is not UTF-8 is escaped (utf8.h). */
bool json_writer_text(struct json_writer *writer, const char *key, const char *text,
                      struct error *err);

#endif
