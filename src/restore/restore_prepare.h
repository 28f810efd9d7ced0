/*
 * Everything that comes before the first statement of an archive: which database it goes into, what
 * is in the way, and the database itself.
 */
#ifndef PGCASK_RESTORE_RESTORE_PREPARE_H
#define PGCASK_RESTORE_RESTORE_PREPARE_H

#include "restore/restore_plan.h"
#include "restore/restore_selection.h"

struct prepare_options {
    const char *file;       /* the archive's name, for want of another; may be NULL */
    bool of_several;        /* archives of one backup: each goes into its own database */
    bool globals_are_apart; /* they come before or after this archive (restore_plan.h) */
};

/* Which entries are wanted: restore_selection_new() over an archive's contents, with the request's
 * list file read. */
struct restore_selection *restore_prepare_selection(const struct restore_request *request,
                                                    struct archive_contents *contents,
                                                    struct error *err);

/* Plans, asks the server, and tells request->on_plan and ->on_finding what comes of it. *plan: of
 * one database, checked. False with ERROR_REFUSED if anything would make the restore fail: nothing
 * has been touched then. Nothing is made yet: restore_plan_make(). */
bool restore_prepare(const struct restore_request *request, struct archive_contents *contents,
                     const struct restore_selection *selection,
                     const struct prepare_options *options, struct restore_plan **plan,
                     struct error *err);

#endif
