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
#include "catalog/names.h"
#include "catalog/privileges.h"
#include "catalog/query.h"
#include "base/text_store.h"

struct catalog_object;

/* Order among objects that do not depend on each other; restoring reads the same everywhere. */
enum catalog_priority {
    PRIORITY_ENCODING = 1,
    PRIORITY_STD_STRINGS = 2,
    PRIORITY_SEARCH_PATH = 3,
    PRIORITY_DATABASE = 4,
    PRIORITY_DATABASE_PROPERTIES = 5,
    PRIORITY_SCHEMA = 10,
    PRIORITY_LANGUAGE = 11,
    PRIORITY_COLLATION = 12,
    PRIORITY_TRANSFORM = 13,
    PRIORITY_EXTENSION = 20,
    PRIORITY_SHELL_TYPE = 30,
    PRIORITY_BINARY_CAST = 31, /* another's function may be one of the type that it leads to */
    PRIORITY_CAST = 32,        /* a domain's check may be written with one */
    PRIORITY_TYPE = 33,
    PRIORITY_FUNCTION = 40,
    PRIORITY_AGGREGATE = 41,
    PRIORITY_ACCESS_METHOD = 42,
    PRIORITY_OPERATOR = 43,
    PRIORITY_OPERATOR_FAMILY = 44, /* and classes */
    PRIORITY_CONVERSION = 45,
    PRIORITY_TEXT_SEARCH_PARSER = 46,
    PRIORITY_TEXT_SEARCH_TEMPLATE = 47,
    PRIORITY_TEXT_SEARCH_DICTIONARY = 48,
    PRIORITY_TEXT_SEARCH_CONFIGURATION = 49,
    PRIORITY_FOREIGN = 50,    /* wrappers, and what they serve */
    PRIORITY_EXPRESSION = 59, /* of a generated column */
    PRIORITY_RELATION = 60,
    PRIORITY_OWNED_BY = 61,
    PRIORITY_ATTACH = 62,
    PRIORITY_DEFAULT = 63,
    PRIORITY_TABLE_DATA = 70,
    PRIORITY_SEQUENCE_SET = 71,
    PRIORITY_STATISTICS_DATA = 79,
    PRIORITY_CONSTRAINT = 80,
    PRIORITY_INDEX = 81,
    PRIORITY_INDEX_ATTACH = 82,
    PRIORITY_STATISTICS = 83,
    PRIORITY_RULE = 84,
    PRIORITY_TRIGGER = 85,
    PRIORITY_FK_CONSTRAINT = 86,
    PRIORITY_ROW_SECURITY = 87,
    PRIORITY_POLICY = 88,
    PRIORITY_PUBLICATION = 89,
    PRIORITY_PUBLICATION_TABLE = 90,
    PRIORITY_PUBLICATION_SCHEMA = 91,
    PRIORITY_SUBSCRIPTION = 92,
    PRIORITY_DEFAULT_PRIVILEGES = 93,
    PRIORITY_EVENT_TRIGGER = 94,
    PRIORITY_REFRESH = 99,
    PRIORITY_STATISTICS_DATA_LATE = 100
};

/* What the detail of an object is, where others than its kind look at it (relation.h). */
enum catalog_detail { DETAIL_OWN, DETAIL_RELATION, DETAIL_INDEX, DETAIL_CHECK };

/* What schema_only and data_only go by. What is refreshed needs both. */
enum catalog_content { CONTENT_SCHEMA, CONTENT_DATA, CONTENT_REFRESH, CONTENT_ALWAYS };

struct catalog_kind {
    const char *desc; /* in the table of contents: "TABLE" */
    const char *word; /* in SQL where that differs (DROP …, COMMENT ON …), else NULL */
    enum archive_section section;
    enum catalog_priority priority;
    enum catalog_content content;
    bool no_owner;     /* the entry shows none */
    bool no_drop;      /* drop is NULL */
    bool may_postpone; /* where a loop leads through what comes after the data, this may come there,
                          too */
    unsigned piece_rank; /* of a kind that can be a piece: lower ones are taken off first */

    enum catalog_detail detail;

