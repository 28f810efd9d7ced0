/*
 * Restoring into databases of a server: what `pgcask backup` has written in any layout, and the
 * archives and scripts of pg_dump and pg_dumpall. The face of it for command, Plakar and library.
 */
#ifndef PGCASK_RESTORE_LOGICAL_RESTORE_H
#define PGCASK_RESTORE_LOGICAL_RESTORE_H

#include "base/preflight.h"
#include "record/place.h"
#include "restore/restore_request.h"
#include "restore/target_session.h"

/* Of these as many are kept in the report; all are told to request->on_failure. */
#define RESTORE_FAILURES_KEPT 100

/* A copy of struct target_failure, in UTF-8: what is not is \xHH. */
struct restore_failure {
    char *database;
    char *object, *message, *detail, *hint, *context;
    char *statement; /* its beginning */
    char sqlstate[6];
    unsigned position;
    char harmless[32]; /* the class; "": it is a real one */
};

struct logical_restore_report {
    char format[16];        /* "custom", "directory", "tar", "script"; of a backup "" */
    char layout[16];        /* of a backup */
    char database[256];     /* the last that was restored into */
    size_t databases;       /* that were restored into */
    size_t ended;           /* … to the end, of a backup of several */
    char ended_names[512];  /* of these: "a", "b", … */
    size_t aside_count;     /* that were to replace one and were not complete: a finding of each */
    char aside[64];         /* … what the last of these is called */
    char aside_words[1800]; /* … these findings, with what to type */
    uint64_t objects;       /* entries whose statements all succeeded */
    uint64_t rows, bytes;   /* that the server took, large objects among the bytes */
    uint64_t large_objects; /* that came to their ends */
    uint64_t failures;      /* statements */
    uint64_t harmless;      /* … that are not counted there */
    uint64_t unqualified;   /* … whose functions' bodies name something without its schema */
    uint64_t passed_over;   /* tables whose rows were not put in, because they could not be made */
    uint64_t left;          /* changes of objects that were there already: these were left as they
                               were, with into_existing */
    uint64_t left_out;      /* statements of scripts that were not wanted, or not known there */
    double seconds;
    bool in_globals; /* of a backup: what fails now is in them, whatever record came last */

    struct preflight_report preflight; /* what was found before anything was done */
    struct restore_failure *kept;      /* the first of them */
    size_t kept_count;
};

void logical_restore_report_reset(struct logical_restore_report *report);

/* What is to be restored. */
struct restore_input {
    const char *name; /* for messages */
    struct record_place place;
    /* It was opened already, and is taken over; NULL: it was not. */
    struct record_source *source;
    bool is_backup; /* the source gives a backup's records, and there is no place */
    /* Asked of what was opened here and is neither an archive nor a script; false, with *err: it is
     * no backup, either. NULL: reading it will tell. */
    bool (*may_be_backup)(void *context, struct record_source *source, struct error *err);
    void *context;
};

/* Restores it. True: to its end; report->failures says whether anything failed on the way. False:
 * the work ended before, which *err explains; with exit_on_error that may be the first failure.
 * The report is filled in either case, and to be reset. */
bool logical_restore_run(const struct restore_request *request, const struct restore_input *input,
                         struct logical_restore_report *report, struct error *err);

/* Whether the target can be reached: the database that the request or its settings name, or, where
 * none is named or it is to be made, any that lets us in. */
bool logical_restore_ping(const struct restore_request *request, struct error *err);

#endif
