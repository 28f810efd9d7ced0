/*
 * A database that is being filled has a name of its own, pgcask_restore_… (target_databases.h), and
 * a comment that says what it is: whoever ends the restore with kill -9 leaves nothing that could
 * be taken for the real one. Once it is complete it gets its name; one that has this already is
 * called pgcask_replaced_… in the same transaction, and dropped then, so that at no moment there is
 * neither.
 */
#ifndef PGCASK_RESTORE_TARGET_INTERIM_H
#define PGCASK_RESTORE_TARGET_INTERIM_H

#include "base/preflight.h"
#include "restore/restore_request.h"

/* Runs "CREATE DATABASE …" (database_recipe.h) of that interim name, and marks it as being for
 * `name`. Where it may be there all the same (the connection was lost, or cancelled) *made is true.
 */
bool target_interim_create(struct wire_conn *conn, const char *statement, const char *interim,
                           const char *name, bool *made, struct error *err);

/* Gives it its name, whoever has that now. False: it could not be, and *err says what to type; or
 * the one that had the name could not be dropped. No cancel is heard meanwhile: `cancel` is the
 * session's own. */
bool target_interim_put_in_place(struct wire_conn *conn, const char *interim, const char *name,
                                 bool replaces, struct cancel *cancel, struct error *err);

/* It has its interim name for good, because something failed: tells what to type, to have it in the
 * place of the one that was there or to drop it. conn: of any database; NULL: none could be had. */
void target_interim_tell_aside(struct wire_conn *conn, const char *interim, const char *name,
                               struct preflight_report *report);

/* Puts a new database in the place of the one of that name, both of which is done at once: it is
 * made first, and where the other cannot go it goes again. statement: of the new one, under that
 * interim name. The request's cancel, which is the session's, is heard once it is in its place. */
bool target_interim_replace(struct wire_conn *conn, const struct restore_request *request,
                            const char *statement, const char *interim, const char *name,
                            struct error *err);

/* Whether a session was refused because of the database's name: by pg_hba.conf, by a pooler. */
bool target_interim_is_refused(const struct error *err);

#endif