    /* The definition where it is not fixed before loops are broken; may change `entry`. NULL:
     * object->definition is all. */
    void (*write)(struct catalog *catalog, const struct catalog_object *object,
                  struct archive_entry *entry, struct sql *sql);
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
    bool left_out;               /* not wanted, nor what is said of it */
    bool hidden;                 /* stands for others in the graph, but is no entry */
    struct catalog_object *host; /* this is a piece of that */
    struct catalog_object *pieces, *next_piece; /* those of this one */
    struct catalog_object *comes_with; /* of a piece: once taken off it is no entry, because it
                                          comes with that piece, which is then taken off, too */
    struct catalog_object *tied;       /* of a piece: towards the one that speaks for its ties */
    bool tied_off;                     /* of that one: one of them was taken off */
    struct catalog_object *shell; /* of a type: what its input and output functions depend on */
    struct catalog_extra *extras, *last_extra;
    struct text_ref data_query; /* COPY … TO STDOUT; the entry has data */
    struct text_ref copy;       /* COPY … FROM stdin; */
    void *detail;               /* the kind's own */
};

/* A column of a kind's own catalog that holds the oid of a row of another one, or 0. */
struct catalog_reference {
    const char *column;  /* NULL: the end of a list */
    const char *catalog; /* "pg_proc" */
    const char *what;    /* "function", for the message where that row is gone */
};

/* Entries that are put together when they are asked for, of what there may be far too many of to be
 * objects. They stand behind all objects of their section, and nothing needs them. */
struct catalog_run {
    enum archive_section section;
    uint32_t count;
    /* Borrowed until the next entry. number: from 0. */
    bool (*entry)(struct catalog *catalog, void *context, uint32_t number,
                  struct archive_entry *entry, struct error *err);
    /* NULL, or which large objects it has the bytes of, as indexes. */
    void (*objects)(void *context, uint32_t number, uint32_t *first, uint32_t *count);
    void *context; /* lives as long as the catalog */
    uint32_t at;   /* the catalog's own: the number of its first entry */
};

#define CATALOG_RUNS_MAX 4

/* The catalog that has a row for each object of a kind, for what goes over all kinds: whether its
 * owner or schema is gone (dangling.c), whether a row was changed meanwhile (changes.c). */
struct catalog_home {
    const char *catalog; /* "pg_collation" */
    const char *word;    /* "COLLATION", as ALTER … OWNER TO has it */
    const char *name;    /* the column of its name; NULL: `label` says it */
    const char *schema;  /* of its schema's oid; NULL: it lies in none, */
    const char *owner;   /* of its owner's; NULL: it has none */
    const char *label;   /* SQL of the name without the schema, as ALTER … OWNER TO has it, where
                            the quoted `name` is not all of it; h: the row. Of the snapshot alone */
    const struct catalog_reference *references; /* to anything else; NULL: none */
};

/* SQL of the name of a type or routine, qualified, that the snapshot has: for labels. */
#define LABEL_OF_TYPE(oid)                                                                         \
    "(SELECT pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(lt.typname)\n"    \
    "   FROM pg_catalog.pg_type lt\n"                                                              \
    "   JOIN pg_catalog.pg_namespace ln ON ln.oid = lt.typnamespace WHERE lt.oid = " oid ")"

/* What a step asks of objects that are not dumped, of other sessions' temporary ones above all,
 * it should not ask at all: they come and go, and the server's functions fail over them. */
struct catalog_step {
    const char *what;                  /* "types", for messages */
    unsigned order;                    /* steps run by this, lowest first; see below */
    const struct catalog_query *query; /* asked first; may be NULL */
    bool (*read)(struct catalog *catalog, struct error *err); /* then; may be NULL */
    const struct catalog_home *home; /* NULL: dangling.c and changes.c have what there is to say */
    bool whole_only; /* its objects lie in no schema: not asked where only some are wanted */
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
    READ_BEFORE_RELATIONS = 25, /* what other kinds only name: collations, languages, … */
    READ_RELATIONS = 30,        /* and locks tables: as early as can be */
    READ_TYPES = 40,
    READ_FUNCTIONS = 50,
    READ_OF_TABLES = 60, /* columns, constraints, indexes, triggers, … */
    READ_DATA = 70,
    READ_COMMENTS = 80, /* and whatever goes over all objects */
    READ_MISPLACED = 90 /* what the steps before have left */
};

