/* The conditions on rows of a filter, before anything is copied. */
#ifndef PGCASK_CATALOG_ROW_CONDITIONS_H
#define PGCASK_CATALOG_ROW_CONDITIONS_H

#include "base/error.h"

struct catalog;

/* Every condition is one that the server takes for its tables, whose rows are wanted; the error
 * names the table and the condition. */
bool row_conditions_check(struct catalog *catalog, struct error *err);

#endif
