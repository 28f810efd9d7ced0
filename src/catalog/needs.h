/* What is wanted needs, and is not wanted itself. */
#ifndef PGCASK_CATALOG_NEEDS_H
#define PGCASK_CATALOG_NEEDS_H

#include "catalog/kind.h"

/* That object needs the row of that class and oid, which `needed` stands for, NULL: nothing. */
bool needs_note(struct catalog *catalog, const struct catalog_object *object,
                const struct catalog_object *needed, uint32_t class_oid, uint32_t oid,
                struct error *err);

/* Names all that was noted, as what is left out. */
bool needs_tell(struct catalog *catalog, struct error *err);

#endif
