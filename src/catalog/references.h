/* What the rows of the catalogs refer to, by oid: the two questions about it. Each adds one SELECT
 * to *sql. */
#ifndef PGCASK_CATALOG_REFERENCES_H
#define PGCASK_CATALOG_REFERENCES_H

#include "catalog/catalog_internal.h"

/* How many references there are to what is not there: of all objects, wanted or not. It is a cheap
 * question, of one row with one number. */
void references_ask_count(const struct catalog *catalog, struct sql *sql);

/* Which of wanted objects there are: class, oid, word as SQL has it, quoted name, what is missing,
 * its oid. It has marks for selection_expand. */
void references_ask_names(const struct catalog *catalog, struct sql *sql);

#endif
