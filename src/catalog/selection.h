/*
 * What of this database a filter (filter.h) comes to: patterns become objects once, before anything
 * else is read. Steps ask what is wanted by the functions of kind.h; most need not, because a query
 * says {schema n.oid} or {relation c.oid} by the macros of columns.h, and what is not wanted is not
 * asked for.
 */
#ifndef PGCASK_CATALOG_SELECTION_H
#define PGCASK_CATALOG_SELECTION_H

#include "base/arena.h"
#include "base/buffer.h"

#include <stdint.h>

/* Sorted. */
struct oid_set {
    uint32_t *oids;
    size_t count, capacity;
};

/* The rows of a table that are wanted; several of a table: those for which all hold. */
struct row_condition {
    uint32_t table;
    size_t number; /* of the filter's */
};

struct catalog;

struct selection {
    bool schema_only; /* no rows of anything */
    bool limited;     /* else everything is wanted, and nothing below counts */
    bool some;        /* lists say what to take: what lies in no schema is not wanted */
    bool some_tables; /* of those only tables are wanted, whatever schema they are in */
    bool some_schemas, some_extensions;
    bool relations_limited, schemas_limited;
    struct oid_set relations; /* those that are wanted */
    struct oid_set schemas;   /* of which everything is wanted */
    struct oid_set extensions, servers;
    struct oid_set tables;     /* named by a list */
    struct oid_set not_tables; /* likewise, not wanted */
    struct oid_set no_rows;    /* definitions are wanted only */
    struct oid_set named_schemas, not_schemas, not_extensions;
    struct row_condition *conditions; /* by table */
    size_t condition_count, condition_capacity;
    const char **texts; /* of all conditions by their numbers, as the session has them */
};

/* Looks for what the filter of the catalog's options names, and settles what is wanted. */
bool selection_read(struct catalog *catalog, struct error *err);

/* Fills the sets that lists name. path: schemas in which a table is found without its schema, an
 * array's text. */
bool selection_search(struct catalog *catalog, const char *path, struct error *err);

void selection_reset(struct selection *selection);

bool oid_set_has(const struct oid_set *set, uint32_t oid);
bool oid_set_add(struct oid_set *set, uint32_t oid, struct error *err);
void oid_set_sort(struct oid_set *set);

/* Appends the text with {schema …}, {relation …}, {rows …} (of a relation), {server …} (rows of its
 * foreign tables) and {schemas are named} replaced by what they stand for. NULL: everything is
 * wanted, but no foreign rows. */
bool selection_expand(const struct selection *selection, const char *text, struct buffer *out,
                      struct error *err);

#endif
