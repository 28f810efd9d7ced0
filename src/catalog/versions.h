/* What differs between server versions, for every query of src/catalog. */
#ifndef PGCASK_CATALOG_VERSIONS_H
#define PGCASK_CATALOG_VERSIONS_H

#include "base/buffer.h"

/* Appends the query with every {name} replaced by what the table has for that major version. A name
 * that the table does not have is a mistake of ours and an error. */
bool versions_expand(const char *query, int major, struct buffer *out, struct error *err);

#endif
