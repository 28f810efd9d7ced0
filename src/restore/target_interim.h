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

/* What another has taken the place of, and is kept until that is complete (target_kept.h). */
struct target_kept {
    char was[64];          /* what it is called meanwhile; "": there was none worth keeping */
    struct buffer comment; /* its own, as a literal of ASCII alone; empty: it has none */
};

/* Puts a new database, which is empty, in the place of the one of that name, both of which is done
 * at once: it is made first, and where the other cannot go it goes again. statement: of the new
 * one, under that interim name. The request's cancel, which is the session's, is not heard. */
bool target_interim_replace(struct wire_conn *conn, const struct restore_request *request,
                            const char *statement, const char *interim, const char *name,
                            struct target_kept *kept, struct error *err);

/* The one in its place is complete. */
bool target_interim_drop_kept(struct wire_conn *conn, const char *name,
                              const struct target_kept *kept, struct error *err);

/* Adds the statement that says of one what it is filled for. */
bool target_interim_append_mark(struct buffer *sql, const char *interim, const char *name,
                                struct error *err);

/* Whether a session was refused because of the database's name: by pg_hba.conf, by a pooler. */
bool target_interim_is_refused(const struct error *err);

#endif
