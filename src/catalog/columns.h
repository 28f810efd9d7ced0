/*
 * What many queries have in common: columns, joins and conditions, each under one name.
 *
 * `n` is pg_namespace wherever it is joined. What is in the system's schemas is initdb's, or out of
 * place (unsupported.c warns of it).
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

/* A function by its oid, qualified; null for 0. */
#define COLUMN_FUNCTION(oid) "NULLIF(" oid ", 0::pg_catalog.oid)::pg_catalog.regproc"

/* schema."name" of two columns. */
#define COLUMN_QUALIFIED(schema, name)                                                             \
    "pg_catalog.quote_ident(" schema ") || '.' || pg_catalog.quote_ident(" name ")"

/* The collation `co` where it is not the type's own. */
#define COLUMN_COLLATION(collation, types)                                                         \
    "CASE WHEN " collation " <> " types                                                            \
    " THEN " COLUMN_QUALIFIED("cn.nspname", "co.collname") " END"
#define JOIN_COLLATION(collation)                                                                  \
    "LEFT JOIN pg_catalog.pg_collation co ON co.oid = " collation "\n"                             \
    "LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace\n"

/* "name=value" of an option `o`: name='value', or with the value as it is. */
#define OPTION_QUOTED                                                                              \
    "pg_catalog.quote_ident(pg_catalog.split_part(o, '=', 1)) || '=' ||\n"                         \
    "         pg_catalog.quote_literal(pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1))"
#define OPTION_PLAIN                                                                               \
    "pg_catalog.quote_ident(pg_catalog.split_part(o, '=', 1)) || '=' ||\n"                         \
    "         pg_catalog.substr(o, pg_catalog.strpos(o, '=') + 1)"

#define JOIN_SCHEMA(oid) "JOIN pg_catalog.pg_namespace n ON n.oid = " oid "\n"

/* The schemas that are dumped. */
#define IN_USERS_SCHEMA "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

#endif
