/* Databases of a target server: which one an archive goes into, and how one is made. */
#ifndef PGCASK_RESTORE_TARGET_DATABASES_H
#define PGCASK_RESTORE_TARGET_DATABASES_H

#include "restore/restore_request.h"

/* Which database an archive goes into: the request's, the settings' if they name one that not every
 * server has, the one that the archive was made of (header, may be NULL), the file's name without
 * folder and suffix, or at last whatever the settings name. On the heap; NULL with an error of
 * usage where nothing says it. of_several: of a backup of several each goes into its own. */
char *target_database_name(const struct restore_request *request, const char *header,
                           const char *file, bool of_several, struct error *err);

/* Whether the request names one itself: then several archives would go into the same. */
bool target_database_is_named(const struct restore_request *request);
const char *target_database_named(const struct restore_request *request); /* NULL: it names none */

/* The one that the settings name, if that is a way in only, because every server has it, and the
 * archive or script goes into `database`; else NULL. */
const char *target_database_passed_over(const struct restore_request *request,
                                        const char *database);

/* The error of several that would go into the one that the address names. what: "… is of several";
 * may_choose: the only one that is wanted would go there. */
bool target_database_refuse_several(const struct restore_request *request, bool may_choose,
                                    const char *what, struct error *err);

/* Databases that every server has, and that are never dropped. */
bool target_database_is_fixed(const char *name);

/* As an encoding: nothing is converted. What databases are called is bytes. */
#define TARGET_BYTES "SQL_ASCII"

/* A session of some database that lets us in (postgres, template1, that of the settings), with the
 * request's role; encoding: of names, by the server's word for it; NULL: UTF8. */
bool target_connect_any(struct wire_conn **conn, const struct restore_request *request,
                        const char *encoding, struct error *err);

/* A session of that database, likewise. */
bool target_connect(struct wire_conn **conn, const struct restore_request *request,
                    const char *database, const char *encoding, struct error *err);

/* Runs "CREATE DATABASE …" (database_recipe.h). The session is in no transaction. */
bool target_database_create(struct wire_conn *conn, const char *statement, const char *name,
                            struct error *err);

/* Drops what a restore has made, with its subscriptions and whoever is in it, by a session of its
 * own that no cancel reaches; while the server cannot be reached, again for some seconds. False:
 * the hint of *err has every statement that is left to do. */
bool target_database_discard(const struct restore_request *request, const char *name,
                             struct error *err);

/* A name that no database has: out holds 64 bytes. */
bool target_database_interim(char *out, struct error *err);

#endif
