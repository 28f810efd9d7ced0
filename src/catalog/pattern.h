/*
 * Patterns of names as pg_dump's options and psql's \d have them (PostgreSQL docs, psql,
 * "Patterns"):
 *
 *     orders          letters are folded to lower case: orders, Orders and ORDERS are the same
 *     "Orders"        within quotes everything stands for itself, "" for a quote
 *     ord*, or?ers    any text, any one character
 *     ord(ers|inals)  the rest is a regular expression of PostgreSQL, for the whole of a name;
 *                     but $ is a dollar, and [] stands for itself, as in the name of an array type
 *     shop.orders     a dot parts a schema's name from what lies in it
 *     db.shop.orders  and a database's, which has to be the one that is backed up
 *
 * What is made of one is a condition in SQL; nothing here asks a server.
 */
#ifndef PGCASK_CATALOG_PATTERN_H
#define PGCASK_CATALOG_PATTERN_H

#include "base/buffer.h"

/* What a pattern is about says how many names it may have. */
enum pattern_of {
    PATTERN_OF_NAME,    /* no dot: a database, an extension, a server */
    PATTERN_OF_SCHEMA,  /* schema, database.schema */
    PATTERN_OF_RELATION /* table, schema.table, database.schema.table */
};

struct pattern {
    char *database; /* as it has to be, no pattern; NULL: none was said */
    char *schema;   /* a regular expression, ^(…)$; of a relation only; NULL: none was said */
    char *name;     /* a regular expression */
};

/* An error names the pattern: too many dots, quotes that nothing closes, nothing at all. */
bool pattern_parse(struct pattern *pattern, const char *text, enum pattern_of what,
                   struct error *err);

/* Also after a failed parse; {0} is allowed. */
void pattern_free(struct pattern *pattern);

/* Fails if the pattern says another database than that. text is what it was made of. */
bool pattern_check_database(const struct pattern *pattern, const char *text, const char *database,
                            struct error *err);

/* Appends whether the text that `column` has in SQL matches the regular expression: of psql's form,
 * or "true" where it matches everything. The collation decides what \w and [[:alpha:]] are. */
bool pattern_append_match(struct buffer *sql, const char *column, const char *regex,
                          struct error *err);

#endif
