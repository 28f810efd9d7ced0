/*
 * Running an SQL script against a server, as psql would: globals.sql, all.sql, what pg_dumpall
 * writes, and plain pg_dump. The script is cut into statements by archive/sql_script.h, which runs
 * no command of psql; each \connect is a session of its own.
 *
 * Other than by psql:
 * - A role, a tablespace or a database that is there already is not made, and not failed on: what
 *   the script says of it (ALTER) is done to it. A role keeps its password, and how long that is
 *   valid; the one that restores is left as it is altogether.
 * - A database that holds objects is not restored into unless the request says so. What the script
 *   drops is dropped for RESTORE_CLEAN only: for RESTORE_RECREATE a database is replaced once the
 *   new one has been made. One that could not be dropped or replaced is left as it is.
 * - A script of a single database is restored as the one that the request names.
 * - With into_existing the rows of a table that was there already, and the values of such a
 *   sequence, are passed over: those whose CREATE in the script fails because they are there.
 * - A transaction that the script does not end is a failure.
 * - Settings that the server does not know are left out.
 * - Rows behind a COPY that the server refuses are passed over.
 */
#ifndef PGCASK_RESTORE_SCRIPT_RESTORE_H
#define PGCASK_RESTORE_SCRIPT_RESTORE_H

#include "restore/logical_restore.h"

struct script_restore;

struct script_report {
    uint64_t statements, failures, harmless;
    uint64_t rows, row_bytes;
    uint64_t databases;   /* that it connected to */
    uint64_t there;       /* roles, tablespaces and databases that were there already */
    uint64_t passed_over; /* tables that were there already, whose rows were not put in */
    uint64_t left;        /* values of sequences that were there already */
    uint64_t left_out;    /* statements that the request, or the server's version, does without */
    char database[256];   /* the last of those */
};

/* Fails with an error of usage if the request wants something that cannot be had of a script, whose
 * statements have no table of contents: a selection of schemas, tables or other objects, sections,
 * a list file, schema or data alone, triggers off. */
bool script_restore_check(const struct restore_request *request, struct error *err);

/* database: the one that the script is for, if it names none itself, as plain pg_dump does not; may
 * be NULL, which then is an error of usage. Failures are told to the request and the report, which
 * is else left alone. Both are borrowed. */
struct script_restore *script_restore_new(const struct restore_request *request,
                                          const char *database,
                                          struct logical_restore_report *report, struct error *err);
void script_restore_free(struct script_restore *restore); /* NULL is allowed */

/* Where the script can be read twice, or nothing is to be done (dry_run): it is all fed to this
 * first. Fails if it has what is never run, or is not whole, or if a database of it is in the way:
 * before anything was done. What was found goes into the report. */
bool script_restore_look(struct script_restore *restore, struct slice bytes, struct error *err);
bool script_restore_look_finish(struct script_restore *restore, struct error *err);

/* False: it cannot go on. */
bool script_restore_feed(struct script_restore *restore, struct slice bytes, struct error *err);

/* That was all of it: fails if it was not whole. Then everything that was taken is on disk. */
bool script_restore_finish(struct script_restore *restore, struct error *err);

/* Of a trial: drops what it has made, and is left. Of another that has come to no end: databases
 * that it was to replace get their names back. done: nothing has failed so far, else *err says why.
 * Whether all is well then. */
bool script_restore_end(struct script_restore *restore, bool done, struct error *err);

/* Whether it has had a statement so far: what has none may be any text. */
bool script_restore_has_begun(const struct script_restore *restore);

/* So far. */
void script_restore_report(const struct script_restore *restore, struct script_report *report);

#endif
