/*
 * What a restore is about to do to a server, and what is in its way: told before its first
 * statement, all of it at once. A plan is filled with the databases that are to be restored, then
 * the server is asked, in two queries (one more for each other encoding of an archive) and in one
 * for each of these databases that is there.
 *
 * Who restores a stream, and knows of one archive at a time, has a plan for each.
 */
#ifndef PGCASK_RESTORE_RESTORE_PLAN_H
#define PGCASK_RESTORE_RESTORE_PLAN_H

#include "base/preflight.h"
#include "restore/restore_request.h"
#include "restore/target_session.h"

#include <jansson.h>

struct archive_contents;
struct restore_plan;
struct restore_selection;

/* The request is borrowed as long as the plan is there. */
struct restore_plan *restore_plan_new(const struct restore_request *request, struct error *err);
void restore_plan_free(struct restore_plan *plan); /* NULL is allowed */

/* The globals of the backup come first, or later: roles and tablespaces that the server lacks are
 * no finding. */
void restore_plan_expect_globals(struct restore_plan *plan);

/* The database that was added last is not made anew, as the request wants it, but cleaned: one of
 * several, which every server has. */
void restore_plan_keep_last(struct restore_plan *plan);

/* What is said of roles and tablespaces; borrowed as long as the plan is there. */
struct restore_globals;
void restore_plan_tell_globals(struct restore_plan *plan, const struct restore_globals *globals);

/* An archive, and what of it is wanted, goes into that database (target_databases.h). What is kept
 * of it is copied. */
bool restore_plan_add(struct restore_plan *plan, struct archive_contents *contents,
                      const struct restore_selection *selection, const char *database,
                      struct error *err);

/* A database that a script is about. */
struct script_database {
    const char *name;
    const char *definition; /* its CREATE DATABASE; NULL: RESTORE_RECREATE cannot make it anew */
    bool made;              /* where it is not there, by the script or for it */
    bool named;             /* it is the one that was named for what names none */
    bool dropped;           /* by the script, before it makes it */
    bool spared;            /* that is left out: what the script drops is called otherwise */
};

bool restore_plan_add_of_script(struct restore_plan *plan, const struct script_database *of,
                                struct error *err);

/* Asks the server; what is found goes into the report, a fatal finding first of all. False only if
 * it cannot be asked. */
bool restore_plan_check(struct restore_plan *plan, struct preflight_report *report,
                        struct error *err);

/* ---- After the check ---- */

enum restore_action {
    RESTORE_USE,    /* the database is there, and nothing is in the way */
    RESTORE_CREATE, /* it is not there */
    RESTORE_REPLACE /* it is there, and will be dropped and made anew */
};

size_t restore_plan_count(const struct restore_plan *plan);
const char *restore_plan_database(const struct restore_plan *plan, size_t number);
enum restore_action restore_plan_action(const struct restore_plan *plan, size_t number);

/* Makes the database, if that is to be done, under a name of its own (target_interim.h), and then
 * what its archive says of it: settings, owner, labels; sessions opened afterwards find it so. One
 * that it is to replace stays as it is. False where it could not be made. What fails of the rest is
 * told to the listener, with the number of its entry as subject, and ends it if the request says
 * so. */
bool restore_plan_make(struct restore_plan *plan, size_t number, const struct target_listener *told,
                       struct error *err);

/* What sessions have to call it now. */
const char *restore_plan_name_now(const struct restore_plan *plan, size_t number);

/* All is in it, and no session is: what may keep one out (privileges, limits), and its comment. */
bool restore_plan_say_last(struct restore_plan *plan, size_t number,
                           const struct target_listener *told, struct error *err);

/* Behind that: its name. One that it replaces is dropped then. Where it cannot have its name it
 * stays, complete, under the other, and the error says what to type. */
bool restore_plan_finish(struct restore_plan *plan, size_t number,
                         const struct target_listener *told, struct error *err);

/* Instead of that, where something failed and it would replace one that is there: that one stays as
 * it is, and the new one keeps the name that it was filled under, which is written into interim (64
 * bytes). The finding says what to type to have it in the place of the other, or to drop it. */
bool restore_plan_set_aside(struct restore_plan *plan, size_t number,
                            const struct target_listener *told, char *interim,
                            struct preflight_report *report, struct error *err);

/* Instead of that, where the work ended before, as *err says: drops it, and adds to *err what came
 * of it. True: it is gone. False: there was nothing to be dropped, or it could not be. */
bool restore_plan_give_up(struct restore_plan *plan, size_t number, struct error *err);

/* An array with an object for each database (docs/json.md, "restore"); with_entries: and each entry
 * that is to be restored, in order, if the request is a dry_run that has plan_lists. NULL: out of
 * memory. */
json_t *restore_plan_to_json(const struct restore_plan *plan, bool with_entries);

/* An object with what becomes of roles and tablespaces (docs/json.md, "restore"). NULL: nothing is
 * known of them, or out of memory. */
json_t *restore_plan_globals_to_json(const struct restore_plan *plan);

/* The same for people, a few lines a database:
 *
 *     roles: 2 are made (alice, bob), 1 is left as it is (postgres)
 *     database "app": is made
 *       92 entries: 6 TABLE, 5 TABLE DATA, 5 INDEX, …
 *       data: 1234 bytes, as they lie in the archive
 */
bool restore_plan_append_text(struct buffer *out, const struct restore_plan *plan,
                              struct error *err);

#endif