/* ---- The machine, for steps ---- */

struct arena *catalog_arena(struct catalog *catalog);
int catalog_server_major(const struct catalog *catalog);     /* 13 … 18 */
const char *catalog_encoding(const struct catalog *catalog); /* that texts come in */
const struct catalog_options *catalog_options(const struct catalog *catalog);

/* A new object, known by class and oid. schema, name and owner are copied; identity becomes
 * schema.name, quoted as needed. A row that something stands for stands for this from now on. NULL:
 * out of memory, or the owner is no role. */
struct catalog_object *catalog_add(struct catalog *catalog, const struct catalog_kind *kind,
                                   uint32_t class_oid, uint32_t oid, const char *schema,
                                   const char *name, const char *owner, struct error *err);

/* Identity other than schema.name: "f(a integer)" becomes "schema.f(a integer)". */
bool catalog_set_identity(struct catalog *catalog, struct catalog_object *object,
                          const char *plain_identity, struct error *err);

/* Names a routine: f(a integer) is how DROP, COMMENT and GRANT do, f(integer) how an archive does.
 */
bool catalog_set_routine_identity(struct catalog *catalog, struct catalog_object *object,
                                  const char *identity_arguments, const char *types,
                                  struct error *err);

/* The tag of what belongs to another object: "t c". */
bool catalog_set_tag_of_part(struct catalog *catalog, struct catalog_object *object,
                             const struct catalog_object *whole, struct error *err);

/* "c ON schema.t" for what belongs to a relation (its schema and owner are the relation's). */
bool catalog_set_identity_on(struct catalog *catalog, struct catalog_object *object,
                             const struct catalog_object *relation, struct error *err);

/* That row stands for the object, too. */
bool catalog_alias(struct catalog *catalog, uint32_t class_oid, uint32_t oid,
                   struct catalog_object *object, struct error *err);

/* NULL if it is not known. One that is hidden or left out is given, too. */
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

/* In the order of their sections; one of no entries is none. */
bool catalog_add_run(struct catalog *catalog, const struct catalog_run *run, struct error *err);
/* Numbers for its entries. */
bool catalog_reserve_dump_ids(struct catalog *catalog, uint64_t count, int32_t *first,
                              struct error *err);

/* Makes `piece` a part of `host`'s definition until loops are broken. */
void catalog_make_piece(struct catalog_object *piece, struct catalog_object *host);

/* Makes it an entry of its own. */
void catalog_take_off(struct catalog_object *piece);

/* Ties two pieces of different hosts: once loops are broken both are taken off, or none. */
void catalog_tie(struct catalog_object *piece, struct catalog_object *other);
/* The one that speaks for all that the piece is tied to; it may be itself. */
struct catalog_object *catalog_tied(struct catalog_object *piece);

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

/* Keeps the text as that of *ref: ends it, see sql.h. */
bool sql_put(struct sql *sql, struct catalog *catalog, struct text_ref *ref);
/* Adds a text that was kept; nothing if there is none. */
void sql_stored(struct sql *sql, struct catalog *catalog, struct text_ref ref);

/* A COMMENT, ACL, … behind the object. tag and owner are copied. */
struct catalog_extra *catalog_add_extra(struct catalog *catalog, struct catalog_object *object,
                                        const char *desc, const char *tag, const char *text,
                                        struct error *err);

/* What a comment is about, as COMMENT ON has it. */
struct comment_subject {
    const char *word;
    const char *identity, *plain_identity;
    const char *column; /* of a relation; NULL: the object itself */
};

/* The entry of a comment behind the object. */
bool catalog_add_comment(struct catalog *catalog, struct catalog_object *object,
                         const struct comment_subject *subject, const char *comment,
                         struct error *err);

/* Something of the database is not in the archive: a warning now, and a line of what is told of the
 * backup later (catalog_left_out). Always true, but for memory. */
