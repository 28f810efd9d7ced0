/*
 * What a kind of object is made of, for the files that read kinds: src/catalog/kinds.
 *
 * Each such file is one step of reading: its queries, the SQL it makes of their rows, and the kinds
 * it finds. A new file kinds/NAME.c with a `const struct catalog_step catalog_step_NAME` is picked
 * up by the build; nothing else has to know of it. What goes over many kinds is a step as well
 * (read.c lists those), but lies beside kinds, not in it.
 *
 * Objects form a graph. Most of it comes from pg_depend by itself: an object is known by its class
 * and oid, and by every further row that stands for it (catalog_alias): a table by its row type, a
 * constraint by its index, an extension by each of its members.
 *
 * A **piece** is an object that usually is part of its host's definition: a CHECK of its table, a
 * default of its column, the query of a view. What a piece needs its host needs, until that makes a
 * loop: then the piece is taken off and becomes an entry of its own (host is NULL from then on).
 */
#ifndef PGCASK_CATALOG_KIND_H
#define PGCASK_CATALOG_KIND_H

#include "base/arena.h"
#include "catalog/catalog.h"
#include "catalog/text_store.h"

struct catalog_object;

/* Order among objects that do not depend on each other; restoring reads the same everywhere. */
enum catalog_priority {
    PRIORITY_ENCODING = 1,
    PRIORITY_STD_STRINGS = 2,
    PRIORITY_SEARCH_PATH = 3,
    PRIORITY_DATABASE = 4,
    PRIORITY_DATABASE_PROPERTIES = 5,
    PRIORITY_SCHEMA = 10,
    PRIORITY_EXTENSION = 20,
    PRIORITY_SHELL_TYPE = 30,
    PRIORITY_TYPE = 31,
    PRIORITY_FUNCTION = 40,
    PRIORITY_AGGREGATE = 41,
    PRIORITY_RELATION = 60,
    PRIORITY_OWNED_BY = 61,
    PRIORITY_ATTACH = 62,
    PRIORITY_DEFAULT = 63,
    PRIORITY_TABLE_DATA = 70,
    PRIORITY_SEQUENCE_SET = 71,
    PRIORITY_CONSTRAINT = 80,
    PRIORITY_INDEX = 81,
    PRIORITY_INDEX_ATTACH = 82,
    PRIORITY_STATISTICS = 83,
    PRIORITY_RULE = 84,
    PRIORITY_TRIGGER = 85,
    PRIORITY_FK_CONSTRAINT = 86,
    PRIORITY_ROW_SECURITY = 87,
    PRIORITY_POLICY = 88,
    PRIORITY_REFRESH = 99
};

struct catalog_kind {
    const char *desc; /* in the table of contents: "TABLE" */
    const char *word; /* in SQL where that differs (DROP …, COMMENT ON …), else NULL */
    enum archive_section section;
    enum catalog_priority priority;
    bool no_owner;     /* the entry shows none */
    bool no_drop;      /* drop is NULL */
    bool may_postpone; /* where a loop leads through what comes after the data, this may come there,
                          too */
    unsigned piece_rank; /* of a kind that can be a piece: lower ones are taken off first */

    /* The definition where it is not fixed before loops are broken: appends SQL to `text`; may
     * change `entry`. NULL: object->definition is all. */
    bool (*write)(struct catalog *catalog, const struct catalog_object *object,
                  struct archive_entry *entry, struct buffer *text, struct error *err);
};

/* A further entry about an object, right behind it. */
struct catalog_extra {
    struct catalog_extra *next;
    const char *desc; /* "COMMENT", "ACL", … */
    const char *tag;
    const char *owner; /* NULL: the object's */
    struct text_ref text;
    int32_t dump_id;
    const struct catalog_extra *after; /* depends on that one, too; may be NULL */
};

struct catalog_object {
    const struct catalog_kind *kind;
    uint32_t class_oid, oid; /* 0, 0: no row of the catalogs */
    uint32_t index;          /* among all objects */
    int32_t dump_id;
    enum archive_section section; /* the kind's, or later if it was postponed */
    const char *schema;           /* unquoted; NULL: none */
    const char *name;             /* unquoted */
    const char *tag;              /* NULL: the name */
    const char *identity;         /* as SQL has it: schema.f(a integer); c ON schema.t */
    const char *plain_identity;   /* the same without the schema: f(a integer); c ON t */
    const char *owner;            /* unquoted */
    struct text_ref definition;
    struct text_ref tail; /* statements that follow the definition, whatever that is */
    struct text_ref drop; /* none: "DROP word identity;" unless the kind says no_drop */
    bool empty_drop;      /* "" */
    const char *tablespace, *access_method;
    char relkind;
    bool hidden;                 /* stands for others in the graph, but is no entry */
    struct catalog_object *host; /* this is a piece of that */
    struct catalog_object *pieces, *next_piece; /* those of this one */
    struct catalog_object *shell; /* of a type: what its input and output functions depend on */
    struct catalog_extra *extras, *last_extra;
    struct text_ref data_query; /* COPY … TO STDOUT; the entry has data */
    struct text_ref copy;       /* COPY … FROM stdin; */
    void *detail;               /* the kind's own */
};

