/* A script's trial from the inside: script_trial.c has its databases, script_trial_entries.c what
 * is put down of each, script_trial_words.c what a statement is about. */
#ifndef PGCASK_RESTORE_SCRIPT_TRIAL_INTERNAL_H
#define PGCASK_RESTORE_SCRIPT_TRIAL_INTERNAL_H

#include "archive/content_sums.h"
#include "restore/name_set.h"
#include "restore/restore_trial.h"
#include "restore/script_restore_internal.h"
#include "restore/script_trial.h"

struct script_trial {
    struct script_restore *restore;
    const struct restore_trial *hooks;

    struct buffer original; /* the last database that was named: as the script calls it … */
    char here[64];          /* … and as it is called here */
    char within[64];        /* the one that a session is in; "": none */
    size_t compared;        /* databases */
    size_t shared;          /* statements that were passed over */

    /* Of the database at hand. */
    struct archive_contents *contents;
    struct content_sums *sums;
    struct content_summer *summer;
    int32_t entries;
    struct restore_trial_script facts;
    bool defines;                     /* something was to be made, before any rows */
    struct name_set foreign, schemas; /* tables; schemas that the script or the trial has made */

    /* The entry at hand, by the comment before it. */
    uint64_t comment;
    bool pending;
    struct buffer type, schema, name, owner, definition;

    /* The rows at hand. */
    bool rows, inserts;
    struct buffer target, tag; /* "schema", NUL, "table"; where they are */
    bool object;               /* a large object is open */
    uint32_t objects;          /* the number of its entry, from 1; 0: there is none yet */
};

/* The comment before the statement says that another entry begins: what was of the one before is
 * put down. */
bool script_trial_note_comment(struct script_trial *trial, struct error *err);
bool script_trial_note_statement(struct script_trial *trial, const struct sql_statement *statement,
                                 struct error *err);

/* Of COPY and INSERT. *passes: into a foreign table. */
bool script_trial_note_rows(struct script_trial *trial, const struct sql_statement *statement,
                            bool *passes, struct error *err);
bool script_trial_note_object(struct script_trial *trial, const struct sql_statement *statement,
                              struct error *err);
bool script_trial_note_foreign(struct script_trial *trial, const struct sql_statement *statement,
                               struct error *err);

/* All of the database at hand has come. */
bool script_trial_finish_entries(struct script_trial *trial, struct error *err);
void script_trial_forget_entries(struct script_trial *trial);

#endif
