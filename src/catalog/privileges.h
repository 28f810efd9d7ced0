/* Privileges: the GRANT and REVOKE statements that make of one aclitem[] another. */
#ifndef PGCASK_CATALOG_PRIVILEGES_H
#define PGCASK_CATALOG_PRIVILEGES_H

#include "catalog/sql.h"

struct catalog;
struct catalog_object;

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
    const char *begin;     /* before GRANT and REVOKE; NULL: nothing */
};
/* Adds an ACL entry behind the object if there is a difference. */
bool privileges_add(struct catalog *catalog, struct catalog_object *object,
                    const struct privileges *privileges, struct error *err);
/* Adds the statements alone to a text; false if that has failed. target: the object as GRANT names
 * it; NULL: `on` is all. catalog: knows which roles are gone; NULL: none is. */
bool privileges_write(struct sql *sql, const struct catalog *catalog,
                      const struct privileges *privileges, const char *target, const char *owner,
                      int major);

#endif
