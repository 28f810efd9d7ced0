/*
 * What is asked for when something is restored into databases of a server: one structure for the
 * command, Plakar and the library. All zeros is what happens if nothing is said.
 */
#ifndef PGCASK_RESTORE_RESTORE_REQUEST_H
#define PGCASK_RESTORE_RESTORE_REQUEST_H

#include "base/cancel.h"
#include "base/log.h"
#include "base/options.h"
#include "record/record.h"
#include "wire/wire.h"

#include <stdatomic.h>

struct restore_plan;
struct restore_trial;
struct target_failure;

/* Lists of patterns of pg_dump's language; none given: everything. */
enum restore_list {
    RESTORE_SCHEMAS,
    RESTORE_EXCLUDE_SCHEMAS,
    RESTORE_TABLES, /* and views, sequences, … */
    RESTORE_FUNCTIONS,
    RESTORE_TRIGGERS,
    RESTORE_INDEXES,
    RESTORE_LISTS
};

/* Parts of an archive, as bits of restore_request.sections; 0: all. */
#define RESTORE_PRE_DATA 1U
#define RESTORE_DATA 2U
#define RESTORE_POST_DATA 4U

/* What is done with a database that is there already. */
enum restore_existing {
    RESTORE_REFUSE_OBJECTS, /* it may hold nothing */
    RESTORE_INTO_EXISTING,  /* what is there stays */
    RESTORE_CLEAN,          /* what is restored is dropped first, where it is there */
    RESTORE_RECREATE        /* the database is dropped and made anew */
};

/* How far it is, counted by whichever thread does something, for one that looks now and then. */
struct restore_progress {
    _Atomic uint64_t bytes;       /* that were read of archives' data, or of a script */
    _Atomic uint64_t total_bytes; /* what that will be, about; 0: not known */
    _Atomic uint64_t objects;     /* entries of archives, but data, that are done or have failed */
    _Atomic uint64_t all_objects; /* of as many, of the archives that were begun */
    _Atomic bool checking;        /* the bytes are of what is read before, to prove it */
};

struct restore_request {
    const struct wire_settings *settings; /* of the target; complete; borrowed */
    struct cancel *cancel;                /* required: several threads of a job end by it */
    const struct log *log;                /* may be NULL */
    /* Told of each statement that failed, from the thread that had it; may be NULL. */
    void (*on_failure)(void *context, const char *database, const struct target_failure *failure);
    /* Told what is going to be done, once it is known, before anything is (restore_plan.h); may be
     * NULL. With dry_run nothing follows. */
    void (*on_plan)(void *context, const struct restore_plan *plan);
    bool plan_lists; /* … and of a dry_run it is to have each entry, which are all kept for that */
    const struct record_observer *observer; /* of the bytes that are read; may be NULL */
    struct restore_progress *progress;      /* may be NULL */
    void *context;                          /* of on_failure, on_plan */
    const struct restore_trial *trial;      /* NULL: what is restored stays */

    /* ---- Where to ---- */
    const char *database; /* the one that an archive goes into; NULL: the settings' dbname, else the
                             archive's own */
    bool create_db;       /* makes it where it is not there, with what the archive says of it */
    enum restore_existing existing;
    const char *role;        /* SET ROLE; NULL: none */
    const char *search_path; /* for functions that rely on one; NULL: what the archive says */

    /* ---- What ---- */
    struct option_list databases, exclude_databases; /* of a backup of several; patterns */
    struct option_list lists[RESTORE_LISTS];
    const char *list_file; /* entries by number, in the order in which they are wanted */
    unsigned sections;
    bool schema_only, data_only;
    bool no_globals;     /* roles, tablespaces */
    bool role_passwords; /* roles that are there get those of the backup, too */
    bool no_owner, no_privileges, no_comments, no_security_labels, no_publications,
        no_subscriptions, no_policies, no_tablespaces, no_table_access_method, no_statistics;

    /* ---- How ---- */
    unsigned jobs; /* sessions for rows, indexes and constraints; 0: one for each processor, at most
                      4, but one for rows where the archive cannot be opened again */
    bool exit_on_error;
    bool single_transaction;   /* implies exit_on_error: one transaction a database */
    unsigned transaction_size; /* statements a transaction, implies exit_on_error; 0: as it fits */
    bool disable_triggers;     /* while rows are put in, if only data is restored */
    bool row_security;         /* rows as the role sees them, instead of an error */
    bool analyze;              /* afterwards */
    bool dry_run;              /* what would be done is said, nothing is done */
    const char *spool_directory; /* for what is kept meanwhile; NULL: TMPDIR, else /tmp */
};

/* Fills it with what was given (restore_options.h) and with the defaults of what was not. What does
 * not go together is an error of usage that names both. */
bool restore_request_read(struct restore_request *request, const struct options *given,
                          struct error *err);
bool restore_request_check(const struct restore_request *request, struct error *err);

/* Whether a part of a database is asked for: roles and tablespaces are left as they are then. */
bool restore_request_is_of_part(const struct restore_request *request);

/* Whether the first statement that fails ends the work. What is known beforehand to fail by itself
 * then is in the way of all, and is a warning otherwise. */
bool restore_request_ends_on_failure(const struct restore_request *request);

#endif