/* What a step asks of objects that are not dumped, of other sessions' temporary ones above all,
 * it should not ask at all: they come and go, and the server's functions fail over them. */
struct catalog_step {
    const char *what; /* "types", for messages */
    unsigned order;   /* steps run by this, lowest first; see below */
    bool (*read)(struct catalog *catalog, struct error *err);
    /* Once every object and every row of pg_depend is known: adds what pg_depend does not say. May
     * be NULL. */
    bool (*link)(struct catalog *catalog, struct error *err);
};

/* Who needs what: relations need schemas and types by name only, so most could run in any order;
 * what attaches to tables comes after them. */
enum catalog_step_order {
    READ_EXTENSIONS = 5,
    READ_DANGLING = 10, /* before anything is made of what points to nothing */
    READ_DATABASE = 15,
    READ_SCHEMAS = 20,
    READ_RELATIONS = 30, /* and locks tables: as early as can be */
    READ_TYPES = 40,
    READ_FUNCTIONS = 50,
    READ_OF_TABLES = 60, /* columns, constraints, indexes, triggers, … */
    READ_DATA = 70,
    READ_COMMENTS = 80, /* and whatever goes over all objects */
    READ_UNSUPPORTED = 90
};

/* ---- The machine, for steps ---- */

struct wire_conn *catalog_conn(const struct catalog *catalog);
struct arena *catalog_arena(struct catalog *catalog);
int catalog_server_major(const struct catalog *catalog); /* 13 … 18 */
const struct catalog_options *catalog_options(const struct catalog *catalog);

/* A row: values as NUL-terminated texts, NULL for SQL nulls; borrowed during the call. */
struct catalog_row {
    size_t count;
    const char *const *values;
    size_t *missing; /* set to the number (from 1) of a column whose value is not there */
};

/* Never NULL. Where the server has no value, as of an object that was dropped meanwhile, it is "",
 * and the query fails once the row's function has returned: what that made of it is not used. */
const char *row_text(const struct catalog_row *row, size_t column);

/* For columns that may be null. */
static inline const char *row_text_or_null(const struct catalog_row *row, size_t column)
{
    return row->values[column];
}
uint32_t row_oid(const struct catalog_row *row, size_t column); /* 0 for a null */
int64_t row_number(const struct catalog_row *row, size_t column);
bool row_flag(const struct catalog_row *row, size_t column); /* 't' */
char row_char(const struct catalog_row *row, size_t column); /* 0 for a null or "" */

/* Runs a query and hands over its rows. In it {name} stands for what the table of differences
 * (versions.c) has for the server's version. */
bool catalog_query(struct catalog *catalog, const char *query, size_t columns,
                   bool (*row)(struct catalog *catalog, void *context,
                               const struct catalog_row *row, struct error *err),
                   void *context, struct error *err);

/* The same for a statement that holds names of objects, which may have braces in them. */
bool catalog_query_as_is(struct catalog *catalog, const char *sql, size_t columns,
                         bool (*row)(struct catalog *catalog, void *context,
                                     const struct catalog_row *row, struct error *err),
                         void *context, struct error *err);

/* A new object, known by class and oid. schema, name and owner are copied; identity becomes
 * schema.name, quoted as needed. NULL: out of memory, or the server gave the same row twice. */
struct catalog_object *catalog_add(struct catalog *catalog, const struct catalog_kind *kind,
                                   uint32_t class_oid, uint32_t oid, const char *schema,
                                   const char *name, const char *owner, struct error *err);

/* Identity other than schema.name: "f(a integer)" becomes "schema.f(a integer)". */
bool catalog_set_identity(struct catalog *catalog, struct catalog_object *object,
                          const char *plain_identity, struct error *err);

/* Names a function: f(a integer) is how DROP, COMMENT and GRANT do, f(integer) how an archive does.
 */
bool function_name(struct catalog *catalog, struct catalog_object *object,
                   const char *identity_arguments, const char *types, struct error *err);

/* "c ON schema.t" for what belongs to a relation (its schema and owner are the relation's). */
bool catalog_set_identity_on(struct catalog *catalog, struct catalog_object *object,
                             const struct catalog_object *relation, struct error *err);

/* That row stands for the object, too. */
bool catalog_alias(struct catalog *catalog, uint32_t class_oid, uint32_t oid,
                   struct catalog_object *object, struct error *err);

