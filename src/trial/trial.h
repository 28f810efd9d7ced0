/*
 * A trial restore: a logical backup, or an archive or an SQL script by itself, is restored into
 * databases that are made for it, what is in them is compared with what the archive or the script
 * says, and they are dropped. Nothing else of the server is touched: no roles and tablespaces are
 * made, and no rows are put into foreign tables. (But what is restored is SQL: what a DO block or a
 * function does when it is run is its own matter.)
 *
 * Compared are all entries of the tables of contents, that of the archive and that of a backup of
 * the new database; the number of rows of each table, and a hash of them; large objects likewise.
 * Of a script its comments are the table of contents, as far as they name objects.
 */
#ifndef PGCASK_TRIAL_TRIAL_H
#define PGCASK_TRIAL_TRIAL_H

#include "restore/logical_restore.h"

enum trial_problem {
    TRIAL_FAILED,    /* a statement failed */
    TRIAL_MISSING,   /* what the archive has is not there */
    TRIAL_MORE,      /* what is there the archive does not have */
    TRIAL_DIFFERENT, /* a definition, or an owner */
    TRIAL_ROWS       /* rows or large objects */
};

struct trial_request {
    /* How it is restored: settings, cancel, log, observer, jobs, no_owner, no_privileges, databases
     * and the like. What becomes of databases is the trial's. on_plan is told, on_failure is not.
     */
    struct restore_request restore;
    /* Told of each problem, from any one thread at a time. database: as the archive calls it; ""
     * where a script does not name it, or where it is of none.
     * object: "TABLE public.orders". Required. */
    void (*problem)(void *context, enum trial_problem kind, const char *database,
                    const char *object, const char *problem);
    /* What could not be compared, and why: a sentence. Required. */
    void (*note)(void *context, const char *database, const char *note);
    /* Told what is being done: "restoring", "comparing": static texts. May be NULL. */
    void (*phase)(void *context, const char *phase);
    void *context;
};

struct trial_report {
    struct logical_restore_report restore;
    uint64_t databases;                            /* that were compared to the end */
    uint64_t entries, tables, rows, large_objects; /* compared */
    uint64_t problems;
    uint64_t notes;
    bool by_name;    /* of an archive of another version, or of another producer's: entries were
                        compared by kind, schema and name alone */
    char left[2048]; /* databases that could not be dropped: the statements that do */
};

void trial_report_reset(struct trial_report *report);

/* True: it was restored and compared to the end; report->problems says whether it is equal. False:
 * it could not be done. The report is filled in either case, and to be reset. */
bool trial_run(const struct trial_request *request, const struct restore_input *input,
               struct trial_report *report, struct error *err);

#endif
