/*
 * Members of operator classes and families: rows of pg_amop and pg_amproc.
 *
 * Whose one is pg_depend says: a class's, or a family's alone. What CREATE OPERATOR CLASS is given
 * may become the family's: since 14 a class only keeps what it cannot be without. Whoever made a
 * class or family in this database, all that hangs on it is written; to those of the system and of
 * extensions only what has operators or functions that are dumped themselves.
 */
#ifndef PGCASK_CATALOG_OPERATOR_MEMBERS_H
#define PGCASK_CATALOG_OPERATOR_MEMBERS_H

#include "catalog/kind.h"

/* All members of one class or family. */
struct operator_members {
    uint32_t holder;                    /* its oid */
    const char *schema, *name, *method; /* its own, unquoted */
    const char *list;                   /* OPERATOR 1 s.<(a,a) ,\n    FUNCTION 1 (a, a) s.f(a,a) */
    const char *operators, *functions;  /* oids of the rows, with blanks between; may be NULL */
};

/* What is asked: of every class, and of every family. */
extern const struct catalog_query operator_members_of_classes, operator_members_of_families;

enum {
    MEMBERS_HOLDER,
    MEMBERS_SCHEMA,
    MEMBERS_NAME,
    MEMBERS_METHOD,
    MEMBERS_LIST,
    MEMBERS_OPERATORS,
    MEMBERS_FUNCTIONS,
    MEMBERS_COLUMNS
};

/* Of every class, or of every family. */
bool operator_members_ask(struct catalog *catalog, bool families,
                          bool (*take)(struct catalog *catalog,
                                       const struct operator_members *members, struct error *err),
                          struct error *err);

/* "name USING method": how classes and families are named. */
bool operator_set_identity(struct catalog *catalog, struct catalog_object *object,
                           const char *method, struct error *err);
#define OPERATOR_LABEL(name, method)                                                               \
    "pg_catalog.quote_ident(h." name ") ||\n"                                                      \
    "         coalesce((SELECT ' USING ' || pg_catalog.quote_ident(a.amname)\n"                    \
    "                     FROM pg_catalog.pg_am a WHERE a.oid = h." method "), '')"

/* Their rows stand for that object from now on: what they need it needs. */
bool operator_members_alias(struct catalog *catalog, const struct operator_members *members,
                            struct catalog_object *object, struct error *err);

#endif
