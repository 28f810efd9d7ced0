/*
 * Walks through JSON text that comes in pieces and tells of each value with the path that leads to
 * it, holding nothing but that path and one value: a manifest of twenty thousand tables is a
 * hundred megabytes that nobody wants in memory. Does no I/O.
 *
 * A path is written "databases[].relations[].name". A member whose path does not fit is told of
 * with the path cut short, and a string that does not fit is cut; both never happen to what
 * manifest_decoder.h looks for.
 */
#ifndef PGCASK_BASE_JSON_WALK_H
#define PGCASK_BASE_JSON_WALK_H

#include "base/error.h"
#include "base/slice.h"

#define JSON_WALK_DEPTH 64
#define JSON_WALK_PATH 512
#define JSON_WALK_TEXT 4096

enum json_walk_type {
    JSON_WALK_OBJECT, /* begins */
    JSON_WALK_OBJECT_END,
    JSON_WALK_ARRAY, /* begins */
    JSON_WALK_ARRAY_END,
    JSON_WALK_STRING,
    JSON_WALK_WORD /* a number, true, false or null, as it is written */
};

/* path and text are borrowed during the call; text is "" where there is none. */
typedef void json_walk_fn(void *context, enum json_walk_type type, const char *path,
                          const char *text);

struct json_walk {
    json_walk_fn *tell;
    void *context;
    int state;
    bool key; /* the string being read is a member's name */
    size_t depth;
    char brackets[JSON_WALK_DEPTH];
    size_t path_ends[JSON_WALK_DEPTH + 1]; /* the path's length in each open bracket */
    char path[JSON_WALK_PATH];
    char text[JSON_WALK_TEXT];
    size_t text_len;
    unsigned escape_digits;
    uint32_t escape, high_surrogate;
    uint64_t offset;
};

void json_walk_init(struct json_walk *walk, json_walk_fn *tell, void *context);

/* Fails with ERROR_CORRUPT, naming the byte, at what is not JSON. */
bool json_walk_feed(struct json_walk *walk, struct slice text, struct error *err);

/* Called at the end of the text: fails if the document is not. */
bool json_walk_finish(const struct json_walk *walk, struct error *err);

#endif
