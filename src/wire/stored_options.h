/* Which of the options that a server's catalogs hold are a user's.
 *
 * An array such as pg_attribute.attoptions has one text an option, "name=value". A server may keep
 * values of its own there: 15.20 and 17.12 note in each column when it was made (pg_attver). They
 * mean nothing anywhere else, and a server that does not know them refuses the whole statement. So
 * every query that takes options for an archive, or for the manifest, filters the elements, named
 * `o`, by one of these conditions.
 *
 * Where PostgreSQL alone decides what a user may set, the names are listed: no minor release has
 * ever added one, and a new major release is looked at before it is supported. Where access methods
 * of extensions may define names, all are kept but those with the prefix pg_, which is PostgreSQL's
 * own everywhere. What pg_get_indexdef() and its like print, the server has chosen itself.
 */
#ifndef PGCASK_WIRE_STORED_OPTIONS_H
#define PGCASK_WIRE_STORED_OPTIONS_H

/* pg_attribute.attoptions of what is no index */
#define SQL_USER_COLUMN_OPTION "o ~ '^(n_distinct|n_distinct_inherited)='"

/* pg_tablespace.spcoptions */
#define SQL_USER_TABLESPACE_OPTION                                                                 \
    "o ~ '^(seq_page_cost|random_page_cost|effective_io_concurrency|maintenance_io_concurrency)='"

/* pg_class.reloptions, of toast tables and indexes, too */
#define SQL_USER_STORAGE_OPTION "o !~ '^pg_'"

#endif
