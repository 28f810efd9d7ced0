/*
 * The patterns by which Plakar leaves records out (-ignore, -ignore-file). Plakar matches them
 * itself and acknowledges such a record without opening it, as it does with one that it cannot
 * take and in a dry run. Which of these it was, only the patterns tell.
 */
#ifndef PGCASK_PLAKAR_EXCLUDES_H
#define PGCASK_PLAKAR_EXCLUDES_H

#include "base/error.h"

struct excludes {
    char **patterns; /* as of gitignore */
    size_t count;
};

/* Copies the patterns. */
bool excludes_init(struct excludes *excludes, char *const *patterns, size_t count,
                   struct error *err);
void excludes_reset(struct excludes *excludes);

/* False if surely none of them matches the path. What a pattern takes back ("!…") is not looked at,
 * and rare forms of patterns are taken to match. */
bool excludes_may_match(const struct excludes *excludes, const char *path);

#endif
