/*
 * What differs between server versions, for every query of src/catalog: {name} in a query stands
 * for a text that depends on the version. A query brings its own differences, beside its columns;
 * what several need is in versions.c.
 */
#ifndef PGCASK_CATALOG_VERSIONS_H
#define PGCASK_CATALOG_VERSIONS_H

#include "base/buffer.h"

/* {name} becomes the text of the last row with that name whose `since` is not beyond the server's
 * major version. Rows of a name stand together, oldest first; 0 is every version. */
struct version_difference {
    const char *name; /* NULL: the end of a list */
    int since;
    const char *text;
};

/* Appends the query with every {name} replaced. own: a list; NULL: there are only those that all
 * share. A name that is in neither is a mistake of ours and an error. */
bool versions_expand(const char *query, const struct version_difference *own, int major,
                     struct buffer *out, struct error *err);

#endif