/* NULL if it is not known, or hidden and nothing else. */
struct catalog_object *catalog_find(const struct catalog *catalog, uint32_t class_oid,
                                    uint32_t oid);

/* That object needs this one, beyond what pg_depend says. */
bool catalog_depend(struct catalog *catalog, const struct catalog_object *object,
                    const struct catalog_object *needs, struct error *err);

/* The needs of `object` that are its piece's become that one's. Only in link functions. */
bool catalog_pass_needs(struct catalog *catalog, const struct catalog_object *object,
                        const struct catalog_object *piece,
                        bool (*is_pieces)(const struct catalog *catalog,
                                          const struct catalog_object *object,
                                          const struct catalog_object *needed),
                        struct error *err);

/* Makes `piece` a part of `host`'s definition until loops are broken. */
void catalog_make_piece(struct catalog_object *piece, struct catalog_object *host);

/* Makes it an entry of its own. */
void catalog_take_off(struct catalog_object *piece);

/* All objects, in the order they were found. */
size_t catalog_object_count(const struct catalog *catalog);
struct catalog_object *catalog_object_at(const struct catalog *catalog, size_t index);

/* What `object` needs directly: calls visit for each. For link functions. */
bool catalog_visit_needs(const struct catalog *catalog, const struct catalog_object *object,
                         bool (*visit)(void *context, struct catalog_object *needed,
                                       struct error *err),
                         void *context, struct error *err);

/* Whether that name in a list of privileges is the oid of a role that is gone. */
bool catalog_role_is_gone(const struct catalog *catalog, const char *name);

bool catalog_put_text(struct catalog *catalog, const char *text, struct text_ref *ref,
                      struct error *err);
bool catalog_get_text(struct catalog *catalog, struct text_ref ref, const char **text,
                      struct error *err);

/* A COMMENT, ACL, … behind the object. tag and owner are copied. */
struct catalog_extra *catalog_add_extra(struct catalog *catalog, struct catalog_object *object,
                                        const char *desc, const char *tag, const char *text,
                                        struct error *err);

/* The kind's word in SQL. */
const char *catalog_word(const struct catalog_object *object);

/* ---- Names and literals (names.c) ---- */

/* Quoted only if it must be: not of the form [a-z_][a-z0-9_]*, or a keyword of any version that is
 * not unreserved. */
bool name_append(struct buffer *out, const char *name, struct error *err);
/* schema.name, or name alone if schema is NULL. */
bool name_append_qualified(struct buffer *out, const char *schema, const char *name,
                           struct error *err);
/* 'text' with quotes doubled; with standard_conforming_strings = on. */
bool literal_append(struct buffer *out, const char *text, struct error *err);
/* $$text$$ with a delimiter that does not occur in it. */
bool dollar_quote_append(struct buffer *out, const char *text, struct error *err);

/* SET's "name TO 'value'" of a setting as the catalogs keep it ("name=value"): those that hold
 * lists of names keep them quoted already. */
bool setting_append(struct buffer *out, const char *setting, struct error *err);

/* ---- Privileges (privileges.c) ---- */

/* One aclitem[] against another, both as the server prints arrays: GRANT and REVOKE statements that
 * make of `usual`, which the object has once it was made, what `acl` says (NULL: nothing to do).
 * What pg_init_privs says counts only for objects that are not made from the archive.
 * `column`: of that column. */
struct privileges {
    const char *acl;   /* NULL: never changed */
    const char *usual; /* acldefault(…) of the kind and owner; NULL: none */
    const char *on;    /* "TABLE", "SEQUENCE", "FUNCTION", … */
    char type;         /* acldefault's letter, 'c' for a column */
    const char *column;
    const char *signature; /* "f(integer)": how GRANT names an aggregate; NULL: by its identity */
};
/* Adds an ACL entry behind the object if there is a difference. */
bool privileges_add(struct catalog *catalog, struct catalog_object *object,
                    const struct privileges *privileges, struct error *err);
/* Appends the statements alone. target: the object as GRANT names it. catalog: knows which roles
 * are gone; NULL: none is. */
bool privileges_append(struct buffer *out, const struct catalog *catalog,
                       const struct privileges *privileges, const char *target, const char *owner,
                       int major, struct error *err);

/* ---- Catalogs whose oids never change ---- */

enum {
    CLASS_TYPE = 1247,
    CLASS_PROCEDURE = 1255,
    CLASS_RELATION = 1259,
    CLASS_CONSTRAINT = 2606,
    CLASS_DEFAULT = 2604,
    CLASS_REWRITE = 2618,
    CLASS_TRIGGER = 2620,
    CLASS_SCHEMA = 2615,
    CLASS_EXTENSION = 3079,
    CLASS_STATISTICS = 3381,
    CLASS_POLICY = 3256
};

#endif
