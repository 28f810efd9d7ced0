/* The machine from the inside: objects.c holds the objects, query.c asks
 * for them, read.c runs the steps, depends.c what objects need, order.c puts them in order and
 * breaks loops, entries.c makes entries of them. */
#ifndef PGCASK_CATALOG_CATALOG_INTERNAL_H
#define PGCASK_CATALOG_CATALOG_INTERNAL_H

#include "catalog/kind.h"
#include "catalog/selection.h"

/* A row of a catalog and the object it stands for; a hash table by (class, oid). */
struct catalog_row_of {
    uint32_t class_oid, oid;
    struct catalog_object *object; /* NULL: the place is free */
};

/* object needs needed; both by index. */
struct catalog_edge {
    uint32_t object, needed;
};

/* An entry of the archive: an object, or an extra of one. */
struct catalog_slot {
    struct catalog_object *object;
    struct catalog_extra *extra; /* NULL: the object itself */
};

/* A row that something in the archive needs, and that nothing in it stands for. */
struct catalog_need {
    uint32_t class_oid, oid;
};

/* A role that is gone but has privileges: in lists of these its oid stands for its name. */
struct gone_role {
    struct gone_role *next;
    const char *name;
};

/* What of the database is not in the archive, in the order it was found. */
struct catalog_line {
    struct catalog_line *next;
    const char *text;
};

/* Definitions that are asked for when their entries are, some of them at once
 * (statistics_data.c). */
enum { BATCH_MAX = 64 };

struct catalog_batch {
    struct sql texts; /* one behind the other */
    struct {
        uint32_t oid;
        size_t begin, end; /* in texts */
    } items[BATCH_MAX];
    size_t filled;
    size_t slot; /* of the first one */
};

/* Where answers come from: the connection, or what a unit test has for the purpose. */
struct catalog_server {
    bool (*ask)(struct catalog *catalog, const char *sql, size_t columns,
                bool (*take)(struct catalog *, void *, const struct catalog_row *, struct error *),
                void *context, struct error *err);
    bool (*run)(struct catalog *catalog, const char *sql, struct error *err);
};

extern const struct catalog_server catalog_server_wire;

struct catalog {
    const struct catalog_server *server;
    struct wire_conn *conn;
    struct catalog_options options;
    struct selection selection; /* what is wanted */
    int major;
    struct arena arena;
    struct text_store *texts;

    struct catalog_object **objects;
    size_t object_count, object_capacity;
    struct catalog_row_of *rows;
    size_t row_count, row_capacity; /* capacity: a power of two */
    struct catalog_edge *edges;     /* sorted by object once read */
    size_t edge_count, edge_capacity;
    size_t edges_sorted; /* of them; those behind were added since, and are not found yet */
    int32_t last_dump_id;
    struct catalog_need *needs;
    size_t need_count, need_capacity;

    struct catalog_slot *slots;
    size_t slot_count;
    uint32_t reserved_ids; /* of dump ids, those that no slot has */
    struct catalog_run runs[CATALOG_RUNS_MAX];
    size_t run_count;
    struct large_objects *large_objects; /* NULL: there are none */
    char *database, *encoding;
    struct gone_role *gone_roles;
    struct catalog_batch batch;
    struct catalog_line *left_out, *last_left_out;

    struct sql definition, drop, copy; /* of the entry given last */
    int32_t *dependencies;             /* of the entry given last */
    size_t dependency_capacity;
};

/* Whether it is an entry, and whether what is said of it is. */
bool catalog_is_entry(const struct catalog *catalog, const struct catalog_object *object);
bool catalog_is_wanted(const struct catalog *catalog, const struct catalog_object *object);

/* Reads pg_depend. */
bool depends_read(struct catalog *catalog, struct error *err);
/* Sorts edges and removes those that are there twice. */
bool depends_sort(struct catalog *catalog, struct error *err);
/* The edges of an object: from edges[first] on, *count of them. */
size_t depends_of(const struct catalog *catalog, const struct catalog_object *object,
                  size_t *count);

/* Nothing is known of the database yet; catalog_free frees it. NULL: out of memory. */
struct catalog *catalog_new(struct wire_conn *conn, const struct catalog_options *options,
                            struct error *err);

/* What a step asks and does. */
bool step_read(struct catalog *catalog, const struct catalog_step *step, struct error *err);

/* Takes off what is tied to what was taken off. */
void catalog_take_off_tied(struct catalog *catalog);

/* Breaks loops and fills slots. */
bool order_objects(struct catalog *catalog, struct error *err);

/* Once slots are filled: where runs stand. */
void runs_place(struct catalog *catalog);
/* The run that an entry's number is in, and *number is counted from its first; or NULL, and it is a
 * slot's. */
const struct catalog_run *runs_find(const struct catalog *catalog, uint32_t *number);
/* Entries of all of them. */
uint32_t runs_count(const struct catalog *catalog);

/* The steps of kinds, as the build found them in kinds. */
extern const struct catalog_step *const catalog_kind_steps[];
extern const size_t catalog_kind_step_count;

/* Those of no one kind. */
extern const struct catalog_step catalog_step_comments;
extern const struct catalog_step catalog_step_dangling;
extern const struct catalog_step catalog_step_extension_dependents;
extern const struct catalog_step catalog_step_extension_rows;
extern const struct catalog_step catalog_step_inheritance;
extern const struct catalog_step catalog_step_member_privileges;
extern const struct catalog_step catalog_step_misplaced;
extern const struct catalog_step catalog_step_security_labels;
extern const struct catalog_step catalog_step_statistics_data;
extern const struct catalog_step catalog_step_tree_locks;

#endif
