/* Tables, views and sequences from the inside: what kinds/relation.c, kinds/column.c,
 * kinds/constraint.c and others put together, and table_sql.c writes. What is promised here is
 * relation.c's where nothing else is said: it looks at details by kind->detail, and so needs none
 * of those who fill them. */
#ifndef PGCASK_CATALOG_RELATION_H
#define PGCASK_CATALOG_RELATION_H

#include "catalog/kind.h"

struct column {
    int16_t number; /* attnum */
    const char *name;
    const char *type;          /* as format_type has it */
    const char *collation;     /* qualified and quoted, where it is not the type's own */
    const char *default_value; /* the expression; of a generated column its own */
    struct catalog_object *default_object; /* the piece that is the default, or the expression
                                              of a generated column; NULL: none */
    const char *not_null_name;   /* of its NOT NULL constraint where that must be said (18+) */
    const char *options;         /* attoptions: "n_distinct=5, …" */
    const char *foreign_options; /* attfdwoptions: "column_name 'x'", … */
    int32_t statistics;          /* target; -1: the default */
    char identity;               /* 'a', 'd', or 0 */
    char generated;              /* 's', 'v', or 0 */
    char storage;                /* where it is not the type's own, else 0 */
    char compression;            /* 'p', 'l', or 0 */
    bool not_null;
    bool not_null_no_inherit;
    bool is_local;        /* declared here, perhaps inherited as well */
    bool not_null_local;  /* the NOT NULL is to be written here */
    bool value_inherited; /* the expression comes from a parent anyway */
    bool default_dropped; /* has none where its parent has one: DEFAULT NULL */
};

struct relation {
    struct catalog_object *object;
    char relkind;     /* r p v m S c f */
    char persistence; /* p u */
    char replica_identity;
    bool is_partition;
    bool detaching; /* a partition no longer attached: all it has from the whole is its own */
    bool row_security, force_row_security;
    bool unstable_partitions; /* of a partitioned table: its rows may belong elsewhere tomorrow */
    bool populated;
    bool not_here; /* unlogged, and the server is a standby, which has not what is in it */
    bool compared; /* with its parents (inheritance.c) */
    bool has_children;
    const char *reloptions;        /* "fillfactor='70', …", ready for WITH (…) */
    const char *of_type;           /* CREATE TABLE … OF */
    struct text_ref partition_key; /* PARTITION BY … */
    struct text_ref query;         /* of a view */
    const char *check_option;      /* "LOCAL", "CASCADED", NULL */
    const char *server;            /* of a foreign table, and its oid */
    uint32_t server_oid;
    const char *foreign_options; /* the same: "table_name 'x'", …; NULL: none */
    struct column *columns;
    size_t column_count;
    struct relation **parents; /* in order of inhseqno */
    size_t parent_count;
    struct foreign_key *foreign_keys; /* in the order they were made in */
    struct tree_lock *tree_locks;
    const struct catalog_object *reached; /* from that descendant, while trees are walked */
    struct relation *climb; /* where such a walk goes on: the next above or at it that matters */
    bool climb_known;
    /* A walk to the parents and back, which may be of any depth: where it came from, how many
     * parents it has been to. */
    struct relation *came_from;
    size_t parents_seen;
    struct catalog_object *locking_index; /* one whose making changes the table, too */
    struct catalog_object *data; /* its TABLE DATA, SEQUENCE SET or MATERIALIZED VIEW DATA */
};

/* An entry after the data whose statement locks a table and all that inherit from it. */
struct tree_lock {
    struct catalog_object *object;
    struct tree_lock *next;
};

/* Notes that; tree_locks.c says what for. */
bool relation_lock_tree(struct catalog *catalog, struct relation *relation,
                        struct catalog_object *object, struct error *err);

/* NULL if the oid is not that of a relation that is dumped (it may belong to an extension). */
struct relation *relation_find(const struct catalog *catalog, uint32_t oid);
/* NULL if the object is not a table, foreign table, view, materialized view or sequence. */
struct relation *relation_of(const struct catalog_object *object);

/* By attnum; NULL if there is none. */
struct column *relation_column(const struct relation *relation, int16_t number);

/* An object that belongs to the relation: its schema, owner and identity ("c ON schema.t") come
 * from there. */
