/*
 * How many locks a backup of a database takes, and how many the server has room for.
 *
 * Every table that is read stays locked until the end, as do views and sequences once they were
 * looked at, and some 200 catalogs and their indexes. The room is what the documentation says,
 * which is less than there is: with the defaults of 13 to 18, where that is 6,400, the lock table
 * was found full at 12,900 to 14,900 locks of one session.
 */
#include "catalog/catalog.h"

const char catalog_lock_room_query[] =
    "SELECT s.relations, s.held, s.each * s.sessions, s.each,\n"
    "       (s.relations + 200 + s.held) / s.sessions + 1,\n"
    "       s.relations + 200 + s.held > s.each * s.sessions\n"
    "  FROM (SELECT (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class c\n"
    "                  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
    "                 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND c.relpersistence <> 't'\n"
    "                   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'\n"
    "                   AND {relation c.oid}),\n"
    "               (SELECT pg_catalog.count(*) FROM pg_catalog.pg_locks l\n"
    "                 WHERE NOT l.fastpath\n"
    "                   AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()),\n"
    "               pg_catalog.current_setting('max_locks_per_transaction')::pg_catalog.int8,\n"
    "               pg_catalog.current_setting('max_connections')::pg_catalog.int8 +\n"
    "               pg_catalog.current_setting('max_prepared_transactions')::pg_catalog.int8)\n"
    "       s (relations, held, each, sessions)";