bool catalog_leave_out(struct catalog *catalog, struct error *err, const char *format, ...)
    ERROR_PRINTF(3, 4);

/* The kind's word in SQL. */
const char *catalog_word(const struct catalog_object *object);

/* ---- What is wanted (selection.c) ---- */

/* Where only part of a database is, a query that has IN_USERS_SCHEMA or OF_WANTED_RELATION
 * (columns.h) in it gives no more than that, and a step with whole_only is left out. So a kind asks
 * nothing of these unless it is one of theirs.
 *
 * Whether a list names schemas: public is made like any other then. */
bool catalog_names_schemas(const struct catalog *catalog);
/* Whether what lies in no schema is wanted. */
bool catalog_wants_all(const struct catalog *catalog);
/* Privileges on what initdb made, of that catalog. */
bool catalog_wants_system(const struct catalog *catalog, uint32_t class_oid);
bool catalog_wants_extension(const struct catalog *catalog, uint32_t oid);
bool catalog_wants_schema(const struct catalog *catalog, uint32_t oid);
bool catalog_wants_relation(const struct catalog *catalog, uint32_t oid);

/* The rows of a table, the state of a sequence, what is in a materialized view. */
bool catalog_wants_rows(const struct catalog *catalog, uint32_t relation, bool unlogged);
bool catalog_wants_large_objects(const struct catalog *catalog);
/* Those of a table of an extension that is part of its configuration. */
bool catalog_wants_configuration(const struct catalog *catalog, uint32_t relation, uint32_t schema,
                                 uint32_t extension);
/* Those of foreign tables of that server. */
bool catalog_wants_foreign_rows(const struct catalog *catalog, uint32_t server);

/* Not all rows of that table are wanted: " WHERE (…) AND (…)". */
bool catalog_has_row_condition(const struct catalog *catalog, uint32_t table);
void catalog_add_row_condition(const struct catalog *catalog, uint32_t table, struct sql *sql);

/* ---- Catalogs whose oids never change ---- */

enum {
    CLASS_CONFIGURATION = 1, /* of no catalog: an extension's table as what has its rows */
    CLASS_DEFAULT_PRIVILEGE = 826,
    CLASS_TYPE = 1247,
    CLASS_PROCEDURE = 1255,
    CLASS_RELATION = 1259,
    CLASS_DATABASE = 1262,
    CLASS_FOREIGN_SERVER = 1417,
    CLASS_USER_MAPPING = 1418,
    CLASS_FOREIGN_DATA_WRAPPER = 2328,
    CLASS_ACCESS_METHOD = 2601,
    CLASS_OPERATOR_MEMBER = 2602, /* pg_amop, */
    CLASS_FUNCTION_MEMBER = 2603, /* pg_amproc */
    CLASS_DEFAULT = 2604,
    CLASS_CAST = 2605,
    CLASS_CONSTRAINT = 2606,
    CLASS_CONVERSION = 2607,
    CLASS_LANGUAGE = 2612,
    CLASS_LARGE_OBJECT = 2613,
    CLASS_SCHEMA = 2615,
    CLASS_OPERATOR_CLASS = 2616,
    CLASS_OPERATOR = 2617,
    CLASS_REWRITE = 2618,
    CLASS_TRIGGER = 2620,
    CLASS_OPERATOR_FAMILY = 2753,
    CLASS_EXTENSION = 3079,
    CLASS_FOREIGN_TABLE = 3118,
    CLASS_POLICY = 3256,
    CLASS_STATISTICS = 3381,
    CLASS_COLLATION = 3456,
    CLASS_EVENT_TRIGGER = 3466,
    CLASS_TRANSFORM = 3576,
    CLASS_TEXT_SEARCH_DICTIONARY = 3600,
    CLASS_TEXT_SEARCH_PARSER = 3601,
    CLASS_TEXT_SEARCH_CONFIGURATION = 3602,
    CLASS_TEXT_SEARCH_TEMPLATE = 3764,
    CLASS_SUBSCRIPTION = 6100,
    CLASS_PUBLICATION = 6104,
    CLASS_PUBLICATION_TABLE = 6106,
    CLASS_PUBLICATION_SCHEMA = 6237,
};

#endif
