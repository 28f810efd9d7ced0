/* Text for people: which known name did they mean, and is it one or several? */
#ifndef PGCASK_BASE_TEXT_H
#define PGCASK_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The candidate that is nearest to `name` by edits (a letter put in, left out, changed, or two
 * neighbours swapped; case does not count), the first one of several; NULL if none is near enough
 * to be what was meant. */
const char *text_nearest(const char *name, const char *const *candidates, size_t count);

/* What makes a noun a plural: printf("%zu file%s", count, TEXT_S(count)). */
#define TEXT_S(count) ((count) == 1 ? "" : "s")

/* Whether both are there and equal, or neither is (NULL). */
bool text_same(const char *a, const char *b);

#endif
