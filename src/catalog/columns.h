/*
 * What many queries have in common: columns and conditions, each under one name.
 *
 * What is in the system's schemas is initdb's, or out of place (misplaced.c warns of it).
 */
#ifndef PGCASK_CATALOG_COLUMNS_H
#define PGCASK_CATALOG_COLUMNS_H

/* The name of a role, by its oid. */
#define COLUMN_ROLE(oid) "pg_catalog.pg_get_userbyid(" oid ")"

/* What privileges an object of that sort (acldefault's letter) has before any are changed. */
#define COLUMN_ACL_USUAL(letter, owner) "pg_catalog.acldefault('" letter "', " owner ")"

/* "a integer, b text" of a routine, as types only. */
#define COLUMN_ARGUMENT_TYPES                                                                      \
    "coalesce((SELECT pg_catalog.string_agg(pg_catalog.format_type(a.type, NULL), ', '\n"          \
    "                                       ORDER BY a.number)\n"                                  \
    "            FROM pg_catalog.unnest(p.proargtypes)\n"                                          \
    "                 WITH ORDINALITY a (type, number)), '')"

/* The collation `co`, of the schema `cn`, where it is not the type's own. */
#define COLUMN_COLLATION(collation, types)                                                         \
    "CASE WHEN " collation " <> " types "\n"                                                       \
    "            THEN pg_catalog.quote_ident(cn.nspname) || '.' ||\n"                              \
    "                 pg_catalog.quote_ident(co.collname) END"

/* "name=value" of an option `o`: name='value', or with the value as it is. */
#define OPTION_QUOTED                                                                              \
    "pg_catalog.quote_ident(pg_catalog.split_part(o, '=', 1)) || '=' ||\n"                         \
    "         pg_catalog.quote_literal(pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1))"
#define OPTION_PLAIN                                                                               \
    "pg_catalog.quote_ident(pg_catalog.split_part(o, '=', 1)) || '=' ||\n"                         \
    "         pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)"

/* What OPTIONS ( ) holds of a foreign-data wrapper, or of what it serves; NULL: nothing. */
#define COLUMN_FOREIGN_OPTIONS(options)                                                            \
    "(SELECT pg_catalog.string_agg(pg_catalog.quote_ident(o.option_name) || ' ' ||\n"              \
    "                              pg_catalog.quote_literal(o.option_value), E',\\n    '\n"        \
    "                              ORDER BY o.option_name)\n"                                      \
    "   FROM pg_catalog.pg_options_to_table(" options ") o)"

/* A function by name, to be called with the arguments that its place says; NULL: none. */
#define COLUMN_FUNCTION(oid) "NULLIF(" oid "::pg_catalog.oid, 0)::pg_catalog.regproc"

/* "s.f(integer)" of the routine `p` in the schema `n`, as CREATE CAST names it. */
#define COLUMN_ROUTINE                                                                             \
    "pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) || '(' ||\n"    \
    "         " COLUMN_ARGUMENT_TYPES " || ')'"

/* Objects of kinds without a schema are the user's from this oid on: initdb makes none there but an
 * extension's. */
#define FIRST_OF_USERS "12000"
enum { FIRST_OF_USERS_OID = 12000 };

/* The schemas that are dumped; n: pg_namespace. Of these, those of which everything is wanted. */
#define IN_ANY_USERS_SCHEMA "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
#define IN_USERS_SCHEMA IN_ANY_USERS_SCHEMA " AND {schema n.oid}"

/* For relations and what belongs to them, in place of that: those that are wanted; c: pg_class. */
#define OF_WANTED_RELATION IN_ANY_USERS_SCHEMA " AND {relation c.oid}"

#endif
