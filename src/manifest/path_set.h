/* Which paths have come: 8 bytes each, of which a quarter to a half are in use; no path is kept. */
#ifndef PGCASK_MANIFEST_PATH_SET_H
#define PGCASK_MANIFEST_PATH_SET_H

#include "base/error.h"
#include "base/slice.h"

struct path_set;

struct path_set *path_set_new(struct error *err);
void path_set_free(struct path_set *set);

bool path_set_add(struct path_set *set, struct slice path, struct error *err);
bool path_set_has(const struct path_set *set, struct slice path);

#endif
