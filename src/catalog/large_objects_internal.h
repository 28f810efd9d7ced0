/* What is kept of large objects. large_objects.c collects it, large_object_entries.c makes entries
 * of it. */
#ifndef PGCASK_CATALOG_LARGE_OBJECTS_INTERNAL_H
#define PGCASK_CATALOG_LARGE_OBJECTS_INTERNAL_H

#include "catalog/large_objects.h"

#include "catalog/catalog_internal.h"

struct large_object {
    uint32_t oid;
    uint32_t class;
};

/* Those with the same owner and privileges. */
struct class {
    const char *owner, *acl, *usual;
    bool has_acl; /* whether there are statements in it */
    uint32_t count, filled;
};

/* A comment, or the labels of all providers. */
struct note {
    uint32_t object : 31; /* first by number; once settled, in the order of reading */
    uint32_t is_label : 1;
    struct text_ref text;
};

struct group {
    uint32_t first, count; /* in the order of reading */
};

/* Where a holder's entries begin. */
struct place {
    uint32_t holder, entry, note;
};

struct large_objects {
    struct catalog *catalog;
    bool grouped;
    struct large_object *objects; /* by number */
    size_t count, capacity;
    struct class *classes;
    size_t class_count, class_capacity;
    uint32_t *class_table; /* of numbers from 1, by their hash */
    size_t table_size;
    struct note *notes;
    size_t note_count, note_capacity;

    uint32_t *order; /* grouped: of objects; NULL: as they are */
    struct group *groups;
    size_t group_count, group_capacity;
    uint32_t holders;
    struct place *marks;
    size_t mark_count, mark_capacity;
    struct place at;           /* that was looked at last */
    int32_t first_id, data_id; /* dump ids of what makes them, and of their bytes */
    bool directly;
    uint32_t page_size;

    /* Of the entry given last. */
    char tag[48];
    int32_t needed;
};

/* In the order of reading. */
const struct large_object *large_objects_at(const struct large_objects *objects, uint32_t index);

/* GRANT and REVOKE of one of that class, as GRANT names it. */
bool large_objects_write_privileges(const struct large_objects *objects, const struct class *class,
                                    const char *target, struct sql *sql);

#endif
