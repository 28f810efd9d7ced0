/*
 * One archive restored into one database of a server, over one session. What comes before data is
 * done first, then the data in the order in which the archive has them, then the rest: so that an
 * archive which streams by is read once.
 */
#ifndef PGCASK_RESTORE_ARCHIVE_RESTORE_H
#define PGCASK_RESTORE_ARCHIVE_RESTORE_H

#include "restore/archive_input.h"
#include "restore/logical_restore.h"

struct restore_globals;
struct selection_lists;

struct archive_restore_options {
    const char *name; /* of the archive, for messages, and for want of another for the database */
    bool of_several;  /* archives of one backup: each goes into its own database */
    struct selection_lists *lists;         /* of several, see restore_selection.h; NULL: its own */
    bool globals_are_apart;                /* roles and tablespaces come from elsewhere */
    const struct restore_globals *globals; /* what these are, for the plan; NULL: not known */
    bool planned; /* together with others (archive_restore_plan): what was found was told */
    /* Called once the plan is made and nothing is in its way, before anything is done; may be NULL.
     */
    bool (*before)(void *context, struct error *err);
    /* Called when all of it is in, and a database that was made for it is to get its name: whether
     * what it came from is whole. Reads that to its end; may be NULL. */
    bool (*proved)(void *context, struct error *err);
    void *context;
};

/* Fails if the archive is damaged or the work ended early; what failed and was gone past is in the
 * report. With request->dry_run it ends where `before` would be called. */
bool archive_restore(struct archive_input *input, const struct archive_restore_options *options,
                     const struct restore_request *request, struct logical_restore_report *report,
                     struct error *err);

/* Before that, for several: adds it, and what of it is wanted, to a plan, and asks no server. */
struct restore_plan;

bool archive_restore_plan(struct archive_input *input,
                          const struct archive_restore_options *options,
                          const struct restore_request *request, struct restore_plan *plan,
                          struct error *err);

/* False if there is a fatal finding: the error is the first of them. */
bool archive_restore_judge(const struct preflight_report *found, struct error *err);

#endif
