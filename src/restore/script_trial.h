/*
 * A script in a trial (restore_trial.h): each of its databases is made under a name of the trial's,
 * whatever the script calls it, and nothing of the script goes anywhere else. What it says of the
 * whole server is passed over. Its comments, as pg_dump writes them, are taken for the table of
 * contents that it does not have, and its rows are summed as they go by.
 */
#ifndef PGCASK_RESTORE_SCRIPT_TRIAL_H
#define PGCASK_RESTORE_SCRIPT_TRIAL_H

#include "archive/sql_script.h"
#include "restore/restore_request.h"

struct script_restore;
struct script_trial;

/* NULL with *err set on failure. */
struct script_trial *script_trial_new(struct script_restore *restore, struct error *err);
void script_trial_free(struct script_trial *trial); /* NULL is allowed */

/* The statement as it is run here; *passes: it is not. */
bool script_trial_take(struct script_trial *trial, const struct sql_statement *statement,
                       struct sql_statement *here, bool *passes, struct error *err);

/* What a \connect to that database leads to: it is made unless the script has. *here: its name;
 * NULL: it is the one at hand. */
bool script_trial_connect(struct script_trial *trial, const char *database, uint64_t line,
                          const char **here, struct error *err);

/* The session of that database is opened, or was closed: then it is compared and dropped. */
bool script_trial_enter(struct script_trial *trial, const char *here, struct error *err);
bool script_trial_leave(struct script_trial *trial, struct error *err);

/* Makes the schema that the entry at hand is in, if the script does not. line: of the statement. */
bool script_trial_need_schema(struct script_trial *trial, uint64_t line, struct error *err);

/* Of a COPY whose rows are put in. */
bool script_trial_rows(struct script_trial *trial, struct slice bytes, struct error *err);
void script_trial_rows_end(struct script_trial *trial);

/* Whatever happened: drops what is there. done: all of it has been run. */
bool script_trial_end(struct script_trial *trial, bool done, struct error *err);

/* ---- script_trial_words.c ---- */

enum script_trial_word {
    SCRIPT_TRIAL_RUNS,
    SCRIPT_TRIAL_NAMES_DATABASE, /* by a name that is another here */
    SCRIPT_TRIAL_IS_SHARED,      /* of the whole server, or beyond it: it is passed over */
    SCRIPT_TRIAL_INSERTS,
    SCRIPT_TRIAL_DEFINES, /* CREATE … */
    SCRIPT_TRIAL_CHANGES, /* rows, in a way that nobody can foresee */
    SCRIPT_TRIAL_OBJECT,  /* of a large object: lo_open, lowrite, lo_close */
};

/* *database: the one that it names, else it is cleared. */
enum script_trial_word script_trial_word_of(const struct sql_statement *statement,
                                            struct buffer *database, struct error *err);

#endif
