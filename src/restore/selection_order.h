/* The order in which the entries of an archive are gone through: their own, or that of a list file
 * as pg_restore -l prints and -L takes it, with what is not in it first. */
#ifndef PGCASK_RESTORE_SELECTION_ORDER_H
#define PGCASK_RESTORE_SELECTION_ORDER_H

#include "base/error.h"
#include "base/slice.h"

struct selection_ids; /* dump ids, and which entries have them */

struct selection_ids *selection_ids_new(const int32_t *ids, size_t count, struct error *err);
void selection_ids_free(struct selection_ids *ids); /* NULL is allowed */

/* The number of the entry with that id; false: there is none. */
bool selection_ids_find(const struct selection_ids *ids, int32_t id, uint32_t *number);

/* Fills order[count] with numbers. Of a list: lines that begin with an id, in the order that is
 * wanted; ';' begins a comment; a line that says the same again counts for nothing, any other that
 * names no entry is an error. *first: how many at the beginning are in no list. text.data NULL:
 * there is no list. */
bool selection_order_fill(const struct selection_ids *ids, struct slice text, const char *name,
                          uint32_t *order, size_t *first, struct error *err);

#endif
