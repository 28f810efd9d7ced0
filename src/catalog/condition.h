/*
 * A condition on rows is the user's own SQL, but no more than one expression: it comes to stand in
 * brackets within a statement of ours, and must not get out of them. What is inside of it only a
 * server can judge.
 */
#ifndef PGCASK_CATALOG_CONDITION_H
#define PGCASK_CATALOG_CONDITION_H

#include "base/error.h"

/* *end: at the first semicolon that is outside of quotes, comments and brackets, or at the text's
 * end. A bracket that was not opened, one that is not closed, and a quote or comment that is left
 * open are errors. Strings are as with standard_conforming_strings = on. */
bool condition_find_end(const char *text, const char **end, struct error *err);

#endif