struct catalog_object *relation_add_part(struct catalog *catalog, const struct catalog_kind *kind,
                                         uint32_t class_oid, uint32_t oid,
                                         const struct relation *relation, const char *name,
                                         struct error *err);

/* What ALTER calls a table: FOREIGN TABLE, or TABLE. */
const char *relation_word(const struct relation *relation);

/* "ALTER TABLE ONLY s.t ALTER COLUMN c", of foreign tables their word. */
void table_alter_column(const struct relation *relation, const struct column *column,
                        struct sql *sql);

/* ALTER TABLE … ENABLE REPLICA RULE r, and the like; enabled as pg_trigger has it. */
void relation_add_enabled(const struct relation *relation, const char *what, const char *name,
                          char enabled, struct sql *sql);

/* What relations are, by relkind: the kinds of other files. */
extern const struct catalog_kind kind_table;             /* table_sql.c */
extern const struct catalog_kind kind_foreign_table;     /* the same */
extern const struct catalog_kind kind_view;              /* kinds/view.c */
extern const struct catalog_kind kind_materialized_view; /* the same */
extern const struct catalog_kind kind_sequence;          /* kinds/sequence.c */

/* ---- Defaults ---- */

/* Makes an object of the default of a column, known by that class and oid. */
bool column_default_make(struct catalog *catalog, struct relation *relation, struct column *column,
                         uint32_t class_oid, uint32_t oid, struct error *err);

/* Its column has moved. */
void column_default_move(struct catalog_object *object, const struct column *column);

/* The expression of a generated column stays in its table, whatever needs it; whether it does. */
void column_expression_keep(struct catalog_object *object);
bool column_expression_is_kept(const struct catalog_object *object);

/* Makes the default of a column an entry of its own: the column stands in a parent's CREATE TABLE
 * only. Where the parent has a default and the column none, that is said by one of NULL. */
bool column_default_stand_alone(struct catalog *catalog, struct relation *relation,
                                struct column *column, struct error *err);

/* ---- Statements (table_sql.c) ---- */

/* What ALTER TABLE … ALTER COLUMN says of a column of a table or materialized view. */
void table_add_column_changes(const struct relation *relation, const struct column *column,
                              struct sql *sql);

/* before and "a, b" of the columns that COPY moves; whether there are any. */
bool table_add_copied_names(const struct relation *relation, const char *before, struct sql *sql);

/* "(a, b)" of the columns that COPY moves, "" if there are none. */
void table_add_copied_columns(const struct relation *relation, struct sql *sql);

/* ---- Checks ---- */

/* A CHECK constraint that is a piece of its table: how it stands inside CREATE TABLE. DETAIL_CHECK.
 */
struct check {
    const struct catalog_object *table;
    struct text_ref definition; /* pg_get_constraintdef */
    bool is_local;              /* else it only comes from parents */
};

/* A CHECK that a partition has because its parent has it: pg_dump knows no comment on that. */
bool check_is_inherited(const struct catalog_object *object);

/* ---- Indexes ---- */

/* An index, whether it is an object of its own or stands behind a constraint. DETAIL_INDEX. */
struct table_index {
    struct catalog_object *object;
    struct relation *table;
    struct table_index *parent;     /* the partitioned index that this is a part of */
    struct foreign_key *references; /* foreign keys that lean on it */
    const char *options;            /* ready for WITH (…) */
    uint32_t oid, parent_oid;
    /* Of that parent, whether it is an object or not. */
    const char *parent_schema, *parent_name, *parent_owner;
    const char *name;
    const char *tablespace;
    struct text_ref after; /* statements that follow its making */
};

struct foreign_key {
    struct catalog_object *object;
    struct foreign_key *next;   /* that leans on the same index */
    struct foreign_key *beside; /* of the same table, later made */
    struct relation *to;        /* the table it refers to; NULL: an extension's */
};

/* The index stands behind that constraint from now on. */
bool table_index_become(struct catalog *catalog, struct table_index *index,
                        struct catalog_object *constraint, struct error *err);

/* NULL if the object is not an index; one that stands behind a constraint is still there, but
 * hidden. */
struct table_index *table_index_of(const struct catalog_object *object);

/* NULL: not an index that is dumped. */
struct table_index *table_index_find(const struct catalog *catalog, uint32_t oid);

#endif
