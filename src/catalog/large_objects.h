/*
 * Large objects, of which there may be a million: eight bytes each, twelve where the archive groups
 * them, and as much for a comment or a label; entries are put together when they are asked for.
 *
 * An archive of 16 and older has an entry for each of them, and one for the bytes of all. From 17
 * on there are groups of at most a thousand that have the same owner and privileges, with an entry
 * for what makes them and one for their bytes.
 */
#ifndef PGCASK_CATALOG_LARGE_OBJECTS_H
#define PGCASK_CATALOG_LARGE_OBJECTS_H

#include "catalog/kind.h"

struct large_objects;

struct large_objects *large_objects_new(struct catalog *catalog, struct error *err);
void large_objects_free(struct large_objects *objects);

/* The next one, by number, with its privileges as the server prints them: acl may be NULL. */
bool large_objects_add(struct large_objects *objects, uint32_t oid, const char *owner,
                       const char *acl, const char *usual, struct error *err);

/* How their bytes are read: pages of that size from pg_largeobject itself, or by the functions that
 * ask for rights to each. */
void large_objects_read_by(struct large_objects *objects, bool directly, uint32_t page_size);
/* 0: by the functions. */
uint32_t large_objects_page_size(const struct large_objects *objects);

/* A comment, then labels: by the number of the large object, each sort in order. What none has that
 * number is left out. */
bool large_objects_comment(struct large_objects *objects, uint32_t oid, const char *comment,
                           struct error *err);
bool large_objects_label(struct large_objects *objects, uint32_t oid, const char *provider,
                         const char *label, struct error *err);

/* That were all: makes the catalog's runs of entries. */
bool large_objects_settle(struct large_objects *objects, struct error *err);

/* All of them in the order that their bytes are read in, which is in pieces: the large objects from
 * one of these indexes to the next, by ascending numbers. */
uint32_t large_objects_count(const struct large_objects *objects);
uint32_t large_objects_oid(const struct large_objects *objects, uint32_t index);
uint32_t large_objects_piece_count(const struct large_objects *objects);
uint32_t large_objects_piece(const struct large_objects *objects, uint32_t piece);
/* Whether a piece has all large objects whose numbers lie between its own first and last. */
bool large_objects_piece_is_range(const struct large_objects *objects, uint32_t piece);

#endif
