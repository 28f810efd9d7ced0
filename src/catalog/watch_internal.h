/* What changes.c, query.c and table_locks.c tell and ask of a watch. Where the catalog has none,
 * nothing is allowed and nothing is kept. */
#ifndef PGCASK_CATALOG_WATCH_INTERNAL_H
#define PGCASK_CATALOG_WATCH_INTERNAL_H

#include "catalog/catalog_internal.h"
#include "catalog/watch.h"

#define WATCH_KEYS_MAX 256

/*
 * Those parts of rows that are read as the snapshot has them, and that the server looks at for
 * nothing that it prints: an index's options are such as it prints. A rule's action is one it
 * prints, but as the snapshot has it.
 */
#define WATCH_RAW                                                                                  \
    "relacl,relowner,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,"       \
    "relhasindex,relhasrules,relhastriggers,relhassubclass,nspacl,nspowner,proacl,proowner,"       \
    "prosrc,probin,procost,prorows,proconfig,provolatile,proparallel,prosecdef,proleakproof,"      \
    "proisstrict,attacl,attstattarget,attoptions,typacl,typowner,ev_action,ev_qual,ev_enabled,"    \
    "tgenabled,evtenabled,evtowner,indisclustered,indisreplident,indcheckxmin,lanacl,lanowner,"    \
    "fdwacl,fdwowner,fdwoptions,srvacl,srvowner,srvoptions,srvversion,defaclacl,collowner,"        \
    "collversion,oprowner,opcowner,opfowner,conowner,cfgowner,dictowner,dictinitoption,"           \
    "stxowner,stxstattarget,pubowner,puballtables,pubinsert,pubupdate,pubdelete,pubtruncate,"      \
    "pubviaroot,pubgencols"

/* All else of a row, in short. */
#define WATCH_VALUE(row)                                                                           \
    "(SELECT pg_catalog.hashtextextended(w.t, 0) || ':' || pg_catalog.hashtextextended(w.t, 1)\n"  \
    "   FROM (SELECT (v.j - '{" WATCH_RAW "}'::pg_catalog.text[]\n"                                \
    "                 - CASE WHEN v.j ->> 'relkind' IN ('i', 'I') THEN '' ELSE 'reloptions' END\n" \
    "                )::pg_catalog.text AS t\n"                                                    \
    "           FROM (SELECT pg_catalog.to_jsonb(" row ") AS j) v) w)"

struct watch_key {
    const char *catalog; /* "pg_proc" */
    uint32_t oid;
    int number;           /* of a column; else 0 */
    const char *relation; /* which may be locked; NULL: none */
    const char *value;
};

/* The snapshot is there: nothing was read yet. */
bool watch_begin(struct catalog *catalog, struct error *err);
/* A look at what they are now. */
bool watch_look(struct catalog *catalog, struct error *err);
/* All was read. */
void watch_end(struct catalog *catalog);

/* Whether nothing of that row was another than in the snapshot but what does not matter. */
bool watch_allows(const struct catalog *catalog, const struct watch_key *key);
/* Is to be watched the next time. */
bool watch_add(struct catalog *catalog, const struct watch_key *key, struct error *err);

/* A LOCK TABLE that is to come first the next time. */
bool watch_note_lock(struct catalog *catalog, const char *statement, struct error *err);

#endif
