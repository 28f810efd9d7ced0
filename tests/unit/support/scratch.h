/* A folder for one test, and short ways to fill it and to look at it. Paths are relative to it; a
 * failure to prepare aborts the program. */
#ifndef PGCASK_TESTS_SCRATCH_H
#define PGCASK_TESTS_SCRATCH_H

#include "base/slice.h"

#include <limits.h>

struct scratch_name; /* what scratch_path has given out */

struct scratch {
    char path[PATH_MAX / 2]; /* absolute, without links */
    struct scratch_name *names;
};

void scratch_init(struct scratch *scratch);
void scratch_remove(struct scratch *scratch);

/* The absolute path of `name`; valid until scratch_remove. */
const char *scratch_path(struct scratch *scratch, const char *name);

void scratch_mkdir(struct scratch *scratch, const char *name);
void scratch_write(struct scratch *scratch, const char *name, const char *text);
void scratch_write_bytes(struct scratch *scratch, const char *name, struct slice bytes);
void scratch_link(struct scratch *scratch, const char *target, const char *name);

bool scratch_exists(struct scratch *scratch, const char *name);
bool scratch_is_empty(struct scratch *scratch, const char *name);
/* Whether the file holds exactly that text. */
bool scratch_holds(struct scratch *scratch, const char *name, const char *text);
/* Whether it is a link with exactly that target. */
bool scratch_links(struct scratch *scratch, const char *name, const char *target);
unsigned scratch_mode(struct scratch *scratch, const char *name);

/* For cmocka: a folder for each test; *state is its path. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

#endif
